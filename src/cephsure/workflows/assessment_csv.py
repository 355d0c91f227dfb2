"""What a model found on annotated films as CSV, a line a film and landmark."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.regions import holds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.workflows.assess import AssessedFilm

_POINTS = ("truth_x_px", "truth_y_px", "x_px", "y_px", "error_px", "error_mm")
# The measure of the heat maps has the name expected_error_mm already.
_JUDGED = (
    *("error_x_mm", "error_y_mm", "calibrated_error_mm", "region_level", "region_area_mm2", "region_holds"),
    *("verdict", "film_verdict"),
)


def render(films: Sequence[AssessedFilm]) -> str:
    """One line a film and landmark: truth, prediction, error, measures, region and verdicts.

    What there is not, is empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    measures = films[0].prediction.landmarks[0].measures.model_dump()
    writer.writerow(["film", "number", "code", *_POINTS, *measures, *_JUDGED])
    for film in films:
        errors_px, errors_mm, judged = film.errors_px, film.errors_mm, _judged(film)
        for index, mark in enumerate(film.prediction.landmarks):
            error_mm = None if errors_mm is None else errors_mm[index]
            numbers = [*film.truth_px[index], mark.x_px, mark.y_px, errors_px[index], error_mm]
            numbers += mark.measures.model_dump().values()
            cells = map(_cell, [*numbers, *judged[index]])
            writer.writerow([film.film_id, mark.number, mark.code, *cells])
    return text.getvalue()


def _judged(film: AssessedFilm) -> list[list[str | float | None]]:
    """(L) times the cells of ``_JUDGED``; the area of a region that is all of the film is infinite."""
    prediction = film.prediction
    errors = (prediction.points_px - film.truth_px) * prediction.upright_mm_per_px
    rows = []
    for mark, error, true in zip(prediction.landmarks, errors.tolist(), film.truth_px, strict=True):
        region, level, area, held = mark.region, None, None, None
        if region is not None:
            level, area = region.level, np.inf if region.whole_film else region.area_mm2
            if np.isfinite(true).all():
                held = "yes" if holds(region, true) else "no"
        rows.append([*error, mark.expected_error_mm, level, area, held, mark.verdict, prediction.verdict])
    return rows


def _cell(value: float | str | None) -> str:
    """A number for CSV, short enough to read and exact enough to compute with; a word as it is."""
    if isinstance(value, str):
        return value
    return "" if value is None or np.isnan(value) else f"{value:.6g}"
