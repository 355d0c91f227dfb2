"""What networks see of a film: square pixels, comparable grey, one orientation, a small grid of the whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.geometry import Affine, Warp, letterbox, resize, sample_bilinear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films import Film

OVERSAMPLING = 1.5
SQUARE = 0.005  # pixels whose height and width differ by no more count as square: spacings are rounded
MOST_GROWTH = 4.0  # how many times more pixels a film may get when it is made square


def stretch_grey(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stretch a film (H, W) so that its 0.5th and 99.5th percentiles are 0 and 1, and cut what lies outside.

    The percentiles are taken on every eighth pixel of every eighth row: exact enough, and quick.
    """
    low, high = np.percentile(pixels[::8, ::8], (0.5, 99.5))
    scale = 1.0 / max(float(high - low), 1e-6)
    stretched: NDArray[np.float32] = pixels - np.float32(low)
    stretched *= np.float32(scale)
    return np.clip(stretched, 0, 1, out=stretched)


def standardise(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each image of (..., H, W) to mean 0 and standard deviation 1, whatever its contrast."""
    mean = images.mean(axis=(-2, -1), keepdims=True)
    spread = images.std(axis=(-2, -1), keepdims=True)
    return np.asarray((images - mean) / (spread + np.float32(0.01)))


def orient(image: NDArray[np.float32], *, left: bool, negative: bool) -> NDArray[np.float32]:
    """Images (..., H, W) in [0, 1] mirrored where ``left``, inverted where ``negative``; its own inverse."""
    turned = image[..., ::-1] if left else image
    return 1 - turned if negative else turned


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
    return np.asarray(view.reshape(side, 2, side, 2).mean(axis=(1, 3)))


@dataclass(frozen=True, slots=True)
class SquareFilm:
    """A film with square pixels, as networks are used to.

    Attributes:
        film: resampled where the given one's pixels are not square, with its spacing; else the given one.
        to_given: from its pixels to the given film's; None where it is the given one.
    """

    film: Film
    to_given: Affine | None = None

    def from_given(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (..., 2) of the given film, in px of this one."""
        return points_px if self.to_given is None else self.to_given.inverse().apply(points_px)


def square_film(film: Film) -> SquareFilm:
    """Make a film's pixels square by its spacing, or by the shape that its file states.

    The coarser axis is resampled as finely as the other one, whichever it is; of very long pixels only up to
    `MOST_GROWTH`, the finer axis being reduced for the rest. Without either, pixels count as square.
    """
    aspect = film.pixel_aspect
    if abs(aspect - 1) <= SQUARE:
        return SquareFilm(film)
    growth = min(max(aspect, 1 / aspect), MOST_GROWTH)
    loss = max(aspect, 1 / aspect) / growth
    across, down = (1 / loss, growth) if aspect > 1 else (growth, 1 / loss)
    width = max(1, round(film.width_px * across))
    height = max(1, round(film.height_px * down))
    resized = Image.fromarray(film.pixels).resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.clip(np.asarray(resized, dtype=np.float32), 0, 1)
    step = np.array([film.width_px / width, film.height_px / height])
    spacing = film.spacing
    if spacing is not None:
        x_mm, y_mm = spacing.x_mm_per_px * float(step[0]), spacing.y_mm_per_px * float(step[1])
        spacing = replace(spacing, x_mm_per_px=x_mm, y_mm_per_px=y_mm)
    square = replace(film, pixels=pixels, spacing=spacing, stated_aspect=1.0)
    return SquareFilm(square, Affine(np.diag(step), step / 2 - 0.5))
