"""How the study's figures look: one size, one colour for each kind of model; densities and forest plots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.studies.measured import MeasureCorrelation, Measured
    from cephsure.studies.study import StudyModel

PANEL_INCHES = (4.2, 3.4)
DPI = 130

# Okabe and Ito's palette: told apart by colour-blind readers too.
KIND_COLOURS: dict[str, str] = {"baseline": "#0072B2", "ensemble": "#D55E00", "mc-dropout": "#009E73"}
KIND_MARKERS: dict[str, str] = {"baseline": "o", "ensemble": "s", "mc-dropout": "^"}
GREY = "#666666"
LineStyle = Literal["-", "--", ":", "-."]
_LINES: tuple[LineStyle, ...] = ("-", "--", ":", "-.")


def new_figure(
    rows: int, columns: int, *, caption: str, panel_inches: tuple[float, float] = PANEL_INCHES
) -> tuple[Figure, NDArray[np.object_]]:
    """A figure with a grid of panels, without any window system, and its axes (rows, columns).

    The caption is said under it in the report; ``panel_inches`` are width and height of a panel.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (panel_inches[0] * columns, panel_inches[1] * rows)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.set_label(caption)
    axes: NDArray[np.object_] = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.ravel():
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
    return figure, axes


def hidden_panels(
    rows: int, columns: int, *, caption: str, panel_inches: tuple[float, float] = PANEL_INCHES
) -> tuple[Figure, NDArray[np.object_]]:
    """As ``new_figure``; a panel shows when it is used: ``panel.set_visible(True)``."""
    figure, axes = new_figure(rows, columns, caption=caption, panel_inches=panel_inches)
    for panel in axes.ravel():
        panel.set_visible(False)
    return figure, axes


def line_styles(models: Sequence[StudyModel]) -> dict[str, tuple[int, str, LineStyle]]:
    """By the model's label: number, colour and line; models of one kind differ in their line."""
    kinds = [model.kind for model in models]
    lines = [_LINES[kinds[:place].count(kind) % len(_LINES)] for place, kind in enumerate(kinds)]
    return {
        model.label: (place, KIND_COLOURS[model.kind], line)
        for place, (model, line) in enumerate(zip(models, lines, strict=True), start=1)
    }


def line_legend(figure: Figure, entries: Mapping[str, tuple[str, LineStyle]], *, columns: int) -> None:
    """A legend under a figure: by its words each line's colour and style."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linestyle=style) for colour, style in entries.values()]
    ncols = max(1, min(columns, len(entries)))
    figure.legend(handles, list(entries), loc="outside lower center", ncols=ncols, fontsize=8)


def model_legend(figure: Figure, models: Sequence[StudyModel], *, columns: int) -> None:
    """A legend under a figure: each model's number, title and line."""
    styles = line_styles(models)
    entries = {f"{styles[m.label][0]}: {m.title}": styles[m.label][1:] for m in models}
    line_legend(figure, entries, columns=columns)


def label(axes: Axes, *, x: str, y: str, title: str = "") -> None:
    """Axis labels (with units) and title."""
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    if title:
        axes.set_title(title, fontsize=9)


def remark(axes: Axes, text: str, *, corner: str = "upper left") -> None:
    """A few lines in a corner of a panel: n, coefficient with its interval, published value."""
    left, top = "left" in corner, "upper" in corner
    axes.text(
        0.02 if left else 0.98,
        0.98 if top else 0.02,
        text,
        transform=axes.transAxes,
        ha="left" if left else "right",
        va="top" if top else "bottom",
        fontsize=7,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
    )


def legend_below(axes: Axes, *, gap: float, title: str = "") -> None:
    """A legend in small print, ``gap`` of the panel's height below its lower edge."""
    style: dict[str, Any] = {"fontsize": 6.5, "title_fontsize": 6.5, "frameon": False}
    axes.legend(title=title or None, loc="upper center", bbox_to_anchor=(0.5, -gap), **style)


# A hundredth of a millimetre is a tenth of a pixel: nearer than that, a logarithmic axis only shows noise.
_LEAST_MM = 0.02
_CELLS = 34
# Room for the coefficients above the points.
_HEADROOM = 4.0


def density_panel(
    axes: Axes,
    measured: Measured,
    lengths_mm: NDArray[np.float64],
    *,
    y: str,
    title: str,
    said: str,
    diagonal: bool = False,
) -> None:
    """Points of a measure against a length in mm, as hexagons coloured by how many points lie in them.

    A measure that is a length has a logarithmic axis; the activation is divided by the largest one shown, as
    in the reference's figures. Values and ``lengths_mm``, labelled ``y``, are (F, L), NaN where there is
    none; ``said`` are lines in the corner that is empty if the measure is a good one; ``diagonal`` draws the
    line on which a measure in mm equals the length.
    """
    there = np.isfinite(measured.values) & np.isfinite(lengths_mm)
    x, heights = measured.values[there], np.maximum(lengths_mm[there], _LEAST_MM)
    measure, name = measured.measure, measured.label
    if measure.name == "activation" and x.size and x.max() > 0:
        x, name = x / x.max(), f"{name} / largest shown"
    is_log = measure.is_length and bool((x > 0).all())
    label(axes, x=name, y=y, title=title)
    remark(axes, said, corner="upper left" if measure.direction > 0 else "upper right")
    if not x.size:
        return
    _hexagons(axes, x, heights, log_x=is_log)
    _plain_numbers(axes.yaxis, *([axes.xaxis] if is_log else []))
    if diagonal and is_log and measured.key.endswith("_mm"):
        line = [max(x.min(), heights.min()), min(x.max(), heights.max())]
        axes.plot(line, line, color=GREY, lw=0.9, ls="--", zorder=3)


def _hexagons(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], *, log_x: bool) -> None:
    """Cells of points, with a bar that says how many lie in one."""
    cells = axes.hexbin(
        x,
        y,
        gridsize=_CELLS,
        bins="log",
        mincnt=1,
        xscale="log" if log_x else "linear",
        yscale="log",
        cmap="viridis",
        linewidths=0.1,
    )
    bar = axes.figure.colorbar(cells, ax=axes, pad=0.01, aspect=30)
    bar.set_label("points in a cell", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    _plain_numbers(bar.ax.yaxis)
    axes.set_ylim(top=y.max() * _HEADROOM)


def _plain_numbers(*logarithmic: Axis) -> None:
    """0.1, 1, 10 instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in logarithmic:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


_ROW_INCHES = 0.19
_MARGIN_INCHES = 1.15
_OFFSET_ROWS = 0.17


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the ends of its 95 % interval, None where there is none; no value draws nothing."""

    value: float | None
    interval: Sequence[float] | None = None


def turned(value: float | None, interval: Sequence[float] | None, direction: int) -> Estimate:
    """A coefficient times a measure's direction, so that a good measure's is positive."""
    if value is None:
        return Estimate(None)
    ends = None if interval is None else sorted(direction * end for end in interval)
    return Estimate(direction * value, ends)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a forest plot, or a heading: a row without estimates."""

    label: str
    colour: str = GREY
    estimates: dict[str, Estimate] = field(default_factory=dict)  # by the series' name


@dataclass(frozen=True, slots=True)
class Series:
    """What a marker means: name in the legend, marker, whether it is filled."""

    name: str
    marker: str = "o"
    filled: bool = True


POOLED, WITHIN = Series("all points pooled"), Series("within each landmark, mean", "D", filled=False)
"""A measure's rank correlation, over all points and landmark by landmark."""


def correlation_estimates(found: MeasureCorrelation) -> dict[str, Estimate]:
    """The rank correlations for a row of ``POOLED`` and ``WITHIN``, turned so that a good one is positive."""
    quality, within, sign = found.quality, found.within, found.measured.measure.direction
    return {
        POOLED.name: turned(quality.spearman, quality.spearman_ci95, sign),
        WITHIN.name: turned(within.spearman, within.spearman_ci95, sign),
    }


@dataclass(frozen=True, slots=True)
class Forest:
    """One panel of a forest plot: its rows from top to bottom, in each the series one above the other."""

    x: str  # label of its axis
    rows: Sequence[Row]
    series: Sequence[Series]
    neutral: float = 0.0  # where a line marks "nothing": 0 for a correlation, 0.5 for a ROC area
    limits: tuple[float | None, float | None] = (None, None)  # of the axis; None for where the estimates end


def forest_figure(panels: Sequence[Forest], *, caption: str, panel_width: float = 5.0) -> Figure:
    """Forest plots side by side of rows of the same names, a ``panel_width`` of inches each."""
    height = max(2.2, _MARGIN_INCHES + _ROW_INCHES * max(len(panel.rows) for panel in panels))
    figure, axes = new_figure(1, len(panels), caption=caption, panel_inches=(panel_width, height))
    for place, (axis, panel) in enumerate(zip(axes[0], panels, strict=True)):
        _forest(axis, panel.rows, panel.series, neutral=panel.neutral, named=place == 0)
        axis.set_xlim(*panel.limits)
        label(axis, x=panel.x, y="")
    return figure


def _forest(
    axes: Axes, rows: Sequence[Row], series: Sequence[Series], *, neutral: float, named: bool
) -> None:
    axes.axvline(neutral, color=GREY, lw=0.8, zorder=0)
    offsets = np.linspace(-1, 1, len(series)) * _OFFSET_ROWS if len(series) > 1 else np.zeros(1)
    for place, row in enumerate(rows):
        if place % 2:
            axes.axhspan(place - 0.5, place + 0.5, color="#f4f4f4", zorder=-1, lw=0)
        for each, offset in zip(series, offsets, strict=True):
            _draw(axes, row, each, place + float(offset))
    axes.set_yticks(range(len(rows)), [row.label if named else "" for row in rows])
    for row, tick in zip(rows, axes.get_yticklabels(), strict=True):
        tick.set_fontsize(7)
        if not row.estimates:
            tick.set_fontweight("bold")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    _legend(axes, series)


def _draw(axes: Axes, row: Row, series: Series, y: float) -> None:
    estimate = row.estimates.get(series.name)
    if estimate is None or estimate.value is None:
        return
    if estimate.interval is not None:
        axes.plot(estimate.interval, [y, y], color=row.colour, lw=1.1, solid_capstyle="butt", zorder=2)
    axes.plot([estimate.value], [y], series.marker, **_dot(row.colour, series), zorder=3)


def _dot(colour: str, series: Series) -> dict[str, Any]:
    filling = colour if series.filled else "white"
    return {"color": colour, "markerfacecolor": filling, "markersize": 4.5}


def _legend(axes: Axes, series: Sequence[Series]) -> None:
    """Markers in grey: colours mean the kind of model, and the headings name it."""
    if len(series) < 2:
        return
    handles = [axes.plot([], [], each.marker, **_dot(GREY, each), label=each.name)[0] for each in series]
    look: dict[str, Any] = {"fontsize": 7, "frameon": False, "ncols": len(series)}
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), **look)
