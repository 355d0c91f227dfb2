"""Patches round landmarks, in a frame that turns and scales with the head: what the fine network sees.

The frame is the similarity that carries the training landmarks' mean shape onto a film's landmarks. Its unit
is therefore a fixed share of the head's size (about a millimetre on an adult), known without any scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import (
    Affine,
    Warp,
    fit_similarity,
    grid_points,
    resize,
    sample_bilinear,
    sample_lattices,
)
from cephsure.preprocessing.views import standardise

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    """Reduce a film (H, W) to the resolutions the patches need.

    Args:
        pixels: the film, in [0, 1].
        frame_scale_px: film pixels a frame unit.
        layout: the patches' sizes.
    """
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
    """Grey values round ``centres``.

    Args:
        pyramid: the film's reductions.
        warp: from the frame to film px.
        centres: (L, 2) patch centres in the frame.
        layout: the patches' sizes.

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
    count, size, _ = fine.shape
    side = size // 2
    folded = (
        standardise(fine)
        .reshape(count, side, 2, side, 2)
        .transpose(0, 2, 4, 1, 3)
        .reshape(count, 4, side, side)
    )
    return np.concatenate([folded, standardise(wide)], axis=1)


def frame_to_map(offsets: NDArray[np.float64], layout: PatchLayout) -> NDArray[np.float64]:
    """Offsets from a patch's centre (frame units) to its map's pixel coordinates."""
    return offsets / layout.map_step + (layout.map_side - 1) / 2


def map_to_frame(positions: NDArray[np.float64], layout: PatchLayout) -> NDArray[np.float64]:
    """Map pixel coordinates to offsets from the patch's centre (frame units)."""
    return (positions - (layout.map_side - 1) / 2) * layout.map_step
