"""Regions: for each landmark the area of all positions up to a nominal content.

A position's content is the probability that the error model gives to all positions at least as likely as it:
0 at the middle, 1 far off. Were the model right, a share u of true points would have a content up to u. It is
only nearly so: a calibration says which content holds the true points of a share ``level`` (``calibration``),
and a region is all positions up to that content.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, pi, sqrt
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from cephsure.uncertainty.prediction import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps
    from cephsure.uncertainty.calibration.calibration import FilmErrors
    from cephsure.uncertainty.prediction import RegionKind


class NonconformityScore(Protocol):
    """How badly positions fit a prediction, and the regions that a bound on that makes: a kind of region."""

    needs_maps: bool

    @property
    def kind(self) -> RegionKind:
        """Its name in files and options."""

    def contents(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(L,) contents, from 0 to 1, of (L, 2) positions, one a landmark; NaN for NaN."""

    def areas_mm2(self, film: FilmErrors, contents: NDArray[np.float64]) -> NDArray[np.float64]:
        """(L, G) areas of the regions up to (G,) contents below 1."""

    def region(self, film: FilmErrors, landmark: int, content: float, level: float) -> Region:
        """All positions of a landmark (an index) up to a content below 1."""


class Ellipse:
    """Mahalanobis distance from the point, of a normal density of the error's covariance.

    That of the film itself scales with the square of its expected error (Johnstone & Cox, PMLR 152, 2021);
    what is not known of the reader is added.
    """

    kind: Literal["ellipse"] = "ellipse"
    needs_maps = False

    def contents(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 - exp(-q / 2) of squared Mahalanobis distances q."""
        away = film.away_mm(positions_px)
        squares = np.einsum("li,lij,lj->l", away, np.linalg.inv(film.covariances_mm2), away)
        return np.asarray(-np.expm1(-squares / 2))

    def areas_mm2(self, film: FilmErrors, contents: NDArray[np.float64]) -> NDArray[np.float64]:
        """The ellipses' areas."""
        sizes = np.sqrt(np.linalg.det(film.covariances_mm2))
        return np.asarray(-2 * pi * sizes[:, None] * np.log1p(-contents))

    def region(self, film: FilmErrors, landmark: int, content: float, level: float) -> Region:
        """The ellipse, its half axes turned and scaled to the film as given."""
        variances, axes = np.linalg.eigh(film.covariances_mm2[landmark])
        lengths_mm = sqrt(-2 * log(1 - content)) * np.sqrt(variances[::-1])
        half_axes = lengths_mm[:, None] * axes.T[::-1] / film.upright_mm_per_px
        half_axes = half_axes[np.argsort(-np.hypot(half_axes[:, 0], half_axes[:, 1]), kind="stable")]
        (x, y), ((ax, ay), (bx, by)) = film.points_px[landmark].tolist(), half_axes.tolist()
        return Region(
            level=level,
            kind=self.kind,
            centre_px=(x, y),
            half_axes_px=((ax, ay), (bx, by)),
            area_mm2=float(pi * lengths_mm.prod()),
        )


class Disc:
    """Radial error over the expected one, of a density whose radius is Rayleigh's.

    Source of the normalised score: Papadopoulos et al., ECML (2002), and Lei et al., JASA 113 (2018), section
    5.2, for the distance in the plane.
    """

    kind: Literal["disc"] = "disc"
    needs_maps = False

    def contents(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 - exp(-pi/4 (r / expected)^2) of distances r from the points."""
        relative = film.distances_mm(positions_px) / film.expected_mm
        return np.asarray(-np.expm1(-pi / 4 * relative**2))

    def areas_mm2(self, film: FilmErrors, contents: NDArray[np.float64]) -> NDArray[np.float64]:
        """The discs' areas."""
        return np.asarray(-4 * film.expected_mm[:, None] ** 2 * np.log1p(-contents))

    def region(self, film: FilmErrors, landmark: int, content: float, level: float) -> Region:
        """The disc in mm, on the film an ellipse where pixels are not square."""
        radius_mm = float(film.expected_mm[landmark]) * sqrt(-4 / pi * log(1 - content))
        x, y = (radius_mm / abs(scale) for scale in film.upright_mm_per_px.tolist())
        half_axes = ((x, 0.0), (0.0, y))
        centre_x, centre_y = film.points_px[landmark].tolist()
        return Region(
            level=level,
            kind=self.kind,
            centre_px=(centre_x, centre_y),
            half_axes_px=half_axes if x >= y else half_axes[::-1],
            area_mm2=pi * radius_mm**2,
        )


class HighestDensity:
    """Probability of all cells of the density at least as likely as the position's own.

    The density is the annotators' heat maps round the point, at the landmark's temperature, convolved with
    what is not known of the reader. A position off the map has the content 1. Score and region use the same
    cells: what they hold does not depend on how fine they are. Source: HPD-split of Izbicki, Shimizu & Stern,
    JMLR 23 (2022).
    """

    kind: Literal["hdr"] = "hdr"
    needs_maps = True

    def contents(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability at or above the density of each position's cell."""
        maps = _density(film).maps
        cells = maps.cells(positions_px)
        contents = np.ones(len(cells))
        contents[np.isnan(positions_px).any(axis=1)] = np.nan
        for landmark in np.flatnonzero(cells[:, 0] >= 0).tolist():
            column, row = cells[landmark]
            ranked, mass = _density(film).ranked_mass(landmark)
            density = maps.probabilities[landmark, row, column]
            contents[landmark] = min(mass[np.searchsorted(-ranked, -density, side="right") - 1], 1.0)
        return contents

    def areas_mm2(self, film: FilmErrors, contents: NDArray[np.float64]) -> NDArray[np.float64]:
        """The areas of the cells whose content is at most so much."""
        counts = [
            _count(*_density(film).ranked_mass(landmark), contents) for landmark in range(len(film.points_px))
        ]
        return np.array(counts, dtype=np.float64) * _cell_mm2(film)

    def region(self, film: FilmErrors, landmark: int, content: float, level: float) -> Region:
        """The cells whose content is at most so much, as outlines."""
        maps = _density(film).maps
        image = maps.probabilities[landmark]
        ranked, mass = _density(film).ranked_mass(landmark)
        # At least the likeliest cell: a region of none would say that the point is nowhere.
        count = max(int(_count(ranked, mass, np.array([content]))[0]), 1)
        inside = image >= ranked[count - 1]
        chains = tuple(
            # A thousandth of a pixel is far below what the cells resolve; more digits only fill files.
            tuple(
                (float(x), float(y)) for x, y in (maps.origins_px[landmark] + chain @ maps.cell_px.T).round(3)
            )
            for chain in outlines(inside)
        )
        return Region(
            level=level, kind=self.kind, outlines_px=chains, area_mm2=float(inside.sum()) * _cell_mm2(film)
        )


@dataclass(frozen=True, slots=True)
class Density:
    """Where a film's true points may be, by the heat maps; each map sums to one."""

    maps: HeatMaps
    _ranked: dict[int, tuple[NDArray[np.float32], NDArray[np.float64]]] = field(default_factory=dict)

    def ranked_mass(self, landmark: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Densities of a map's cells from the largest on, and the mass of the cells up to each."""
        if landmark not in self._ranked:
            ranked = np.sort(self.maps.probabilities[landmark], axis=None)[::-1]
            self._ranked[landmark] = ranked, np.cumsum(ranked, dtype=np.float64)
        return self._ranked[landmark]


def _count(
    ranked: NDArray[np.float32], mass: NDArray[np.float64], contents: NDArray[np.float64]
) -> NDArray[np.int64]:
    """How many cells have a content of at most each of (G,)."""
    # Cells of one density share the content of the last of them.
    lasts = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    within = np.searchsorted(mass[lasts], contents, side="right")
    return np.where(within > 0, lasts[np.maximum(within, 1) - 1] + 1, 0)


def _cell_mm2(film: FilmErrors) -> float:
    return abs(float(np.linalg.det(_density(film).maps.cell_px) * film.upright_mm_per_px.prod()))


def _density(film: FilmErrors) -> Density:
    if film.density is None:
        raise ValueError("a highest-density region needs the film's heat maps")
    return film.density


# Steps along a row, down, back and up, each a right turn after the one before (rows run downwards).
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
# The corner of a cell where its side in that direction begins, the cell on the right; and the cell across it.
_STARTS = ((0, 0), (1, 0), (1, 1), (0, 1))
_ACROSS = ((0, -1), (1, 0), (0, 1), (-1, 0))


def outlines(inside: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """The borders of some cells (H, W), as closed chains of corners (N, 2), (column, row) in cells.

    A cell's centre is at whole numbers; the first corner is not repeated, corners on straight lines are left
    out. A hole is a chain of its own, and so is each of two cells that only touch at a corner.

    >>> outlines(np.array([[False, True]]))[0].tolist()
    [[0.5, -0.5], [1.5, -0.5], [1.5, 0.5], [0.5, 0.5]]
    """
    if not inside.any():
        return []
    # Only the part of the grid that holds the set is looked at.
    spans = [np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0)]
    top, left = (int(span[0]) for span in spans)
    borders = _borders(inside[top : spans[0][-1] + 1, left : spans[1][-1] + 1])
    chains = []
    while borders:
        # The first border in reading order begins at a turn.
        start = place = next(iter(borders))
        corners = []
        while True:
            column, row, heading = place
            del borders[place]
            column, row = column + _STEPS[heading][0], row + _STEPS[heading][1]
            # To the right first: round the same cell where two touch at this corner.
            ways = [(column, row, way % 4) for way in (heading + 1, heading, heading - 1)]
            place = next(way for way in ways if way in borders or way == start)
            if place[2] != heading:
                corners.append((column, row))
            if place == start:
                break
        chain = np.array(corners[-1:] + corners[:-1], dtype=np.float64)
        chains.append(chain + np.array([left - 0.5, top - 0.5]))
    return chains


def _borders(inside: NDArray[np.bool_]) -> dict[tuple[int, int, int], None]:
    """The sides between a cell inside and one outside: the corner each begins at, and its direction.

    The cell inside lies on the right. The sides that run along a row come first, in reading order.
    """
    padded = np.pad(inside, 1)
    height, width = inside.shape
    borders: dict[tuple[int, int, int], None] = {}
    for heading, ((right, down), (dx, dy)) in enumerate(zip(_STARTS, _ACROSS, strict=True)):
        across = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        for row, column in np.argwhere(inside & ~across).tolist():
            borders[column + right, row + down, heading] = None
    return borders


REGION_KINDS: dict[RegionKind, NonconformityScore] = {
    score.kind: score for score in (HighestDensity(), Ellipse(), Disc())
}
"""Every kind of region by its name; the first one that the data allow is a calibration's default."""


def holds(region: Region, point_px: NDArray[np.float64]) -> bool:
    """Whether a region holds a point (2,) in px of the film as given; its edge belongs to it."""
    if region.whole_film:
        return True
    if region.outlines_px is not None:
        return sum(_surrounds(np.array(outline), point_px) for outline in region.outlines_px) % 2 == 1
    if region.centre_px is None or region.half_axes_px is None:
        return False
    axes = np.array(region.half_axes_px).T  # (2, 2): columns are half axes
    if abs(np.linalg.det(axes)) < 1e-12:
        return bool(np.allclose(point_px, region.centre_px))
    inside = np.linalg.solve(axes, point_px - np.array(region.centre_px))
    return bool(inside @ inside <= 1.0 + 1e-9)


def _surrounds(outline: NDArray[np.float64], point: NDArray[np.float64]) -> bool:
    """Whether a closed outline (N, 2) goes round a point: a ray from it crosses an odd number of times."""
    here, there = outline, np.roll(outline, -1, axis=0)
    crosses = (here[:, 1] > point[1]) != (there[:, 1] > point[1])
    rise = np.where(crosses, there[:, 1] - here[:, 1], 1.0)
    at = here[:, 0] + (point[1] - here[:, 1]) / rise * (there[:, 0] - here[:, 0])
    return int((crosses & (at > point[0])).sum()) % 2 == 1
