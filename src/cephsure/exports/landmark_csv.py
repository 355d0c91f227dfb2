"""Landmarks as a table: one row a landmark, one file a film or one file for a whole batch.

UTF-8, commas, a header line, a point in the decimals; our CSV data-set reader reads it back.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from cephsure.exports.output_files import film_reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import LandmarkPrediction

_BEFORE = ("film", "number", "code", "name", "x_px", "y_px", "x_mm", "y_mm")
_AFTER = ("mm_per_px_x", "mm_per_px_y", "spacing_source", "model")
# The measure of the heat maps has the name expected_error_mm already.
_CALIBRATED = ("calibrated_error_mm", "region_kind", "region_level", "region_area_mm2")
_VERDICTS = ("verdict", "film_verdict")


def render(prediction: Prediction, out_dir: Path) -> str:
    """Write one film's landmarks as CSV: `render_many` of one."""
    return render_many([prediction], out_dir)


def render_many(predictions: Sequence[Prediction], out_dir: Path) -> str:
    """Write the landmarks of many films into one CSV; ``film`` is relative to ``out_dir``.

    One header line and one line for each landmark of each film, in the given order. What is not known
    (millimetres without a scale, regions without calibration) is empty.
    """
    measured = [landmark.measures.model_dump() for p in predictions for landmark in p.landmarks]
    names = tuple(dict.fromkeys(name for measures in measured for name in measures))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*_BEFORE, *names, *_AFTER, *_CALIBRATED, *_VERDICTS])
    for prediction in predictions:
        table.writerows(_rows(prediction, names, out_dir))
    return text.getvalue()


def _rows(prediction: Prediction, names: tuple[str, ...], out_dir: Path) -> list[list[str]]:
    film = prediction.film
    reference = "" if film.path is None else film_reference(film.path, out_dir)
    mm_per_px_x, mm_per_px_y = film.mm_per_px or (None, None)
    rows = []
    for landmark in prediction.landmarks:
        measures = landmark.measures.model_dump()
        positions = (landmark.x_px, landmark.y_px, landmark.x_mm, landmark.y_mm)
        rows.append(
            [
                reference,
                str(landmark.number),
                landmark.code,
                landmark.name,
                # A ten-thousandth of a pixel is far below what any of this can resolve.
                *("" if value is None else f"{value:.4f}" for value in positions),
                *(_quantity(measures.get(name)) for name in names),
                _quantity(mm_per_px_x),
                _quantity(mm_per_px_y),
                film.spacing_source,
                prediction.model.name,
                *_calibrated(landmark),
                landmark.verdict or "",
                prediction.verdict or "",
            ]
        )
    return rows


def _calibrated(landmark: LandmarkPrediction) -> list[str]:
    """What calibration adds to a landmark; the area of all of the film is written as ``inf``."""
    error, region = _quantity(landmark.expected_error_mm), landmark.region
    if region is None:
        return [error, "", "", ""]
    area = "inf" if region.whole_film else _quantity(region.area_mm2)
    return [error, region.kind, _quantity(region.level), area]


def _quantity(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
