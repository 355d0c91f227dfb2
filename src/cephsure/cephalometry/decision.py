"""Whether a class is decided, and if not, why: what the verdict allows, and how probable the class is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cephsure.cephalometry.formula import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cephsure.cephalometry.formula import Array
    from cephsure.cephalometry.measurement import Entry
    from cephsure.uncertainty.prediction import Prediction


class ClassProbability(Frozen):
    """How probable it is that the true value belongs to a class."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a film's verdict lets be decided.

    Attributes:
        verdict: the film's; None from a model without a gate, which objects to nothing.
        doubtful: code -> why, of the points that are not accepted.
    """

    verdict: Literal["fit", "review", "unfit"] | None = None
    doubtful: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, prediction: Prediction) -> Acceptance:
        """A prediction's."""
        doubtful = {mark.code: mark.why or "" for mark in prediction.landmarks if mark.verdict != "accept"}
        return cls(prediction.verdict, doubtful)

    def objection(self, codes: Iterable[str]) -> str | None:
        """Why no class may be decided from these points; None if one may be."""
        if self.verdict is None:
            return None
        doubtful = [code for code in codes if code in self.doubtful]
        if self.verdict != "fit":
            # Of such a film no point is accepted, each for the film's reason.
            return next((self.doubtful[code] for code in doubtful), "") or f"film {self.verdict}"
        return f"{', '.join(doubtful)} not accepted" if doubtful else None


def decide(entry: Entry, values: Array, min_probability: float, objection: str | None) -> dict[str, Any]:
    """How probable each class is, and the class that is decided or why none is.

    Args:
        entry: with the classes; of one without only the objection is told.
        values: (n,) sampled values of the measurement.
        min_probability: what a class must reach.
        objection: why none may be decided, however probable.
    """
    if not entry.classes:
        return {"not_decided": objection}
    counts = np.bincount(entry.class_indices(values), minlength=len(entry.class_names))
    shares = tuple(
        ClassProbability(name=name, probability=count / len(values))
        for name, count in zip(entry.class_names, counts.tolist(), strict=True)
    )
    likeliest = max(shares, key=lambda share: share.probability)
    if objection is None and likeliest.probability >= min_probability:
        return {"class_probabilities": shares, "decision": likeliest.name}
    # Rounded down, so that it is never the percentage that would have been enough.
    percent = math.floor(100 * likeliest.probability)
    too_improbable = f"{likeliest.name} {percent} % < {100 * min_probability:g} %"
    return {"class_probabilities": shares, "not_decided": objection or too_improbable}
