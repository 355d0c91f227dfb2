"""Conformal regions: a nonconformity score for positions, and the area of all with no larger a score.

A position is in the region for a bound exactly if its score is at most the bound: that is all that the
promise of coverage needs, whatever the score is (``quantile``).
"""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from cephsure.inference.samples import tempered
from cephsure.uncertainty.prediction import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps
    from cephsure.uncertainty.calibration.calibration import FilmErrors
    from cephsure.uncertainty.prediction import Pair, RegionKind


class NonconformityScore(Protocol):
    """How badly positions fit a prediction, and the regions that a bound on that makes: a kind of region."""

    needs_maps: bool

    @property
    def kind(self) -> RegionKind:
        """Its name in files and options."""

    def scores(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(L,) scores of (L, 2) positions, one a landmark; NaN for NaN."""

    def area_mm2(self, film: FilmErrors, landmark: int, bound: float) -> float:
        """Area of the region of a finite ``bound``."""

    def region(self, film: FilmErrors, landmark: int, bound: float, level: float) -> Region:
        """All positions of a landmark (an index) with a score of at most a finite ``bound``."""


class Ellipse:
    """Mahalanobis distance from the point without its systematic offset.

    The covariance is the landmark's, scaled by the square of the film's expected error. Source: Johnstone &
    Cox, PMLR 152 (2021).
    """

    kind: Literal["ellipse"] = "ellipse"
    needs_maps = False

    def scores(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mahalanobis distances from the centres."""
        away = (positions_px - film.centres_px) * film.upright_mm_per_px
        inverse = np.linalg.inv(film.covariances_mm2)
        return np.asarray(np.sqrt(np.einsum("li,lij,lj->l", away, inverse, away)))

    def area_mm2(self, film: FilmErrors, landmark: int, bound: float) -> float:
        """The ellipse's area."""
        return float(np.pi * bound**2 * np.sqrt(np.linalg.det(film.covariances_mm2[landmark])))

    def region(self, film: FilmErrors, landmark: int, bound: float, level: float) -> Region:
        """The ellipse, its half axes turned and scaled to the film as given."""
        variances, axes = np.linalg.eigh(film.covariances_mm2[landmark])
        lengths_mm = bound * np.sqrt(variances[::-1])
        half_axes = lengths_mm[:, None] * axes.T[::-1] / film.upright_mm_per_px
        half_axes = half_axes[np.argsort(-np.hypot(half_axes[:, 0], half_axes[:, 1]), kind="stable")]
        (x, y), ((ax, ay), (bx, by)) = film.centres_px[landmark].tolist(), half_axes.tolist()
        return Region(
            level=level,
            kind=self.kind,
            centre_px=(x, y),
            half_axes_px=((ax, ay), (bx, by)),
            area_mm2=self.area_mm2(film, landmark, bound),
        )


class Disc:
    """Normalised radial error, |position - centre| / expected error.

    The centre is the point without its systematic offset. Source: the locally weighted score of Papadopoulos
    et al., ECML (2002), and Lei et al., JASA 113 (2018), section 5.2, for the distance in the plane.
    """

    kind: Literal["disc"] = "disc"
    needs_maps = False

    def scores(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distances from the centres over the expected errors."""
        away = (positions_px - film.centres_px) * film.upright_mm_per_px
        return np.hypot(away[:, 0], away[:, 1]) / film.expected_mm

    def area_mm2(self, film: FilmErrors, landmark: int, bound: float) -> float:
        """The disc's area."""
        return float(np.pi * (bound * film.expected_mm[landmark]) ** 2)

    def region(self, film: FilmErrors, landmark: int, bound: float, level: float) -> Region:
        """The disc in mm, on the film an ellipse where pixels are not square."""
        x, y = film.centres_px[landmark].tolist()
        radius_mm = bound * float(film.expected_mm[landmark])
        return disc((x, y), radius_mm, film.upright_mm_per_px.tolist(), level)


def disc(centre_px: Pair, radius_mm: float, mm_per_px: Sequence[float], level: float) -> Region:
    """A disc in mm, on the film an ellipse where pixels are not square; signs of the scale do not matter."""
    x, y = (radius_mm / abs(scale) for scale in mm_per_px)
    half_axes = ((x, 0.0), (0.0, y))
    return Region(
        level=level,
        kind="disc",
        centre_px=centre_px,
        half_axes_px=half_axes if x >= y else half_axes[::-1],
        area_mm2=pi * radius_mm**2,
    )


class HighestDensity:
    """Probability of all cells of the heat map at least as likely as the position's own.

    The map is taken at the landmark's temperature and moved by its systematic offset. A position off the map
    has the score infinity. Score and region use the same cells: the promise does not depend on how fine they
    are. Source: HPD-split of Izbicki, Shimizu & Stern, JMLR 23 (2022).
    """

    kind: Literal["hdr"] = "hdr"
    needs_maps = True

    def scores(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability at or above the density of each position's cell."""
        maps = _maps(film)
        cells = maps.cells(positions_px + film.offsets_mm / film.upright_mm_per_px)
        scores = np.full(len(cells), np.inf)
        scores[np.isnan(positions_px).any(axis=1)] = np.nan
        for landmark in np.flatnonzero(cells[:, 0] >= 0).tolist():
            column, row = cells[landmark]
            ranked, mass = _ranked_mass(film, landmark)
            density = maps.probabilities[landmark, row, column]
            scores[landmark] = mass[np.searchsorted(-ranked, -density, side="right") - 1]
        return scores

    def area_mm2(self, film: FilmErrors, landmark: int, bound: float) -> float:
        """The area of the cells whose score is at most the bound."""
        return float(_inside(film, landmark, bound).sum()) * _cell_mm2(film)

    def region(self, film: FilmErrors, landmark: int, bound: float, level: float) -> Region:
        """The cells whose score is at most the bound, as outlines."""
        maps, inside = _maps(film), _inside(film, landmark, bound)
        offset_px = film.offsets_mm[landmark] / film.upright_mm_per_px
        start = maps.origins_px[landmark] - offset_px
        chains = tuple(
            # A thousandth of a pixel is far below what the cells resolve; more digits only fill files.
            tuple((float(x), float(y)) for x, y in (start + chain @ maps.cell_px.T).round(3))
            for chain in outlines(inside)
        )
        return Region(
            level=level, kind=self.kind, outlines_px=chains, area_mm2=float(inside.sum()) * _cell_mm2(film)
        )


def _ranked_mass(film: FilmErrors, landmark: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Densities of a map's cells from the largest on, and the mass of the cells up to each.

    The mass is that of the map at the landmark's temperature; the order is the given map's, in which no two
    densities become equal by the power.
    """
    ranked = np.sort(_maps(film).probabilities[landmark], axis=None)[::-1]
    mass = tempered(ranked[None], float(film.temperatures[landmark]))[0]
    return ranked, np.cumsum(mass, dtype=np.float64)


def _inside(film: FilmErrors, landmark: int, bound: float) -> NDArray[np.bool_]:
    """The cells (H, W) of a landmark's map whose score is at most the bound."""
    image = _maps(film).probabilities[landmark]
    ranked, mass = _ranked_mass(film, landmark)
    # Cells of one density share the score of the last of them.
    lasts = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    count = int(np.searchsorted(mass[lasts], bound, side="right"))
    if count == 0:
        return np.zeros(image.shape, dtype=bool)
    return np.asarray(image >= ranked[lasts[count - 1]])


def _cell_mm2(film: FilmErrors) -> float:
    return abs(float(np.linalg.det(_maps(film).cell_px) * film.upright_mm_per_px.prod()))


def _maps(film: FilmErrors) -> HeatMaps:
    if film.maps is None:
        raise ValueError("a highest-density region needs the film's heat maps")
    return film.maps


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
