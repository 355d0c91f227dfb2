"""The default recipe's way from a film to samples: whole film, then patches round each landmark.

A member's fine stage starts from that member's own coarse points: where the coarse stages disagree, the
samples do too.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.bundles.bundle import FACTS_FILE
from cephsure.errors import BundleError
from cephsure.geometry import Affine, Warp, local_centroids, read_maps, softmax_maps
from cephsure.inference.heat_maps import SampleMaps, mean_of_marks, mixture
from cephsure.inference.orientation import find_orientation
from cephsure.inference.samples import Samples
from cephsure.inference.session import Session, channel_masks, load_networks, undropped
from cephsure.inference.test_time_augmentation import augmentations
from cephsure.preprocessing import (
    WorkingFilm,
    standardise,
    whole_view,
    whole_warp,
    working_film,
)
from cephsure.recipes.coarse_to_fine.patches import (
    PatchLayout,
    Pyramid,
    build_pyramid,
    frame_of,
    grey_patches,
    map_to_frame,
    network_input,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.bundles.bundle import Bundle
    from cephsure.inference.heat_maps import HeatMaps
    from cephsure.inference.orientation import Orientation
    from cephsure.inference.session import Device
    from cephsure.inference.test_time_augmentation import Augmentation


@dataclass(frozen=True, slots=True)
class _Pass:
    """One sample to draw: which member, with which dropout masks (1, M), if any."""

    member: int
    coarse_masks: NDArray[np.float32] | None = None
    fine_masks: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One sample: positions (L, 2) in px of the upright film, readings of its maps (L,), and the maps."""

    positions: NDArray[np.float64]
    activations: NDArray[np.float64]
    expected_errors: NDArray[np.float64]
    entropies: NDArray[np.float64]
    maps: SampleMaps | None


class CoarseToFine:
    """The networks of a bundle of the default recipe."""

    def __init__(self, bundle: Bundle, *, device: Device = "cpu") -> None:
        """Load the networks, side by side."""
        if bundle.mean_shape is None:
            raise BundleError(
                f"mean_shape: the default recipe needs {len(bundle.landmark_set)} points",
                where=bundle.folder / FACTS_FILE,
            )
        recipe = bundle.recipe.numbers
        self.shape = bundle.mean_shape
        self.side = int(recipe["coarse_side"])
        self.coarse_radius = int(recipe["coarse_radius_px"])
        self.fine_radius = int(recipe["fine_radius_px"])
        layout = recipe["layout"]
        self.layout = PatchLayout(layout["map_side"], layout["step"], tuple(layout["context_steps"]))
        self.dropout = float(recipe["dropout"])
        self.orientation, self.orientation_side = None, 0
        if bundle.orientation is not None:
            self.orientation = Session(bundle.orientation / "orientation.onnx", device=device)
            self.orientation_side = int(recipe["orientation_side"])
        self._pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="cephsure")
        paths = [folder / f"{stage}.onnx" for folder in bundle.members for stage in ("coarse", "fine")]
        sessions = load_networks(paths, self._pool, takes_masks=bundle.kind == "mc-dropout", device=device)
        self.coarse, self.fine = sessions[::2], sessions[1::2]

    def find_orientation(
        self,
        stretched: NDArray[np.float32],
        *,
        facing: Literal["auto", "right", "left"] = "auto",
        polarity: Literal["auto", "positive", "negative"] = "auto",
    ) -> Orientation:
        """As given, the rest as the orientation network finds it."""
        return find_orientation(
            stretched, self.orientation, self.orientation_side, facing=facing, polarity=polarity
        )

    def sample(
        self, pixels: NDArray[np.float32], *, samples: int, seed: int, with_maps: bool = False
    ) -> Samples:
        """Draw ``samples`` samples of a film (H, W): upright, positive, facing right, in [0, 1].

        With ``with_maps`` the mixture of their heat maps comes with them, which takes some time of its own.
        """
        film = working_film(pixels, self.side)
        warp = whole_warp(film, self.side)
        view = standardise(whole_view(film, warp, self.side))[None, None]
        passes = self._passes(samples, seed)
        coarse = list(self._pool.map(lambda one: self._coarse(view, warp, one), passes))
        frames = [self._frame(points, film) for points in coarse]
        pyramid = build_pyramid(pixels, float(np.median([frame.scale for frame in frames])), self.layout)
        jobs = zip(frames, coarse, passes, strict=True)
        drawn = list(self._pool.map(lambda job: self._fine(pyramid, *job, with_maps=with_maps), jobs))
        positions = np.stack([one.positions for one in drawn])
        maps = [one.maps for one in drawn if one.maps is not None]
        return Samples(
            positions_px=positions,
            activations=np.stack([one.activations for one in drawn]),
            expected_errors_px=np.stack([one.expected_errors for one in drawn]),
            entropies=np.stack([one.entropies for one in drawn]),
            coarse_positions_px=np.stack(coarse),
            maps=_mixture(maps, positions.mean(axis=0)) if maps else None,
        )

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(C,) the first coarse network's pooled deepest level, without dropout; None if it does not tell."""
        film = working_film(pixels, self.side)
        view = standardise(whole_view(film, whole_warp(film, self.side), self.side))
        pooled = self.coarse[0].features(view[None, None], undropped(self.coarse[0]))
        return None if pooled is None else pooled[0]

    def augmented(self, pixels: NDArray[np.float32], *, count: int, seed: int) -> NDArray[np.float64]:
        """Positions (K, L, 2) of the first member, without dropout, on K augmented copies of a film.

        The whole view is turned, moved and bent in its greys; the patches, which lie with the head wherever
        it is, are turned and bent.
        """
        film = working_film(pixels, self.side)
        plain = whole_warp(film, self.side)
        one = _Pass(0, *(undropped(network) for network in (self.coarse[0], self.fine[0])))
        ways = augmentations(count, seed)

        def coarse(way: Augmentation) -> NDArray[np.float64]:
            warp = Warp(way.move(film.film_size_px).after(plain.affine))
            seen = standardise(way.bend(whole_view(film, warp, self.side)))
            return self._coarse(seen[None, None], warp, one)

        starts = list(self._pool.map(coarse, ways))
        frames = [self._frame(points, film) for points in starts]
        pyramid = build_pyramid(pixels, float(np.median([frame.scale for frame in frames])), self.layout)

        def fine(job: tuple[Augmentation, Affine, NDArray[np.float64]]) -> NDArray[np.float64]:
            way, frame, points = job
            turned = frame.after(Affine(way.turn, np.zeros(2)))
            return self._fine(pyramid, turned, points, one, way=way).positions

        return np.stack(list(self._pool.map(fine, zip(ways, frames, starts, strict=True))))

    def _passes(self, samples: int, seed: int) -> Sequence[_Pass]:
        """The members in turn; for MC-Dropout passes of the one member with masks drawn from the seed."""
        if not self.coarse[0].mask_channels:
            return [_Pass(member) for member in range(samples)]
        rng = np.random.default_rng(seed)
        return [
            _Pass(0, self._masks(rng, self.coarse[0]), self._masks(rng, self.fine[0])) for _ in range(samples)
        ]

    def _masks(self, rng: np.random.Generator, network: Session) -> NDArray[np.float32]:
        return channel_masks(rng, 1, (network.mask_channels,), self.dropout)

    def _coarse(self, view: NDArray[np.float32], warp: Warp, one: _Pass) -> NDArray[np.float64]:
        """Coarse positions (L, 2) in px of the upright film, from its whole view (1, 1, S, S)."""
        maps = softmax_maps(self.coarse[one.member].run(view, one.coarse_masks)[0])
        return warp.source(2 * local_centroids(maps, self.coarse_radius) + 0.5)

    def _frame(self, points: NDArray[np.float64], film: WorkingFilm) -> Affine:
        """The head's frame by one member's coarse points; of a sane size even where they make no head."""
        centre = points.mean(axis=0)
        longest = max(film.film_size_px)
        radius = float(np.sqrt((self.shape**2).sum(axis=1).mean()))
        smallest, largest = 0.05 * longest / radius, longest / radius
        upright = Affine(np.eye(2), centre)
        try:
            frame = frame_of(points, self.shape)
        except ValueError:
            frame = upright
        if frame.scale < 1e-6 * smallest:  # the points turn no way in particular
            frame = upright
        size = np.clip(frame.scale, smallest, largest) / frame.scale
        return Affine.about(centre, np.eye(2) * size).after(frame)

    def _fine(
        self,
        pyramid: Pyramid,
        frame: Affine,
        coarse: NDArray[np.float64],
        one: _Pass,
        *,
        with_maps: bool = False,
        way: Augmentation | None = None,
    ) -> _Drawn:
        """Refine one member's points, and read its maps; ``way`` bends the patches' greys."""
        warp = Warp(frame)
        centres = warp.output(coarse)
        greys = grey_patches(pyramid, warp, centres, self.layout)
        patches = network_input(*(greys if way is None else map(way.bend, greys)))
        logits = self.fine[one.member].run(patches[None], one.fine_masks)[0]  # (K, L, P, P)
        maps = softmax_maps(logits.reshape(-1, *logits.shape[2:]))
        readings = read_maps(maps, local_centroids(maps, self.fine_radius))
        by_annotator = logits.shape[:2]
        on_map = readings.positions.reshape(*by_annotator, 2).mean(axis=0)
        # The mean of K annotators' points errs by the root of the summed squares over K, where they err
        # independently.
        errors = readings.expected_errors.reshape(by_annotator)
        expected = np.sqrt((errors**2).sum(axis=0)) / len(errors)
        return _Drawn(
            positions=warp.source(centres + map_to_frame(on_map, self.layout)),
            activations=readings.activations.reshape(by_annotator).mean(axis=0),
            expected_errors=expected * self.layout.map_step * frame.scale,
            entropies=readings.entropies.reshape(by_annotator).mean(axis=0),
            maps=self._sample_maps(maps.reshape(logits.shape), frame, centres) if with_maps else None,
        )

    def _sample_maps(
        self, maps: NDArray[np.float32], frame: Affine, centres: NDArray[np.float64]
    ) -> SampleMaps:
        """The map of the annotators' mean (L, Q, Q) from each one's (K, L, P, P), and where it lies."""
        step = self.layout.map_step / len(maps)
        return SampleMaps(mean_of_marks(maps), frame.apply(centres), frame.matrix * step)


def _mixture(drawn: Sequence[SampleMaps], points_px: NDArray[np.float64]) -> HeatMaps:
    """The samples' maps together, a quarter wider than each: they do not lie in one place."""
    side = drawn[0].probabilities.shape[1]
    return mixture(drawn, points_px=points_px, side=side + 2 * (side // 8) + 2)
