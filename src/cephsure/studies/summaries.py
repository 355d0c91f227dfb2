"""Tables over several experiments: what heads the report of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cephsure.studies.film_scores import COMBINATIONS
from cephsure.studies.published import REFERENCE
from cephsure.studies.result import ResultTable, frame_of
from cephsure.studies.shifted_films import NO_CEPHALOGRAM
from cephsure.uncertainty.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cephsure.studies.result import Cell, ExperimentResult

    _Chosen = Callable[[pd.DataFrame], pd.Series]  # of a table's rows, which count

OVERVIEW = "overview"
BEST = "best_of"
"""Names of the tables' files without ending."""

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


def summaries_of(results: Sequence[ExperimentResult]) -> dict[str, ResultTable]:
    """The tables that results of experiments on one study have something for, by file name without ending."""
    tables = {OVERVIEW: overview(results), BEST: best_of(results)}
    return {name: table for name, table in tables.items() if table is not None}


def overview(results: Sequence[ExperimentResult]) -> ResultTable | None:
    """Every model in a line beside the published figures, from whichever experiments were made; or None."""
    frames = _frames(results)
    parts = [_accuracy(frames["accuracy_long"])] if "accuracy_long" in frames else []
    for table, name, new, chosen in _FIGURES:
        if table in frames:
            parts.append(_figure(frames[table][chosen(frames[table])], name, new))
    models = pd.concat(parts, axis=1) if parts else pd.DataFrame()
    if models.empty:
        return None
    models = models.dropna(axis=1, how="all").rename_axis("model").reset_index()
    columns = [name for name in _COLUMNS if name in models]
    errors = frames.get("error_correlation", pd.DataFrame())
    stopped = "under_trained" in errors and bool(errors["under_trained"].any())
    published = _published(stopped=stopped).reindex(columns=columns)
    published = published[published.drop(columns="model").notna().any(axis=1)]
    whole = pd.concat([models[columns].astype(object), published.astype(object)], ignore_index=True)
    return ResultTable(
        "Every model beside the published figures", frame_of(whole.to_dict("records"), columns), _NOTE
    )


def _frames(results: Sequence[ExperimentResult]) -> dict[str, pd.DataFrame]:
    """All tables of the results by file name."""
    return {name: table.frame for result in results for name, table in result.tables.items()}


def _where(**cells: Cell) -> _Chosen:
    """Which rows of a table have these cells."""
    return lambda frame: pd.concat([frame[name] == cell for name, cell in cells.items()], axis=1).all(axis=1)


def _figure(rows: pd.DataFrame, name: str, new: str) -> pd.DataFrame:
    """A figure and the ends of its interval by a new name, a line a model."""
    ends = ("", "_low", "_high")
    found = rows.drop_duplicates("model", keep="last").set_index("model")[[f"{name}{end}" for end in ends]]
    return found.set_axis([f"{new}{end}" for end in ends], axis=1)


def _accuracy(frame: pd.DataFrame) -> pd.DataFrame:
    """Against the annotation a model was trained on; where the data lack it, against their mean."""
    own = frame["truth"] == frame["trained_on"]
    judged = frame["trained_on"].notna() & (own | (frame["truth"] == "mean"))
    rows = frame[judged & _where(source="this study", films="official", landmarks="all")(frame)]
    rows = rows.assign(own=own).sort_values("own", kind="stable")
    found = rows.drop_duplicates("who", keep="last").set_index("who").reindex(rows["who"].unique())
    return found[[name for name in _COLUMNS if name in found]]


def _has_published(frame: pd.DataFrame) -> pd.Series:
    """The rows of the models' own measures, which alone have a published figure."""
    return frame["published_pearson"].notna()


def _first_head_turned(series: str) -> _Chosen:
    of_series = _where(series=series)
    return lambda frame: (
        _has_published(frame) & of_series(frame) & (frame["head"] == frame["head"].iloc[:1].squeeze())
    )


_OWN_ERROR = _where(own_measure=True, films="official", landmarks="all")
_OWN_POINTS = _where(own_measure=True, films="official", referred="points", scaled="as it is")
# Table, column there, column of the overview, which rows.
_FIGURES: tuple[tuple[str, str, str, _Chosen], ...] = (
    ("error_correlation", "pearson", "error_pearson", _OWN_ERROR),
    ("distortion", "magnitude_pearson", "distorted_pearson", _has_published),
    *(("rotation", "angle_pearson", new, _first_head_turned(series)) for series, new in _SERIES.items()),
    ("referral", "caught_20", "caught_20", _OWN_POINTS),
)


def _published(*, stopped: bool) -> pd.DataFrame:
    """The reference's lines; those of models stopped early only where the study has such models."""
    trained = [
        {
            "model": f"published, {kind}",
            "mre_mm": published.mre_mm,
            "sdr_2.5mm_percent": published.sdr_2_5_percent,
            "error_pearson": published.error_pearson,
            "distorted_pearson": published.distortion_pearson,
            "turned_sum_pearson": published.rotation_pearson,
        }
        for kind, published in REFERENCE.items()
    ]
    under_trained = [
        {"model": f"published, {kind}, under-trained", "error_pearson": published.under_trained_pearson}
        for kind, published in REFERENCE.items()
    ]
    return pd.DataFrame(trained + under_trained if stopped else trained)


_TOGETHER = {*COMBINATIONS, "combined"}
# Values that differ by less are as good as each other.
_EQUAL = 5e-4
_DIRECTIONS = {
    name: measure.direction for measure in MEASURES.values() for name in (measure.name, measure.title)
}
_TITLES = {name: measure.title for name, measure in MEASURES.items()}


@dataclass(frozen=True, slots=True)
class _Task:
    """What measures may be good at, and where it stands."""

    title: str
    figure: str  # what the values are
    table: str
    column: str
    name: tuple[str, str]  # the column that names the measure, and the one with its title
    chosen: _Chosen  # several rows of one measure are averaged
    turned: bool = (
        False  # whether measures that fall with uncertainty have negative values where they are good
    )


def _any(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(data=True, index=frame.index)


_NAME, _TITLE, _SCORE = ("measure", "measure"), ("score", "title"), ("score", "score_title")
_ERROR, _TURNED = "error_correlation", "head turned by 10° and more"
_WHOLE = _where(films="official", landmarks="all")
_POINTS = _where(films="official", referred="points", scaled="as it is")
_NO_CEPHALOGRAM = _where(shift=NO_CEPHALOGRAM)
_TASKS = (
    _Task("error, point by point", "Spearman", _ERROR, "spearman", _NAME, _WHOLE, turned=True),
    _Task("error within a landmark", "Spearman, mean", _ERROR, "within_spearman", _NAME, _WHOLE, turned=True),
    _Task("errors over 4 mm", "AUC", _ERROR, "auc_4mm", _NAME, _WHOLE),
    _Task("errors over 4 mm by referring 20 %", "share found", "referral", "caught_20", _TITLE, _POINTS),
    _Task("error of distorted films", "Spearman", "distortion", "error_spearman", _NAME, _any, turned=True),
    *(
        _Task(f"{_TURNED}, {way}", "AUC, mean", "rotation", "auc", _NAME, _where(series=f"rotation, {way}"))
        for way in ("parallel sum", "parallel film", "cone film")
    ),
    _Task(
        *("another site's film", "AUC", "other_site_noticed", "auc", _NAME),
        chosen=lambda frame: ~frame["key"].str.endswith("_px"),
    ),
    _Task("no cephalogram", "AUC", "detection", "auc", _SCORE, _NO_CEPHALOGRAM),
    _Task("a shifted film", "AUC, mean", "detection", "auc", _SCORE, lambda frame: ~_NO_CEPHALOGRAM(frame)),
)


def best_of(results: Sequence[ExperimentResult]) -> ResultTable | None:
    """Which single measure and which combination is best at what, a line a task and model; or None."""
    frames = _frames(results)
    records = [
        record for task in _TASKS if task.table in frames for record in _best(task, frames[task.table])
    ]
    if not records:
        return None
    return ResultTable.from_records(
        "Which measure is best at what",
        records,
        note="Chosen on the very films that it is measured on, so a little too good; intervals stand in the "
        "tables of the experiments. Values are turned so that larger is better: 1 at most, chance is 0 for a "
        "correlation and 0.5 for an area. Of several that are as good to three digits the first is named.",
    )


def _best(task: _Task, frame: pd.DataFrame) -> Iterator[dict[str, Cell]]:
    """The records of one task, a model each."""
    frame = frame[task.chosen(frame)]
    name = frame[task.name[0]].astype(str)
    found = pd.DataFrame(
        {
            "model": frame["model"],
            "name": name,
            "title": name.map(_TITLES).fillna(frame[task.name[1]]),
            "value": frame[task.column].astype(float) * (name.map(_DIRECTIONS) if task.turned else 1.0),
        }
    )
    means = found.dropna(subset="value").groupby(["model", "name", "title"], sort=False)["value"].mean()
    for model, of_model in means.reset_index().groupby("model", sort=False):
        together = of_model["name"].isin(_TOGETHER)
        yield {
            "task": task.title,
            "figure": task.figure,
            "model": str(model),
            **_top(of_model[~together], "measure", "value"),
            **_top(of_model[together], "combination", "combination_value"),
        }


def _top(means: pd.DataFrame, name: str, value: str) -> dict[str, Cell]:
    """The best, how many more are as good, and its value."""
    if means.empty:
        return {name: None, value: None}
    best = means["value"].max()
    equal = means[means["value"] > best - _EQUAL]
    more = f" (and {len(equal) - 1} more)" if len(equal) > 1 else ""
    return {name: f"{equal['title'].iloc[0]}{more}", value: best}
