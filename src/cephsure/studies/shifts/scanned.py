"""Which landmarks a head CT holds: many scans of heads end above the chin, others begin below the vertex."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.studies.shifts.head_alone import CLOSE_MM, near_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.studies.shifts.view import View
    from cephsure.studies.shifts.volume import Volume

DEPTHS_MM = {
    "S": 103.8,
    "N": 96.9,
    "Or": 121.9,
    "Po": 121.2,
    "A": 151.3,
    "B": 185.1,
    "Pog": 198.0,
    "Me": 204.1,
    "Gn": 202.1,
    "Go": 173.5,
    "LIT": 168.9,
    "UIT": 170.1,
    "UL": 160.9,
    "LL": 181.0,
    "Sn": 149.0,
    "Pog'": 201.2,
    "PNS": 142.8,
    "ANS": 144.5,
    "Ar": 132.7,
}
"""How far below a film's upper edge the landmarks lie on the mean, in mm: the training films of ISBI 2015,
both annotators, at the films' 0.1 mm a pixel."""

SURE_MM = 10.0
"""A landmark counts as cut off when the scan ends this far above its mean place: the standard deviation of
the lowest ones' places is 9 to 10 mm."""

_TISSUE_MM2 = 100.0


def cut_off(
    volume: Volume, view: View, codes: Sequence[str], *, tissue: NDArray[np.bool_] | None = None
) -> tuple[str, ...]:
    """The landmarks that most likely lie below the end of a scan, or above its beginning.

    Heads are placed on the film as they lie on the films of ISBI 2015 (`cephalogram_view`); so the depths at
    which the scan begins and ends can be compared with the depths at which the landmarks of a head lie there.
    What is cut off at the sides is not noticed, nor what a long face loses at the chin.

    Args:
        volume: the head, levelled.
        view: the unturned head on its film.
        codes: landmarks that are predicted.
        tissue: (n_x, n_y, n_z) where the head is; by default what `near_head` finds.

    Returns:
        Those that the scan lacks, in the order of ``codes``.
    """
    dx, dy, dz = volume.spacing_mm
    tissue = near_head(volume, CLOSE_MM) if tissue is None else tissue
    (there,) = np.nonzero(tissue.sum(axis=(0, 1)) * dx * dy > _TISSUE_MM2)
    if not there.size:
        return ()
    upper_mm = view.pivot_px[1] * view.mm_per_px + view.pivot_mm[2]
    begin_mm, end_mm = upper_mm - there[-1] * dz, upper_mm - there[0] * dz
    known = [code for code in codes if code in DEPTHS_MM]
    return tuple(code for code in known if not begin_mm - SURE_MM <= DEPTHS_MM[code] <= end_mm + SURE_MM)
