"""Diagrams of calibration, site calibration and the monitor, each as a PNG file's content."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from cephsure.uncertainty.readers.cases import KNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.uncertainty.monitor import Reading
    from cephsure.uncertainty.readers.site import GainRow

# Okabe and Ito's palette: told apart by colour-blind readers too.
_BLUE, _ORANGE, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
_COLOURS = {"hdr": _BLUE, "ellipse": _ORANGE, "disc": _GREEN}
_MARKERS = {"hdr": "o", "ellipse": "s", "disc": "^"}


def reliability_diagram(figures: dict[str, Any]) -> bytes:
    """Expected against actual errors, stated against actual coverage, of ``calibration_figures.document``."""
    cases = [figures["cases"][case] for case in ("0", KNOWN) if case in figures["cases"]]
    figure = _figure(9.6, 4.4 * len(cases))
    for case, (left, right) in zip(cases, figure.subplots(len(cases), 2, squeeze=False), strict=True):
        _errors(left, case)
        _coverage(right, case)
    source = figures["source"]
    figure.suptitle(f"{source['model']} on {source['dataset']} {source['split']}", fontsize=10)
    return _png(figure)


def _errors(axes: Axes, figures: dict[str, Any]) -> None:
    """Mean expected against mean actual error, in groups of equal number."""
    groups = figures["deciles"]
    expected = [group["expected_mm"] for group in groups]
    actual = [group["actual_mm"] for group in groups]
    end = 1.1 * max(*expected, *actual)
    axes.plot([0, end], [0, end], color=_GREY, linewidth=1, label="as expected")
    axes.fill_between([0, end], [0, end / 1.2], [0, end / 0.8], color=_GREY, alpha=0.12, label="within 20 %")
    axes.plot(expected, actual, "o-", color=_BLUE, label="tenths of the points, by expectation")
    axes.set(xlim=(0, end), ylim=(0, end), aspect="equal")
    axes.set(xlabel="mean expected radial error, mm", ylabel="mean radial error, mm")
    axes.set_title(
        f"{figures['title']}: {figures['points']} points; "
        f"calibration error {figures['expected_calibration_error_mm']:.3f} mm",
        fontsize=9,
    )
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def _coverage(axes: Axes, figures: dict[str, Any]) -> None:
    """Stated against actual coverage of each kind of region, with the worst landmark."""
    axes.plot([40, 100], [40, 100], color=_GREY, linewidth=1, label="as stated")
    kinds = list(dict.fromkeys(region["kind"] for region in figures["regions"]))
    for number, kind in enumerate(kinds):
        chosen = [region for region in figures["regions"] if region["kind"] == kind]
        # Set a little apart: at one place the kinds would cover each other.
        x = [100 * region["level"] + 0.9 * (number - 1) for region in chosen]
        y = [100 * region["coverage"] for region in chosen]
        ends = [region["coverage_ci95"] for region in chosen]
        # No whiskers where the interval is not known.
        whiskers = [
            [0.0 if end is None else sign * (100 * end - at) for at, end in zip(y, side, strict=True)]
            for sign, side in zip((-1, 1), zip(*ends, strict=True), strict=True)
        ]
        axes.errorbar(x, y, yerr=whiskers, fmt=_MARKERS[kind], color=_COLOURS[kind], capsize=3, label=kind)
        worst = [100 * region["worst_landmark"] for region in chosen]
        label = "worst landmark" if not number else None
        axes.plot(x, worst, _MARKERS[kind], color=_COLOURS[kind], fillstyle="none", label=label)
    axes.set(xlim=(45, 100), ylim=(min(40, *axes.get_ylim()), 101))
    axes.set(xlabel="stated probability, %", ylabel="held the true point, %")
    axes.set_title("regions; bars: 95 % bootstrap interval over films", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def gain_figure(rows: Sequence[GainRow], *, level: float, title: str) -> bytes:
    """Mean radial error (SD over draws), coverage and area against K, of ``cross_validate``."""
    figure = _figure(9.6, 3.4)
    errors, coverage, areas = figure.subplots(1, 3)
    films = [row.films for row in rows]
    mre, spread = [row.mre_mm for row in rows], [row.mre_sd_mm for row in rows]
    errors.errorbar(films, mre, spread, fmt="o-", color=_BLUE, capsize=3)
    errors.set(xlabel="corrected films K", ylabel="mean radial error, mm")
    coverage.axhline(100 * level, color=_GREY, linewidth=1)
    held, worst = [100 * row.coverage for row in rows], [100 * row.worst_landmark for row in rows]
    coverage.plot(films, held, "o-", color=_BLUE, label="all landmarks")
    coverage.plot(films, worst, "s--", color=_ORANGE, label="the worst landmark")
    coverage.set(xlabel="corrected films K", ylabel=f"coverage, % (line: the level, {100 * level:g})")
    coverage.legend(fontsize=8, frameon=False)
    # A gap where the regions are all of the film: a line across it would show areas that there are not.
    sizes = [math.nan if row.area_mm2 is None else row.area_mm2 for row in rows]
    areas.plot(films, sizes, "o-", color=_BLUE)
    areas.set(xlabel="corrected films K", ylabel="median area of the regions, mm²")
    areas.set_ylim(bottom=0)
    figure.suptitle(f"{title} · {rows[-1].repeats} draws for each K, bars: SD over draws", fontsize=9)
    return _png(figure)


def monitor_figure(readings: Sequence[Reading], *, allowed: float, rate: float, title: str) -> bytes:
    """Share of points outside their regions, film by film, and the evidence that there are too many.

    Of readings as ``watch`` gives them; ``allowed`` is the mean share outside that is within the promise, and
    ``rate`` the false-alarm rate.
    """
    figure = _figure(8.0, 4.6)
    shares, evidence = figure.subplots(2, 1, sharex=True)
    films = [reading.films for reading in readings]
    shares.plot(
        films, [100 * reading.outside_share for reading in readings], ".", color=_GREY, label="each film"
    )
    shares.plot(films, [100 * reading.mean_outside for reading in readings], color=_BLUE, label="mean so far")
    shares.axhline(100 * allowed, color=_ORANGE, linewidth=1, label=f"promised: {100 * allowed:g} % at most")
    shares.set_ylabel("points outside, %")
    shares.legend(fontsize=8, frameon=False)
    evidence.plot(films, [reading.wealth for reading in readings], color=_BLUE)
    evidence.axhline(1 / rate, color=_ORANGE, linewidth=1, label=f"alarm at {1 / rate:g}")
    evidence.set(xlabel="films in time order", ylabel="evidence (wealth)", yscale="log")
    evidence.legend(fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=9)
    return _png(figure)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
