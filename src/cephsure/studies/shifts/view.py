"""From where a head is seen: pose, beam and film of a lateral projection, and where points fall on it.

**Room.** x to the patient's left, y to posterior, z up, as in `Volume`. The beam comes from the patient's
right and the film stands at the left; it is looked at from the source, so the nose is on the right and the
vertex on top.

**Pose.** The head turns about the pivot, each angle right-handed about its axis: first ``nod_deg`` about x
(positive: chin down), then ``tilt_deg`` about y (positive: vertex to the left shoulder), then
``rotation_deg`` about z (positive: face to the left, towards the film).

**Scale.** ``mm_per_px`` holds in the midplane, the plane through the pivot that faces the beam: the
midsagittal plane of a head that is not turned. With parallel beams it holds everywhere; with a cone what lies
x mm to the left of the midplane is smaller by 1500 / (1500 + x), and what lies towards the source larger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.errors import InputError
from cephsure.studies.shifts.volume import head_centre_mm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.studies.shifts.volume import Volume

Geometry = Literal["parallel", "cone"]

SOURCE_TO_MIDPLANE_MM = 1500.0
"""Focus to midplane in the cone geometry: what cephalostats keep to (150 cm, or 5 feet)."""

MIDPLANE_TO_FILM_MM = 150.0
"""Midplane to film in the cone geometry: the film itself is magnified 1650 / 1500 = 1.1 times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """From where, and on which film, a head is projected.

    ``dataclasses.replace(view, rotation_deg=10)`` turns the head and keeps the film where it is.

    Attributes:
        mm_per_px: scale in the midplane.
        width_px: width of the film.
        height_px: height of the film.
        pivot_mm: (x, y, z) in the volume; the head turns about it and the central ray runs through it.
        pivot_px: (x, y) on the film where the pivot is seen, in every pose.
        rotation_deg: turn about the vertical axis, positive to the patient's left.
        tilt_deg: lean to the side, positive to the left shoulder.
        nod_deg: nod, positive chin down.
        geometry: parallel beams, or a cone of rays from a focus 1500 mm from the midplane.
    """

    mm_per_px: float
    width_px: int
    height_px: int
    pivot_mm: tuple[float, float, float]
    pivot_px: tuple[float, float]
    rotation_deg: float = 0.0
    tilt_deg: float = 0.0
    nod_deg: float = 0.0
    geometry: Geometry = "parallel"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mm_per_px) and self.mm_per_px > 0):
            raise InputError(f"mm_per_px must be positive, it is {self.mm_per_px}")
        if self.width_px < 1 or self.height_px < 1:
            raise InputError(f"a film of {self.width_px} x {self.height_px} px has no pixels")
        if self.geometry not in {"parallel", "cone"}:
            raise InputError(f"unknown geometry {self.geometry!r}", remedy="parallel or cone")

    @property
    def focus_mm(self) -> float:
        """Distance of the focus from the midplane; infinite for parallel beams."""
        return SOURCE_TO_MIDPLANE_MM if self.geometry == "cone" else np.inf

    @property
    def film_magnification(self) -> float:
        """How much larger the midplane is on the physical film than in the head."""
        return 1.0 + MIDPLANE_TO_FILM_MM / self.focus_mm


def view_of(
    volume: Volume,
    *,
    mm_per_px: float,
    rotation_deg: float = 0.0,
    tilt_deg: float = 0.0,
    nod_deg: float = 0.0,
    geometry: Geometry = "parallel",
) -> View:
    """A view whose film covers the whole upright volume, turning about the head's centre.

    Args:
        volume: the head.
        mm_per_px: scale in the midplane.
        rotation_deg: see `View`.
        tilt_deg: see `View`.
        nod_deg: see `View`.
        geometry: see `View`.

    Returns:
        The view, pivot at the head's centre; change its film with ``dataclasses.replace``.
    """
    pivot = head_centre_mm(volume)
    _, depth_mm, height_mm = volume.size_mm
    return View(
        mm_per_px=mm_per_px,
        width_px=int(np.ceil(depth_mm / mm_per_px)) + 1,
        height_px=int(np.ceil(height_mm / mm_per_px)) + 1,
        pivot_mm=pivot,
        pivot_px=((depth_mm - pivot[1]) / mm_per_px, (height_mm - pivot[2]) / mm_per_px),
        rotation_deg=rotation_deg,
        tilt_deg=tilt_deg,
        nod_deg=nod_deg,
        geometry=geometry,
    )


def pose_matrix(view: View) -> NDArray[np.float64]:
    """The rotation of the head, (3, 3): nod first, then tilt, then rotation about the vertical axis."""
    return about_z_matrix(view.rotation_deg) @ lean_matrix(view)


def project_points(points_mm: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    """Where points of the head fall on the film.

    Args:
        points_mm: (n, 3) positions (x, y, z) in the upright volume, mm from its first voxel's centre.
        view: pose, geometry and film.

    Returns:
        (n, 2) float64 positions (x, y) in px of the film; they may lie outside it.

    Example:
        >>> view = View(
        ...     mm_per_px=0.5, width_px=200, height_px=200, pivot_mm=(50, 50, 50), pivot_px=(100, 100)
        ... )
        >>> project_points(np.array([[50.0, 40.0, 60.0]]), view)  # 10 mm to the front, 10 mm up
        array([[120.,  80.]])
    """
    points = np.asarray(points_mm, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"points must be (n, 3), they are {points.shape}")
    room = (points - np.asarray(view.pivot_mm)) @ pose_matrix(view).T
    to_midplane = 1.0 / (1.0 + room[:, 0] / view.focus_mm)
    right_up_mm = np.stack([-room[:, 1], room[:, 2]], axis=1) * to_midplane[:, np.newaxis]
    pivot = np.asarray(view.pivot_px, dtype=np.float64)
    projected: NDArray[np.float64] = pivot + right_up_mm * np.array([1.0, -1.0]) / view.mm_per_px
    return projected


def about_z_matrix(angle_deg: float) -> NDArray[np.float64]:
    """Right-handed rotation about z, (3, 3)."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def lean_matrix(view: View) -> NDArray[np.float64]:
    """Nod about x, then tilt about y."""
    c, s = np.cos(np.radians(view.nod_deg)), np.sin(np.radians(view.nod_deg))
    nod = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    c, s = np.cos(np.radians(view.tilt_deg)), np.sin(np.radians(view.tilt_deg))
    tilt = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    lean: NDArray[np.float64] = tilt @ nod
    return lean
