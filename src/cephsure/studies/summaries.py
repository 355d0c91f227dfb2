"""Tables over several experiments: what heads the report of a study."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from cephsure.studies.detection import COMBINATIONS
from cephsure.studies.published import REFERENCE
from cephsure.studies.result import ResultTable
from cephsure.studies.shifted_films import NO_CEPHALOGRAM
from cephsure.uncertainty.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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
    return ResultTable.from_rows(
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


BEST = "best_of"
"""Name of the table's file without ending."""

_TOGETHER = {*COMBINATIONS, "combined"}
# Values that differ by less are as good as each other.
_EQUAL = 5e-4
_DIRECTIONS = {name: one.direction for one in MEASURES.values() for name in (one.name, one.title)}


@dataclass(frozen=True, slots=True)
class _Task:
    """What measures may be good at.

    Attributes:
        title: in words.
        figure: what the values are.
        table: where they stand.
        column: under which name.
        name: the column that names the measure, and the one with its title.
        chosen: which rows count; several of one measure are averaged.
        turned: whether the values of measures that fall with uncertainty are negative where they are good.
    """

    title: str
    figure: str
    table: str
    column: str
    name: tuple[str, str]
    chosen: Callable[[Line], bool]
    turned: bool = False


def _any(_row: Line) -> bool:
    return True


def _whole(row: Line) -> bool:
    return row.get("films") == "official" and row.get("landmarks") == "all"


def _of_points(row: Line) -> bool:
    return (row.get("films"), row.get("referred"), row.get("scaled")) == ("official", "points", "as it is")


def _series(name: str) -> Callable[[Line], bool]:
    return lambda row: row.get("series") == name


def _in_mm(row: Line) -> bool:
    return not str(row.get("key")).endswith("_px")


def _no_cephalogram(row: Line) -> bool:
    return row.get("shift") == NO_CEPHALOGRAM


_NAME, _TITLE, _SCORE = ("measure", "measure"), ("score", "title"), ("score", "score_title")
_ERROR, _TURNED = "error_correlation", "head turned by 10° and more"
_TASKS = (
    _Task("error, point by point", "Spearman", _ERROR, "spearman", _NAME, _whole, turned=True),
    _Task("error within a landmark", "Spearman, mean", _ERROR, "within_spearman", _NAME, _whole, turned=True),
    _Task("errors over 4 mm", "AUC", _ERROR, "auc_4mm", _NAME, _whole),
    _Task("errors over 4 mm by referring 20 %", "share found", "referral", "caught_20", _TITLE, _of_points),
    _Task("error of distorted films", "Spearman", "distortion", "error_spearman", _NAME, _any, turned=True),
    *(
        _Task(f"{_TURNED}, {way}", "AUC, mean", "rotation", "auc", _NAME, _series(f"rotation, {way}"))
        for way in ("parallel sum", "parallel film", "cone film")
    ),
    _Task("another site's film", "AUC", "other_site_noticed", "auc", _NAME, _in_mm),
    _Task("no cephalogram", "AUC", "detection", "auc", _SCORE, _no_cephalogram),
    _Task("a shifted film", "AUC, mean", "detection", "auc", _SCORE, lambda row: not _no_cephalogram(row)),
)


def best_of(results: Sequence[ExperimentResult]) -> ResultTable | None:
    """The table, from whichever experiments were made; None if none of them compares measures.

    Args:
        results: of experiments on the same study, in any order.
    """
    tables = {name: table for result in results for name, table in result.tables.items()}
    rows = tuple(row for task in _TASKS if task.table in tables for row in _rows(task, tables[task.table]))
    if not rows:
        return None
    return ResultTable.from_rows(
        title="Which measure is best at what",
        columns=("task", "figure", "model", "measure", "value", "combination", "combination_value"),
        rows=rows,
        note="Chosen on the very films that it is measured on, so a little too good; intervals stand in the "
        "tables of the experiments. Values are turned so that larger is better: 1 at most, chance is 0 for a "
        "correlation and 0.5 for an area. Of several that are as good to three digits the first is named.",
    )


def _rows(task: _Task, table: ResultTable) -> Iterator[tuple[Cell, ...]]:
    of_model: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    titles: dict[str, str] = {}
    for line in filter(task.chosen, table.document()["rows"]):
        name, value = str(line.get(task.name[0])), line.get(task.column)
        if isinstance(value, (int, float)) and (not task.turned or name in _DIRECTIONS):
            of_model[str(line.get("model"))][name].append(value * (_DIRECTIONS[name] if task.turned else 1))
            measure = MEASURES.get(name)
            titles[name] = str(line.get(task.name[1])) if measure is None else measure.title
    for model, values in of_model.items():
        means = {name: fmean(of) for name, of in values.items()}
        single = _top({name: mean for name, mean in means.items() if name not in _TOGETHER}, titles)
        together = _top({name: mean for name, mean in means.items() if name in _TOGETHER}, titles)
        yield (task.title, task.figure, model, *single, *together)


def _top(means: Mapping[str, float], titles: Mapping[str, str]) -> tuple[str | None, float | None]:
    """The best, how many more are as good, and its value."""
    if not means:
        return None, None
    best = max(means.values())
    equal = [name for name, mean in means.items() if mean > best - _EQUAL]
    more = f" (and {len(equal) - 1} more)" if len(equal) > 1 else ""
    return f"{titles[equal[0]]}{more}", best


def summaries_of(results: Sequence[ExperimentResult]) -> dict[str, ResultTable]:
    """Those that the results have something for, by file name without ending."""
    tables = {OVERVIEW: overview(results), BEST: best_of(results)}
    return {name: table for name, table in tables.items() if table is not None}
