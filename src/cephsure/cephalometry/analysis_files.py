"""Analyses as files: CSV, and the schema of their JSON."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry.analysis import Analysis
    from cephsure.cephalometry.measured import MeasuredValue

COLUMNS = (
    *("film", "film_verdict", "film_why", "promise"),
    *("analysis", "code", "name", "unit", "value", "sd", "interval_90_low", "interval_90_high"),
    *("class_of_value", "decision", "decision_probability", "remark", "norms", "classes_source"),
    *("errors_from", "points_from"),
)


def analyses_csv(analyses: Sequence[Analysis]) -> str:
    """CSV, one row a measurement below a header line; what is not known is empty, column remark says why."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for analysis in analyses:
        about = {
            "film": analysis.film_name,
            "film_verdict": analysis.verdict or "",
            "film_why": analysis.why or "",
            "promise": analysis.promise,
            "errors_from": analysis.errors_from,
            "points_from": analysis.points_from,
        }
        for measured in analysis.measurements:
            table.writerow(about | _row(measured))
    return text.getvalue()


def _row(measured: MeasuredValue) -> dict[str, str]:
    low, high = measured.interval_90 or (None, None)
    shares = [share.probability for share in measured.class_probabilities or ()]
    return {
        "analysis": measured.analysis,
        "code": measured.code,
        "name": measured.name,
        "unit": measured.unit,
        "value": _number(measured.value),
        "sd": _number(measured.sd),
        "interval_90_low": _number(low),
        "interval_90_high": _number(high),
        "class_of_value": measured.class_of_value or "",
        "decision": measured.decision or "",
        "decision_probability": _number(max(shares, default=None)),
        "remark": remark(measured),
        "norms": "; ".join(norm.words(whole_source=True) for norm in measured.norms),
        "classes_source": measured.classes_source or "",
    }


def remark(measured: MeasuredValue) -> str:
    """Why something of a measurement is not there; empty where all is."""
    said = [measured.missing, measured.no_interval and f"no interval: {measured.no_interval}"]
    no_class = "" if measured.class_of_value is None else "not decided: "
    said.append(measured.not_decided and f"{no_class}{measured.not_decided}")
    return "; ".join(filter(None, said))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an analysis' JSON form, with the meaning and unit of every field."""
    file = resources.files("cephsure.cephalometry") / "schema" / "analysis-2.schema.json"
    parsed: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return parsed
