"""Turned films of all heads against straight films of all heads: what a user has is one film of one head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.studies.result import ResultTable
from cephsure.studies.rotation_results import STRAIGHT_DEG, TURNED_DEG, straight_and_turned, told_apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cephsure.studies.result import Cell
    from cephsure.studies.rotation_results import ModelAlong

Heads = dict[str, dict[str, list["ModelAlong"]]]
"""By head and series, a model each."""


def pooled_table(along: Heads) -> ResultTable | None:
    """AUC of every measure over all heads, or None of a single head."""
    rows = tuple(_rows(along)) if len(along) > 1 else ()
    if not rows:
        return None
    return ResultTable.from_rows(
        title="Turned films of all heads against straight films of all heads",
        columns=("series", "model", "measure", "own_measure", "auc", "auc_worst_pair"),
        rows=rows,
        note=f"Films of {TURNED_DEG:g}° and more against those of up to {STRAIGHT_DEG:g}°, by the mean over "
        "the landmarks that each scan holds. auc_worst_pair: the least of the areas with the straight films "
        "of one head and the turned films of another.",
    )


def pooled_sentences(table: ResultTable | None) -> Iterator[str]:
    """The best of each series."""
    lines = [] if table is None else table.document()["rows"]
    for series in dict.fromkeys(line["series"] for line in lines):
        best = max((line for line in lines if line["series"] == series), key=lambda line: line["auc"])
        yield (
            f"All heads, {series}: turned films of all are told from straight films of all best by "
            f"{best['measure']} of {best['model']}, AUC {best['auc']:.3f} (straight films of one head "
            f"against turned ones of another: {best['auc_worst_pair']:.3f} at least)."
        )


def _rows(along: Heads) -> Iterator[tuple[Cell, ...]]:
    heads = list(along.values())
    for series, models in heads[0].items():
        if models[0].turned.series.axis != "rotation":
            continue
        for place, one in enumerate(models):
            of_heads = [head[series][place] for head in heads]
            for measure in one.measures:
                groups = [_groups(head, measure.name) for head in of_heads]
                if all(straight.size and turned.size for straight, turned in groups):
                    everything = told_apart(
                        np.concatenate([straight for straight, _ in groups]),
                        np.concatenate([turned for _, turned in groups]),
                    )
                    crossed = [
                        told_apart(straight, turned)
                        for i, (straight, _) in enumerate(groups)
                        for j, (_, turned) in enumerate(groups)
                        if i != j
                    ]
                    what = (one.turned.series.title, one.model.title, measure.title, measure is one.own)
                    yield (*what, everything, min(crossed))


def _groups(one: ModelAlong, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A measure's means on straight and on turned films, larger for more uncertain; empty without it."""
    measure = next((measure for measure in one.measures if measure.name == name), None)
    if measure is None:
        return np.empty(0), np.empty(0)
    return straight_and_turned(one.turned.angles, measure.turned_means)
