"""The reference recipe's way from a film to samples: squeezed film in, blurred maps out, their maxima.

Source: Drevický & Kodým 2020.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import BundleError
from cephsure.geometry import Affine, read_maps, sample_bilinear
from cephsure.inference.forks import Threads
from cephsure.inference.orientation import find_orientation
from cephsure.inference.samples import HeatMaps, stacked
from cephsure.inference.session import MOST_DROPPED, Call, channel_masks, load_networks, run_each, undropped
from cephsure.inference.test_time_augmentation import augmentations
from cephsure.preprocessing import working_film

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.bundles.bundle import Bundle
    from cephsure.geometry import MapReadings
    from cephsure.inference.orientation import AskedFacing, AskedPolarity, Orientation
    from cephsure.inference.samples import Samples
    from cephsure.inference.session import Device, Session
    from cephsure.inference.test_time_augmentation import Augmentation
    from cephsure.preprocessing import WorkingFilm

    _Pass = tuple[MapReadings, NDArray[np.float32], NDArray[np.float64] | None]
    """What is read of one pass: summaries, probabilities (L, S, S), and features (C,) if it told them."""


CUT_SIGMAS = {1: 4.0, 2: 1.0}
"""Where the Gaussian of targets and blur is cut off, by the recipe's version; the reference's is at one."""


class OneStage:
    """The networks of a bundle of the paper recipe."""

    def __init__(self, bundle: Bundle, *, device: Device = "cpu") -> None:
        numbers = bundle.recipe
        self.side = numbers.whole("side", least=8)
        self.sigma_px = numbers.number("target_sigma_px", least=0.1, most=self.side)
        self.version = bundle.recipe.version
        if self.version not in CUT_SIGMAS:
            what = f"version {self.version} of the recipe 'paper' is unknown"
            raise BundleError(what, where=bundle.folder, remedy="update cephsure")
        self.dropout = numbers.number("dropout", least=0.0, most=MOST_DROPPED)
        self._pool = Threads()
        paths = [folder / "paper.onnx" for folder in bundle.members]
        self.networks = load_networks(
            paths, self._pool, takes_masks=bundle.kind == "mc-dropout", device=device
        )
        sides = (self.side, self.side)
        for network in self.networks:
            network.check_shapes((1, *sides), (None, *sides))
        self.device = self.networks[0].device

    def only(self, members: Sequence[int]) -> OneStage:
        """The same networks, of some members only."""
        chosen = copy(self)
        chosen.networks = [self.networks[i] for i in members]
        return chosen

    def find_orientation(
        self,
        stretched: NDArray[np.float32],
        *,
        facing: AskedFacing = "auto",
        polarity: AskedPolarity = "auto",
    ) -> Orientation:
        """As given; the recipe has no network that finds it."""
        return find_orientation(stretched, None, 0, facing=facing, polarity=polarity)

    def sample(
        self, films: Sequence[NDArray[np.float32]], *, samples: int, seed: int, with_maps: bool = False
    ) -> list[Samples]:
        """Draw ``samples`` samples of each film (H, W) in [0, 1]."""
        passes = self._passes(samples, seed)
        seen = [self._seen(working_film(pixels, self.side)) for pixels in films]
        read = self._run([(view, *how) for view, _ in seen for how in passes], passes=len(passes))
        cuts = range(0, len(read), len(passes))
        return [
            _samples(read[k : k + len(passes)], to_film, with_maps=with_maps)
            for k, (_, to_film) in zip(cuts, seen, strict=True)
        ]

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(C,) the first network's deepest level, pooled, without dropout; None if it does not tell."""
        view, _ = self._seen(working_film(pixels, self.side))
        network = self.networks[0]
        pooled = network.features(view, undropped(network))
        return None if pooled is None else pooled[0]

    def augmented(self, pixels: NDArray[np.float32], *, count: int, seed: int) -> NDArray[np.float64]:
        """Positions (K, L, 2) of the first network, without dropout, on K augmented copies of a film."""
        film = working_film(pixels, self.side)
        network = self.networks[0]
        seen = [self._seen(film, way) for way in augmentations(count, seed)]
        read = self._run([(view, network, undropped(network)) for view, _ in seen])
        places = zip(read, seen, strict=True)
        return np.stack([to_film.apply(readings.positions) for (readings, *_), (_, to_film) in places])

    def _seen(self, film: WorkingFilm, way: Augmentation | None = None) -> tuple[NDArray[np.float32], Affine]:
        """What a network is given of a film, as it is or augmented: (1, 1, S, S), and the map to film px."""
        move = None if way is None else way.move(film.film_size_px)
        view, to_film = squeezed_view(film, self.side, move=move)
        image = view if way is None else 2 * way.bend(((view + 1) / 2).astype(np.float32)) - 1
        return image[None, None].astype(np.float32), to_film

    def _passes(self, samples: int, seed: int) -> list[tuple[Session, NDArray[np.float32] | None]]:
        channels = self.networks[0].mask_channels
        if not channels:
            return [(network, None) for network in self.networks[:samples]]
        masks = channel_masks(np.random.default_rng(seed), samples, (channels,), self.dropout)
        return [(self.networks[0], mask[None]) for mask in masks]

    def _run(
        self, jobs: Sequence[tuple[NDArray[np.float32], Session, NDArray[np.float32] | None]], passes: int = 1
    ) -> list[_Pass]:
        """What is read of each pass: of its image, its network and its dropout masks; ``passes`` a film."""
        calls = [
            Call(network, image, masks, with_features=masks is None and k % passes == 0)
            for k, (image, network, masks) in enumerate(jobs)
        ]
        return run_each(
            calls,
            lambda call: call,
            lambda _, found: (*self._read(found.maps), found.features),
            pool=self._pool,
            stacked=self.device == "cuda",
        )

    def _read(self, maps: NDArray[np.float32]) -> tuple[MapReadings, NDArray[np.float32]]:
        """Maxima of one network's maps (L, S, S), blurred, and their summaries, and the probabilities.

        What is positive in a map, made to sum to one, is its probability.
        """
        blurred = blur_maps(maps, self.sigma_px, self.version)
        positions, activations = maximum_positions(blurred)
        positive = np.maximum(blurred, 1e-9)
        probabilities = positive / positive.sum(axis=(1, 2), keepdims=True)
        return read_maps(probabilities, positions, activations), probabilities


def _samples(passes: Sequence[_Pass], to_film: Affine, *, with_maps: bool) -> Samples:
    """One film's passes together, in px of the film."""
    maps = None
    if with_maps:  # the mean of the networks' (L, S, S)
        mean = np.stack([maps for _, maps, _ in passes]).mean(axis=0)
        maps = (HeatMaps(mean, np.tile(to_film.apply(np.zeros(2)), (len(mean), 1)), to_film.matrix),)
    step = float(np.sqrt(abs(np.linalg.det(to_film.matrix))))
    on_film = [
        replace(read, positions=to_film.apply(read.positions), expected_errors=read.expected_errors * step)
        for read, *_ in passes
    ]
    return replace(stacked(on_film, maps), features=passes[0][2])


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
