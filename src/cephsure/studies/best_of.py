"""Which single measure and which combination is best at what: a line a task and model."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from cephsure.studies.film_scores import COMBINATIONS
from cephsure.studies.result import ResultTable
from cephsure.studies.shifted import ALL_STRANGERS
from cephsure.uncertainty.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cephsure.studies.result import Cell, ExperimentResult

    Line = dict[str, Cell]

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


def _strangers(row: Line) -> bool:
    return row.get("shift") == ALL_STRANGERS


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
    _Task("no cephalogram", "AUC", "detection", "auc", _SCORE, _strangers),
    _Task("a shifted film", "AUC, mean", "detection", "auc", _SCORE, lambda row: not _strangers(row)),
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
    return ResultTable(
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
