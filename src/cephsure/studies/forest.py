"""A forest plot: one row a quantity, dots with intervals, rows gathered under headings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cephsure.studies.plotting import GREY, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_ROW_INCHES = 0.19
_MARGIN_INCHES = 1.15
_OFFSET_ROWS = 0.17


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval (None where there is none).

    Attributes:
        value: to be drawn; None draws nothing.
        interval: lower and upper end.
    """

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
    """One row of a forest plot.

    Attributes:
        label: what stands at its left; for a heading the heading.
        colour: of its dots.
        estimates: by series; a row without any is a heading.
    """

    label: str
    colour: str = GREY
    estimates: dict[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """What a marker means: name in the legend, marker, whether it is filled."""

    name: str
    marker: str = "o"
    filled: bool = True


def forest_figure(
    panels: int, rows: int, *, caption: str, panel_width: float = 5.0
) -> tuple[Figure, NDArray[np.object_]]:
    """A figure with panels side by side, tall enough for so many rows.

    Args:
        panels: side by side.
        rows: of the panel with the most of them, headings included.
        caption: said under the figure in the report.
        panel_width: inches.

    Returns:
        The figure and its axes (1, panels).
    """
    height = max(2.2, _MARGIN_INCHES + _ROW_INCHES * rows)
    return new_figure(1, panels, caption=caption, panel_inches=(panel_width, height))


def forest(axes: Axes, rows: Sequence[Row], series: Sequence[Series], *, neutral: float = 0.0) -> None:
    """Draw the rows from top to bottom.

    Args:
        axes: the panel.
        rows: headings and rows of estimates.
        series: what may stand in a row; two of them are drawn one above the other.
        neutral: where a line marks "nothing" (0 for a correlation, 0.5 for a ROC area).
    """
    axes.axvline(neutral, color=GREY, lw=0.8, zorder=0)
    offsets = np.linspace(-1, 1, len(series)) * _OFFSET_ROWS if len(series) > 1 else np.zeros(1)
    for place, row in enumerate(rows):
        if place % 2:
            axes.axhspan(place - 0.5, place + 0.5, color="#f4f4f4", zorder=-1, lw=0)
        for one, offset in zip(series, offsets, strict=True):
            _draw(axes, row, one, place + float(offset))
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
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
    axes.plot(
        [estimate.value],
        [y],
        series.marker,
        color=row.colour,
        markerfacecolor=row.colour if series.filled else "white",
        markersize=4.5,
        zorder=3,
    )


def _legend(axes: Axes, series: Sequence[Series]) -> None:
    """Markers in grey: colours mean the kind of model, and the headings name it."""
    if len(series) < 2:
        return
    handles = [
        axes.plot(
            [], [], one.marker, color=GREY, markerfacecolor=GREY if one.filled else "white", markersize=4.5
        )[0]
        for one in series
    ]
    axes.legend(
        handles,
        [one.name for one in series],
        fontsize=7,
        frameon=False,
        ncols=len(series),
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
    )
