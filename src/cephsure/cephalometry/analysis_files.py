"""Analyses as files: a table in CSV, and the JSON Schema of their JSON form."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry.analysis import Analysis, MeasuredValue

COLUMNS = (
    *("film", "analysis", "code", "name", "unit", "value", "sd", "interval_90_low", "interval_90_high"),
    *("class_of_value", "decision", "decision_probability", "errors_from", "remark", "model"),
)


def analyses_csv(analyses: Sequence[Analysis]) -> str:
    """One row a measurement, with a header line; what is not known is empty, the column remark says why.

    Args:
        analyses: one a film.

    Returns:
        The text of the file.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for analysis in analyses:
        for one in analysis.measurements:
            table.writerow(
                [
                    analysis.film.path or "",
                    *_cells(one),
                    analysis.errors_from,
                    one.missing or one.no_interval or "",
                    analysis.model.name,
                ]
            )
    return text.getvalue()


def _cells(one: MeasuredValue) -> list[str]:
    low, high = one.interval_90 or (None, None)
    shares = [share.probability for share in one.class_probabilities or ()]
    numbers = [one.value, one.sd, low, high]
    return [
        one.analysis,
        one.code,
        one.name,
        one.unit,
        *map(_number, numbers),
        one.class_of_value or "",
        one.decision or "",
        _number(max(shares, default=None)),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an analysis' JSON form, with the meaning and unit of every field."""
    text = (
        resources.files("cephsure.cephalometry").joinpath("schema/analysis-1.schema.json").read_text("utf-8")
    )
    parsed: dict[str, Any] = json.loads(text)
    return parsed
