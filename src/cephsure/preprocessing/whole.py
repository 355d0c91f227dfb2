"""The whole film on a small square grid: what the coarse and the orientation network see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import Affine, Warp, letterbox, resize, sample_bilinear

if TYPE_CHECKING:
    from numpy.typing import NDArray

OVERSAMPLING = 1.5


@dataclass(frozen=True, slots=True)
class WorkingFilm:
    """A film reduced to somewhat more than a small grid's resolution, to sample grids from.

    Attributes:
        image: (h, w) float32 in [0, 1].
        to_film: from the reduced image's pixels to the film's.
        film_size_px: (width, height) of the film.
    """

    image: NDArray[np.float32]
    to_film: Affine
    film_size_px: tuple[int, int]


def working_film(pixels: NDArray[np.float32], side: int) -> WorkingFilm:
    """Reduce a film (H, W) for grids of ``side`` pixels."""
    height, width = pixels.shape
    image, to_film = resize(pixels, OVERSAMPLING * side / max(width, height))
    return WorkingFilm(image, to_film, (width, height))


def whole_warp(film: WorkingFilm, side: int) -> Warp:
    """The plain view: the whole film in the grid, aspect ratio kept, film centred."""
    return Warp(letterbox(*film.film_size_px, side))


def whole_view(film: WorkingFilm, warp: Warp, side: int, fill: float | None = None) -> NDArray[np.float32]:
    """Grey values (side, side) of the film seen through ``warp`` (grid to film px).

    Outside the film the value is ``fill``, by default the film's mean.
    """
    axis = np.arange(side, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    points = film.to_film.inverse().apply(warp.source(grid))
    return sample_bilinear(film.image, points, fill=float(film.image.mean()) if fill is None else fill)


def thumbnail(film: WorkingFilm, warp: Warp, side: int, fill: float | None = None) -> NDArray[np.float32]:
    """The film through ``warp`` (from a grid of 2 x ``side`` pixels), averaged by 2 x 2 to (side, side)."""
    view = whole_view(film, warp, 2 * side, fill)
    mean: NDArray[np.float32] = view.reshape(side, 2, side, 2).mean(axis=(1, 3))
    return mean
