"""Figures of the distortion: measure and error against magnitude, and the reference's picture."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.datasets import film_of
from cephsure.studies.cases import truths_px
from cephsure.studies.held_out import truth_for
from cephsure.studies.plotting import GREY, KIND_COLOURS, label, new_figure, remark
from cephsure.studies.sample_picture import (
    SamplePanel,
    few_landmarks,
    picture_model,
    sample_picture,
    samples_of,
)
from cephsure.studies.wording import with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.studies.distorted import Distorted
    from cephsure.studies.distortion_results import MeasureTrend, ModelTrends
    from cephsure.studies.statistics.trends import Trend
    from cephsure.studies.study import Study

PICTURE_MAGNITUDES = (0.0, 70.0, 140.0, 200.0)
_COLUMNS = 4
LineStyle = Literal["-", "--", ":", "-."]
_LINES: tuple[LineStyle, ...] = ("-", "--", ":", "-.")


def own_measure_figure(done: Distorted, trends: Sequence[ModelTrends]) -> Figure:
    """A column a model: the measure the reference judges it by above the error, against the magnitude."""
    columns = min(len(trends), _COLUMNS)
    blocks = -(-len(trends) // columns)
    caption = (
        f"Measure (above) and radial error against the moved truth (below) at {len(done.magnitudes)} "
        f"magnitudes of elastic distortion, mean over {len(done.items)} films of {done.test} and their "
        "landmarks; band: 95 % bootstrap interval over films. r: Pearson's coefficient of magnitude and "
        "mean, with its interval; published: Drevický & Kodým 2020."
    )
    figure, axes = new_figure(2 * blocks, columns, caption=caption, panel_inches=(3.9, 2.7))
    for panel in axes.ravel():
        panel.set_visible(False)
    highest = max((float(np.nanmax(one.error.high)) for one in trends if one.has_error), default=np.nan)
    for index, one in enumerate(trends):
        above, below = axes[2 * (index // columns) : 2 * (index // columns) + 2, index % columns]
        _own_panel(above, done, one)
        _error_panel(below, done, one)
        if np.isfinite(highest):
            below.set_ylim(0, 1.05 * highest)
    return figure


def _own_panel(axes: Axes, done: Distorted, one: ModelTrends) -> None:
    axes.set_visible(True)
    own = one.own
    title = "\n".join(textwrap.wrap(one.model.title, 44))
    if own is None:
        label(axes, x="magnitude", y=one.model.own_measure, title=title)
        remark(axes, "constant")
        return
    _band(axes, done, own.trend, colour=KIND_COLOURS[one.model.kind])
    label(axes, x="magnitude", y=own.label, title=title)
    published = f"\npublished {with_interval(one.published, None)}"
    corner = "lower left" if own.direction < 0 else "upper left"
    remark(axes, f"{_coefficient(own.trend)}{published}\nn = {len(done.items)} films", corner=corner)


def _error_panel(axes: Axes, done: Distorted, one: ModelTrends) -> None:
    axes.set_visible(True)
    label(axes, x="magnitude", y=f"error [mm], truth: {one.truth}")
    if one.has_error:
        _band(axes, done, one.error, colour=GREY)
        remark(axes, _coefficient(one.error))


def _band(axes: Axes, done: Distorted, trend: Trend, *, colour: str) -> None:
    axes.fill_between(done.magnitudes, trend.low, trend.high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(done.magnitudes, trend.means, color=colour, marker="o", markersize=2.5, linewidth=1)


def _coefficient(trend: Trend) -> str:
    return f"r = {with_interval(trend.pearson, trend.pearson_ci95)}"


def all_measures_figure(done: Distorted, trends: Sequence[ModelTrends]) -> Figure:
    """A panel a measure: its change with the magnitude, in standard deviations of undistorted points."""
    from matplotlib.lines import Line2D

    by_measure: dict[str, list[tuple[ModelTrends, MeasureTrend]]] = {}
    for one in trends:
        for measure in one.measures:
            by_measure.setdefault(measure.name, []).append((one, measure))
    columns = max(1, min(len(by_measure), _COLUMNS))
    rows = max(1, -(-len(by_measure) // columns))
    caption = (
        f"Every measure's change with the magnitude of elastic distortion (n = {len(done.items)} films of "
        f"{done.test}): mean over all points, against the same films at the first magnitude, in standard "
        "deviations of the single points there; turned so that up means more uncertain. Band: 95 % bootstrap "
        "interval over films. r: Pearson's coefficient of magnitude and the measure's mean, as in the table."
    )
    figure, axes = new_figure(rows, columns, caption=caption)
    styles = _line_styles(trends)
    for panel in axes.ravel():
        panel.set_visible(False)
    for panel, of_models in zip(axes.ravel(), by_measure.values(), strict=False):
        _change_panel(panel, done, of_models, styles)
    handles = [
        Line2D([], [], color=KIND_COLOURS[one.model.kind], linestyle=styles[one.model.label][1])
        for one in trends
    ]
    names = [f"{styles[one.model.label][0]}: {one.model.title}" for one in trends]
    figure.legend(handles, names, loc="outside lower center", ncols=min(2, columns), fontsize=8)
    return figure


def _change_panel(
    axes: Axes,
    done: Distorted,
    of_models: Sequence[tuple[ModelTrends, MeasureTrend]],
    styles: dict[str, tuple[int, LineStyle]],
) -> None:
    axes.set_visible(True)
    lines = [f"n = {len(done.items)} films"]
    for one, measure in of_models:
        number, style = styles[one.model.label]
        colour, change = KIND_COLOURS[one.model.kind], measure.change
        axes.fill_between(done.magnitudes, change.low, change.high, color=colour, alpha=0.12, linewidth=0)
        axes.plot(done.magnitudes, change.means, style, color=colour, linewidth=1.4)
        lines.append(f"{number}: {_coefficient(measure.trend)}")
    label(axes, x="magnitude", y="change [SD of undistorted points]", title=of_models[0][1].title)
    remark(axes, "\n".join(lines))


def _line_styles(trends: Sequence[ModelTrends]) -> dict[str, tuple[int, LineStyle]]:
    """Each model's number and line: models of one kind share a colour and differ in their line."""
    kinds: dict[str, int] = {}
    styles = {}
    for number, one in enumerate(trends, start=1):
        count = kinds.get(one.model.kind, 0)
        styles[one.model.label] = (number, _LINES[count % len(_LINES)])
        kinds[one.model.kind] = count + 1
    return styles


def distortion_picture(study: Study, done: Distorted) -> Figure | None:
    """One film at four magnitudes with its samples, for a few landmarks and for all; None without a model."""
    shown = picture_model(study)
    if shown is None or shown.model is None:
        return None
    index = len(done.items) // 2
    item, field = done.items[index], done.fields[index]
    film, truth = film_of(item), truth_for(shown, study.dataset)
    true_px = truths_px([item], truth)[0]
    landmark_set = shown.model.landmark_set
    everything = tuple(range(len(landmark_set)))
    few: list[SamplePanel] = []
    every: list[SamplePanel] = []
    for magnitude in PICTURE_MAGNITUDES:
        distorted = field.distort(film, magnitude)
        samples_px = samples_of(shown.model.predict(distorted, seed=study.seed))
        moved_px = field.move(true_px, magnitude)
        rms_mm, _ = field.size_mm(magnitude)
        title = f"magnitude {magnitude:g} ({rms_mm:.1f} mm rms)"
        few.append(SamplePanel(title, distorted, samples_px, moved_px, few_landmarks(landmark_set)))
        every.append(SamplePanel(title, distorted, samples_px, moved_px, everything))
    caption = (
        f"Film {item.film_id} under one random elastic field, scaled up; {shown.title}. Above "
        f"{', '.join(landmark_set.codes[i] for i in few_landmarks(landmark_set))}, below all landmarks. "
        f"The truth ({truth}) is moved with the film."
    )
    return sample_picture([*few, *every], caption=caption)
