"""Landmarks as a table: one row a landmark, one file a film or one file for a whole batch.

UTF-8, commas, a header line, a point in the decimals; our CSV data-set reader reads it back.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from cephsure.exports import csv_cells
from cephsure.exports.output_files import film_reference
from cephsure.uncertainty.landmark_rows import COLUMNS, TEXT, landmark_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cephsure.uncertainty import Prediction

_POSITIONS = ("x_px", "y_px", "x_mm", "y_mm")


def render(prediction: Prediction, out_dir: Path) -> str:
    """Write one film's landmarks as CSV: `render_many` of one."""
    return render_many([prediction], out_dir)


def render_many(predictions: Sequence[Prediction], out_dir: Path) -> str:
    """Write the landmarks of many films into one CSV; ``film`` is relative to ``out_dir``.

    One header line and one line for each landmark of each film, in the given order. What is not known
    (millimetres without a scale) or not promised (expected errors and regions of an unfit film) is empty.
    """
    rows = [row for prediction in predictions for row in landmark_rows(prediction)]
    columns = list(dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)]))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows([_cell(name, row.get(name), out_dir) for name in columns] for row in rows)
    return text.getvalue()


def _cell(name: str, value: Any, out_dir: Path) -> str:
    if name == "film":
        return "" if value is None else csv_cells.path(film_reference(value, out_dir))
    if name in TEXT:
        return csv_cells.word(value)
    # A ten-thousandth of a pixel is far below what any of this can resolve.
    return csv_cells.number(value, form=".4f" if name in _POSITIONS else ".6g")
