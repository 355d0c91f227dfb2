"""Reliability diagrams: expected against actual errors, stated against actual coverage."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette: told apart by colour-blind readers too.
_COLOURS = {"hdr": "#0072B2", "ellipse": "#D55E00", "disc": "#009E73"}
_MARKERS = {"hdr": "o", "ellipse": "s", "disc": "^"}
_GREY = "#666666"


def reliability_diagram(figures: dict[str, Any]) -> bytes:
    """Draw both diagrams side by side.

    Args:
        figures: as ``figures.document`` gives them.

    Returns:
        A PNG file's content.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.4), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _errors(left, figures)
    _coverage(right, figures)
    source = figures["source"]
    figure.suptitle(
        f"{source['model']} on {source['dataset']} {source['split']}, truth: {source['truth']} · "
        f"{figures['films']} films, cross-fitted in {figures['folds']} folds",
        fontsize=10,
    )
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _errors(axes: Axes, figures: dict[str, Any]) -> None:
    """Mean expected against mean actual error, in groups of equal number."""
    groups = figures["deciles"]
    expected = [one["expected_mm"] for one in groups]
    actual = [one["actual_mm"] for one in groups]
    end = 1.1 * max(*expected, *actual)
    axes.plot([0, end], [0, end], color=_GREY, linewidth=1, label="as expected")
    axes.fill_between([0, end], [0, end / 1.2], [0, end / 0.8], color=_GREY, alpha=0.12, label="within 20 %")
    axes.plot(expected, actual, "o-", color=_COLOURS["hdr"], label="tenths of the points, by expectation")
    axes.set(xlim=(0, end), ylim=(0, end), aspect="equal")
    axes.set_xlabel("mean expected radial error, mm")
    axes.set_ylabel("mean radial error, mm")
    axes.set_title(
        f"{figures['points']} points; calibration error {figures['expected_calibration_error_mm']:.3f} mm",
        fontsize=9,
    )
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def _coverage(axes: Axes, figures: dict[str, Any]) -> None:
    """Stated against actual coverage of each kind of region, with the worst landmark."""
    axes.plot([40, 100], [40, 100], color=_GREY, linewidth=1, label="as stated")
    kinds = list(dict.fromkeys(one["kind"] for one in figures["regions"]))
    for number, kind in enumerate(kinds):
        chosen = [one for one in figures["regions"] if one["kind"] == kind]
        # Set a little apart: at one place the kinds would cover each other.
        x = [100 * one["level"] + 0.9 * (number - 1) for one in chosen]
        y = [100 * one["coverage"] for one in chosen]
        ends = [one["coverage_ci95"] for one in chosen]
        whiskers = [
            [at - 100 * (low if low is not None else at / 100) for at, (low, _) in zip(y, ends, strict=True)],
            [
                100 * (high if high is not None else at / 100) - at
                for at, (_, high) in zip(y, ends, strict=True)
            ],
        ]
        axes.errorbar(x, y, yerr=whiskers, fmt=_MARKERS[kind], color=_COLOURS[kind], capsize=3, label=kind)
        worst = [100 * one["worst_landmark"] for one in chosen]
        label = "worst landmark" if not number else None
        axes.plot(x, worst, _MARKERS[kind], color=_COLOURS[kind], fillstyle="none", label=label)
    axes.set(xlim=(45, 100), ylim=(min(40, *axes.get_ylim()), 101))
    axes.set_xlabel("stated probability, %")
    axes.set_ylabel("held the true point, %")
    axes.set_title("regions; bars: 95 % bootstrap interval over films", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
