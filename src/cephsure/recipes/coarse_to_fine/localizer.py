"""The default recipe's way from a film to samples: whole film, then patches round each landmark.

A member's fine stage starts from that member's own coarse points: where the coarse stages disagree, the
samples do too.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.bundles.bundle import FACTS_FILE
from cephsure.errors import BundleError
from cephsure.geometry import Affine, Warp, local_centroids, read_maps, softmax_maps
from cephsure.inference.orientation import find_orientation
from cephsure.inference.samples import SampleMaps, Samples, mean_of_marks, mixture
from cephsure.inference.session import Call, Session, channel_masks, load_networks, run_each, undropped
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
    from cephsure.inference.orientation import AskedFacing, AskedPolarity, Orientation
    from cephsure.inference.samples import HeatMaps
    from cephsure.inference.session import Device
    from cephsure.inference.test_time_augmentation import Augmentation


@dataclass(frozen=True, slots=True)
class _Pass:
    """One sample to draw: which member, with which dropout masks (1, M), if any."""

    member: int
    coarse_masks: NDArray[np.float32] | None = None
    fine_masks: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class _CoarseJob:
    """A pass over a whole view (S, S), which ``warp`` maps to px of the upright film."""

    view: NDArray[np.float32]
    warp: Warp
    by: _Pass


@dataclass(frozen=True, slots=True)
class _FineJob:
    """A pass over the patches round coarse points (L, 2), in a frame; ``way`` bends the patches' greys."""

    pyramid: Pyramid
    frame: Affine
    coarse: NDArray[np.float64]
    by: _Pass
    way: Augmentation | None = None

    @property
    def centres(self) -> NDArray[np.float64]:
        """(L, 2) the patches' centres in the frame."""
        return Warp(self.frame).output(self.coarse)


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
        self.device = self.coarse[0].device

    def find_orientation(
        self,
        stretched: NDArray[np.float32],
        *,
        facing: AskedFacing = "auto",
        polarity: AskedPolarity = "auto",
    ) -> Orientation:
        """As given, the rest as the orientation network finds it."""
        return find_orientation(
            stretched, self.orientation, self.orientation_side, facing=facing, polarity=polarity
        )

    def sample(
        self, films: Sequence[NDArray[np.float32]], *, samples: int, seed: int, with_maps: bool = False
    ) -> list[Samples]:
        """Draw ``samples`` samples of each film (H, W): upright, positive, facing right, in [0, 1].

        With ``with_maps`` the mixture of their heat maps comes with them, which takes some time of its own.
        """
        passes = self._passes(samples, seed)
        reduced = [working_film(pixels, self.side) for pixels in films]
        warps = [whole_warp(film, self.side) for film in reduced]
        seen = [(self._view(film, warp), warp) for film, warp in zip(reduced, warps, strict=True)]
        found = self._coarse([_CoarseJob(*whole, by) for whole in seen for by in passes])
        jobs: list[_FineJob] = []
        for number, (pixels, film) in enumerate(zip(films, reduced, strict=True)):
            coarse = found[number * len(passes) : (number + 1) * len(passes)]
            frames = [self._frame(points, film) for points in coarse]
            pyramid = self._pyramid(pixels, frames)
            jobs += [_FineJob(pyramid, *rest) for rest in zip(frames, coarse, passes, strict=True)]
        drawn = self._fine(jobs, with_maps=with_maps)
        cuts = range(0, len(jobs), len(passes))
        return [_samples(found[k : k + len(passes)], drawn[k : k + len(passes)]) for k in cuts]

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(C,) the first coarse network's pooled deepest level, without dropout; None if it does not tell."""
        film = working_film(pixels, self.side)
        view = self._view(film, whole_warp(film, self.side))
        pooled = self.coarse[0].features(view[None, None], undropped(self.coarse[0]))
        return None if pooled is None else pooled[0]

    def augmented(self, pixels: NDArray[np.float32], *, count: int, seed: int) -> NDArray[np.float64]:
        """Positions (K, L, 2) of the first member, without dropout, on K augmented copies of a film.

        The whole view is turned, moved and bent in its greys; the patches, which lie with the head wherever
        it is, are turned and bent.
        """
        film = working_film(pixels, self.side)
        plain = whole_warp(film, self.side)
        first = _Pass(0, *(undropped(network) for network in (self.coarse[0], self.fine[0])))
        ways = augmentations(count, seed)

        def whole(way: Augmentation) -> _CoarseJob:
            warp = Warp(way.move(film.film_size_px).after(plain.affine))
            return _CoarseJob(standardise(way.bend(whole_view(film, warp, self.side))), warp, first)

        starts = self._coarse(list(self._pool.map(whole, ways)))
        frames = [self._frame(points, film) for points in starts]
        pyramid = self._pyramid(pixels, frames)
        turned = [frame.after(Affine(way.turn, np.zeros(2))) for frame, way in zip(frames, ways, strict=True)]
        jobs = [_FineJob(pyramid, *rest) for rest in zip(turned, starts, [first] * count, ways, strict=True)]
        return np.stack([drawn.positions for drawn in self._fine(jobs)])

    def _view(self, film: WorkingFilm, warp: Warp) -> NDArray[np.float32]:
        """The whole film (S, S) as the coarse network sees it."""
        return standardise(whole_view(film, warp, self.side))

    def _pyramid(self, pixels: NDArray[np.float32], frames: Sequence[Affine]) -> Pyramid:
        """The film's reductions for all passes, by their frames' usual size."""
        return build_pyramid(pixels, float(np.median([frame.scale for frame in frames])), self.layout)

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

    def _coarse(self, jobs: Sequence[_CoarseJob]) -> list[NDArray[np.float64]]:
        """Coarse positions (L, 2) in px of the upright film."""

        def call(job: _CoarseJob) -> Call:
            return Call(self.coarse[job.by.member], job.view[None, None], job.by.coarse_masks)

        def read(job: _CoarseJob, logits: NDArray[np.float32]) -> NDArray[np.float64]:
            return job.warp.source(2 * local_centroids(softmax_maps(logits), self.coarse_radius) + 0.5)

        return run_each(jobs, call, read, pool=self._pool, stacked=self.device == "cuda")

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

    def _fine(self, jobs: Sequence[_FineJob], *, with_maps: bool = False) -> list[_Drawn]:
        """Refine members' points, and read their maps."""

        def call(job: _FineJob) -> Call:
            greys = grey_patches(job.pyramid, Warp(job.frame), job.centres, self.layout)
            patches = network_input(*(greys if job.way is None else map(job.way.bend, greys)))
            return Call(self.fine[job.by.member], patches[None], job.by.fine_masks)

        def read(job: _FineJob, logits: NDArray[np.float32]) -> _Drawn:
            return self._read(job, logits, with_maps=with_maps)

        return run_each(jobs, call, read, pool=self._pool, stacked=self.device == "cuda")

    def _read(self, job: _FineJob, logits: NDArray[np.float32], *, with_maps: bool) -> _Drawn:
        """Positions and summaries of one pass's logits (K, L, P, P)."""
        maps = softmax_maps(logits.reshape(-1, *logits.shape[2:]))
        readings = read_maps(maps, local_centroids(maps, self.fine_radius))
        by_annotator = logits.shape[:2]
        on_map = readings.positions.reshape(*by_annotator, 2).mean(axis=0)
        # The mean of K annotators' points errs by the root of the summed squares over K, where they err
        # independently.
        errors = readings.expected_errors.reshape(by_annotator)
        expected = np.sqrt((errors**2).sum(axis=0)) / len(errors)
        frame, centres = job.frame, job.centres
        return _Drawn(
            positions=Warp(frame).source(centres + map_to_frame(on_map, self.layout)),
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


def _samples(coarse: Sequence[NDArray[np.float64]], drawn: Sequence[_Drawn]) -> Samples:
    """One film's passes together."""
    positions = np.stack([each.positions for each in drawn])
    maps = [each.maps for each in drawn if each.maps is not None]
    return Samples(
        positions_px=positions,
        activations=np.stack([each.activations for each in drawn]),
        expected_errors_px=np.stack([each.expected_errors for each in drawn]),
        entropies=np.stack([each.entropies for each in drawn]),
        coarse_positions_px=np.stack(coarse),
        maps=_mixture(maps, positions.mean(axis=0)) if maps else None,
    )


def _mixture(drawn: Sequence[SampleMaps], points_px: NDArray[np.float64]) -> HeatMaps:
    """The samples' maps together, a quarter wider than each: they do not lie in one place."""
    side = drawn[0].probabilities.shape[1]
    return mixture(drawn, points_px=points_px, side=side + 2 * (side // 8) + 2)
