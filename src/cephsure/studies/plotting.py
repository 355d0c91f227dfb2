"""How the study's figures look: one size, one colour and marker for each kind of model, plain axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

PANEL_INCHES = (4.2, 3.4)
DPI = 130

# Okabe and Ito's palette: told apart by colour-blind readers too.
KIND_COLOURS: dict[str, str] = {"baseline": "#0072B2", "ensemble": "#D55E00", "mc-dropout": "#009E73"}
KIND_MARKERS: dict[str, str] = {"baseline": "o", "ensemble": "s", "mc-dropout": "^"}
GREY = "#666666"


def new_figure(
    rows: int, columns: int, *, caption: str, panel_inches: tuple[float, float] = PANEL_INCHES
) -> tuple[Figure, NDArray[np.object_]]:
    """A figure with a grid of panels, without any window system.

    Args:
        rows: of panels.
        columns: of panels.
        caption: said under the figure in the report.
        panel_inches: width and height of a panel.

    Returns:
        The figure and its axes (rows, columns).
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
