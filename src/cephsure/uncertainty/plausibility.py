"""Whether true points can belong to the films they are given for, and if not, what the mix-up looks like.

The limits are set by what people and a model differ by. On the 300 films of ISBI 2015 and 49 of another site,
each against two annotators (shipped baseline), half of the landmarks are off by 1.0 to 1.5 mm on their median
film and the worst one by 7.0 mm (porion; people differ by up to 9 mm at the soft tissue pogonion); no film is
off by more than 3.5 mm at its median landmark, and no point by more than 16.3 mm. With the points of another
film of the same scanner 77 to 85 % of the films are off by more than 7 mm at their median landmark.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.data import CalibrationData

logger = logging.getLogger(__name__)

MOST_LANDMARKS_MM, ANY_LANDMARK_MM = 7.0, 20.0
"""Offsets of the median landmark, and of a single one, from which the points are taken for a mix-up."""

_LARGEST_HEAD_MM, _LARGEST_HEAD_AT_MM = 500.0, 5.0  # the latter: a leg may be that large, if found well
_EXPLAINS = 1 / 3  # a mix-up is named if undoing it leaves no more of the error than this
_FEWEST_POINTS = 3  # by which one film among others is judged


def check_plausible(data: CalibrationData, codes: Sequence[str]) -> None:
    """Refuse true points that lie centimetres from the points that are found.

    A landmark's offset is the median over films of its radial error. A single film whose points are that far
    off, among others, is pointed out in the log.

    Args:
        data: errors and found points of the films.
        codes: of the landmarks.

    Raises:
        InputError: the offset of half of the landmarks is over 7 mm, that of any of them over 20 mm, or the
            scale is impossible; the line says what it looks like.
    """
    known = np.isfinite(data.radial_mm)
    films, marks = (np.flatnonzero(known.any(axis=axis)) for axis in (1, 0))
    offsets = np.nanmedian(data.radial_mm[np.ix_(films, marks)], axis=0)
    half, worst = float(np.median(offsets)), int(np.argmax(offsets))
    scales = data.upright_mm_per_px[films, None]
    found = data.points_px[np.ix_(films, marks)] * scales
    span = float(np.median(np.ptp(found, axis=1).max(axis=1)))
    if span > _LARGEST_HEAD_MM and half > _LARGEST_HEAD_AT_MM:
        raise InputError(
            f"the scale cannot be right: a film's landmarks lie up to {span:.0f} mm apart, half of them "
            f"{half:.0f} mm or more from where the model finds them",
            remedy="give the right one by --mm-per-px",
        )
    if half <= MOST_LANDMARKS_MM and offsets[worst] <= ANY_LANDMARK_MM:
        _point_out_films(data)
        return
    names = [codes[mark] for mark in marks.tolist()]
    where = f"half of the landmarks lie {half:.0f} mm or more from where the model finds them"
    if half <= MOST_LANDMARKS_MM:
        where = f"{names[worst]} lies {offsets[worst]:.0f} mm from where the model finds it"
    true = found - data.errors_mm[np.ix_(films, marks)]
    raise InputError(
        f"the given points cannot be those of these films: {where}, more than people differ by",
        remedy=_looks_like(found, true, names, offsets > MOST_LANDMARKS_MM),
    )


def _point_out_films(data: CalibrationData) -> None:
    for film, errors in zip(data.film_ids, data.radial_mm, strict=True):
        known = errors[np.isfinite(errors)]
        if len(known) >= _FEWEST_POINTS and (off := np.median(known)) > MOST_LANDMARKS_MM:
            what = "film %s: half of its points lie %.0f mm or more from where the model finds them"
            logger.warning(what, film, off)


def _looks_like(
    found: NDArray[np.float64], true: NDArray[np.float64], codes: Sequence[str], odd: NDArray[np.bool_]
) -> str:
    """The mix-up that explains best where the ``odd`` landmarks (L,) lie, in words.

    Of found and true points (F, L, 2) in mm of the upright film, from the given film's first pixel.
    """

    def left(positions: NDArray[np.float64]) -> float:
        return float(np.nanmedian(np.linalg.norm(positions - found, axis=2)[:, odd]))

    mirrored = true * (-1.0, 1.0)
    mirrored[..., 0] += np.nanmedian(found[..., 0] - mirrored[..., 0], axis=1, keepdims=True)
    factor = float(np.nanmedian(true / found))
    order = _order(found, true)
    reordered = np.empty_like(true)
    reordered[:, order] = true
    swapped = [f"{codes[a]} lies where {codes[b]} is found" for a, b in enumerate(order) if a != b and odd[a]]
    shift = np.nanmedian(found - true, axis=1, keepdims=True)
    by = float(np.median(np.linalg.norm(shift, axis=2)))
    explained = {
        f"the landmarks look swapped: {', '.join(swapped[:3])}": left(reordered),
        "the points look mirrored: were the films turned over after they were annotated?": left(mirrored),
        f"the points look given for images of {factor:.3g} times the films' size": left(true / factor),
        f"the points look shifted as a whole, by {by:.0f} mm: other films, or cut ones?": left(true + shift),
    }
    best = min(explained, key=explained.__getitem__)
    if explained[best] <= _EXPLAINS * left(true):
        return best
    return "other films, other landmarks than the model's, or a model that does not find them?"


def _order(found: NDArray[np.float64], true: NDArray[np.float64]) -> list[int]:
    """For each landmark the one at whose found point its true point lies; no two have the same."""
    apart = np.nanmedian(np.linalg.norm(true[:, :, None] - found[:, None], axis=3), axis=0)
    order = [-1] * len(apart)
    for pair in np.argsort(apart, axis=None).tolist():  # the closest first
        mark, other = divmod(pair, len(apart))
        if order[mark] < 0 and other not in order:
            order[mark] = other
    return order
