"""The pose of a head: how it is levelled, from where it is seen, and where its points fall on the film.

**Room.** x to the patient's left, y to posterior, z up, as in `Volume`. The beam comes from the patient's
right and the film stands at the left; it is looked at from the source, so the nose is on the right and the
vertex on top.

**Pose.** The head turns about the pivot, each angle right-handed about its axis: first ``nod_deg`` about x
(positive: chin down), then ``tilt_deg`` about y (positive: vertex to the left shoulder), then
``rotation_deg`` about z (positive: face to the left, towards the film).

**Scale.** ``mm_per_px`` holds in the midplane, the plane through the pivot that faces the beam: the
midsagittal plane of a head that is not turned. With parallel beams it holds everywhere; with a cone what lies
x mm to the left of the midplane is smaller by 1500 / (1500 + x), and what lies towards the source larger.

**Levelling.** A rotation of 0 degrees means something only for a head whose own pose is known: scanned heads
lie turned and tilted by several degrees. The midsagittal plane is found as the plane in which the head
mirrors itself best. How far the chin is up or down it does not say: that is for landmarks
(`cephsure.studies.shifts.nod`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage, optimize

from cephsure.errors import InputError
from cephsure.studies.shifts.volume import AIR_HU, BONE_HU, Volume, head_centre_mm

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Geometry = Literal["parallel", "cone"]

SOURCE_TO_MIDPLANE_MM = 1500.0
"""Focus to midplane in the cone geometry: what cephalostats keep to (150 cm, or 5 feet)."""

MIDPLANE_TO_FILM_MM = 150.0
"""Midplane to film in the cone geometry: the film itself is magnified 1650 / 1500 = 1.1 times."""

LARGEST_TURN_DEG = 20.0
"""A head that lies further from straight is not levelled: the search would find some other plane."""

_ROUGH_MM, _FINE_MM = 8.0, 4.0
_STARTS_DEG = (-8.0, 0.0, 8.0)
_DENSEST_HU = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """From where, and on which film, a head is projected.

    ``dataclasses.replace(view, rotation_deg=10)`` turns the head and keeps the film where it is.

    Attributes:
        mm_per_px: scale in the midplane.
        width_px: of the film.
        height_px: of the film.
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
    def matrix(self) -> NDArray[np.float64]:
        """The rotation of the head, (3, 3)."""
        return pose_matrix(self.rotation_deg, self.tilt_deg, self.nod_deg)


def pose_matrix(
    rotation_deg: float = 0.0, tilt_deg: float = 0.0, nod_deg: float = 0.0
) -> NDArray[np.float64]:
    """The rotation (3, 3) that nods a head first, then tilts it, then turns it; signs as in `View`."""
    (c, s), (c_y, s_y), (c_z, s_z) = (
        (np.cos(angle), np.sin(angle)) for angle in np.radians([nod_deg, tilt_deg, rotation_deg])
    )
    nod = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    tilt = np.array([[c_y, 0.0, s_y], [0.0, 1.0, 0.0], [-s_y, 0.0, c_y]])
    turn = np.array([[c_z, -s_z, 0.0], [s_z, c_z, 0.0], [0.0, 0.0, 1.0]])
    pose: NDArray[np.float64] = turn @ (tilt @ nod)
    return pose


def view_of(volume: Volume, *, mm_per_px: float, geometry: Geometry = "parallel") -> View:
    """A view whose film covers the whole upright volume; the head would turn about its centre."""
    pivot = head_centre_mm(volume)
    _, depth_mm, height_mm = volume.size_mm
    return View(
        mm_per_px=mm_per_px,
        width_px=int(np.ceil(depth_mm / mm_per_px)) + 1,
        height_px=int(np.ceil(height_mm / mm_per_px)) + 1,
        pivot_mm=pivot,
        pivot_px=((depth_mm - pivot[1]) / mm_per_px, (height_mm - pivot[2]) / mm_per_px),
        geometry=geometry,
    )


def project_points(points_mm: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    """Where points (n, 3) of the upright volume, in mm, fall on the film: (n, 2) in px, maybe outside it.

    Examples:
        >>> view = View(
        ...     mm_per_px=0.5, width_px=200, height_px=200, pivot_mm=(50, 50, 50), pivot_px=(100, 100)
        ... )
        >>> project_points(np.array([[50.0, 40.0, 60.0]]), view)  # 10 mm to the front, 10 mm up
        array([[120.,  80.]])
    """
    points = np.asarray(points_mm, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"points must be (n, 3), they are {points.shape}")
    room = (points - np.asarray(view.pivot_mm)) @ view.matrix.T
    to_midplane = 1.0 / (1.0 + room[:, 0] / view.focus_mm)
    right_down_mm = np.stack([-room[:, 1], -room[:, 2]], axis=1) * to_midplane[:, np.newaxis]
    projected: NDArray[np.float64] = np.asarray(view.pivot_px) + right_down_mm / view.mm_per_px
    return projected


@dataclass(frozen=True, slots=True)
class Levelling:
    """What brings a head's midsagittal plane square to the beam, and its chin to where it belongs."""

    tilt_deg: float  # about the antero-posterior axis, applied first; signs as in `View`
    rotation_deg: float  # about the vertical axis, applied second
    symmetry: float  # correlation of the levelled head with its mirror image, at most 1
    nod_deg: float = 0.0  # about the transverse axis, applied last, when the midsagittal plane is upright

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The rotation, (3, 3)."""
        return pose_matrix(nod_deg=self.nod_deg) @ pose_matrix(self.rotation_deg, self.tilt_deg)


@dataclass(frozen=True, slots=True)
class LevelHead:
    """A head CT resampled so that its midsagittal plane is a plane of constant x.

    Attributes:
        volume: the levelled head.
        levelling: how it was turned.
        carry: from points (n, 3) of the original volume to where they lie in the levelled one, mm.
    """

    volume: Volume
    levelling: Levelling
    carry: Callable[[NDArray[np.float64]], NDArray[np.float64]]


def find_level(volume: Volume) -> Levelling:
    """Find the tilt and the rotation under which the head is most like its mirror image.

    Bone (what lies over 300 HU, teeth and metal counting no more than dense bone) is averaged to voxels of
    some 8, then 4 mm, smoothed a little, and correlated with its mirror image in a plane near the head's
    centre; the plane's tilt, rotation and place are searched for by the simplex method of Nelder and Mead
    from several starts. Skin, hair and the neck's posture do not count. No head is symmetric: jaw and
    braincase of one head can differ by a degree or two.

    Where there is no bone, or the best plane leans by more than ``LARGEST_TURN_DEG``, the angles are zero.
    """
    rough, fine = (_coarse(volume, voxel_mm) for voxel_mm in (_ROUGH_MM, _FINE_MM))
    if np.ptp(rough.bone) == 0:
        return Levelling(0.0, 0.0, 0.0)
    begun = [_search(rough, np.array([tilt, 0.0, 0.0])) for tilt in _STARTS_DEG]
    (tilt, rotation, _), symmetry = _search(fine, max(begun, key=lambda found: found[1])[0])
    if max(abs(tilt), abs(rotation)) > LARGEST_TURN_DEG:
        return Levelling(0.0, 0.0, fine.likeness(np.zeros(3)))
    return Levelling(float(tilt), float(rotation), symmetry)


def level_head(volume: Volume, levelling: Levelling | None = None, *, finest_mm: float = 0.0) -> LevelHead:
    """Resample a head CT to its midsagittal plane.

    Args:
        volume: the head.
        levelling: how to turn it; by default what `find_level` finds, which leaves the chin as it is.
        finest_mm: an axis with a finer spacing gets this one; projections of very fine CTs take long.

    Returns:
        The levelled head, grown so that no corner is cut off; what was outside the volume is air.
    """
    how = find_level(volume) if levelling is None else levelling
    pivot = np.asarray(head_centre_mm(volume))
    old = np.asarray(volume.spacing_mm)
    new = np.maximum(old, finest_mm)
    corners = np.array(np.meshgrid(*([0.0, end] for end in volume.size_mm))).reshape(3, -1).T
    turned = (corners - pivot) @ how.matrix.T + pivot
    origin = turned.min(axis=0)
    shape = np.ceil((turned.max(axis=0) - origin) / new).astype(int) + 1
    # New index -> mm -> old mm -> old index, as scipy wants it: old = matrix @ new + offset.
    matrix = how.matrix.T * new / old[:, np.newaxis]
    offset = (how.matrix.T @ (origin - pivot) + pivot) / old
    values = ndimage.affine_transform(
        volume.values, matrix, offset, tuple(shape), order=1, cval=AIR_HU, output=np.float32
    )
    dx, dy, dz = new.tolist()
    return LevelHead(
        Volume(values, (dx, dy, dz)),
        how,
        lambda points_mm: (points_mm - pivot) @ how.matrix.T + pivot - origin,
    )


@dataclass(frozen=True, slots=True)
class _Coarse:
    """Bone averaged over blocks of voxels."""

    bone: NDArray[np.float32]  # (n_x, n_y, n_z)
    spacing_mm: NDArray[np.float64]  # (3,) of the blocks
    centre_mm: NDArray[np.float64]  # (3,) the head's centre, from the first block's centre
    index: NDArray[np.float64]  # (n, 3) every block's

    def likeness(self, parameters: NDArray[np.float64]) -> float:
        """Correlation with the mirror image: tilt and rotation in degrees, the plane's offset in mm."""
        normal = pose_matrix(parameters[1], parameters[0])[0]
        offset_mm = (self.index * self.spacing_mm - self.centre_mm) @ normal - parameters[2]
        mirrored = self.index - 2 * offset_mm[:, np.newaxis] * normal / self.spacing_mm
        image = ndimage.map_coordinates(self.bone, mirrored.T, order=1, mode="nearest")
        return float(np.corrcoef(self.bone.ravel(), image)[0, 1]) if np.ptp(image) else -1.0


def _coarse(volume: Volume, voxel_mm: float) -> _Coarse:
    """Bone averaged over blocks of some ``voxel_mm``, and smoothed."""
    spacing = np.asarray(volume.spacing_mm)
    block = np.clip(np.round(voxel_mm / spacing).astype(int), 1, volume.values.shape)
    shape = volume.values.shape // block
    whole = volume.values[tuple(slice(0, n * b) for n, b in zip(shape, block, strict=True))]
    bone = np.clip(whole - BONE_HU, 0, _DENSEST_HU)
    averaged = bone.reshape([n for pair in zip(shape, block, strict=True) for n in pair]).mean(axis=(1, 3, 5))
    centre = np.asarray(head_centre_mm(volume)) - (block - 1) / 2 * spacing
    index = np.indices(averaged.shape, dtype=np.float64).reshape(3, -1).T
    return _Coarse(ndimage.gaussian_filter(averaged, 0.7), spacing * block, centre, index)


def _search(grid: _Coarse, start: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The most likely parameters from one start, and their likeness."""
    simplex = start + np.vstack([np.zeros(3), np.diag([4.0, 4.0, 4.0])])
    found = optimize.minimize(
        lambda parameters: -grid.likeness(parameters),
        start,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 0.02, "fatol": 1e-6, "maxfev": 150},
    )
    return found.x, -float(found.fun)
