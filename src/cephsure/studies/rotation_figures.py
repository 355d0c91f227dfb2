"""Figures of the turned heads: measure and error against the angle, and the reference's picture."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.studies.plotting import (
    GREY,
    hidden_panels,
    label,
    line_legend,
    line_styles,
    model_legend,
    remark,
)
from cephsure.studies.published import REFERENCE
from cephsure.studies.result import listed, with_interval
from cephsure.studies.sample_picture import (
    SamplePanel,
    few_landmarks,
    picture_model,
    sample_picture,
    samples_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.studies.study import Study, StudyModel
    from cephsure.studies.turned_heads import Head, Turned

PICTURE_ANGLES = (0.0, 15.0, 30.0, 45.0)
_COLUMNS = 4
_SERIES_COLOURS = (GREY, "#0072B2", "#E69F00", "#CC79A7", "#D55E00", "#009E73")


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredTurns:
    """What every model's measures and error do as heads are moved.

    Attributes:
        measures: a row a measure of a model in a series (those that vary): coefficients; the series' name
            (``poses``) and axis, the model's label, the measure's name, key, direction and axis label, and
            whether the reference judges the model's kind by it (``own``).
        means: a row an angle of a model in a series: mean error, and mean of each measure by key.
    """

    measures: pd.DataFrame
    means: pd.DataFrame

    def lines(self, turned: Turned, model: StudyModel, *, own: bool = False) -> list[Any]:
        """The measures of a model in a head's series; only the one the reference judges it by if ``own``."""
        here = _of(self.measures, turned, model)
        return list((here[here["own"].astype(bool)] if own else here).itertuples())

    def at_angles(self, turned: Turned, model: StudyModel | None = None) -> pd.DataFrame:
        """The means in a head's series, of one model or of all."""
        return _of(self.means, turned, model)


def _of(frame: pd.DataFrame, turned: Turned, model: StudyModel | None) -> pd.DataFrame:
    chosen = (frame["head"] == turned.head.name) & (frame["poses"] == turned.series.name)
    return frame[chosen if model is None else chosen & (frame["label"] == model.label)]


def own_measure_figure(study: Study, turns: Sequence[Turned], found: MeasuredTurns) -> Figure:
    """A column a model: the measure the reference judges it by, above the error, against the signed angle.

    A line a series of one head about the vertical axis; without truth there is no error.
    """
    head, models = turns[0].head, study.models
    columns = min(len(models), _COLUMNS)
    known = any(found.at_angles(turned)["error_mm"].notna().any() for turned in turns)
    rows = 2 if known else 1
    beneath = " (above) and error against the projected 3-D landmarks (below)" if known else ""
    caption = _said(
        head,
        f"Mean measure over {head.over_which}{beneath} against the signed angle; n = "
        f"{len(turns[0].angles)} films of one head a line. r: Pearson's coefficient of the angle's "
        "size and the mean, with a 95 % interval over moving blocks of angles; published: Drevický & Kodým "
        "2020.",
    )
    blocks = -(-len(models) // columns)
    figure, axes = hidden_panels(rows * blocks, columns, caption=caption, panel_inches=(3.9, 2.8))
    colours = dict(zip((turned.series.name for turned in turns), _SERIES_COLOURS, strict=False))
    for index, model in enumerate(models):
        row, column = rows * (index // columns), index % columns
        _own_panel(axes[row, column], model, turns, found, colours)
        if known:
            below = axes[row + 1, column]
            below.set_visible(True)
            for turned in turns:
                errors = found.at_angles(turned, model)["error_mm"]
                below.plot(turned.angles, errors, color=colours[turned.series.name], linewidth=1.2)
            label(below, x="angle [°]", y="radial error [mm]")
            count = int(np.isfinite(turns[0].truth_px).all(axis=2).any(axis=0).sum())
            remark(below, f"mean over {count} landmarks", corner="lower left")
            below.set_ylim(bottom=0)
    line_legend(
        figure,
        {turned.series.title: (colours[turned.series.name], "-") for turned in turns},
        columns=2 * columns,
    )
    return figure


def _own_panel(
    axes: Axes, model: StudyModel, turns: Sequence[Turned], found: MeasuredTurns, colours: dict[str, str]
) -> None:
    axes.set_visible(True)
    words, name = [], f"{model.own_measure}: constant"
    for turned in turns:
        for own in found.lines(turned, model, own=True):
            values = found.at_angles(turned, model)[own.key]
            axes.plot(turned.angles, values, color=colours[turned.series.name], linewidth=1.2)
            interval = (own.angle_pearson_low, own.angle_pearson_high)
            words.append(f"{turned.series.title}: r = {with_interval(own.angle_pearson, interval)}")
            name = own.axis_label
    words.append(f"published: r = {with_interval(REFERENCE[model.kind].rotation_pearson, None)}")
    label(axes, x="angle [°]", y=name, title="\n".join(textwrap.wrap(model.title, 44)))
    # Where the measure falls with the angle, the middle is its highest.
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.45 * (high - low))
    remark(axes, "\n".join(words))


def all_measures_figure(study: Study, turned: Turned, found: MeasuredTurns) -> Figure:
    """A panel a measure and one for the error: the share of its range at each angle, a line a model."""
    lines = [(model, line) for model in study.models for line in found.lines(turned, model)]
    titles = list(dict.fromkeys(line.measure for _, line in lines))
    columns = max(1, min(len(titles) + 1, _COLUMNS))
    caption = _said(
        turned.head,
        f"Every measure in the series {turned.series.title}: mean over {turned.head.over_which}, turned so "
        "that up means more uncertain, from its least (0) to its largest value (1) in the series, so that "
        f"the lines' steadiness can be compared. n = {len(turned.angles)} films of one head. r: Pearson's "
        "coefficient of the angle's size and the mean, its interval stands in the table. Last panel: "
        "radial error.",
    )
    figure, axes = hidden_panels(-(-(len(titles) + 1) // columns), columns, caption=caption)
    for panel, title in zip(axes.ravel(), titles, strict=False):
        label(panel, x="angle [°]", y="share of its range", title=title)
        of_title = [(model, line) for model, line in lines if line.measure == title]
        _share_panel(panel, study, turned, found, of_title)
    _error_panel(axes.ravel()[len(titles)], study, turned, found)
    model_legend(figure, study.models, columns=columns - 1)
    return figure


def lean_figure(study: Study, leans: Sequence[Turned], found: MeasuredTurns) -> Figure:
    """A column a series (tilt, nod): each model's own measure as a share of its range above its error.

    A line a model; without truth there is no error.
    """
    head = leans[0].head
    known = any(found.at_angles(turned)["error_mm"].notna().any() for turned in leans)
    caption = _said(
        head,
        "Tilt (positive: to the left shoulder) and nod (positive: chin down). Above: mean over "
        f"{head.over_which} of the measure by which the reference judges each kind of model, turned so that "
        "up means more uncertain, from its least (0) to its largest value (1) in the series; r: Pearson's "
        f"coefficient of the angle's size and the mean.{' Below: mean radial error.' if known else ''} n = "
        f"{len(leans[0].angles)} films of one head.",
    )
    figure, axes = hidden_panels(2 if known else 1, len(leans), caption=caption)
    for (above, *below), turned in zip(axes.T, leans, strict=True):
        label(above, x="angle [°]", y="own measure, share of its range", title=turned.series.title)
        own = [(model, line) for model in study.models for line in found.lines(turned, model, own=True)]
        _share_panel(above, study, turned, found, own)
        for panel in below:
            _error_panel(panel, study, turned, found)
    model_legend(figure, study.models, columns=len(leans))
    return figure


def rotation_picture(study: Study, turned: Turned) -> Figure | None:
    """One head at four angles with its samples, for a few landmarks and for all; None without a model."""
    shown, head, poses = picture_model(study), turned.head, turned.series
    if shown is None or shown.model is None:
        return None
    landmark_set = shown.model.landmark_set
    everything = tuple(i for i, code in enumerate(landmark_set.codes) if code not in head.absent)
    some = tuple(index for index in few_landmarks(landmark_set) if index in everything) or everything[:1]
    panels = []
    for angle in PICTURE_ANGLES:
        film = head.film(poses, angle)
        prediction = shown.predict(film, seed=study.seed, facing="right", polarity="positive")
        truth_px = None if head.landmarks is None else head.truth_px(poses, angle, landmark_set.codes)
        panels.append(SamplePanel(f"{angle:g}°", film, samples_of(prediction), truth_px, some))
    codes = listed([landmark_set.codes[index] for index in some])
    caption = _said(
        head,
        f"The head turned to its left ({poses.title}); {shown.title}. Above {codes}, below all landmarks"
        f"{' that the scan holds' if head.absent else ''}."
        + ("" if head.landmarks is None else " The truth is the projection of landmarks placed in the CT."),
    )
    below = [replace(panel, landmarks=everything) for panel in panels]
    return sample_picture([*panels, *below], caption=caption)


def _share_panel(
    axes: Axes, study: Study, turned: Turned, found: MeasuredTurns, lines: Sequence[tuple[StudyModel, Any]]
) -> None:
    """Measures turned so that up means more uncertain, from the least (0) to the largest value (1)."""
    axes.set_visible(True)
    styles, words = line_styles(study.models), []
    for model, line in lines:
        number, colour, style = styles[model.label]
        values = line.direction * found.at_angles(turned, model)[line.key]
        share = (values - values.min()) / ((values.max() - values.min()) or 1.0)
        axes.plot(turned.angles, share, style, color=colour, linewidth=1.1)
        words.append(f"{number}: r = {with_interval(line.angle_pearson, None)}")
    # Room for remarks above.
    axes.set_ylim(-0.05, 1.5)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    in_a_line = 1 if len(words) <= 4 else 2
    remark(axes, "\n".join("   ".join(words[i : i + in_a_line]) for i in range(0, len(words), in_a_line)))


def _error_panel(axes: Axes, study: Study, turned: Turned, found: MeasuredTurns) -> None:
    axes.set_visible(True)
    for model in study.models:
        _, colour, style = line_styles(study.models)[model.label]
        errors = found.at_angles(turned, model)["error_mm"]
        axes.plot(turned.angles, errors, style, color=colour, linewidth=1.1)
    label(axes, x="angle [°]", y="radial error [mm]", title="radial error")
    axes.set_ylim(bottom=0)
    if found.at_angles(turned)["error_mm"].isna().all():
        remark(axes, "no truth known")


def _said(head: Head, text: str) -> str:
    """A caption with the head's name and credit."""
    credit = f" {head.credit}." if head.credit else ""
    return f"Head CT {head.name}. {text}{credit}"
