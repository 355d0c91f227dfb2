"""Figures of the turned heads: measure and error against the angle, and the reference's picture."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.studies.plotting import GREY, KIND_COLOURS, label, new_figure, remark
from cephsure.studies.sample_picture import (
    SamplePanel,
    few_landmarks,
    picture_model,
    sample_picture,
    samples_of,
)
from cephsure.studies.wording import listed, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.landmarks import LandmarkSet
    from cephsure.studies.rotation_results import MeasureAlong, ModelAlong
    from cephsure.studies.study import Study
    from cephsure.studies.turned import Head, Series

PICTURE_ANGLES = (0.0, 15.0, 30.0, 45.0)
_COLUMNS = 4
_SERIES_COLOURS = (GREY, "#0072B2", "#D55E00", "#009E73", "#CC79A7")
LineStyle = Literal["-", "--", ":", "-."]
_LINES: tuple[LineStyle, ...] = ("-", "--", ":", "-.")

Results = dict[str, list["ModelAlong"]]
"""One head's results: by the series' name, a model each."""


def own_measure_figure(head: Head, results: Results) -> Figure:
    """A column a model: the measure the reference judges it by, above the error, against the signed angle.

    Args:
        head: which.
        results: the series to be drawn, all about one axis and with the same models.

    Returns:
        The figure; a line a series. Without truth there is no error.
    """
    first = next(iter(results.values()))
    columns = min(len(first), _COLUMNS)
    known = _knows_errors(results)
    rows = 2 if known else 1
    beneath = " (above) and error against the projected 3-D landmarks (below)" if known else ""
    caption = _said(
        head,
        f"Mean measure over {head.over_which}{beneath} against the signed angle; n = "
        f"{len(first[0].turned.angles)} films of one head a line. r: Pearson's coefficient of the angle's "
        "size and the mean, with a 95 % interval over moving blocks of angles; published: Drevický & Kodým "
        "2020.",
    )
    blocks = -(-len(first) // columns)
    figure, axes = new_figure(rows * blocks, columns, caption=caption, panel_inches=(3.9, 2.8))
    for panel in axes.ravel():
        panel.set_visible(False)
    colours = dict(zip(results, _SERIES_COLOURS, strict=False))
    for index in range(len(first)):
        row, column = rows * (index // columns), index % columns
        lines = {name: models[index] for name, models in results.items()}
        _own_panel(axes[row, column], lines, colours)
        if known:
            _error_panel(axes[row + 1, column], lines, colours)
    entries: list[tuple[str, LineStyle, str]] = [
        (colours[name], "-", models[0].turned.series.title) for name, models in results.items()
    ]
    _legend(figure, entries, columns=2 * columns)
    return figure


def _own_panel(axes: Axes, lines: dict[str, ModelAlong], colours: dict[str, str]) -> None:
    axes.set_visible(True)
    words = []
    name = ""
    for series, one in lines.items():
        own = one.own
        if own is not None:
            axes.plot(one.turned.angles, own.means, color=colours[series], linewidth=1.2)
            words.append(f"{one.turned.series.title}: r = {with_interval(own.pearson, own.pearson_ci95)}")
            name = own.measured.label
    model = next(iter(lines.values()))
    words.append(f"published: r = {with_interval(model.published, None)}")
    title = "\n".join(textwrap.wrap(model.model.title, 44))
    label(axes, x="angle [°]", y=name or f"{model.model.own_measure}: constant", title=title)
    # Where the measure falls with the angle, the middle is its highest.
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.45 * (high - low))
    remark(axes, "\n".join(words))


def _error_panel(axes: Axes, lines: dict[str, ModelAlong], colours: dict[str, str]) -> None:
    axes.set_visible(True)
    for series, one in lines.items():
        axes.plot(one.turned.angles, one.error_means, color=colours[series], linewidth=1.2)
    label(axes, x="angle [°]", y="radial error [mm]")
    count = int(np.isfinite(next(iter(lines.values())).turned.truth_px).all(axis=2).any(axis=0).sum())
    remark(axes, f"mean over {count} landmarks", corner="lower left")
    axes.set_ylim(bottom=0)


def _knows_errors(results: Results) -> bool:
    """Whether any error is known."""
    return any(np.isfinite(one.error_means).any() for models in results.values() for one in models)


def all_measures_figure(head: Head, models: Sequence[ModelAlong]) -> Figure:
    """A panel a measure and one for the error: the share of its range at each angle, a line a model.

    Args:
        head: which.
        models: of one series.

    Returns:
        The figure.
    """
    by_measure: dict[str, list[tuple[ModelAlong, MeasureAlong]]] = {}
    for one in models:
        for measure in one.measures:
            by_measure.setdefault(measure.title, []).append((one, measure))
    columns = max(1, min(len(by_measure) + 1, _COLUMNS))
    series = models[0].turned.series
    caption = _said(
        head,
        f"Every measure in the series {series.title}: mean over {head.over_which}, turned so that up means "
        "more uncertain, from its least (0) to its largest value (1) in the series, so that the lines' "
        f"steadiness can be compared. n = {len(models[0].turned.angles)} films of one head. r: Pearson's "
        "coefficient of the angle's size and the mean, its interval stands in the table. Last panel: "
        "radial error.",
    )
    figure, axes = new_figure(-(-(len(by_measure) + 1) // columns), columns, caption=caption)
    for panel in axes.ravel():
        panel.set_visible(False)
    styles = _styles(models)
    panels = iter(axes.ravel())
    for title, of_models in by_measure.items():
        panel = next(panels)
        panel.set_visible(True)
        words = []
        for one, measure in of_models:
            number, colour, style = styles[one.model.label]
            panel.plot(one.turned.angles, _share(measure.turned_means), style, color=colour, linewidth=1.1)
            words.append(f"{number}: r = {with_interval(measure.pearson, None)}")
        _share_axis(panel)
        label(panel, x="angle [°]", y="share of its range", title=title)
        remark(panel, _columns_of(words))
    _errors(next(panels), models, styles)
    _legend(figure, _model_entries(models, styles), columns=columns - 1)
    return figure


def lean_figure(head: Head, results: Results) -> Figure:
    """A column a series (tilt, nod): each model's own measure as a share of its range above its error.

    Args:
        head: which.
        results: the series.

    Returns:
        The figure; a line a model. Without truth there is no error.
    """
    known = _knows_errors(results)
    caption = _said(
        head,
        "Tilt (positive: to the left shoulder) and nod (positive: chin down). Above: mean over "
        f"{head.over_which} of the measure by which the reference judges each kind of model, turned so that "
        "up means more uncertain, from its least (0) to its largest value (1) in the series; r: Pearson's "
        f"coefficient of the angle's size and the mean.{' Below: mean radial error.' if known else ''} n = "
        f"{len(next(iter(results.values()))[0].turned.angles)} films of one head.",
    )
    figure, axes = new_figure(2 if known else 1, len(results), caption=caption)
    styles = _styles(next(iter(results.values())))
    for (above, *below), models in zip(axes.T, results.values(), strict=True):
        words = []
        for one, (number, colour, style) in _with(models, styles):
            if one.own is not None:
                above.plot(
                    one.turned.angles, _share(one.own.turned_means), style, color=colour, linewidth=1.1
                )
                words.append(f"{number}: r = {with_interval(one.own.pearson, None)}")
        _share_axis(above)
        label(above, x="angle [°]", y="own measure, share of its range", title=models[0].turned.series.title)
        remark(above, _columns_of(words))
        for panel in below:
            _errors(panel, models, styles)
    _legend(figure, _model_entries(next(iter(results.values())), styles), columns=len(results))
    return figure


def rotation_picture(study: Study, head: Head, series: Series) -> Figure | None:
    """One head at four angles with its samples, for a few landmarks and for all; None without a model."""
    shown = picture_model(study)
    if shown is None or shown.model is None:
        return None
    landmark_set = shown.model.landmark_set
    everything = _held(head, landmark_set, range(len(landmark_set)))
    some = _held(head, landmark_set, few_landmarks(landmark_set)) or everything[:1]
    few: list[SamplePanel] = []
    every: list[SamplePanel] = []
    for angle in PICTURE_ANGLES:
        film = head.film(series, angle)
        prediction = shown.model.predict(film, seed=study.seed, facing="right", polarity="positive")
        samples_px = samples_of(prediction)
        truth_px = None if head.landmarks is None else head.truth_px(series, angle, landmark_set.codes)
        few.append(SamplePanel(f"{angle:g}°", film, samples_px, truth_px, some))
        every.append(SamplePanel(f"{angle:g}°", film, samples_px, truth_px, everything))
    codes = listed([landmark_set.codes[index] for index in some])
    caption = _said(
        head,
        f"The head turned to its left ({series.title}); {shown.title}. Above {codes}, below all landmarks"
        f"{' that the scan holds' if head.absent else ''}."
        + ("" if head.landmarks is None else " The truth is the projection of landmarks placed in the CT."),
    )
    return sample_picture([*few, *every], caption=caption)


def _held(head: Head, landmark_set: LandmarkSet, indices: Iterable[int]) -> tuple[int, ...]:
    """Those of the landmarks that the CT holds."""
    return tuple(index for index in indices if landmark_set.codes[index] not in head.absent)


def _errors(axes: Axes, models: Sequence[ModelAlong], styles: dict[str, tuple[int, str, LineStyle]]) -> None:
    axes.set_visible(True)
    for one, (_, colour, style) in _with(models, styles):
        axes.plot(one.turned.angles, one.error_means, style, color=colour, linewidth=1.1)
    label(axes, x="angle [°]", y="radial error [mm]", title="radial error")
    axes.set_ylim(bottom=0)
    if not any(np.isfinite(one.error_means).any() for one in models):
        remark(axes, "no truth known")


def _share_axis(axes: Axes) -> None:
    """From 0 to 1, with room for remarks above."""
    axes.set_ylim(-0.05, 1.5)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])


def _share(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the least (0) to the largest value (1)."""
    low, extent = np.nanmin(values), np.ptp(values[np.isfinite(values)])
    share: NDArray[np.float64] = (values - low) / (extent or 1.0)
    return share


def _styles(models: Sequence[ModelAlong]) -> dict[str, tuple[int, str, LineStyle]]:
    """Each model's number, colour and line: models of one kind share a colour and differ in their line."""
    kinds = [one.model.kind for one in models]
    return {
        one.model.label: (place + 1, KIND_COLOURS[kind], _LINES[kinds[:place].count(kind) % len(_LINES)])
        for place, (one, kind) in enumerate(zip(models, kinds, strict=True))
    }


def _with(
    models: Sequence[ModelAlong], styles: dict[str, tuple[int, str, LineStyle]]
) -> list[tuple[ModelAlong, tuple[int, str, LineStyle]]]:
    return [(one, styles[one.model.label]) for one in models]


def _model_entries(
    models: Sequence[ModelAlong], styles: dict[str, tuple[int, str, LineStyle]]
) -> list[tuple[str, LineStyle, str]]:
    """Colour, line and words of each model, for the legend."""
    return [(c, s, f"{n}: {one.model.title}") for one, (n, c, s) in _with(models, styles)]


def _legend(figure: Figure, entries: Sequence[tuple[str, LineStyle, str]], *, columns: int) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linestyle=style) for colour, style, _ in entries]
    names = [name for _, _, name in entries]
    figure.legend(
        handles, names, loc="outside lower center", ncols=max(1, min(columns, len(names))), fontsize=8
    )


def _columns_of(words: Sequence[str]) -> str:
    """Short remarks, two in a line where there are many."""
    if len(words) <= 4:
        return "\n".join(words)
    return "\n".join("   ".join(words[place : place + 2]) for place in range(0, len(words), 2))


def _said(head: Head, text: str) -> str:
    """A caption with the head's name and credit."""
    credit = f" {head.credit}." if head.credit else ""
    return f"Head CT {head.name}. {text}{credit}"
