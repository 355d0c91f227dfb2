"""Levelling: turning a head so that its midsagittal plane faces the beam.

A rotation of 0 degrees means something only for a head whose own pose is known: scanned heads lie turned and
tilted by several degrees. The midsagittal plane is found as the plane in which the head mirrors itself best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, optimize

from cephsure.studies.shifts.view import about_z_matrix
from cephsure.studies.shifts.volume import AIR_HU, BONE_HU, Volume, head_centre_mm

if TYPE_CHECKING:
    from numpy.typing import NDArray


LARGEST_TURN_DEG = 20.0
"""A head that lies further from straight is not levelled: the search would find some other plane."""

_ROUGH_MM, _FINE_MM = 8.0, 4.0
_STARTS_DEG = (-8.0, 0.0, 8.0)
_DENSEST_HU = 900.0


@dataclass(frozen=True, slots=True)
class Levelling:
    """What brings a head's midsagittal plane square to the beam.

    Attributes:
        tilt_deg: lean about the antero-posterior axis, applied first.
        rotation_deg: turn about the vertical axis, applied second; signs as in `View`.
        symmetry: correlation of the levelled head with its mirror image, at most 1.
    """

    tilt_deg: float
    rotation_deg: float
    symmetry: float

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The rotation, (3, 3)."""
        return _turn(self.tilt_deg, self.rotation_deg)


@dataclass(frozen=True, slots=True)
class LevelHead:
    """A head CT resampled so that its midsagittal plane is a plane of constant x.

    Attributes:
        volume: the levelled head.
        levelling: how it was turned.
        pivot_mm: the point of the original volume that it was turned about.
        shift_mm: what is added after the turn about the pivot, so that the first voxel is at (0, 0, 0).
    """

    volume: Volume
    levelling: Levelling
    pivot_mm: tuple[float, float, float]
    shift_mm: tuple[float, float, float]

    def carry(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points (n, 3) of the original volume lie in the levelled one, mm."""
        pivot = np.asarray(self.pivot_mm)
        carried: NDArray[np.float64] = (
            (np.asarray(points_mm) - pivot) @ self.levelling.matrix.T + pivot + np.asarray(self.shift_mm)
        )
        return carried


def find_level(volume: Volume) -> Levelling:
    """Find the tilt and the rotation under which the head is most like its mirror image.

    Bone (what lies over 300 HU, teeth and metal counting no more than dense bone) is averaged to voxels of
    some 8, then 4 mm, smoothed a little, and correlated with its mirror image in a plane near the head's
    centre; the plane's tilt, rotation and place are searched for by the simplex method of Nelder and Mead
    from several starts. Skin, hair and the neck's posture do not count. No head is symmetric: jaw and
    braincase of one head can differ by a degree or two.

    Args:
        volume: a head CT.

    Returns:
        The levelling; none (zero angles) if there is no bone or the best plane leans by more than
        ``LARGEST_TURN_DEG``.
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
        levelling: how to turn it; by default what `find_level` finds.
        finest_mm: an axis with a finer spacing gets this one; projections of very fine CTs take long.

    Returns:
        The levelled head, grown so that no corner is cut off; what was outside the volume is air.
    """
    how = find_level(volume) if levelling is None else levelling
    pivot = np.asarray(head_centre_mm(volume))
    old = np.asarray(volume.spacing_mm)
    new = np.maximum(old, finest_mm)
    size = np.asarray(volume.size_mm)
    corners = np.array(np.meshgrid(*([0.0, end] for end in size))).reshape(3, -1).T
    turned = (corners - pivot) @ how.matrix.T + pivot
    origin = turned.min(axis=0)
    shape = np.ceil((turned.max(axis=0) - origin) / new).astype(int) + 1
    # New index -> mm -> old mm -> old index, as scipy wants it: old = matrix @ new + offset.
    matrix = how.matrix.T * new / old[:, np.newaxis]
    offset = (how.matrix.T @ (origin - pivot) + pivot) / old
    values = ndimage.affine_transform(
        volume.values, matrix, offset, tuple(shape), order=1, cval=AIR_HU, output=np.float32
    )
    x, y, z = (float(step) for step in -origin)
    dx, dy, dz = (float(step) for step in new)
    return LevelHead(Volume(values, (dx, dy, dz)), how, head_centre_mm(volume), (x, y, z))


def _turn(tilt_deg: float, rotation_deg: float) -> NDArray[np.float64]:
    """Tilt about y, then rotation about z, as `View` has them."""
    c, s = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    tilt = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    turned: NDArray[np.float64] = about_z_matrix(rotation_deg) @ tilt
    return turned


@dataclass(frozen=True, slots=True)
class _Coarse:
    """Bone averaged over blocks of voxels.

    Attributes:
        bone: (n_x, n_y, n_z).
        spacing_mm: of the blocks, (3,).
        centre_mm: the head's centre, from the first block's centre, (3,).
        index: every block's index, (n, 3).
    """

    bone: NDArray[np.float32]
    spacing_mm: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    index: NDArray[np.float64]

    def likeness(self, parameters: NDArray[np.float64]) -> float:
        """Correlation with the mirror image: tilt and rotation in degrees, the plane's offset in mm."""
        normal = _turn(parameters[0], parameters[1]).T[:, 0]
        offset_mm = (self.index * self.spacing_mm - self.centre_mm) @ normal - parameters[2]
        mirrored = self.index - 2 * offset_mm[:, np.newaxis] * normal / self.spacing_mm
        image = ndimage.map_coordinates(self.bone, mirrored.T, order=1, mode="nearest")
        return float(np.corrcoef(self.bone.ravel(), image)[0, 1]) if np.ptp(image) else -1.0


def _coarse(volume: Volume, voxel_mm: float) -> _Coarse:
    """Bone averaged over blocks of some ``voxel_mm``, and smoothed."""
    spacing = np.asarray(volume.spacing_mm)
    size = np.asarray(volume.values.shape)
    block = np.clip(np.round(voxel_mm / spacing).astype(int), 1, size)
    shape = size // block
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
