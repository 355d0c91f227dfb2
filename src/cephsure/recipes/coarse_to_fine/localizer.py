"""The default recipe's way from a film to samples: whole film, then patches round each landmark.

The patches lie in a frame that turns and scales with the head: the similarity that carries the training
landmarks' mean shape onto a film's landmarks. Its unit is therefore a fixed share of the head's size (about a
millimetre on an adult), known without any scale. A member's fine stage starts from that member's own coarse
points: where the coarse stages disagree, the samples do too.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.bundles.bundle import FACTS_FILE, checked_number
from cephsure.errors import BundleError
from cephsure.geometry import (
    Affine,
    MapReadings,
    Warp,
    fit_similarity,
    grid_points,
    local_centroids,
    read_maps,
    resize,
    sample_bilinear,
    sample_lattices,
    softmax_maps,
)
from cephsure.inference.forks import Threads
from cephsure.inference.orientation import find_orientation
from cephsure.inference.samples import SampleMaps, Samples, mixture, stacked
from cephsure.inference.session import (
    MOST_DROPPED,
    Call,
    Found,
    Session,
    channel_masks,
    load_networks,
    run_each,
    undropped,
)
from cephsure.inference.test_time_augmentation import augmentations
from cephsure.preprocessing import WorkingFilm, standardise, whole_view, whole_warp, working_film

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.bundles.bundle import Bundle, RecipeFacts
    from cephsure.inference.orientation import AskedFacing, AskedPolarity, Orientation
    from cephsure.inference.session import Device
    from cephsure.inference.test_time_augmentation import Augmentation

    _Coarse = tuple[NDArray[np.float64], NDArray[np.float64] | None]
    """Coarse positions (L, 2) in px of the upright film, and features (C,)."""


_STEPS, _MOST_WIDER = (0.01, 100.0), 8
"""How far the pixels of a patch may lie apart, in frame units, about mm; how many wider patches may be."""


@dataclass(frozen=True, slots=True)
class PatchLayout:
    """Sizes of the concentric patches, lengths in frame units.

    Attributes:
        map_side: side of the network's maps; the finest patch has twice as many pixels, two a map pixel.
        step: distance of the finest patch's pixels.
        context_steps: distances of the pixels of the wider patches, each ``map_side`` pixels wide.
    """

    map_side: int = 24
    step: float = 0.4
    context_steps: tuple[float, ...] = (1.6, 3.2)

    @property
    def map_step(self) -> float:
        """Frame units a map pixel."""
        return 2 * self.step

    @property
    def jitter_reach(self) -> float:
        """How far a landmark may lie from its patch's centre in training: two map pixels from the edge."""
        return (self.map_side / 2 - 2) * self.map_step

    @property
    def channels(self) -> int:
        """Channels of the network's input: four of the finest patch, one of each wider one."""
        return 4 + len(self.context_steps)

    @property
    def level_steps(self) -> tuple[float, ...]:
        """Frame units a pixel of the film's reductions the patches are sampled from."""
        return tuple(0.8 * step for step in (self.step, *self.context_steps))


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Reductions of a film, one for each patch size: image, and the map from film px to its pixels."""

    levels: tuple[tuple[NDArray[np.float32], Affine], ...]


def build_pyramid(pixels: NDArray[np.float32], frame_scale_px: float, layout: PatchLayout) -> Pyramid:
    """Reduce a film (H, W) in [0, 1], of ``frame_scale_px`` px a frame unit, to what patches need."""
    levels: list[tuple[NDArray[np.float32], Affine]] = []
    image, to_film = pixels, Affine.identity()
    for step in layout.level_steps:
        wanted = 1.0 / (step * frame_scale_px)
        image, to_upper = resize(image, min(1.0, wanted * to_film.scale))
        to_film = to_film.after(to_upper)
        levels.append((image, to_film.inverse()))
    return Pyramid(tuple(levels))


def frame_of(points_px: NDArray[np.float64], mean_shape: NDArray[np.float64]) -> Affine:
    """The similarity from the frame, where ``mean_shape`` (L, 2) lies, to a film with these points (L, 2)."""
    return fit_similarity(mean_shape, points_px)


def grey_patches(
    pyramid: Pyramid, warp: Warp, centres: NDArray[np.float64], layout: PatchLayout
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grey values round ``centres`` (L, 2) in the frame, which ``warp`` maps to film px.

    Returns:
        Finest patches (L, 2 P, 2 P) and wider ones (L, C, P, P), P the map's side.
    """
    side = layout.map_side
    images: list[NDArray[np.float32]] = []
    for (image, from_film), step in zip(pyramid.levels, (layout.step, *layout.context_steps), strict=True):
        size = 2 * side if not images else side
        if warp.field is None:
            axis = (np.arange(size) - (size - 1) / 2) * step
            images.append(sample_lattices(image, from_film.after(warp.affine), centres, axis))
        else:
            grid = grid_points(size, size, step).astype(np.float32)
            points = warp.source(centres.astype(np.float32)[:, None, None, :] + grid)
            images.append(sample_bilinear(image, from_film.apply(points)))
    return images[0], np.stack(images[1:], axis=1)


def network_input(fine: NDArray[np.float32], wide: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standardised patches as channels (L, 4 + C, P, P); the finest by space-to-depth."""
    count, side = fine.shape[0], fine.shape[1] // 2
    folded = standardise(fine).reshape(count, side, 2, side, 2).transpose(0, 2, 4, 1, 3)
    return np.concatenate([folded.reshape(count, 4, side, side), standardise(wide)], axis=1)


def frame_to_map(offsets: NDArray[np.float64], layout: PatchLayout) -> NDArray[np.float64]:
    """Offsets from a patch's centre (frame units) to its map's pixel coordinates."""
    return offsets / layout.map_step + (layout.map_side - 1) / 2


def map_to_frame(positions: NDArray[np.float64], layout: PatchLayout) -> NDArray[np.float64]:
    """Map pixel coordinates to offsets from the patch's centre (frame units)."""
    return (positions - (layout.map_side - 1) / 2) * layout.map_step


@dataclass(frozen=True, slots=True)
class _Pass:
    """One sample to draw: which member, with which dropout masks (1, M), if any."""

    member: int
    coarse_masks: NDArray[np.float32] | None = None
    fine_masks: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One sample in px of the upright film.

    Attributes:
        readings: of the annotators' mean.
        marks_px: (K, L, 2) each annotator's positions.
        maps: each annotator's, or none.
    """

    readings: MapReadings
    marks_px: NDArray[np.float64]
    maps: tuple[SampleMaps, ...] = ()


@dataclass(frozen=True, slots=True)
class _CoarseJob:
    """A pass over a whole view (S, S), which ``warp`` maps to px of the upright film; the film's first?"""

    view: NDArray[np.float32]
    warp: Warp
    by: _Pass
    first: bool = False


@dataclass(frozen=True, slots=True)
class _FineJob:
    """A pass over the patches round coarse points (L, 2), in a frame; ``way`` bends the patches' greys."""

    pyramid: Pyramid
    frame: Affine
    coarse: NDArray[np.float64]
    by: _Pass
    way: Augmentation | None = None


class CoarseToFine:
    """The networks of a bundle of the default recipe."""

    def __init__(self, bundle: Bundle, *, device: Device = "cpu") -> None:
        """Load the networks, side by side."""
        if bundle.mean_shape is None:
            raise BundleError(
                f"mean_shape: the default recipe needs {len(bundle.landmark_set)} points",
                where=bundle.folder / FACTS_FILE,
            )
        recipe, count = bundle.recipe, len(bundle.landmark_set)
        self.shape = bundle.mean_shape
        self.side = recipe.whole("coarse_side", least=8)
        self.coarse_radius, self.fine_radius = (
            recipe.whole(f"{stage}_radius_px", most=self.side) for stage in ("coarse", "fine")
        )
        self.layout = _layout(recipe)
        self.dropout = recipe.number("dropout", least=0.0, most=MOST_DROPPED)
        self.orientation, self.orientation_side = None, 0
        if bundle.orientation is not None:
            self.orientation = Session(bundle.orientation / "orientation.onnx", device=device)
            self.orientation_side = recipe.whole("orientation_side", least=8)
            self.orientation.check_shapes((1, self.orientation_side, self.orientation_side), (2,))
        self._pool = Threads()
        paths = [folder / f"{stage}.onnx" for folder in bundle.members for stage in ("coarse", "fine")]
        sessions = load_networks(paths, self._pool, takes_masks=bundle.kind == "mc-dropout", device=device)
        self.coarse, self.fine = sessions[::2], sessions[1::2]
        patches = (self.layout.map_side, self.layout.map_side)
        for coarse, fine in zip(self.coarse, self.fine, strict=True):
            coarse.check_shapes((1, self.side, self.side), (count, self.side // 2, self.side // 2))
            fine.check_shapes((count, self.layout.channels, *patches), (None, count, *patches))
        self.device = self.coarse[0].device

    def only(self, members: Sequence[int]) -> CoarseToFine:
        """The same networks, of some members only."""
        chosen = copy(self)
        chosen.coarse, chosen.fine = ([own[i] for i in members] for own in (self.coarse, self.fine))
        return chosen

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
        """Draw ``samples`` samples of each film (H, W): upright, positive, facing right, in [0, 1]."""
        passes = self._passes(samples, seed)
        reduced = [working_film(pixels, self.side) for pixels in films]
        warps = [whole_warp(film, self.side) for film in reduced]
        seen = [
            (standardise(whole_view(film, warp, self.side)), warp)
            for film, warp in zip(reduced, warps, strict=True)
        ]
        found = self._coarse(
            [_CoarseJob(*whole, by, k == 0) for whole in seen for k, by in enumerate(passes)]
        )
        jobs: list[_FineJob] = []
        for number, (pixels, film) in enumerate(zip(films, reduced, strict=True)):
            coarse = [points for points, _ in found[number * len(passes) : (number + 1) * len(passes)]]
            frames = [self._frame(points, film) for points in coarse]
            pyramid = self._pyramid(pixels, frames)
            jobs += [_FineJob(pyramid, *rest) for rest in zip(frames, coarse, passes, strict=True)]
        drawn = self._fine(jobs, with_maps=with_maps)
        cuts = range(0, len(jobs), len(passes))
        return [_samples(found[k : k + len(passes)], drawn[k : k + len(passes)]) for k in cuts]

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
        first = _Pass(0, *(undropped(network) for network in (self.coarse[0], self.fine[0])))
        ways = augmentations(count, seed)

        def whole(way: Augmentation) -> _CoarseJob:
            warp = Warp(way.move(film.film_size_px).after(plain.affine))
            return _CoarseJob(standardise(way.bend(whole_view(film, warp, self.side))), warp, first)

        starts = [points for points, _ in self._coarse(list(self._pool.map(whole, ways)))]
        frames = [self._frame(points, film) for points in starts]
        pyramid = self._pyramid(pixels, frames)
        turned = [frame.after(Affine(way.turn, np.zeros(2))) for frame, way in zip(frames, ways, strict=True)]
        jobs = [_FineJob(pyramid, *rest) for rest in zip(turned, starts, [first] * count, ways, strict=True)]
        return np.stack([drawn.readings.positions for drawn in self._fine(jobs)])

    def _pyramid(self, pixels: NDArray[np.float32], frames: Sequence[Affine]) -> Pyramid:
        """The film's reductions for all passes, by their frames' usual size."""
        return build_pyramid(pixels, float(np.median([frame.scale for frame in frames])), self.layout)

    def _passes(self, samples: int, seed: int) -> Sequence[_Pass]:
        """The members in turn; for MC-Dropout passes of the one member with masks drawn from the seed."""
        if not self.coarse[0].mask_channels:
            return [_Pass(member) for member in range(samples)]
        rng = np.random.default_rng(seed)
        channels = (self.coarse[0].mask_channels, self.fine[0].mask_channels)
        return [
            _Pass(0, *(channel_masks(rng, 1, (count,), self.dropout) for count in channels))
            for _ in range(samples)
        ]

    def _coarse(self, jobs: Sequence[_CoarseJob]) -> list[_Coarse]:
        """Coarse positions (L, 2) in px of the upright film, and the features of each film's first pass."""

        def call(job: _CoarseJob) -> Call:
            masks = job.by.coarse_masks
            plain = job.first and masks is None
            return Call(self.coarse[job.by.member], job.view[None, None], masks, with_features=plain)

        def read(job: _CoarseJob, found: Found) -> _Coarse:
            on_map = local_centroids(softmax_maps(found.maps), self.coarse_radius)
            return job.warp.source(2 * on_map + 0.5), found.features if job.first else None

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
            warp = Warp(job.frame)
            greys = grey_patches(job.pyramid, warp, warp.output(job.coarse), self.layout)
            patches = network_input(*(greys if job.way is None else map(job.way.bend, greys)))
            return Call(self.fine[job.by.member], patches[None], job.by.fine_masks)

        def read(job: _FineJob, found: Found) -> _Drawn:
            return self._read(job, found.maps, with_maps=with_maps)

        return run_each(jobs, call, read, pool=self._pool, stacked=self.device == "cuda")

    def _read(self, job: _FineJob, logits: NDArray[np.float32], *, with_maps: bool) -> _Drawn:
        """Positions and summaries of one pass's logits (K, L, P, P)."""
        maps = softmax_maps(logits.reshape(-1, *logits.shape[2:]))
        readings = read_maps(maps, local_centroids(maps, self.fine_radius))
        by_annotator = logits.shape[:2]
        frame, step = job.frame, self.layout.map_step
        centres = Warp(frame).output(job.coarse)
        on_map = map_to_frame(readings.positions.reshape(*by_annotator, 2), self.layout)
        marks_px = Warp(frame).source(centres + on_map)
        # The mean of K annotators' points errs by the root of the summed squares over K, where they err
        # independently.
        errors = readings.expected_errors.reshape(by_annotator)
        expected = np.sqrt((errors**2).sum(axis=0)) / len(errors)
        drawn = MapReadings(
            positions=marks_px.mean(axis=0),
            activations=readings.activations.reshape(by_annotator).mean(axis=0),
            expected_errors=expected * step * frame.scale,
            entropies=readings.entropies.reshape(by_annotator).mean(axis=0),
        )
        if not with_maps:
            return _Drawn(drawn, marks_px)
        place = frame.apply(centres), frame.matrix * step
        return _Drawn(drawn, marks_px, tuple(SampleMaps(own, *place) for own in maps.reshape(logits.shape)))


def _layout(recipe: RecipeFacts) -> PatchLayout:
    """The patches' sizes; a ValueError where they are none."""
    steps = recipe.numbers.get("layout", {}).get("context_steps")
    if not isinstance(steps, list) or not 1 <= len(steps) <= _MOST_WIDER:
        raise ValueError(f"layout.context_steps are one to {_MOST_WIDER} lengths")
    sizes = {"least": _STEPS[0], "most": _STEPS[1]}
    return PatchLayout(
        recipe.whole("layout", "map_side", least=8, most=512),
        recipe.number("layout", "step", **sizes),
        tuple(checked_number(step, "layout.context_steps", **sizes) for step in steps),
    )


def _samples(coarse: Sequence[_Coarse], drawn: Sequence[_Drawn]) -> Samples:
    """One film's passes together."""
    marks_px = np.stack([sample.marks_px for sample in drawn])
    by_annotator = zip(*(sample.maps for sample in drawn), strict=True)
    middles = marks_px.mean(axis=0)
    maps = tuple(mixture(own, points_px=middle) for own, middle in zip(by_annotator, middles, strict=False))
    return replace(
        stacked([sample.readings for sample in drawn]),
        coarse_positions_px=np.stack([points for points, _ in coarse]),
        features=coarse[0][1],
        marks_px=marks_px if marks_px.shape[1] > 1 else None,
        maps=maps or None,
    )
