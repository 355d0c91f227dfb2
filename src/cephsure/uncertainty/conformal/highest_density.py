"""Highest-density region: the level set of the heat map that holds enough of its probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.inference.heat_maps import tempered
from cephsure.uncertainty.conformal.outlines import outlines
from cephsure.uncertainty.prediction import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.heat_maps import HeatMaps
    from cephsure.uncertainty.calibration.film_errors import FilmErrors


class HighestDensity:
    """Probability of all cells of the heat map at least as likely as the position's own.

    The map is taken at the landmark's temperature and moved by its systematic offset. A position off the map
    has the score infinity. Score and region use the same cells: the promise does not depend on how fine they
    are. Source: HPD-split of Izbicki, Shimizu & Stern, JMLR 23 (2022).
    """

    kind: Literal["hdr"] = "hdr"
    title = "highest-density region of the heat map"
    needs_maps = True

    def scores(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability at or above the density of each position's cell."""
        maps = _maps(film)
        offsets_px = film.offsets_mm / film.upright_mm_per_px
        cells = maps.cells(positions_px + offsets_px)
        scores = np.full(len(cells), np.inf)
        scores[np.isnan(positions_px).any(axis=1)] = np.nan
        for landmark in np.flatnonzero(cells[:, 0] >= 0):
            column, row = cells[landmark]
            image = maps.probabilities[landmark]
            ranked, mass = ranked_mass(image, float(film.temperatures[landmark]))
            scores[landmark] = mass[np.searchsorted(-ranked, -image[row, column], side="right") - 1]
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


def ranked_mass(
    image: NDArray[np.float32], temperature: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Densities of one map's cells (H, W) from the largest on, and the mass of the cells up to each.

    The mass is that of the map at the temperature; the order is the given map's, in which no two densities
    become equal by the power.
    """
    ranked = np.sort(image, axis=None)[::-1]
    return ranked, np.cumsum(tempered(ranked[None], temperature)[0], dtype=np.float64)


def cells_within(image: NDArray[np.float32], temperature: float, bound: float) -> NDArray[np.bool_]:
    """The cells (H, W) of one map whose score is at most the bound."""
    ranked, mass = ranked_mass(image, temperature)
    # Cells of one density share the score of the last of them.
    lasts = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    count = int(np.searchsorted(mass[lasts], bound, side="right"))
    if count == 0:
        return np.zeros(image.shape, dtype=bool)
    inside: NDArray[np.bool_] = image >= ranked[lasts[count - 1]]
    return inside


def _inside(film: FilmErrors, landmark: int, bound: float) -> NDArray[np.bool_]:
    return cells_within(_maps(film).probabilities[landmark], float(film.temperatures[landmark]), bound)


def _cell_mm2(film: FilmErrors) -> float:
    return abs(float(np.linalg.det(_maps(film).cell_px) * film.upright_mm_per_px.prod()))


def _maps(film: FilmErrors) -> HeatMaps:
    if film.maps is None:
        raise ValueError("a highest-density region needs the film's heat maps")
    return film.maps
