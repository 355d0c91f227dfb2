"""Lateral projections of a head CT: the line integral of attenuation along the ray of every pixel of a film.

The geometry is that of `cephsure.studies.shifts.view`. A line integral is ln(I0 / I), by Beer and Lambert.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage, sparse

from cephsure.films import Spacing, SpacingSource
from cephsure.studies.shifts.view import about_z_matrix, lean_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.studies.shifts.view import View
    from cephsure.studies.shifts.volume import Volume

Order = Literal[1, 3]

AIR_BELOW_HU = -800.0
WATER_PER_MM = 0.02
_BONE_FROM_HU = 100.0
# At the edge of a head, 130 mm from the central ray, a slab's middle and its ends differ by 130 x 1 / 1500,
# less than 0.1 mm, one up and one down.
_SLAB_MM = 2.0


@dataclass(frozen=True, slots=True)
class Projection:
    """Line integrals of attenuation on a film.

    Attributes:
        line_integrals: (height, width) float32, without unit: ln of entering over leaving intensity.
        view: how they were made.
    """

    line_integrals: NDArray[np.float32]
    view: View

    @property
    def spacing(self) -> Spacing:
        """The scale of the midplane, known because the projection was made with it."""
        return Spacing(self.view.mm_per_px, self.view.mm_per_px, SpacingSource.DATASET)


def attenuation_per_mm(values_hu: NDArray[np.float32], *, bone_gain: float = 1.0) -> NDArray[np.float32]:
    """Linear attenuation from Hounsfield units: 0.02 (1 + HU / 1000) per mm, and none in air.

    0.02 per mm is water at some 60 keV. Below -800 HU nothing is counted: scanners and 8-bit sources leave
    air at -930 and the like, which over a quarter of a metre would fog the film. Nowhere is it negative.

    Args:
        values_hu: any shape, HU.
        bone_gain: what lies over 100 HU is multiplied by this. The beam of a CT (120 kV) is harder than
            that of a cephalogram (60 to 80 kV), where bone stands out two to three times as much.

    Returns:
        The same shape, float32, per mm.
    """
    hu = values_hu
    if bone_gain != 1:
        hu = hu + np.float32(bone_gain - 1.0) * np.maximum(values_hu - np.float32(_BONE_FROM_HU), 0)
    mu: NDArray[np.float32] = np.maximum(np.float32(WATER_PER_MM) * (1 + hu / np.float32(1000)), 0)
    mu[values_hu < AIR_BELOW_HU] = 0
    return mu


def project(volume: Volume, view: View, *, order: Order = 1, bone_gain: float = 1.0) -> Projection:
    """Project a head CT: the line integral of attenuation along the ray of every pixel.

    A rotation about the vertical axis moves all axial slices alike, so sampling along the rays is one sparse
    matrix on the slices' plane, followed by the scale along z (for a cone, slab by slab of 2 mm). A nod or
    tilt resamples the volume once before that. Depths are half a voxel apart. A pixel is the ray through its
    centre: for a film coarser than the CT, project at the CT's spacing and average pixels afterwards.

    Args:
        volume: the head.
        view: pose, geometry and film.
        order: 1 samples linearly (quick, for series), 3 by cubic splines (for films finer than the CT).
        bone_gain: see `attenuation_per_mm`.

    Returns:
        The projection. Rays outside the volume meet nothing.
    """
    grid = _Grid(attenuation_per_mm(volume.values, bone_gain=bone_gain), volume.spacing_mm, (0.0, 0.0, 0.0))
    if view.tilt_deg or view.nod_deg:
        grid = _leaned(grid, view, order)
    if order == 3:
        coefficients = ndimage.spline_filter(grid.values, order=3, mode="mirror", output=np.float32)
        grid = replace(grid, values=coefficients)
    depths_mm, step_mm = _depths(grid, view)
    # Parallel rays have one scale at all depths; a cone's is shared by the depths of a thin slab.
    thin = min(len(depths_mm), int(np.ceil(len(depths_mm) * step_mm / _SLAB_MM)))
    slabs = 1 if view.geometry == "parallel" else thin
    film = np.zeros((view.height_px, view.width_px), dtype=np.float32)
    for slab_mm in np.array_split(depths_mm, slabs):
        film += _plane_sums(grid, view, slab_mm, order)
    right_mm, up_mm = _film_mm(view)
    obliqueness = np.sqrt(1 + (right_mm[np.newaxis] ** 2 + up_mm[:, np.newaxis] ** 2) / view.focus_mm**2)
    return Projection(np.maximum(film * (step_mm * obliqueness), 0).astype(np.float32), view)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Attenuation (or its spline coefficients) on a grid: value (0, 0, 0) stands at ``origin_mm``."""

    values: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]

    def index(self, axis: int, position_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fractional index along one axis."""
        return (position_mm - self.origin_mm[axis]) / self.spacing_mm[axis]

    def corners_mm(self, axes: tuple[int, ...]) -> NDArray[np.float64]:
        """The corners of the voxels' cells along the given axes, (2 ** len(axes), len(axes))."""
        ends = [
            self.origin_mm[a] + np.array([-0.5, self.values.shape[a] - 0.5]) * self.spacing_mm[a]
            for a in axes
        ]
        return np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, len(axes))


def _film_mm(view: View) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Each column's distance to the right of the pivot and each row's above it, in the midplane."""
    right = (np.arange(view.width_px) - view.pivot_px[0]) * view.mm_per_px
    up = -(np.arange(view.height_px) - view.pivot_px[1]) * view.mm_per_px
    return right, up


def _leaned(grid: _Grid, view: View, order: Order) -> _Grid:
    """The grid with nod and tilt applied, grown so that no corner is cut off."""
    lean = lean_matrix(view)
    pivot = np.asarray(view.pivot_mm)
    spacing = np.asarray(grid.spacing_mm)
    corners = (grid.corners_mm((0, 1, 2)) - pivot) @ lean.T + pivot
    origin = corners.min(axis=0)
    shape = np.ceil((corners.max(axis=0) - origin) / spacing).astype(int) + 1
    # Output index -> room mm -> head mm -> input index, as scipy wants it: input = matrix @ output + offset.
    matrix = lean.T * spacing / spacing[:, np.newaxis]
    offset = (lean.T @ (origin - pivot) + pivot - np.asarray(grid.origin_mm)) / spacing
    values = ndimage.affine_transform(
        grid.values, matrix, offset, tuple(shape), order=order, mode="constant", output=np.float32
    )
    return _Grid(values, grid.spacing_mm, (float(origin[0]), float(origin[1]), float(origin[2])))


def _depths(grid: _Grid, view: View) -> tuple[NDArray[np.float64], float]:
    """Depths along the beam (mm to the left of the pivot) that cover the turned grid, and their step."""
    step = min(grid.spacing_mm[:2]) / 2
    corners = grid.corners_mm((0, 1)) - np.asarray(view.pivot_mm[:2])
    x = corners @ about_z_matrix(view.rotation_deg)[0, :2]
    count = int(np.ceil((x.max() - x.min()) / step))
    middle = (x.max() + x.min()) / 2
    return middle + (np.arange(count) - (count - 1) / 2) * step, step


def _plane_sums(grid: _Grid, view: View, depths_mm: NDArray[np.float64], order: Order) -> NDArray[np.float32]:
    """Sum over the given depths of the attenuation met by each pixel's ray.

    In the slices' plane each depth has its own scale; along z they share that of their middle.
    """
    right, up = _film_mm(view)
    scales = 1.0 + depths_mm / view.focus_mm
    x_room, y_room = np.broadcast_arrays(depths_mm[:, np.newaxis], -right * scales[:, np.newaxis])
    turn = about_z_matrix(view.rotation_deg)[:2, :2]
    x = turn[0, 0] * x_room + turn[1, 0] * y_room + view.pivot_mm[0]
    y = turn[0, 1] * x_room + turn[1, 1] * y_room + view.pivot_mm[1]
    n_x, n_y, n_z = grid.values.shape
    i, w_i = _taps(grid.index(0, x).ravel(), n_x, order)
    j, w_j = _taps(grid.index(1, y).ravel(), n_y, order)
    columns = (i[:, :, np.newaxis] * n_y + j[:, np.newaxis, :]).reshape(len(i), -1)
    weights = (w_i[:, :, np.newaxis] * w_j[:, np.newaxis, :]).reshape(len(i), -1)
    pixel = np.tile(np.arange(view.width_px), len(depths_mm))
    in_plane = _matrix(pixel, columns, weights, (view.width_px, n_x * n_y))
    slab = in_plane @ grid.values.reshape(-1, n_z)
    k, w_k = _taps(grid.index(2, up * scales.mean() + view.pivot_mm[2]), n_z, order)
    vertical = _matrix(np.arange(view.height_px), k, w_k, (view.height_px, n_z))
    film: NDArray[np.float32] = vertical @ np.ascontiguousarray(slab.T)
    return film


def _matrix(
    rows: NDArray[np.intp], columns: NDArray[np.intp], weights: NDArray[np.float64], shape: tuple[int, int]
) -> sparse.csr_array:
    """The sparse matrix with ``weights[n, t]`` at (``rows[n]``, ``columns[n, t]``), duplicates summed."""
    met = weights.ravel() != 0
    row = np.repeat(rows, columns.shape[1])[met]
    entries = (weights.ravel()[met].astype(np.float32), (row, columns.ravel()[met]))
    return sparse.coo_array(entries, shape=shape).tocsr()


def _taps(
    position: NDArray[np.float64], size: int, order: Order
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Indices and weights (n, order + 1) that interpolate at fractional positions along one axis.

    Within half a voxel outside the first and last centre the axis is mirrored there (as scipy's "mirror");
    further out all weights are zero.
    """
    base = np.floor(position)
    f = position - base
    if order == 1:
        weights = np.stack([1 - f, f], axis=1)
    else:  # the cubic B-spline at distances 1 + f, f, 1 - f, 2 - f
        weights = np.stack(
            [(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, 3 * (1 - f) ** 3 - 6 * (1 - f) ** 2 + 4, f**3], axis=1
        )
        weights /= 6
    weights[(position < -0.5) | (position > size - 0.5)] = 0
    index = base.astype(np.intp)[:, np.newaxis] + np.arange(order + 1) - (order - 1) // 2
    index = np.abs(index)
    index = np.where(index > size - 1, 2 * (size - 1) - index, index)
    return np.clip(index, 0, size - 1), weights
