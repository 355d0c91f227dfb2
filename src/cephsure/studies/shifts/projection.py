"""Lateral films of a head CT: line integrals of attenuation, where the head lies on the film, its greys.

The geometry is that of `cephsure.studies.shifts.pose`. A line integral is ln(I0 / I), by Beer and Lambert.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage, sparse
from scipy.interpolate import PchipInterpolator

from cephsure.errors import InputError
from cephsure.films import Film, Spacing, SpacingSource
from cephsure.studies.shifts.pose import pose_matrix, view_of
from cephsure.studies.shifts.volume import CLOSE_MM, near_head

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.studies.shifts.pose import View
    from cephsure.studies.shifts.volume import Volume

Order = Literal[1, 3]

AIR_BELOW_HU = -800.0
WATER_PER_MM = 0.02
_BONE_FROM_HU = 100.0
# At the edge of a head, 130 mm from the central ray, a slab's middle and its ends differ by 130 x 1 / 1500,
# less than 0.1 mm, one up and one down.
_SLAB_MM = 2.0

CEPHALOGRAM_BONE_GAIN = 2.4
"""Weight of bone at 35 to 40 keV, a cephalogram's beam, over what a CT's 65 to 70 keV see (see
`attenuation_per_mm`): cortical bone over water is 4.8 to 5.5 to 1 there and 2.6 to 1 here."""

TONE_CURVE = (
    *((-0.3, 6.0), (0.0, 16.0), (0.3, 35.0), (0.6, 50.0), (1.0, 65.0), (1.6, 78.0)),
    *((2.4, 98.0), (3.0, 141.0), (3.6, 188.0), (4.2, 214.0), (5.0, 236.0), (6.5, 253.0)),
)
"""Line integral to grey (0 to 255): air, the soft profile (0.3 to 1), cheeks and throat (1.6 to 2.4), face
bones and braincase (3 to 4.2), petrous bone and fillings. The greys are those that scanned films have at such
places; the first millimetres of soft tissue get a steep piece, as a cephalostat's wedge filter gives them."""

_BASE_WIDTH_MM = 14.0
_EDGE_CONTRAST = 0.15
_SHARPENED_SIGMA_MM = 0.8
_GRAIN_SIGMA_MM = 0.2

Look = Literal["sum", "cephalogram"]
"""``sum`` is the reference's: the sum of attenuation along each ray, divided by the film's maximum.
``cephalogram`` has a cephalogram's weight of bone, and `TONE_CURVE`."""

WIDTH_MM, HEIGHT_MM = 193.5, 240.0
MM_PER_PX = 0.4
_AIR_BEFORE_NOSE_MM = 8.0
# What is narrower than this in a slice (a tube, the end of a strap) is neither nose nor vertex.
_NOSE_MM2 = 20.0
_MARGIN = 2
_NOSE_DEPTH_MM = 131.0
"""From the upper edge to the nose where the vertex is at that edge: the mean of the two heads at hand."""
_NOSE_MM = 4.0


def attenuation_per_mm(values_hu: NDArray[np.float32], *, bone_gain: float = 1.0) -> NDArray[np.float32]:
    """Linear attenuation from Hounsfield units: 0.02 (1 + HU / 1000) per mm, and none in air.

    0.02 per mm is water at some 60 keV. Below -800 HU nothing is counted: scanners and 8-bit sources leave
    air at -930 and the like, which over a quarter of a metre would fog the film. Nowhere is it negative.

    What lies over 100 HU is multiplied by ``bone_gain``: the beam of a CT (120 kV) is harder than that of a
    cephalogram (60 to 80 kV), where bone stands out two to three times as much.
    """
    hu = values_hu
    if bone_gain != 1:
        hu = hu + np.float32(bone_gain - 1.0) * np.maximum(values_hu - np.float32(_BONE_FROM_HU), 0)
    mu: NDArray[np.float32] = np.maximum(np.float32(WATER_PER_MM) * (1 + hu / np.float32(1000)), 0)
    mu[values_hu < AIR_BELOW_HU] = 0
    return mu


def project(volume: Volume, view: View, *, order: Order = 1, bone_gain: float = 1.0) -> NDArray[np.float32]:
    """Project a head CT: the line integral of attenuation along the ray of every pixel.

    A rotation about the vertical axis moves all axial slices alike, so sampling along the rays is one sparse
    matrix on the slices' plane, and then the scale along z (for a cone, slab by slab of 2 mm). A nod or
    tilt resamples the volume once before that. Depths are half a voxel apart. A pixel is the ray through its
    centre: for a film coarser than the CT, project at the CT's spacing and average pixels afterwards.

    Args:
        volume: the head.
        view: pose, geometry and film.
        order: 1 samples linearly (quick, for series), 3 by cubic splines (for films finer than the CT).
        bone_gain: see `attenuation_per_mm`.

    Returns:
        (height, width) float32, without unit: ln of entering over leaving intensity.
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
    return np.maximum(film * (step_mm * obliqueness), 0).astype(np.float32)


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
        outermost = (np.array([-0.5, self.values.shape[axis] - 0.5]) for axis in axes)
        ends = [
            self.origin_mm[a] + index * self.spacing_mm[a] for a, index in zip(axes, outermost, strict=True)
        ]
        return np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, len(axes))


def _film_mm(view: View) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Each column's distance to the right of the pivot and each row's above it, in the midplane."""
    right = (np.arange(view.width_px) - view.pivot_px[0]) * view.mm_per_px
    up = -(np.arange(view.height_px) - view.pivot_px[1]) * view.mm_per_px
    return right, up


def _leaned(grid: _Grid, view: View, order: Order) -> _Grid:
    """The grid with nod and tilt applied, grown so that no corner is cut off."""
    lean = pose_matrix(tilt_deg=view.tilt_deg, nod_deg=view.nod_deg)
    pivot = np.asarray(view.pivot_mm)
    spacing = np.asarray(grid.spacing_mm)
    corners = (grid.corners_mm((0, 1, 2)) - pivot) @ lean.T + pivot
    origin = corners.min(axis=0)
    shape = np.ceil((corners.max(axis=0) - origin) / spacing).astype(int) + 1
    # Output index -> room mm -> head mm -> input index, as scipy wants it: input = matrix @ output + offset.
    matrix = lean.T * spacing / spacing[:, np.newaxis]
    offset = (lean.T @ (origin - pivot) + pivot - np.asarray(grid.origin_mm)) / spacing
    values = ndimage.affine_transform(
        grid.values, matrix, offset, tuple(shape), order=order, output=np.float32
    )
    x, y, z = origin.tolist()
    return _Grid(values, grid.spacing_mm, (x, y, z))


def _depths(grid: _Grid, view: View) -> tuple[NDArray[np.float64], float]:
    """Depths along the beam (mm to the left of the pivot) that cover the turned grid, and their step."""
    step = min(grid.spacing_mm[:2]) / 2
    corners = grid.corners_mm((0, 1)) - np.asarray(view.pivot_mm[:2])
    x = corners @ pose_matrix(view.rotation_deg)[0, :2]
    count = int(np.ceil(np.ptp(x) / step))
    return (x.max() + x.min()) / 2 + (np.arange(count) - (count - 1) / 2) * step, step


def _plane_sums(grid: _Grid, view: View, depths_mm: NDArray[np.float64], order: Order) -> NDArray[np.float32]:
    """Sum over the given depths of the attenuation met by each pixel's ray.

    In the slices' plane each depth has its own scale; along z they share that of their middle.
    """
    right, up = _film_mm(view)
    scales = 1.0 + depths_mm / view.focus_mm
    x_room, y_room = np.broadcast_arrays(depths_mm[:, np.newaxis], -right * scales[:, np.newaxis])
    turn = pose_matrix(view.rotation_deg)[:2, :2]
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
    index = np.abs(base.astype(np.intp)[:, np.newaxis] + np.arange(order + 1) - (order - 1) // 2)
    index = np.where(index > size - 1, 2 * (size - 1) - index, index)
    return np.clip(index, 0, size - 1), weights


def to_cephalogram(
    line_integrals: NDArray[np.float32],
    *,
    mm_per_px: float,
    detail_gain: float = 1.5,
    sharpening: float = 0.8,
    grain: float = 0.0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Grey values that look like a scanned lateral film: bone bright, air dark, the soft profile visible.

    The line integrals are parted into a base without fine detail but with its edges kept (the guided filter
    of He, Sun & Tang, TPAMI 2013, guided by the image itself) and the detail that is left; the detail is
    amplified, the sum mildly sharpened and sent through `TONE_CURVE`. Positions stay where they are.

    Args:
        line_integrals: (height, width) of `project`, best with ``bone_gain=CEPHALOGRAM_BONE_GAIN``.
        mm_per_px: scale of the film; widths of the filters follow from it.
        detail_gain: amplification of detail, 1 for none.
        sharpening: amount of unsharp masking (sigma 0.8 mm), 0 for none.
        grain: standard deviation of the film's grain, as a fraction of white; 0 for none.
        seed: for the grain.

    Returns:
        (height, width) float32 in [0, 1], larger is brighter.

    Raises:
        InputError: the line integrals are no finite image.
    """
    if line_integrals.ndim != 2 or not np.isfinite(line_integrals).all():
        raise InputError("line integrals must be a two-dimensional array of finite numbers")
    integrals = line_integrals.astype(np.float64)
    base = _edge_keeping_base(integrals, width_px=_BASE_WIDTH_MM / mm_per_px)
    shown = base + detail_gain * (integrals - base)
    shown += sharpening * (shown - ndimage.gaussian_filter(shown, _SHARPENED_SIGMA_MM / mm_per_px))
    at, grey = np.array(TONE_CURVE).T
    pixels = PchipInterpolator(at, grey / 255)(np.clip(shown, at[0], at[-1]))
    if grain > 0:
        noise = np.random.default_rng(seed).standard_normal(pixels.shape)
        noise = ndimage.gaussian_filter(noise, _GRAIN_SIGMA_MM / mm_per_px)
        pixels = pixels + grain * (noise / noise.std())
    clipped: NDArray[np.float32] = np.clip(pixels, 0, 1).astype(np.float32)
    return clipped


def _edge_keeping_base(image: NDArray[np.float64], *, width_px: float) -> NDArray[np.float64]:
    """The guided filter, guided by the image: smooth where its variance is below ``_EDGE_CONTRAST``."""
    # A window with a middle: the odd number nearest below.
    smooth = partial(ndimage.uniform_filter, size=max(1, 2 * int((width_px - 1) // 2) + 1))
    mean = smooth(image)
    variance = np.maximum(smooth(image**2) - mean**2, 0)
    slope = variance / (variance + _EDGE_CONTRAST)
    base: NDArray[np.float64] = smooth(slope) * image + smooth(mean * (1 - slope))
    return base


def cephalogram_view(
    volume: Volume, *, has_vertex: bool = True, tissue: NDArray[np.bool_] | None = None
) -> View:
    """The unturned head on a film of the size of the ISBI 2015 films, as they show a head.

    The nose is 8 mm from the right edge and the vertex at the upper one, which brings sella, on the head this
    was tried on, to within 1 mm of its mean place in those films; the back of the head is cut off, as there.
    Where the scan lacks the vertex, the foremost tissue is taken for the nose, and lies as deep as it would.

    Args:
        volume: the head, levelled.
        has_vertex: whether its highest tissue is the vertex.
        tissue: (n_x, n_y, n_z) where the head is; by default what `near_head` finds.
    """
    view = view_of(volume, mm_per_px=MM_PER_PX)
    dx, dy, dz = volume.spacing_mm
    tissue = near_head(volume, CLOSE_MM) if tissue is None else tissue
    front_mm = float(np.argmax(tissue.sum(axis=(0, 2)) * dx * dz > _NOSE_MM2)) * dy
    upwards = tissue.sum(axis=(0, 1)) * dx * dy > _NOSE_MM2
    top_mm = float(len(upwards) - 1 - np.argmax(upwards[::-1])) * dz
    if not has_vertex:
        slab = slice(round(front_mm / dy), round((front_mm + _NOSE_MM) / dy) + 1)
        top_mm = float(np.nonzero(tissue[:, slab].any(axis=(0, 1)))[0].mean()) * dz + _NOSE_DEPTH_MM
    width_px, height_px = round(WIDTH_MM / MM_PER_PX), round(HEIGHT_MM / MM_PER_PX)
    right_px = (view.pivot_mm[1] - front_mm + _AIR_BEFORE_NOSE_MM) / MM_PER_PX
    return replace(
        view,
        width_px=width_px,
        height_px=height_px,
        pivot_px=(width_px - 1 - right_px, (top_mm - view.pivot_mm[2]) / MM_PER_PX),
    )


def ct_film(volume: Volume, view: View, *, look: Look = "cephalogram") -> Film:
    """Project a head and draw the film, with the scale of the midplane.

    The projection is made with the CT's own sharpness and refined to the film's pixels by cubic splines:
    rays between its voxels show nothing new.
    """
    gain = CEPHALOGRAM_BONE_GAIN if look == "cephalogram" else 1.0
    coarse_mm = max(view.mm_per_px, min(volume.spacing_mm[1:]))
    factor = view.mm_per_px / coarse_mm
    coarse = replace(
        view,
        mm_per_px=coarse_mm,
        width_px=int(np.ceil(view.width_px * factor)) + 2 * _MARGIN,
        height_px=int(np.ceil(view.height_px * factor)) + 2 * _MARGIN,
        pivot_px=(view.pivot_px[0] * factor + _MARGIN, view.pivot_px[1] * factor + _MARGIN),
    )
    fine = ndimage.affine_transform(
        project(volume, coarse, bone_gain=gain),
        np.full(2, factor),
        offset=_MARGIN,
        output_shape=(view.height_px, view.width_px),
        order=3,
        mode="nearest",
    )
    spacing = Spacing(view.mm_per_px, view.mm_per_px, SpacingSource.DATASET)
    fine = np.maximum(fine, 0).astype(np.float32)
    if look == "cephalogram":
        return Film(to_cephalogram(fine, mm_per_px=view.mm_per_px), spacing)
    return Film(fine / max(float(fine.max()), np.finfo(np.float32).tiny), spacing)
