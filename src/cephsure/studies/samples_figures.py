"""Figures of the samples experiment: everything against the number of samples, and against the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.evaluation.bootstrap import UNDEFINED
from cephsure.studies.drawing import PART
from cephsure.studies.plotting import KIND_COLOURS, KIND_MARKERS, Estimate, label, new_figure, remark, turned
from cephsure.studies.wording import with_interval
from cephsure.uncertainty import MEASURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.studies.by_count import AtCount
    from cephsure.studies.samples import ByCount

# Okabe and Ito's palette, in the registry's order.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_PANELS = {
    "spearman": "Spearman with the radial error",
    "auc_4mm": "AUC for errors > 4 mm",
    "caught_20": "errors > 4 mm among the 20 % referred",
}


def counts_figure(one: ByCount) -> Figure:
    """Mean error and every measure's worth against the number of samples, with 95 % intervals."""
    last = one.found[-1]
    figure, axes = new_figure(
        1,
        1 + len(_PANELS),
        caption=f"{one.drawing.title}: {last.n_films} films of {one.test}, {last.n_points} points, "
        f"{last.n_large:.0f} errors over 4 mm with {last.count} {one.drawing.what}. Mean over "
        f"{max(at.n_subsets for at in one.found)} random subsets of each number; bars: 95 % intervals, films "
        "resampled; all numbers have the same films. Correlations are turned: a good measure's is positive.",
        panel_inches=(4.0, 4.6),
    )
    number = f"number of {one.drawing.what}, T"
    first = axes[0, 0]
    colour = KIND_COLOURS[one.drawing.model.kind]
    _line(first, [(at.count, at.mre_mm) for at in one.found], "MRE", colour, 0.0)
    label(first, x=number, y="mean radial error [mm]", title=_cost_title(one))
    remark(first, f"n = {last.n_points}, T = {last.count}: {_said(last.mre_mm)} mm", corner="upper right")
    for panel, (key, title) in zip(axes[0, 1:], _PANELS.items(), strict=True):
        for place, name in enumerate(MEASURES):
            points = [(at.count, _turned(at, name, key)) for at in one.found if name in at.measures]
            if not points:
                continue
            text = f"{MEASURES[name].title}: {_said(points[-1][1])}"
            shift = 0.12 * (place - (len(MEASURES) - 1) / 2)
            _line(panel, points, text, _COLOURS[place % len(_COLOURS)], shift)
        label(panel, x=number, y=title)
        legend = panel.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.17), frameon=False)
        legend.set_title(f"value with T = {last.count} [95 % interval]")
        legend.get_title().set_fontsize(6.5)
    return figure


def cost_figure(found: Sequence[ByCount]) -> Figure:
    """Mean error, and the best measure's area under the ROC curve, against milliseconds a film."""
    from cephsure.studies.samples import best_measure

    figure, axes = new_figure(
        1,
        2,
        caption="What more samples cost and give: each line is a model, each mark a number of samples (the "
        "first and the last are written at it). Left: mean radial error, right: area under the ROC curve for "
        "errors over 4 mm of that model's best measure at that number. Time: median, one machine, warm. "
        "Hollow and dashed: one network on altered copies of the film.",
        panel_inches=(5.0, 4.6),
    )
    for one in found:
        accuracy = [(one.ms(at.count), at.mre_mm, at.count) for at in one.found]
        areas = [(one.ms(at.count), best_measure(at)[1], at.count) for at in one.found]
        _path(axes[0, 0], one, accuracy)
        _path(axes[0, 1], one, areas)
    for panel, y in zip(
        axes[0], ("mean radial error [mm]", "AUC for errors > 4 mm, best measure"), strict=True
    ):
        panel.set_xscale("log")
        label(panel, x="time a film [ms]", y=y)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False)
    return figure


def _line(axes: Axes, points: Sequence[tuple[int, Estimate]], text: str, colour: str, shift: float) -> None:
    """Values against counts with bars; shifted a little, so that bars stand beside each other."""
    known = [(count, one.value, one.interval or UNDEFINED) for count, one in points if one.value is not None]
    counts = [count + shift for count, _, _ in known]
    axes.plot(counts, [value for _, value, _ in known], "o-", ms=2.5, lw=1.0, color=colour, label=text)
    axes.vlines(
        counts,
        [interval[0] for _, _, interval in known],
        [interval[1] for _, _, interval in known],
        color=colour,
        lw=0.6,
        alpha=0.6,
    )


def _path(axes: Axes, one: ByCount, points: Sequence[tuple[float | None, Estimate, int]]) -> None:
    """One model's way through cost and gain."""
    known = [
        (ms, each.value, count) for ms, each, count in points if ms is not None and each.value is not None
    ]
    if not known:
        return
    kind, own_way = one.drawing.model.kind, one.drawing.part == PART
    last = points[-1][1]
    axes.plot(
        [ms for ms, _, _ in known],
        [value for _, value, _ in known],
        KIND_MARKERS[kind] + ("-" if own_way else "--"),
        color=KIND_COLOURS[kind],
        ms=4,
        lw=1.0,
        mfc=KIND_COLOURS[kind] if own_way else "white",
        label=f"{one.drawing.title}, T = {one.found[-1].count}: {_said(last)}, n = {one.found[-1].n_points}",
    )
    for ms, value, count in {known[0], known[-1]}:
        axes.annotate(str(count), (ms, value), xytext=(3, 4), textcoords="offset points", fontsize=7)


def _turned(at: AtCount, name: str, key: str) -> Estimate:
    one = at.measures[name][key]
    return turned(one.value, one.interval, MEASURES[name].direction) if key == "spearman" else one


def _said(one: Estimate) -> str:
    return with_interval(one.value, one.interval)


def _cost_title(one: ByCount) -> str:
    ms = one.ms(one.found[-1].count)
    return "" if ms is None else f"{ms:.0f} ms a film with T = {one.found[-1].count}"
