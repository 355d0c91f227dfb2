"""Figures of site calibration and of the monitor."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from cephsure.evaluation.table import NOT_DEFINED, Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from cephsure.uncertainty.monitor import Reading
    from cephsure.uncertainty.site import GainRow

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"


def gain_table(rows: Sequence[GainRow], *, level: float) -> Table:
    """What K films bring, as a table of text."""

    def shown(value: float | None, digits: str) -> str:
        return NOT_DEFINED if value is None else format(value, digits)

    return Table(
        title=f"K corrected films: measured on the others, mean of {rows[0].repeats} random draws (SD)",
        columns=tuple(
            Column(heading)
            for heading in (
                "K",
                "MRE mm",
                "within 2 mm %",
                f"coverage at {100 * level:g} %",
                "mean area mm²",
                "whole film %",
            )
        ),
        rows=tuple(
            (
                str(row.films),
                f"{row.mre_mm:.2f} ({row.mre_sd_mm:.2f})",
                f"{100 * row.sdr_2mm:.1f}",
                NOT_DEFINED
                if row.coverage is None
                else f"{100 * row.coverage:.1f} ({100 * (row.coverage_sd or 0.0):.1f})",
                shown(row.area_mm2, ".1f"),
                shown(None if row.whole_film is None else 100 * row.whole_film, ".0f"),
            )
            for row in rows
        ),
    )


def gain_figure(rows: Sequence[GainRow], *, level: float, title: str) -> bytes:
    """Mean radial error, coverage and area against K, each with its standard deviation over the draws.

    Args:
        rows: as ``cross_validate`` gives them.
        level: of the regions.
        title: model, data and truth.

    Returns:
        A PNG file's content.
    """
    figure = _figure(9.6, 3.4)
    errors, coverage, areas = figure.subplots(1, 3)
    films = [row.films for row in rows]
    errors.errorbar(
        films,
        [row.mre_mm for row in rows],
        [row.mre_sd_mm for row in rows],
        fmt="o-",
        color=_BLUE,
        capsize=3,
    )
    errors.set(xlabel="corrected films K", ylabel="mean radial error, mm")
    with_regions = [row for row in rows if row.coverage is not None]
    coverage.axhline(100 * level, color=_GREY, linewidth=1)
    coverage.errorbar(
        [row.films for row in with_regions],
        [100 * (row.coverage or 0.0) for row in with_regions],
        [100 * (row.coverage_sd or 0.0) for row in with_regions],
        fmt="o-",
        color=_BLUE,
        capsize=3,
    )
    coverage.set(xlabel="corrected films K", ylabel=f"coverage, % (line: the level, {100 * level:g})")
    # A gap where the regions are all of the film: a line across it would show areas that there are not.
    sizes = [math.nan if row.area_mm2 is None else row.area_mm2 for row in rows]
    areas.plot(films, sizes, "o-", color=_BLUE)
    for row in with_regions:
        if row.area_mm2 is None:
            areas.annotate(
                "all of the film", (row.films, 0.04), xycoords=("data", "axes fraction"), rotation=90
            )
    areas.set(xlabel="corrected films K", ylabel="mean area of the regions, mm²", xlim=errors.get_xlim())
    areas.set_ylim(bottom=0)
    figure.suptitle(f"{title} · {rows[0].repeats} draws for each K, bars: SD over draws", fontsize=9)
    return _png(figure)


def monitor_figure(readings: Sequence[Reading], *, allowed: float, rate: float, title: str) -> bytes:
    """Share of points outside their regions, film by film, and the evidence that there are too many.

    Args:
        readings: as ``watch`` gives them.
        allowed: mean share outside that is within the promise.
        rate: the false-alarm rate.
        title: model and data.

    Returns:
        A PNG file's content.
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
