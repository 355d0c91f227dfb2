"""What a model found on annotated films as CSV, a line a film and landmark."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.exports import csv_cells
from cephsure.uncertainty.landmark_rows import area_mm2, film_words
from cephsure.uncertainty.regions import holds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.prediction import LandmarkPrediction
    from cephsure.workflows.assess import AssessedFilm


def render(films: Sequence[AssessedFilm]) -> str:
    """One line a film and landmark: truth, prediction, error, what was said of both, and the measures.

    What there is not, is empty. On unfit films expected errors and regions stand there too, to be set beside
    the errors, though nobody vouches for them: ``withheld`` is ``yes``.
    """
    rows = [row for film in films for row in _rows(film)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _rows(film: AssessedFilm) -> list[dict[str, Any]]:
    prediction, errors_mm = film.prediction, film.errors_mm
    along = (prediction.points_px - film.truth_px) * prediction.upright_mm_per_px
    about_film = film_words(prediction)
    rows = []
    for index, mark in enumerate(prediction.landmarks):
        true = film.truth_px[index]
        found = {
            "film": film.film_id,
            "number": mark.number,
            "code": mark.code,
            "truth_x_px": true[0],
            "truth_y_px": true[1],
            "x_px": mark.x_px,
            "y_px": mark.y_px,
            "error_px": film.errors_px[index],
            "error_mm": None if errors_mm is None else errors_mm[index],
            "error_x_mm": along[index, 0],
            "error_y_mm": along[index, 1],
        }
        rows.append({**found, **_said(mark, true), **about_film, **mark.measures.model_dump()})
    return rows


def _said(mark: LandmarkPrediction, true: NDArray[np.float64]) -> dict[str, Any]:
    """What calibration and gate say of a point; the area of a region that is all of the film is infinite."""
    region, held = mark.stated.region, None
    if region is not None and np.isfinite(true).all():
        held = "yes" if holds(region, true) else "no"
    return {
        "expected_error_mm": mark.stated.expected_error_mm,
        "verdict": mark.verdict,
        "why": mark.why,
        "note": mark.note,
        "region_level": None if region is None else region.level,
        "region_area_mm2": area_mm2(region),
        "region_holds": held,
        "withheld": "yes" if mark.withheld is not None else None,
    }


def _cell(value: float | str | None) -> str:
    if isinstance(value, str):
        return csv_cells.word(value)
    return "" if value is None or np.isnan(value) else csv_cells.number(value)
