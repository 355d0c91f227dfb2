"""What was measured on films as CSV, a line a measurement."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from cephsure.cephalometry import FilmOfPoints
from cephsure.exports import csv_cells
from cephsure.exports.output_files import film_reference
from cephsure.file_names import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cephsure.cephalometry import Analysis, MeasuredValue

COLUMNS = (
    *("film", "film_verdict", "film_why", "promise"),
    *("analysis", "code", "name", "unit", "value", "sd", "interval_90_low", "interval_90_high"),
    *("class_of_value", "decision", "decision_probability", "remark", "norms", "classes_source"),
    *("errors_from", "points_from", "model"),
)
"""``film`` and ``model`` are those of the landmarks' table, so that the two join; no model is ""."""


def render(analyses: Sequence[Analysis], out_dir: Path) -> str:
    """CSV, one row a measurement below a header line; what is not known is empty, column remark says why.

    ``film`` is relative to ``out_dir``, as in the landmarks' table.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for analysis in analyses:
        about = {
            "film": _film(analysis, out_dir),
            "film_verdict": analysis.verdict or "",
            "film_why": csv_cells.word(analysis.why),
            "promise": csv_cells.word(analysis.promise),
            "errors_from": analysis.errors_from,
            "points_from": csv_cells.word(analysis.points_from),
            "model": csv_cells.word(None if analysis.model is None else analysis.model.name),
        }
        for measured in analysis.measurements:
            table.writerow(about | _row(measured))
    return text.getvalue()


def _film(analysis: Analysis, out_dir: Path) -> str:
    """Where the film lies, or what it is called where that is not known."""
    film = analysis.film
    if film.path is not None:
        return csv_cells.path(film_reference(film.path, out_dir))
    return csv_cells.path(escaped(film.name)) if isinstance(film, FilmOfPoints) else ""


def _row(measured: MeasuredValue) -> dict[str, str]:
    low, high = measured.interval_90 or (None, None)
    shares = [share.probability for share in measured.class_probabilities or ()]
    return {
        "analysis": measured.analysis,
        "code": measured.code,
        "name": measured.name,
        "unit": measured.unit,
        "value": csv_cells.number(measured.value),
        "sd": csv_cells.number(measured.sd),
        "interval_90_low": csv_cells.number(low),
        "interval_90_high": csv_cells.number(high),
        "class_of_value": csv_cells.word(measured.class_of_value),
        "decision": csv_cells.word(measured.decision),
        "decision_probability": csv_cells.number(max(shares, default=None)),
        "remark": _remark(measured),
        "norms": csv_cells.word("; ".join(norm.words(whole_source=True) for norm in measured.norms)),
        "classes_source": csv_cells.word(measured.classes_source),
    }


def _remark(measured: MeasuredValue) -> str:
    """Why something of a measurement is not there; empty where all is."""
    said = [measured.missing, measured.no_interval and f"no interval: {measured.no_interval}"]
    no_class = "" if measured.class_of_value is None else "not decided: "
    said.append(measured.not_decided and f"{no_class}{measured.not_decided}")
    return "; ".join(filter(None, said))
