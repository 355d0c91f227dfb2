"""Films whose pixels are not square, made square for the networks, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.geometry import Affine

if TYPE_CHECKING:
    from cephsure.films import Film

SQUARE = 0.005  # pixels whose height and width differ by no more count as square: spacings are rounded
MOST_GROWTH = 4.0  # how many times more pixels a film may get when it is made square


@dataclass(frozen=True, slots=True)
class SquareFilm:
    """A film with square pixels, as networks are used to.

    Attributes:
        film: resampled where the given one's pixels are not square, with its spacing; else the given one.
        to_given: from its pixels to the given film's; None where it is the given one.
    """

    film: Film
    to_given: Affine | None = None


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
