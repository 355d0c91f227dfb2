"""All models of a study in one table, a line each, beside what the reference published of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.studies.published import REFERENCE
from cephsure.studies.result import ResultTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cephsure.studies.result import Cell, ExperimentResult

    Line = dict[str, Cell]

OVERVIEW = "overview"
"""Name of the table's file without ending."""

_SERIES = {
    "rotation, parallel sum": "turned_sum_pearson",
    "rotation, parallel film": "turned_film_pearson",
    "rotation, cone film": "turned_cone_pearson",
}
_COLUMNS = (
    "model",
    *("mre_mm", "mre_low_mm", "mre_high_mm", "sdr_2.5mm_percent"),
    *("error_pearson", "error_pearson_low", "error_pearson_high"),
    *("distorted_pearson", "distorted_pearson_low", "distorted_pearson_high"),
    *(f"{name}{end}" for name in _SERIES.values() for end in ("", "_low", "_high")),
    *("caught_20", "caught_20_low", "caught_20_high"),
)
_NOTE = (
    "Each model by its own measure, the one by which the reference judges its kind: activation for a "
    "Baseline, spread for the others. mre and sdr: official test films, against the annotation the model was "
    "trained on. error pearson: measure and radial error, point by point. distorted and turned pearson: "
    "magnitude, or size of the angle, and the mean measure; the first head turned, as a parallel sum, as a "
    "parallel film and as a film of a cone beam. caught 20: share of the errors over 4 mm among the most "
    "uncertain 20 % of the points. Intervals 95 %. A gap was not measured, or not published. Published: "
    "Drevický & Kodým 2020, Test1, senior annotation, and another head."
)


def overview(results: Sequence[ExperimentResult]) -> ResultTable | None:
    """The table, from whichever experiments were made; None if they tell of no model.

    Args:
        results: of experiments on the same study, in any order.
    """
    tables = {name: table for result in results for name, table in result.tables.items()}
    lines: dict[str, Line] = {}
    for name, take in (
        ("accuracy_long", _accuracy),
        ("error_correlation", _error),
        ("distortion", _distortion),
        ("rotation", _rotation),
        ("referral", _referral),
    ):
        if name in tables:
            for model, cells in take(tables[name].document()["rows"]):
                lines.setdefault(model, {}).update(cells)
    if not lines:
        return None
    known = {name for cells in lines.values() for name, cell in cells.items() if cell is not None}
    columns = tuple(name for name in _COLUMNS if name == "model" or name in known)
    rows = [line | {"model": model} for model, line in lines.items()]
    errors = tables["error_correlation"].document()["rows"] if "error_correlation" in tables else ()
    stopped = any(row.get("under_trained") for row in errors)
    rows += [line for line in _published(stopped=stopped) if len(line.keys() & set(columns)) > 1]
    return ResultTable(
        title="Every model beside the published figures",
        columns=columns,
        rows=tuple(tuple(row.get(column) for column in columns) for row in rows),
        note=_NOTE,
    )


def _accuracy(rows: Sequence[Line]) -> Iterator[tuple[str, Line]]:
    """Against the annotation a model was trained on; where the data lack it, against their mean."""
    models = [row for row in rows if row.get("source") == "this study" and row.get("trained_on")]
    for row in sorted(models, key=lambda row: row.get("truth") == row["trained_on"]):
        judged = row.get("truth") in {"mean", row["trained_on"]}
        if judged and row.get("films") == "official" and row.get("landmarks") == "all":
            yield str(row.get("who")), {name: row[name] for name in _COLUMNS if name in row}


def _error(rows: Sequence[Line]) -> Iterator[tuple[str, Line]]:
    for row in rows:
        if row.get("own_measure") and row.get("films") == "official" and row.get("landmarks") == "all":
            yield str(row.get("model")), _named(row, "pearson", "error_pearson")


def _distortion(rows: Sequence[Line]) -> Iterator[tuple[str, Line]]:
    for row in rows:
        if row.get("published_pearson") is not None:  # of a model's own measure only
            yield str(row.get("model")), _named(row, "magnitude_pearson", "distorted_pearson")


def _rotation(rows: Sequence[Line]) -> Iterator[tuple[str, Line]]:
    for row in rows:
        name = _SERIES.get(str(row.get("series")))
        if name and row.get("published_pearson") is not None and row.get("head") == rows[0].get("head"):
            yield str(row.get("model")), _named(row, "angle_pearson", name)


def _referral(rows: Sequence[Line]) -> Iterator[tuple[str, Line]]:
    for row in rows:
        whole = (
            row.get("films") == "official"
            and row.get("referred") == "points"
            and row.get("scaled") == "as it is"
        )
        if whole and row.get("own_measure"):
            yield str(row.get("model")), _named(row, "caught_20", "caught_20")


def _named(row: Line, name: str, new: str) -> Line:
    """A figure and the ends of its interval by a new name."""
    return {f"{new}{end}": row.get(f"{name}{end}") for end in ("", "_low", "_high")}


def _published(*, stopped: bool) -> list[Line]:
    """The reference's lines; those of models stopped early only where the study has such models."""
    trained: list[Line] = [
        {
            "model": f"published, {kind}",
            "mre_mm": one.mre_mm,
            "sdr_2.5mm_percent": one.sdr_2_5_percent,
            "error_pearson": one.error_pearson,
            "distorted_pearson": one.distortion_pearson,
            "turned_sum_pearson": one.rotation_pearson,
        }
        for kind, one in REFERENCE.items()
    ]
    under_trained: list[Line] = [
        {"model": f"published, {kind}, under-trained", "error_pearson": one.under_trained_pearson}
        for kind, one in REFERENCE.items()
    ]
    return trained + under_trained if stopped else trained
