"""Thousands of points in a panel: their density, the coefficient beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.studies.plotting import GREY, label, remark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from numpy.typing import NDArray

    from cephsure.studies.measured import Measured

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
    in the reference's figures.

    Args:
        axes: the panel.
        measured: the measure, (F, L) values.
        lengths_mm: (F, L) the length, NaN where there is none.
        y: label of the length.
        title: of the panel.
        said: lines in the corner that is empty if the measure is a good one.
        diagonal: draw the line on which a measure in mm equals the length.
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
