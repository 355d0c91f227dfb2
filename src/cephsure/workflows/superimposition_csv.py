"""Two films laid on each other as CSV, a line a landmark."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from cephsure.cephalometry.superimposition import upwards
from cephsure.exports import csv_cells
from cephsure.exports.output_files import film_reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cephsure.cephalometry import Analysis
    from cephsure.cephalometry.superimposition import MovedPoint
    from cephsure.cephalometry.two_films import TwoFilms

COLUMNS = (
    *(
        "first_film",
        "first_verdict",
        "first_points_from",
        "second_film",
        "second_verdict",
        "second_points_from",
    ),
    *("reference", "code", "name", "first_x_px", "first_y_px", "second_x_px", "second_y_px"),
    *("forward_mm", "up_mm", "displacement_mm", "displacement_percent"),
    *("interval_90_low_mm", "interval_90_high_mm", "moved", "for_review", "remark"),
)
"""All positions are in px of the first film."""


def render(done: Sequence[TwoFilms], out_dir: Path) -> str:
    """CSV, one row a landmark below a header line; what is not known is empty, column remark says why.

    Films are named relative to ``out_dir``.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for films in done:
        about = _about("first", films.first, out_dir) | _about("second", films.second, out_dir)
        about["reference"] = csv_cells.word(f"{films.found.on}: {', '.join(films.found.reference)}")
        for point in films.found.points:
            table.writerow(about | _row(films, point))
    return text.getvalue()


def _about(name: str, analysis: Analysis, out_dir: Path) -> dict[str, str]:
    return {
        f"{name}_film": csv_cells.path(film_reference(analysis.film.path, out_dir)),
        f"{name}_verdict": analysis.verdict or "",
        f"{name}_points_from": csv_cells.word(analysis.points_from),
    }


def _row(films: TwoFilms, point: MovedPoint) -> dict[str, str]:
    low, high = point.interval_90_mm or (None, None)
    said = {True: "yes", False: "no", None: ""}
    return {
        "code": csv_cells.word(point.code),
        "name": csv_cells.word(films.names[point.code]),
        **_place("first", point.first_px),
        **_place("second", point.second_px),
        "forward_mm": csv_cells.number(point.forward_mm),
        "up_mm": csv_cells.number(upwards(point.down_mm)),
        "displacement_mm": csv_cells.number(point.displacement_mm),
        "displacement_percent": csv_cells.number(point.displacement_percent),
        "interval_90_low_mm": csv_cells.number(low),
        "interval_90_high_mm": csv_cells.number(high),
        "moved": said[point.moved],
        "for_review": said[films.is_for_review(point)],
        "remark": csv_cells.word(_remark(films, point)),
    }


def _place(name: str, at: tuple[float, float]) -> dict[str, str]:
    return {f"{name}_{axis}_px": csv_cells.number(value) for axis, value in zip("xy", at, strict=True)}


def _remark(films: TwoFilms, point: MovedPoint) -> str:
    """Why something is not there."""
    if point.interval_90_mm is not None:
        return ""
    return f"no interval: {films.found.no_interval or 'how far this point is off is not known'}"
