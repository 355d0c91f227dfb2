"""A model's own judgement on assessed films: beside every truth that they have, and by stratum."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import annotators
from cephsure.datasets.film_table import read_film_table
from cephsure.errors import InputError
from cephsure.evaluation.trust import Outcomes, strata, trust_of_all
from cephsure.workflows.batch import MEAN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cephsure.datasets import Dataset
    from cephsure.workflows.assess import Assessment


def film_values(table: Path | None, column: str | None, dataset: Dataset) -> Mapping[str, str] | None:
    """The values of a film table's column by film; None where neither table nor column is given.

    Raises:
        InputError: one of them lacks the other; the table cannot be used, or knows none of the films.
    """
    if (table is None) != (column is None):
        raise InputError("a film table and one of its columns (--films-table, --by) go together")
    if table is None or column is None:
        return None
    values = read_film_table(table, column)
    if not any(film.film_id in values for film in dataset.films):
        what = f"has no {column} for any of the {len(dataset.films)} films"
        raise InputError(what, where=table, remedy=f"the first is called {dataset.films[0].film_id!r}")
    return values


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
