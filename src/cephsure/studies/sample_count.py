"""How many samples are needed? Error, correlation, detection and referral against their number and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, interval_of
from cephsure.evaluation.errors import is_within
from cephsure.evaluation.quality import weighted_auc, weighted_pearson, weighted_spearman
from cephsure.studies.cases import films_of_split, spread_over, truths_px
from cephsure.studies.held_out import truth_for
from cephsure.studies.plotting import KIND_COLOURS, KIND_MARKERS, label, legend_below, new_figure, remark
from cephsure.studies.result import (
    ExperimentResult,
    ResultTable,
    frame_of,
    method_text,
    with_ends,
    with_interval,
)
from cephsure.studies.sample_sources import TIMED_FILMS, SampleSource, sample_films, sources_of
from cephsure.studies.statistics.risk_coverage import UncertaintyOrder
from cephsure.uncertainty import ALWAYS, MEASURES, mean_position

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.inference.samples import Samples
    from cephsure.studies.sample_sources import FilmSamples, SampleStore
    from cephsure.studies.study import Study
    from cephsure.uncertainty import Measure

    Record = dict[str, Any]

SUBSETS = 5
RESAMPLES = 300
LARGE_MM = 4.0
REFERRED = 0.2
STATISTICS = ("pearson", "spearman", "auc_4mm", "caught_20")
# Okabe and Ito's palette, in the registry's order.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_PANELS = {
    "spearman": "Spearman with the radial error",
    "auc_4mm": "AUC for errors > 4 mm",
    "caught_20": "errors > 4 mm among the 20 % referred",
}
_COLUMNS = (
    *("model", "truth", "drawn", "samples", "subsets", "n_films", "n", "n_over_4mm"),
    *("mre_mm", "mre_mm_low", "mre_mm_high", "best_measure"),
    *("auc_4mm", "auc_4mm_low", "auc_4mm_high", "ms_per_film"),
)
_SHOWN = ("model", "samples", "mre_mm", "best_measure", "auc_4mm", "ms_per_film")
_MEASURE_COLUMNS = (
    *("model", "drawn", "samples", "measure", "direction", "own_measure"),
    *(f"{key}{end}" for key in STATISTICS for end in ("", "_low", "_high")),
    "ms_per_film",
)


def sample_count(study: Study) -> ExperimentResult:
    """Draw samples of some test films once, and look at what fewer of them would have given.

    ``shift_films`` films, spread over the split, are drawn with every model whose bundle is at hand or whose
    samples an earlier study kept. Tables: accuracy and cost, every measure; figures: all against the number
    of samples, and against the cost.

    Raises:
        InputError: a film cannot be read, or a stored file not be used.
    """
    items = spread_over(films_of_split(study.dataset, study.split), study.shift_films)
    all_sources = [source for model in study.models for source in sources_of(model)]
    stores = sample_films(study, all_sources, items)
    found = [
        (source, *_of_source(study, source, stores[source.name], items))
        for source in all_sources
        if source.name in stores
    ]
    tables = _tables(found)
    costs = (store.cost for store in stores.values())
    return ExperimentResult(
        name="samples",
        title="How many samples are needed?",
        method=method_text(
            "samples",
            n_films=len(items),
            test=study.test_name,
            subsets=SUBSETS,
            resamples=RESAMPLES,
            timed_films=TIMED_FILMS,
            machines=sorted({cost.machine for cost in costs if cost is not None}),
            left_out=[source.title for source in all_sources if source.name not in stores],
        ),
        tables=tables,
        figures=_figures(found, study.test_name),
        shown=tables["samples"].select(*_SHOWN),
    )


def _of_source(
    study: Study, source: SampleSource, store: SampleStore, items: Sequence[AnnotatedFilm]
) -> tuple[list[Record], list[Record]]:
    """Its rows of the table of counts, and of the table of measures."""
    films = [store.films[item.film_id] for item in items]
    truth = truth_for(source.model, study.dataset)
    truths_mm = truths_px(items, truth) * np.stack([film.mm_per_px for film in films])[:, np.newaxis]
    counts, measures = [], []
    for count in source.counts:
        chosen = subsets(source.counts[-1], count, seed=study.seed)
        of_all, of_measures = at_count(films, truths_mm, chosen, seed=study.seed)
        ms = np.nan if store.cost is None else store.cost.median_ms(count)
        about = {"model": source.title, "drawn": source.what, "ms_per_film": ms}
        counts.append(about | {"truth": truth} | of_all | best_measure(of_measures))
        for name, values in of_measures.items():
            is_own = name == source.model.own_measure
            facts = {"measure": name, "direction": MEASURES[name].direction, "own_measure": is_own}
            measures.append(about | {"samples": count} | facts | values)
    return counts, measures


def subsets(total: int, count: int, *, seed: int, wanted: int = SUBSETS) -> list[NDArray[np.intp]]:
    """Random sets of ``count`` out of ``total`` samples: ``wanted`` of them, or the only one there is.

    They are cut from shuffled orders, so that as many as possible have no sample in common.

    Examples:
        >>> sorted(np.concatenate(subsets(6, 2, seed=0, wanted=3)).tolist())
        [0, 1, 2, 3, 4, 5]
    """
    if count == total:
        return [np.arange(total)]
    rng = np.random.default_rng([seed, total, count])
    blocks: list[NDArray[np.intp]] = []
    while len(blocks) < wanted:
        order = rng.permutation(total)
        blocks += [order[start : start + count] for start in range(0, total - count + 1, count)]
    return blocks[:wanted]


def at_count(
    films: Sequence[FilmSamples],
    truths_mm: NDArray[np.float64],
    chosen: Sequence[NDArray[np.intp]],
    *,
    seed: int,
) -> tuple[Record, dict[str, Record]]:
    """Figures of predictions from each subset of F films' samples, averaged over the subsets.

    Args:
        films: of F films.
        truths_mm: (F, L, 2) true points, NaN where there is none.
        chosen: subsets of one size, each as places among a film's samples; the same for all films.
        seed: of the bootstrap.

    Returns:
        What the table of counts says of all points; and of each measure that is not the same for all points
        every one of ``STATISTICS``. Intervals are those of the average, films resampled.
    """
    # One film cannot be resampled.
    weights = film_weights(len(films), n_resamples=RESAMPLES if len(films) > 1 else 0, seed=seed)
    # The data as they are come first: value and interval from one call.
    weights = np.concatenate([np.ones((1, len(films))), weights])
    means, large, of_measures = [], [], []
    for subset in chosen:
        samples = [film.in_mm(subset) for film in films]
        positions = np.stack([mean_position(of_film) for of_film in samples])
        errors = np.linalg.norm(positions - truths_mm, axis=-1)
        with np.errstate(invalid="ignore"):
            means.append(weights @ np.nansum(errors, axis=1) / (weights @ np.isfinite(errors).sum(axis=1)))
        large.append(np.sum(np.isfinite(errors) & ~is_within(errors, LARGE_MM)))
        # Single samples are kept without maps and altered views: the measures of these are not here.
        values = [(measure, _values(measure, samples)) for measure in ALWAYS]
        varying = [(measure, found) for measure, found in values if np.ptp(found) > 0]
        of_measures.append({each.name: _statistics(errors, found, each, weights) for each, found in varying})
    of_all: Record = {"samples": len(chosen[0]), "subsets": len(chosen), "n_films": len(films)}
    of_all |= {"n": int(np.isfinite(truths_mm).all(axis=-1).sum()), "n_over_4mm": float(np.mean(large))}
    averaged: dict[str, Record] = {}
    for name in of_measures[0]:
        if all(name in found for found in of_measures):
            averaged[name] = {}
            for key in STATISTICS:
                averaged[name] |= _averaged(key, [found[name][key] for found in of_measures])
    return of_all | _averaged("mre_mm", means), averaged


def _values(measure: Measure, samples: Sequence[Samples]) -> NDArray[np.float64]:
    """(F, L) a measure of films' samples; NaN where these lack what it needs."""
    missing = np.full(samples[0].positions_px.shape[1], np.nan)
    found = (measure.compute(of_film) for of_film in samples)
    return np.stack([missing if values is None else values for values in found])


def _statistics(
    errors: NDArray[np.float64], values: NDArray[np.float64], measure: Measure, weights: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Each of ``STATISTICS`` (B,) in B weighted copies of the films."""
    films, landmarks = np.nonzero(np.isfinite(errors) & np.isfinite(values))
    losses, found = errors[films, landmarks], values[films, landmarks]
    large, scores, drawn = ~is_within(losses, LARGE_MM), measure.direction * found, weights[:, films]
    order = UncertaintyOrder.of(scores, drawn)
    return {
        "pearson": weighted_pearson(losses, found, drawn),
        "spearman": weighted_spearman(losses, found, drawn),
        "auc_4mm": weighted_auc(large, scores, drawn),
        "caught_20": order.caught(large.astype(np.float64), share=REFERRED),
    }


def _averaged(key: str, of_subsets: Sequence[NDArray[np.float64]]) -> Record:
    """The mean over the subsets, of the data (the first of each) and of the resamples (the rest)."""
    mean = np.mean(of_subsets, axis=0)
    return with_ends(key, float(mean[0]), interval_of(mean[1:]))


def best_measure(of_measures: dict[str, Record]) -> Record:
    """The measure that finds errors over 4 mm best, and its area under the ROC curve; nothing without one."""
    known = {name: row for name, row in of_measures.items() if not np.isnan(row["auc_4mm"])}
    if not known:
        return {"best_measure": None}
    name = max(known, key=lambda each: known[each]["auc_4mm"])
    area = {column: known[name][column] for column in ("auc_4mm", "auc_4mm_low", "auc_4mm_high")}
    return {"best_measure": name} | area


def _tables(found: Sequence[tuple[SampleSource, list[Record], list[Record]]]) -> dict[str, ResultTable]:
    return {
        "samples": ResultTable.from_records(
            "Error and cost against the number of samples",
            [row for _, counts, _ in found for row in counts],
            columns=_COLUMNS,
            note="samples: how many a film; each figure is the mean over the subsets of that size "
            "(n_over_4mm too, so that it need not be whole). best_measure: the one with the largest area "
            "under the ROC curve for errors over 4 mm, chosen on these films. ms_per_film: median, pixels to "
            "samples, measured in this study on one machine. low, high: 95 % bootstrap over films.",
        ),
        "samples_measures": ResultTable.from_records(
            "Each measure against the number of samples",
            [row for *_, measures in found for row in measures],
            columns=_MEASURE_COLUMNS,
            note="pearson and spearman: with the radial error, point by point, negative for a good measure "
            "that falls with uncertainty. auc_4mm: area under the ROC curve for errors over 4 mm. caught_20: "
            "share of these among the 20 % most uncertain points (chance: 0.2). A measure that is the same "
            "for every point (the spread of one sample) is left out.",
        ),
    }


def _figures(
    found: Sequence[tuple[SampleSource, list[Record], list[Record]]], test: str
) -> dict[str, Figure]:
    frames = [(source, frame_of(counts, _COLUMNS), measures) for source, counts, measures in found]
    figures = {"samples_cost": cost_figure([frame[:2] for frame in frames])} if frames else {}
    return figures | {
        f"samples_{source.name}": counts_figure(source, counts, frame_of(measures, _MEASURE_COLUMNS), test)
        for source, counts, measures in frames
        if len(counts) > 1
    }


def said(row: pd.Series, key: str) -> str:
    """A value of a row with its interval, in words."""
    return with_interval(row[key], (row[f"{key}_low"], row[f"{key}_high"]))


def counts_figure(source: SampleSource, counts: pd.DataFrame, measures: pd.DataFrame, test: str) -> Figure:
    """Mean error and every measure's worth against the number of samples, with 95 % intervals."""
    last = counts.iloc[-1]
    figure, axes = new_figure(
        1,
        1 + len(_PANELS),
        caption=f"{source.title}: {last.n_films:.0f} films of {test}, {last.n:.0f} points, "
        f"{last.n_over_4mm:.0f} errors over 4 mm with {last.samples:.0f} {source.what}. Mean over "
        f"{counts['subsets'].max()} random subsets of each number; bars: 95 % intervals, films "
        "resampled; all numbers have the same films. Correlations are turned: a good measure's is positive.",
        panel_inches=(4.0, 4.6),
    )
    number, last_number, first = f"number of {source.what}, T", f"T = {last.samples:.0f}", axes[0, 0]
    _line(first, counts, "mre_mm", name="MRE", colour=KIND_COLOURS[source.model.kind])
    cost = "" if np.isnan(last.ms_per_film) else f"{last.ms_per_film:.0f} ms a film with {last_number}"
    label(first, x=number, y="mean radial error [mm]", title=cost)
    remark(first, f"n = {last.n:.0f}, {last_number}: {said(last, 'mre_mm')} mm", corner="upper right")
    falls = measures["direction"] < 0
    turned = measures.copy()
    turned.loc[falls, ["spearman", "spearman_low", "spearman_high"]] = -measures.loc[
        falls, ["spearman", "spearman_high", "spearman_low"]
    ].to_numpy()
    for panel, (key, title) in zip(axes[0, 1:], _PANELS.items(), strict=True):
        for place, (name, measure) in enumerate(MEASURES.items()):
            rows = turned[turned["measure"] == name]
            if len(rows):
                text = f"{measure.title}: {said(rows.iloc[-1], key)}"
                shift = 0.12 * (place - (len(MEASURES) - 1) / 2)
                _line(panel, rows, key, name=text, colour=_COLOURS[place % len(_COLOURS)], shift=shift)
        label(panel, x=number, y=title)
        legend_below(panel, gap=0.17, title=f"value with {last_number} [95 % interval]")
    return figure


def _line(axes: Axes, rows: pd.DataFrame, key: str, *, name: str, colour: str, shift: float = 0.0) -> None:
    """Values against counts with bars; shifted a little, so that bars stand beside each other."""
    known = rows[rows[key].notna()]
    x = known["samples"] + shift
    axes.plot(x, known[key], "o-", ms=2.5, lw=1.0, color=colour, label=name)
    axes.vlines(x, known[f"{key}_low"], known[f"{key}_high"], color=colour, lw=0.6, alpha=0.6)


def cost_figure(found: Sequence[tuple[SampleSource, pd.DataFrame]]) -> Figure:
    """Mean error, and the best measure's area under the ROC curve, against milliseconds a film."""
    figure, axes = new_figure(
        1,
        2,
        caption="What more samples cost and give: each line is a model, each mark a number of samples (the "
        "first and the last are written at it). Left: mean radial error, right: area under the ROC curve for "
        "errors over 4 mm of that model's best measure at that number. Time: median, one machine, warm. "
        "Hollow and dashed: one network on altered copies of the film.",
        panel_inches=(5.0, 4.6),
    )
    columns = {"mre_mm": "mean radial error [mm]", "auc_4mm": "AUC for errors > 4 mm, best measure"}
    for panel, (key, y) in zip(axes[0], columns.items(), strict=True):
        for source, rows in found:
            _path(panel, source, rows, key)
        panel.set_xscale("log")
        label(panel, x="time a film [ms]", y=y)
        if panel.get_legend_handles_labels()[0]:
            legend_below(panel, gap=0.14)
    return figure


def _path(axes: Axes, source: SampleSource, rows: pd.DataFrame, key: str) -> None:
    """One model's way through cost and gain."""
    known = rows.dropna(subset=["ms_per_film", key])
    if not len(known):
        return
    colour, last = KIND_COLOURS[source.model.kind], rows.iloc[-1]
    line, fill = ("-", colour) if source.own_way else ("--", "white")
    style = KIND_MARKERS[source.model.kind] + line
    name = f"{source.title}, T = {last.samples:.0f}: {said(last, key)}, n = {last.n:.0f}"
    axes.plot(known["ms_per_film"], known[key], style, color=colour, ms=4, lw=1.0, mfc=fill, label=name)
    for _, row in known.iloc[sorted({0, len(known) - 1})].iterrows():
        place = (row.ms_per_film, row[key])
        axes.annotate(f"{row.samples:.0f}", place, xytext=(3, 4), textcoords="offset points", fontsize=7)
