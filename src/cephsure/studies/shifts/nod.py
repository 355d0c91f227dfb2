"""How far a head's chin is up or down: told by landmarks of the skull, against the mean of real films.

Patients hold their chin up or down by 5 degrees (one standard deviation, the training films of ISBI
2015), so the mean of those films is the standard: it is what networks trained on such films know best. The
landmarks are those of the skull; where the jaw hangs open its own say nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.studies.shifts.landmarks_3d import PLACES_MM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SKULL = ("S", "N", "Or", "Po", "PNS", "ANS")
"""The landmarks by which it is told. On the training films the turn that they give together differs by 2
degrees (one standard deviation) from that of sella and nasion alone."""

FEWEST = 3
"""With fewer landmarks than this one that is misplaced would decide: the nod is not known."""

LARGEST_NOD_DEG = 30.0
"""No patient is seen so: the landmarks are of something else, and the nod is not known."""


def nod_to_standard(points: NDArray[np.float64], codes: Sequence[str]) -> float | None:
    """By how much a head must nod to stand as heads stand on the mean; positive: chin down, as in `View`.

    It is the turn of the least squares that brings the skull's landmarks onto their mean places, whatever the
    scale (Kabsch 1976, Acta Crystallographica A32, 922-923, in the plane). Rounded to a whole degree: a
    posture is not known better, and the same head gives the same film on every machine.

    Args:
        points: (L, 2) places of the landmarks to the right and downwards, in mm or in square pixels, of a
            head that faces right; NaN where unknown.
        codes: (L,) their codes.

    Returns:
        The nod in degrees; None where fewer than three of the landmarks are known, or where the head would
        have to nod by more than 30 degrees.

    Examples:
        >>> up = [[0.0, 0.0], [56.2, -16.9], [49.5, 9.6], [-17.4, 20.7]]  # S, N, Or, Po, the chin up by 10
        >>> nod_to_standard(np.array(up), ["S", "N", "Or", "Po"])
        10.0
    """
    rows = [row for row, code in enumerate(codes) if code in SKULL and np.isfinite(points[row]).all()]
    if len(rows) < FEWEST:
        return None
    here = points[rows] - points[rows].mean(axis=0)
    there = np.array([PLACES_MM[codes[row]] for row in rows])
    there = there - there.mean(axis=0)
    across = here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]
    nod = np.degrees(np.arctan2(across.sum(), (here * there).sum()))
    return None if abs(nod) > LARGEST_NOD_DEG else float(round(nod))
