"""Test-time augmentation: the same film, altered a little in several ways, and what a model finds on each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import Affine
from cephsure.inference.samples import Samples
from cephsure.studies.shifts.corruptions import bend_greys, rotate, rotation

if TYPE_CHECKING:
    from cephsure.films import Film
    from cephsure.model import Model

# Within what a patient's head and a scanner do from film to film.
MAX_ANGLE_DEG = 5.0
MAX_SHIFT_MM = 5.0
MAX_LOG_GAMMA = 0.3


def tta_samples(model: Model, film: Film, n: int, seed: int) -> Samples:
    """What a model finds on n altered copies of a film, brought back to the film as given.

    Each copy is turned by up to 5 degrees about the film's centre, shifted by up to 5 mm along each axis and
    its greys raised to a power between exp(-0.3) and exp(0.3), all uniform and independent; the first k of n
    copies are those of n = k. The orientation is found once, on the film as given. Not a measure of the
    registry, since it costs n predictions.

    Args:
        model: which; of one with several samples a film, each copy gives all of them.
        film: with a scale.
        n: copies.
        seed: of the alterations, and of the model's passes.

    Returns:
        n times the model's samples, positions in px of the given film.

    Raises:
        FilmError: the film has no scale.

    Source: Wang et al., Neurocomputing 338 (2019), test-time augmentation as a sample of the prediction.
    """
    rng = np.random.default_rng(seed)
    orientation = model.orientation(film)
    drawn = []
    for _ in range(n):
        angle, along_x, along_y, grey = rng.uniform(-1.0, 1.0, 4)
        shown = bend_greys(film, rng, gamma=float(np.exp(MAX_LOG_GAMMA * grey)))
        shown, moved = moved_film(
            shown,
            angle_deg=float(MAX_ANGLE_DEG * angle),
            shift_mm=(float(MAX_SHIFT_MM * along_x), float(MAX_SHIFT_MM * along_y)),
        )
        samples = model.sample(shown, orientation, seed=seed)
        drawn.append(replace(samples, positions_px=moved.inverse().apply(samples.positions_px)))
    return Samples(
        positions_px=np.concatenate([one.positions_px for one in drawn]),
        activations=np.concatenate([one.activations for one in drawn]),
        expected_errors_px=np.concatenate([one.expected_errors_px for one in drawn]),
        entropies=np.concatenate([one.entropies for one in drawn]),
    )


def moved_film(film: Film, *, angle_deg: float, shift_mm: tuple[float, float]) -> tuple[Film, Affine]:
    """The film turned about its centre, then shifted by whole pixels; black where nothing was.

    Args:
        film: with a scale.
        angle_deg: clockwise as seen.
        shift_mm: to the right and down.

    Returns:
        The film, and where it shows the given film's points.

    Raises:
        FilmError: the film has no scale.
    """
    turn = rotation(film, angle_deg=angle_deg)
    turned = rotate(film, np.random.default_rng(0), angle_deg=angle_deg)
    spacing = turned.spacing
    if spacing is None:  # rotation has refused such a film
        raise ValueError("a shift in mm needs a scale")
    right = round(shift_mm[0] / spacing.x_mm_per_px)
    down = round(shift_mm[1] / spacing.y_mm_per_px)
    rows, columns = abs(down), abs(right)
    padded = np.pad(turned.pixels, ((rows, rows), (columns, columns)))
    pixels = padded[rows - down :, columns - right :][: film.height_px, : film.width_px]
    shift = Affine(np.eye(2), np.array([right, down], dtype=np.float64))
    return replace(turned, pixels=np.ascontiguousarray(pixels)), shift.after(turn)
