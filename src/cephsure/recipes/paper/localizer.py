"""The reference recipe's way from a film to samples: squeezed film in, blurred maps out, their maxima.

Source: Drevický & Kodým 2020.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cephsure.errors import BundleError
from cephsure.geometry import Affine, read_maps, sample_bilinear
from cephsure.inference.heat_maps import HeatMaps
from cephsure.inference.orientation import find_orientation
from cephsure.inference.samples import Samples
from cephsure.inference.session import channel_masks, load_networks, undropped
from cephsure.inference.test_time_augmentation import augmentations
from cephsure.preprocessing import working_film

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.bundles.bundle import Bundle
    from cephsure.geometry import MapReadings
    from cephsure.inference.orientation import Orientation
    from cephsure.inference.session import Device, Session
    from cephsure.inference.test_time_augmentation import Augmentation
    from cephsure.preprocessing import WorkingFilm


CUT_SIGMAS = {1: 4.0, 2: 1.0}
"""Where the Gaussian of targets and blur is cut off, by the recipe's version; the reference's is at one."""


class OneStage:
    """The networks of a bundle of the paper recipe."""

    def __init__(self, bundle: Bundle, *, device: Device = "cpu") -> None:
        """Load the networks."""
        numbers = bundle.recipe.numbers
        self.side = int(numbers["side"])
        self.sigma_px = float(numbers["target_sigma_px"])
        self.version = bundle.recipe.version
        if self.version not in CUT_SIGMAS:
            raise BundleError(
                f"version {self.version} of the recipe 'paper' is unknown",
                where=bundle.folder,
                remedy="update cephsure",
            )
        self.dropout = float(numbers["dropout"])
        self._pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="cephsure")
        paths = [folder / "paper.onnx" for folder in bundle.members]
        self.networks = load_networks(
            paths, self._pool, takes_masks=bundle.kind == "mc-dropout", device=device
        )

    def find_orientation(
        self,
        stretched: NDArray[np.float32],
        *,
        facing: Literal["auto", "right", "left"] = "auto",
        polarity: Literal["auto", "positive", "negative"] = "auto",
    ) -> Orientation:
        """As given; the recipe has no network that finds it."""
        return find_orientation(stretched, None, 0, facing=facing, polarity=polarity)

    def sample(
        self, pixels: NDArray[np.float32], *, samples: int, seed: int, with_maps: bool = False
    ) -> Samples:
        """Draw ``samples`` samples of a film (H, W) in [0, 1]; ``with_maps`` with their maps' mixture."""
        view, to_film = squeezed_view(working_film(pixels, self.side), self.side)
        image = view[None, None].astype(np.float32)
        drawn = list(self._pool.map(lambda job: self._read(image, *job), self._passes(samples, seed)))
        readings = [one for one, _ in drawn]
        step = float(np.sqrt(abs(np.linalg.det(to_film.matrix))))
        return Samples(
            positions_px=np.stack([to_film.apply(one.positions) for one in readings]),
            activations=np.stack([one.activations for one in readings]),
            expected_errors_px=np.stack([one.expected_errors * step for one in readings]),
            entropies=np.stack([one.entropies for one in readings]),
            maps=_on_film([maps for _, maps in drawn], to_film) if with_maps else None,
        )

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(C,) the first network's deepest level, pooled, without dropout; None if it does not tell."""
        view, _ = squeezed_view(working_film(pixels, self.side), self.side)
        network = self.networks[0]
        pooled = network.features(view[None, None].astype(np.float32), undropped(network))
        return None if pooled is None else pooled[0]

    def augmented(self, pixels: NDArray[np.float32], *, count: int, seed: int) -> NDArray[np.float64]:
        """Positions (K, L, 2) of the first network, without dropout, on K augmented copies of a film."""
        film = working_film(pixels, self.side)
        network = self.networks[0]
        masks = undropped(network)

        def find(way: Augmentation) -> NDArray[np.float64]:
            seen, to_film = squeezed_view(film, self.side, move=way.move(film.film_size_px))
            image = 2 * way.bend(((seen + 1) / 2).astype(np.float32)) - 1
            readings, _ = self._read(image[None, None], network, masks)
            return to_film.apply(readings.positions)

        return np.stack(list(self._pool.map(find, augmentations(count, seed))))

    def _passes(self, samples: int, seed: int) -> list[tuple[Session, NDArray[np.float32] | None]]:
        channels = self.networks[0].mask_channels
        if not channels:
            return [(network, None) for network in self.networks[:samples]]
        masks = channel_masks(np.random.default_rng(seed), samples, (channels,), self.dropout)
        return [(self.networks[0], mask[None]) for mask in masks]

    def _read(
        self, image: NDArray[np.float32], network: Session, masks: NDArray[np.float32] | None
    ) -> tuple[MapReadings, NDArray[np.float32]]:
        """Maxima of one network's blurred maps and their summaries, and the probabilities.

        What is positive in a map, made to sum to one, is its probability.
        """
        maps = blur_maps(network.run(image, masks)[0], self.sigma_px, self.version)
        positions, activations = maximum_positions(maps)
        positive = np.maximum(maps, 1e-9)
        probabilities = positive / positive.sum(axis=(1, 2), keepdims=True)
        return read_maps(probabilities, positions, activations), probabilities


def _on_film(maps: list[NDArray[np.float32]], to_film: Affine) -> HeatMaps:
    """The mean of the networks' maps (L, S, S)."""
    mean: NDArray[np.float32] = np.stack(maps).mean(axis=0)
    first = np.tile(to_film.apply(np.zeros(2)), (len(mean), 1))
    return HeatMaps(mean, first, to_film.matrix)


def squeezed_view(
    film: WorkingFilm, side: int, move: Affine | None = None
) -> tuple[NDArray[np.float32], Affine]:
    """The film in [-1, 1] on (side, side) pixels, aspect ratio not kept, and the map from them to film px.

    ``move`` shows at each place what lies elsewhere on the film, as an augmented copy does.
    """
    width, height = film.film_size_px
    step = np.array([width, height]) / side
    to_film = Affine(np.diag(step), step / 2 - 0.5)
    to_film = to_film if move is None else move.after(to_film)
    axis = np.arange(side, dtype=np.float64)
    grid = to_film.apply(np.stack(np.meshgrid(axis, axis), axis=-1))
    return 2 * sample_bilinear(film.image, film.to_film.inverse().apply(grid)) - 1, to_film


def target_lines(
    positions: NDArray[np.float64], side: int, sigma_px: float, version: int
) -> NDArray[np.float32]:
    """Lines (2, L, S) along x and y whose products are Gaussians of unit mass about positions (L, 2).

    In the recipe's first version they reach without end from where the landmark is; since the second they are
    a unit impulse at its nearest whole pixel, blurred as ``blur_maps`` does. NaN where it is missing.
    """
    axis = np.arange(side)
    if version > 1:
        return _gaussian(axis - np.rint(positions.T)[:, :, None], sigma_px, version)
    offsets = axis - positions.T[:, :, None]
    lines = np.exp(-(offsets**2) / (2 * sigma_px**2)) / (np.sqrt(2 * np.pi) * sigma_px)
    return np.asarray(lines, dtype=np.float32)


def blur_maps(maps: NDArray[np.float32], sigma_px: float, version: int) -> NDArray[np.float32]:
    """Each of (N, H, W) maps blurred by the targets' Gaussian; outside is 0."""
    rows, columns = (blur_matrix(side, sigma_px, version) for side in maps.shape[1:])
    return np.asarray(rows @ maps @ columns, dtype=np.float32)


def blur_matrix(side: int, sigma_px: float, version: int) -> NDArray[np.float32]:
    """The (side, side) symmetric matrix that blurs a line; two small products need no library."""
    return _gaussian(np.subtract.outer(np.arange(side), np.arange(side)), sigma_px, version)


def _gaussian(offsets: NDArray[Any], sigma_px: float, version: int) -> NDArray[np.float32]:
    """Weights at whole offsets, 0 beyond the cut; those of all offsets sum to one."""
    reach = int(CUT_SIGMAS[version] * sigma_px + 0.5)
    mass = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma_px**2)).sum()
    weights = np.exp(-(offsets**2) / (2 * sigma_px**2)) / mass
    return np.where(np.abs(offsets) > reach, 0.0, weights).astype(np.float32)


def maximum_positions(maps: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whole-pixel positions (N, 2) of the maxima of (N, H, W) maps, and their values (N,)."""
    flat = maps.reshape(maps.shape[0], -1)
    peak = flat.argmax(axis=1)
    rows, columns = np.divmod(peak, maps.shape[2])
    return np.stack([columns, rows], axis=1).astype(np.float64), flat.max(axis=1).astype(np.float64)
