"""Learning curves of all networks of a run as one picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cephsure.training.progress import job_title
from cephsure.training.worker import LOG_FILE, WRONG_ANSWERS, job_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = list[dict[str, Any]]

CURVES_FILE = "curves.png"
_MOST_NAMED = 5
_FEW_EPOCHS = 30
_INCHES = (4.6, 3.2)


def read_logs(run: Path, jobs: Sequence[str]) -> dict[str, Rows]:
    """The rows of each job's log, for those jobs that have one."""
    logs = {}
    for job in jobs:
        path = job_folder(run, job) / LOG_FILE
        if path.exists():
            logs[job] = [json.loads(line) for line in path.read_text().splitlines()]
    return logs


def draw_curves(logs: Mapping[str, Rows], path: Path, *, loss_units: Mapping[str, str]) -> None:
    """Write the learning curves of jobs (job -> rows of its log) as a PNG; none where there are no rows."""
    if any(logs.values()):
        curves_figure(logs, loss_units=loss_units).savefig(path, format="png")


def curves_figure(logs: Mapping[str, Rows], *, loss_units: Mapping[str, str]) -> Figure:
    """Training loss and validation error over epochs: a column for each stage, a line for each job.

    Args:
        logs: job -> rows of its log.
        loss_units: stage -> unit of its loss.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stages = list(dict.fromkeys(row["stage"] for rows in logs.values() for row in rows))
    size = (_INCHES[0] * len(stages), 2 * _INCHES[1])
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(stages), squeeze=False, sharex="col")
    for column, stage in enumerate(stages):
        lines = {
            job: found
            for job, rows in logs.items()
            if (found := [row for row in rows if row["stage"] == stage])
        }
        axes[0, column].set_title(f"{stage} network")
        _draw(axes[0, column], lines, "loss", f"training loss ({loss_units[stage]})")
        _draw_validation(axes[1, column], lines)
        axes[1, column].set_xlabel("epoch")
        axes[1, column].set_xlim(left=0)
        axes[1, column].xaxis.get_major_locator().set_params(integer=True)
    return figure


def _draw_validation(axis: Axes, lines: Mapping[str, Rows]) -> None:
    """The validation error of one stage: MRE, or the share of wrong answers, which is no length."""
    units = {row.get("validation_unit", "mm") for rows in lines.values() for row in rows}
    if WRONG_ANSWERS in units:
        percent = {job: _percent(rows) for job, rows in lines.items()}
        _draw(axis, percent, "percent", "wrong answers in validation (%)")
        axis.set_ylim(bottom=0)
        return
    from matplotlib.ticker import LogLocator, NullFormatter

    _draw(axis, lines, "validation_mre_mm", f"validation MRE ({' or '.join(sorted(units))})")
    positive = [
        row["validation_mre_mm"] for rows in lines.values() for row in rows if row["validation_mre_mm"]
    ]
    if positive and max(positive) > 5 * min(positive):
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter(NullFormatter())


def _percent(rows: Rows) -> Rows:
    return [{"epoch": row["epoch"], "percent": 100 * row["validation_score"]} for row in rows]


def _draw(axis: Axes, lines: Mapping[str, Rows], key: str, label: str) -> None:
    """One thin line for each job; a legend where there are few."""
    for job, rows in lines.items():
        known = [(row["epoch"], row[key]) for row in rows if row[key] is not None]
        if known:
            epochs, values = zip(*known, strict=True)
            marker = "." if len(known) < _FEW_EPOCHS else None
            axis.plot(epochs, values, label=job_title(job), linewidth=1, marker=marker, markersize=3)
    axis.set_ylabel(label)
    axis.grid(visible=True, alpha=0.3)
    if 1 < len(lines) <= _MOST_NAMED:
        axis.legend(fontsize="small", frameon=False)
