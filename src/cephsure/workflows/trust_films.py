"""A model's own judgement on assessed films: beside every truth that they have, by stratum, and as cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import annotators
from cephsure.datasets.film_table import read_film_table
from cephsure.errors import InputError
from cephsure.evaluation.trust import Outcomes, strata, trust_of_all
from cephsure.uncertainty.monitor import holds
from cephsure.workflows.batch import MEAN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cephsure.uncertainty import Prediction
    from cephsure.workflows.assess import AssessedFilm, Assessment

COLUMNS = (
    *("error_x_mm", "error_y_mm", "calibrated_error_mm", "region_level", "region_area_mm2", "region_holds"),
    *("verdict", "film_verdict"),
)
"""What ``cells`` gives. The measure of the heat maps has the name expected_error_mm already."""


def film_values(table: Path | None, column: str | None) -> Mapping[str, str] | None:
    """The column of a film table by film, None where neither is given; InputError if one lacks the other."""
    if (table is None) != (column is None):
        raise InputError("a film table and one of its columns (--films-table, --by) go together")
    return None if table is None or column is None else read_film_table(table, column)


def with_trust(
    assessment: Assessment,
    truth: str,
    *,
    tolerance_mm: float,
    column: str | None = None,
    values: Mapping[str, str] | None = None,
) -> Assessment:
    """The assessment with the figures of trust, and by stratum where a column's values are given.

    The figures are against ``truth`` and, where several people marked the films, against the others and
    their mean too. Errors are in mm: without a scale there are no figures.
    """
    films, names = assessment.films, annotators(film.annotated for film in assessment.films)
    truths = dict.fromkeys([truth, *([MEAN, *names] if len(names) > 1 else [])])
    predictions = [film.prediction for film in films]
    outcomes = {
        which: Outcomes.of(predictions, np.stack([film.truth_by(which) for film in films]))
        for which in truths
    }
    divided = None
    if column is not None and values is not None:
        film_ids = [film.film_id for film in films]
        divided = strata(outcomes, film_ids, values, column=column, tolerance_mm=tolerance_mm)
    found = {"trust": trust_of_all(outcomes, tolerance_mm=tolerance_mm), "strata": divided}
    return replace(assessment, evaluation=assessment.evaluation.model_copy(update=found))


def cells(film: AssessedFilm) -> list[list[str | float | None]]:
    """(L) times the cells of ``COLUMNS``; the area of a region that is all of the film is infinite."""
    prediction: Prediction = film.prediction
    errors = (prediction.points_px - film.truth_px) * prediction.upright_mm_per_px
    rows = []
    for mark, error, true in zip(prediction.landmarks, errors.tolist(), film.truth_px, strict=True):
        region, level, area, held = mark.region, None, None, None
        if region is not None:
            level, area = region.level, np.inf if region.whole_film else region.area_mm2
            held = _yes(holds(region, true)) if np.isfinite(true).all() else None
        rows.append([*error, mark.expected_error_mm, level, area, held, mark.verdict, prediction.verdict])
    return rows


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
