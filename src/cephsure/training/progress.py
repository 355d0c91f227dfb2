"""What the logs of a run's jobs tell: how far it is, how long it will still take, its learning curves."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cephsure.text_files import is_there, read_bytes, to_json
from cephsure.training.worker import LOG_FILE, WRONG_ANSWERS, job_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.training.run_config import RunConfig
    from cephsure.training.runner import JobState

Rows = list[dict[str, Any]]

CURVES_FILE = "curves.png"
_MOST_NAMED = 5
_FEW_EPOCHS = 30


@dataclass(slots=True)
class Plan:
    """What a run will do.

    Attributes:
        epochs: job -> its stages in their order -> epochs at most.
        usual_costs: stage -> what an epoch costs beside others, until its own time is known.
        may_end_early: whether a network may be done before its last epoch, so that a time left is the longest
            possible.
    """

    epochs: dict[str, dict[str, int]]
    usual_costs: dict[str, float]
    may_end_early: bool


def plan(config: RunConfig) -> Plan:
    """All jobs of a run and their stages."""
    planned = Plan({}, {}, may_end_early=False)
    for job in config.job_names:
        planned.epochs[job] = {}
        for name, stage in config.recipe.stages(job).items():
            fit = config.recipe.fit_of(stage)
            planned.epochs[job][name], planned.usual_costs[name] = fit.epochs, stage.usual_cost
            planned.may_end_early |= fit.stop_patience is not None or fit.stop_below_mm is not None
    return planned


def seconds_an_epoch(states: Sequence[JobState]) -> dict[str, float]:
    """Each stage's mean time an epoch, over all jobs that have come to it."""
    seconds: Counter[str] = Counter()
    epochs: Counter[str] = Counter()
    for state in states:
        for stage, row in {row["stage"]: row for row in state.rows}.items():  # the last one of each
            seconds[stage] += row["seconds"]
            epochs[stage] += row["epoch"]
    return {stage: seconds[stage] / epochs[stage] for stage in seconds}


def seconds_left(plan: Plan, states: Sequence[JobState], *, at_once: int) -> float | None:
    """Time until the last job is done, or None before the first epoch of all.

    The time an epoch takes is the mean of those that were; a stage nobody has come to yet is taken to cost
    what it usually does beside the others. Waiting jobs begin in their order, each when one of ``at_once``
    places is free.
    """
    measured = seconds_an_epoch(states)
    if not measured:
        return None
    costs = _costs(plan, measured)
    ends: list[float] = []
    for state in sorted(states, key=lambda state: not state.running):
        if not state.done:
            begin = heapq.heappop(ends) if len(ends) >= at_once else 0.0
            heapq.heappush(ends, begin + _left(plan.epochs[state.name], state, costs))
    return max(ends, default=0.0)


def share_done(plan: Plan, states: Sequence[JobState]) -> float:
    """How much of the run's work is done, 0 to 1."""
    costs = _costs(plan, seconds_an_epoch(states))
    whole = sum(costs[stage] * epochs for stages in plan.epochs.values() for stage, epochs in stages.items())
    left = sum(_left(plan.epochs[state.name], state, costs) for state in states if not state.done)
    return 1.0 - left / whole


def _costs(plan: Plan, measured: Mapping[str, float]) -> dict[str, float]:
    """Seconds an epoch of every stage: measured, or what is usual scaled to this machine and these films."""
    usual = sum(plan.usual_costs[stage] for stage in measured)
    scale = sum(measured.values()) / usual if measured else 1.0
    return {stage: measured.get(stage, scale * cost) for stage, cost in plan.usual_costs.items()}


def _left(stages: Mapping[str, int], state: JobState, costs: Mapping[str, float]) -> float:
    """A job's cost still to come: what its log does not show, the stages before its last row's being over."""
    order = list(stages)
    now, epoch = (state.rows[-1]["stage"], state.rows[-1]["epoch"]) if state.rows else (order[0], 0)
    ahead = sum(stages[stage] * costs[stage] for stage in order[order.index(now) + 1 :])
    return ahead + (stages[now] - epoch) * costs[now]


def job_title(name: str) -> str:
    """What a job is called on the screen.

    Examples:
        >>> job_title("3"), job_title("facing")
        ('member 03', 'facing')
    """
    return f"member {int(name):02d}" if name.isdigit() else name


def epoch_words(row: Mapping[str, Any]) -> str:
    """One row of a log in words.

    Examples:
        >>> epoch_words({"stage": "net", "epoch": 3, "epochs": 24, "loss": 3.25, "validation_mre_mm": 1.5})
        'net 3/24, loss 3.25, validation MRE 1.50 mm'
    """
    words = f"{row['stage']} {row['epoch']}/{row['epochs']}, loss {row['loss']:.3g}"
    if row.get("validation_unit") == WRONG_ANSWERS:
        return f"{words}, wrong answers {100 * row['validation_score']:.0f} %"
    if row["validation_mre_mm"] is None:
        return words
    return f"{words}, validation MRE {row['validation_mre_mm']:.2f} {row.get('validation_unit', 'mm')}"


def duration_words(seconds: float) -> str:
    """A time in the two units that matter.

    Examples:
        >>> [duration_words(s) for s in (0, 44, 100, 3590, 3700, 90000)]
        ['0 s', '44 s', '2 min', '1 h 00 min', '1 h 02 min', '25 h 00 min']
    """
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def time_words(plan: Plan, states: Sequence[JobState], *, at_once: int) -> str:
    """The time left in words; "at most" where networks may be done before their last epoch."""
    left = seconds_left(plan, states, at_once=at_once)
    if left is None:
        return "time left unknown yet"
    return f"{'at most ' if plan.may_end_early else ''}{duration_words(left)} left"


def read_logs(run: Path, jobs: Sequence[str]) -> dict[str, Rows]:
    """The rows of each job's log, for those jobs that have one."""
    paths = {job: job_folder(run, job) / LOG_FILE for job in jobs}
    return {
        job: [to_json(line, where=path) for line in read_bytes(path).splitlines()]
        for job, path in paths.items()
        if is_there(path)
    }


def draw_curves(logs: Mapping[str, Rows], path: Path, *, loss_units: Mapping[str, str]) -> None:
    """Write the learning curves of jobs (job -> rows of its log) as a PNG; none where there are no rows."""
    if any(logs.values()):
        curves_figure(logs, loss_units=loss_units).savefig(path, format="png")


def curves_figure(logs: Mapping[str, Rows], *, loss_units: Mapping[str, str]) -> Figure:
    """Training loss and validation error over epochs: a column for each stage, a line for each job."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stages = list(dict.fromkeys(row["stage"] for rows in logs.values() for row in rows))
    figure = Figure(figsize=(4.6 * len(stages), 6.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(stages), squeeze=False, sharex="col")
    for column, stage in enumerate(stages):
        rows_of = {job: [row for row in rows if row["stage"] == stage] for job, rows in logs.items()}
        lines = {job: rows for job, rows in rows_of.items() if rows}
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
        percent = {
            job: [{"epoch": row["epoch"], "percent": 100 * row["validation_score"]} for row in rows]
            for job, rows in lines.items()
        }
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
