"""Elastic distortion as in the reference: blurred noise on a coarse grid, its size given in mm of film.

The reference (Drevický & Kodým 2020) squeezes a film to 128 x 128 px, draws for each px and axis a number
uniform in [-1, 1], blurs with a Gaussian of 8 px and multiplies by a magnitude, in px of that grid, of 0 to
200. Its films measure 193.5 x 240 mm (ISBI 2015), so a px of its grid, here a *cell*, is 1.512 mm wide and
1.875 mm high. We keep the cell in mm: on any film, at any resolution, the blur is 8 cells (12.1 mm across,
15.0 mm down) and magnitude m displaces by m times the blurred noise times the cell's size. A film of 193.5 x
240 mm has exactly the reference's 128 x 128 cells; another film has as many as cover it, from its upper left
corner. So a magnitude means the same physical distortion on films of different size, which needs their
scale: a film without one is refused.

The map is that of the resampling: the distorted film shows at v what the film shows at v + d(v). A landmark p
is therefore found again at the v with v + d(v) = p, the inverse of the map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import gaussian_filter

from cephsure.errors import FilmError
from cephsure.geometry import sample_bilinear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films import Film

CELL_MM = (193.5 / 128, 240.0 / 128)
"""Width and height of a px of the reference's grid on an ISBI film."""
BLUR_CELLS = 8.0
MAX_MAGNITUDE = 200.0
"""The strongest distortion of the reference."""

# Rows of a film that are resampled at a time: what they need fits in the processor's cache.
_ROWS = 32
_NEWTON_STEPS = 15
_SOLVED_CELLS = 1e-7
# Solutions this close are one: Newton ends far closer to a solution, and a film's px is a tenth of a cell.
_SAME_CELLS = 1e-3
# How far within a cell the map may curve away from its corners' bounding box.
_CURVED_CELLS = 0.2
_CUBIC_NODES = 4


@dataclass(frozen=True)
class ElasticField:
    """One random field, to be scaled up by a magnitude; known at every point by bicubic spline.

    Attributes:
        cells: (2, R, C) displacement along x and y in cells at magnitude 1, at the cells' centres; it stays
            what it is from the outermost centres to the film's edge.
        width_px: of the film it is for.
        height_px: of that film.
        mm_per_px: of that film, along x and y.
    """

    cells: NDArray[np.float64]
    width_px: int
    height_px: int
    mm_per_px: tuple[float, float]

    @staticmethod
    def of_film(film: Film, *, seed: int, film_id: str) -> ElasticField:
        """Draw the field of a film's size and scale, by the study's seed and the film's name.

        Raises:
            FilmError: the film has no mm scale.
        """
        if film.spacing is None:
            raise FilmError(
                "an elastic distortion is given in mm, and this film has no scale",
                where=film.path or film_id,
                remedy="give its mm per px",
            )
        mm_per_px = (film.spacing.x_mm_per_px, film.spacing.y_mm_per_px)
        generator = np.random.default_rng([seed, *film_id.encode("utf-8")])
        columns = _count(film.width_px * mm_per_px[0] / CELL_MM[0])
        rows = _count(film.height_px * mm_per_px[1] / CELL_MM[1])
        noise = generator.uniform(-1.0, 1.0, (2, rows, columns))
        blurred = gaussian_filter(noise, (0.0, BLUR_CELLS, BLUR_CELLS))
        return ElasticField(blurred, film.width_px, film.height_px, mm_per_px)

    def displacement_px(self, points_px: NDArray[np.float64], magnitude: float) -> NDArray[np.float64]:
        """How far from points (..., 2) of the distorted film the film is looked up, in px."""
        return magnitude * self._at(self._to_cells(points_px)) * self._cell_px

    def distort(self, film: Film, magnitude: float) -> Film:
        """Resample the film (bilinear); beyond its edge the edge's grey values go on.

        Args:
            film: of the size the field was drawn for.
            magnitude: in the reference's unit, 0 to ``MAX_MAGNITUDE``; 0 gives the film's own grey values.
        """
        if film.pixels.shape != (self.height_px, self.width_px):
            raise ValueError(f"a field for {self.width_px} x {self.height_px} px, not {film.pixels.shape}")
        if magnitude == 0:
            return film
        columns_px, rows_px = (np.arange(n, dtype=np.float64) for n in (self.width_px, self.height_px))
        column_cells = self._clipped(self._to_cells(columns_px, 0), 0)
        row_cells = self._clipped(self._to_cells(rows_px, 1), 1)
        pixels = np.empty_like(film.pixels)
        for start in range(0, self.height_px, _ROWS):
            rows = slice(start, start + _ROWS)
            looked_up = np.empty((*pixels[rows].shape, 2), dtype=np.float32)
            for axis, straight in enumerate((columns_px, rows_px[rows, np.newaxis])):
                moved = self._splines[axis](row_cells[rows], column_cells)
                looked_up[..., axis] = straight + magnitude * self._cell_px[axis] * moved
            pixels[rows] = sample_bilinear(film.pixels, looked_up)
        note = f"elastically distorted, magnitude {magnitude:g}"
        return replace(film, pixels=pixels, path=None, notes=(*film.notes, note))

    def move(self, points_px: NDArray[np.float64], magnitude: float) -> NDArray[np.float64]:
        """Where points (..., 2) of the film lie on the distorted film, to within a thousandth of a px.

        It is the exact inverse of the resampling. NaN for a point that is missing, for one that the map's
        folds show at several places, and for one that is moved off the film.
        """
        flat = np.asarray(points_px, dtype=np.float64).reshape(-1, 2)
        moved = np.full_like(flat, np.nan)
        known = np.isfinite(flat).all(axis=1)
        if magnitude == 0:
            moved[known] = flat[known]
        elif known.any():
            cells = self._unique(self._to_cells(flat[known]), magnitude)
            moved[known] = (cells + 0.5) * self._cell_px - 0.5
        return moved.reshape(np.shape(points_px))

    def size_mm(self, magnitude: float) -> tuple[float, float]:
        """Root mean square and largest length of the displacement over the film, in mm."""
        lengths = magnitude * np.hypot(*(self.cells * np.reshape(CELL_MM, (2, 1, 1))))
        return float(np.sqrt(np.mean(lengths**2))), float(lengths.max())

    def folded_share(self, magnitude: float) -> float:
        """Share of the cells' centres at which the map has turned over (its determinant is not positive)."""
        rows, columns = np.mgrid[: self.cells.shape[1], : self.cells.shape[2]].astype(np.float64)
        slopes = self._slopes(np.stack([columns, rows], axis=-1).reshape(-1, 2), magnitude)
        return float(np.mean(np.linalg.det(slopes) <= 0))

    @cached_property
    def _splines(self) -> tuple[RectBivariateSpline, RectBivariateSpline]:
        rows, columns = (np.arange(count) for count in self.cells.shape[1:])
        along_x, along_y = (RectBivariateSpline(rows, columns, cells) for cells in self.cells)
        return along_x, along_y

    @property
    def _cell_px(self) -> NDArray[np.float64]:
        return np.array(CELL_MM) / self.mm_per_px

    @property
    def _edge_cells(self) -> NDArray[np.float64]:
        """The film's right and lower edge in cells; its left and upper one is at -0.5."""
        return np.array([self.width_px, self.height_px]) / self._cell_px - 0.5

    def _to_cells(self, px: NDArray[np.float64], axis: int | slice = slice(None)) -> NDArray[np.float64]:
        return (px + 0.5) / self._cell_px[axis] - 0.5

    def _clipped(self, cells: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        """One coordinate, brought between the outermost cells' centres."""
        return np.clip(cells, 0.0, self.cells.shape[2 - axis] - 1.0)

    def _at(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """Displacement in cells at magnitude 1 at points (..., 2)."""
        x, y = (self._clipped(cells[..., axis], axis) for axis in (0, 1))
        return np.stack([spline.ev(y, x) for spline in self._splines], axis=-1)

    def _slopes(self, cells: NDArray[np.float64], magnitude: float) -> NDArray[np.float64]:
        """(K, 2, 2) derivative of v + d(v) at points (K, 2): rows by what moves, columns by where."""
        x, y = (self._clipped(cells[..., axis], axis) for axis in (0, 1))
        inside = np.stack([x == cells[..., 0], y == cells[..., 1]], axis=-1)
        slopes = np.empty((len(cells), 2, 2))
        for axis, spline in enumerate(self._splines):
            slopes[:, axis, 0] = spline.ev(y, x, dy=1)
            slopes[:, axis, 1] = spline.ev(y, x, dx=1)
        whole: NDArray[np.float64] = np.eye(2) + magnitude * slopes * inside[:, np.newaxis, :]
        return whole

    def _solutions(
        self, targets: NDArray[np.float64], magnitude: float
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Every v on the film with v + d(v) = target, in cells: (K,) the target's index, and (K, 2) the v.

        Newton's method, from four points in every cell whose image may hold the target.
        """
        owners, points = self._starts(targets, magnitude)
        wanted = targets[owners]
        for _ in range(_NEWTON_STEPS):
            away = points + magnitude * self._at(points) - wanted
            if np.abs(away).max(initial=0.0) < _SOLVED_CELLS:
                break
            (a, b), (c, d) = np.moveaxis(self._slopes(points, magnitude), 0, -1)
            determinant = a * d - b * c
            determinant = np.where(np.abs(determinant) < 1e-6, 1e-6, determinant)
            step = np.stack([d * away[:, 0] - b * away[:, 1], a * away[:, 1] - c * away[:, 0]], axis=-1)
            # Where the map is steep a full step would leave the solution's neighbourhood.
            points = points - np.clip(step / determinant[:, np.newaxis], -1.0, 1.0)
        away = points + magnitude * self._at(points) - wanted
        good = (np.abs(away) < _SOLVED_CELLS).all(axis=1)
        good &= ((points >= -0.5) & (points <= self._edge_cells)).all(axis=1)
        return owners[good], points[good]

    def _starts(
        self, targets: NDArray[np.float64], magnitude: float
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Four points in each square between cells' centres whose corners' images surround a target."""
        x, y = (np.hstack([-0.5, np.arange(np.ceil(edge)), edge]) for edge in self._edge_cells)
        nodes = np.stack(np.meshgrid(x, y), axis=-1)  # (Y, X, 2)
        images = nodes + magnitude * self._at(nodes)
        corners = np.stack([images[:-1, :-1], images[1:, :-1], images[:-1, 1:], images[1:, 1:]])
        low, high = corners.min(axis=0) - _CURVED_CELLS, corners.max(axis=0) + _CURVED_CELLS
        surrounds = np.ones((len(targets), *low.shape[:2]), dtype=bool)
        for axis in (0, 1):
            at = targets[:, axis, np.newaxis, np.newaxis]
            surrounds &= (low[..., axis] <= at) & (at <= high[..., axis])
        owners, row, column = np.nonzero(surrounds)
        first, last = nodes[row, column], nodes[row + 1, column + 1]
        shares = np.array([(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)])
        points = first + shares[:, np.newaxis] * (last - first)  # (4, K, 2)
        return np.tile(owners, len(shares)), points.reshape(-1, 2)

    def _unique(self, targets: NDArray[np.float64], magnitude: float) -> NDArray[np.float64]:
        """(P, 2) the one solution of each target; NaN if there is none, or more than one."""
        owners, solutions = self._solutions(targets, magnitude)
        found = np.full_like(targets, np.nan)
        for owner in np.unique(owners):
            own = solutions[owners == owner]
            if np.abs(own - own[0]).max() < _SAME_CELLS:
                found[owner] = own[0]
        single = np.isfinite(found).all(axis=1)
        turned = np.linalg.det(self._slopes(found[single], magnitude)) <= 0
        found[np.flatnonzero(single)[turned]] = np.nan
        return found


def _count(cells: float) -> int:
    """Whole cells that cover the film; at least as many as a bicubic spline needs."""
    # A scale such as 0.1 is not exact in binary: 128.0000001 cells are 128.
    return max(int(np.ceil(cells - 1e-6)), _CUBIC_NODES)
