"""Bringing stored voxels to a volume whose axes run to the patient's left, to the back and up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError
from cephsure.studies.shifts.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

LARGEST_OBLIQUITY_DEG = 5.0
AIR_MUST_BE_BELOW_HU = -300.0


def upright_volume(
    stored: NDArray[np.float32], directions: ArrayLike, spacing_mm: ArrayLike, *, where: Path
) -> Volume:
    """Swap and flip the axes of an array; nothing is resampled, so an oblique grid is refused.

    Args:
        stored: (n_0, n_1, n_2) Hounsfield units.
        directions: (3, 3) unit vectors; row a says where axis a runs to in the patient, (left, back, up).
        spacing_mm: (3,) distance of neighbouring voxel centres along each axis.
        where: the file or folder, for messages.

    Returns:
        The volume.

    Raises:
        InputError: the grid leans by more than 5° from the patient's axes, or holds no air.
    """
    along = np.asarray(directions, dtype=np.float64)
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    check_upright(along, where=where)
    check_hounsfield(stored, where=where)
    # Which stored axis runs to the left, to the back and up, and whether it runs the other way.
    order = [int(np.abs(along[:, axis]).argmax()) for axis in range(3)]
    flips = tuple(slice(None, None, 1 if along[own, axis] > 0 else -1) for axis, own in enumerate(order))
    x_mm, y_mm, z_mm = (float(spacing[own]) for own in order)
    return Volume(np.ascontiguousarray(stored.transpose(order)[flips]), (x_mm, y_mm, z_mm))


def check_upright(directions: NDArray[np.float64], *, where: Path) -> None:
    """Refuse a grid that leans from the patient's axes: flipping alone would call a leaning head upright."""
    if not np.isfinite(directions).all() or abs(np.linalg.det(directions)) < 0.9:
        raise InputError("its orientation is not usable: its axes are not at right angles", where=where)
    lean_deg = float(np.degrees(np.arccos(np.clip(np.abs(directions).max(axis=1), 0, 1))).max())
    if lean_deg > LARGEST_OBLIQUITY_DEG:
        raise InputError(
            f"its grid leans {lean_deg:.0f}° from the patient's axes",
            where=where,
            remedy="resample it to an upright grid first",
        )


def check_hounsfield(values: NDArray[np.float32], *, where: Path) -> None:
    """Refuse values among which there is no air: they are not Hounsfield units."""
    least = values.min()
    if least > AIR_MUST_BE_BELOW_HU:
        raise InputError(
            f"the least value is {least:g}: no air, so these are not Hounsfield units",
            where=where,
            remedy="export the CT with its rescale slope and intercept applied",
        )
