"""The gate of a model: what was asked of it, how it is learned from calibration films, written and read."""

from __future__ import annotations

import json
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from cephsure.atomic import write_atomically
from cephsure.bundles.bundle import read_versioned
from cephsure.errors import BundleError, InputError
from cephsure.text_files import is_there, opened, to_record
from cephsure.uncertainty.calibration.data import CalibrationSource  # noqa: TC001 - pydantic reads it
from cephsure.uncertainty.gate.acceptance import AcceptanceCase, PointRule, learn_rules
from cephsure.uncertainty.gate.film_reference import FilmReference, film_reference
from cephsure.uncertainty.gate.risk_control import MISFIT
from cephsure.uncertainty.gate.signs import HeadModel
from cephsure.uncertainty.prediction import Frozen, ReaderInfo
from cephsure.uncertainty.readers.cases import case_of
from cephsure.uncertainty.shape_model import ShapeModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cephsure.uncertainty.gate.signs import FilmSigns

FORMAT, FORMER = "cephsure.gate/2", "cephsure.gate/1"
GATE_FILE = "gate.json"
_log = logging.getLogger(__name__)

UNFIT_SHARE = 0.2
"""Share of the false alarms that may be *unfit*; the others are *review*."""

_Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class GateTarget(Frozen):
    """What the user asks of a gate.

    Attributes:
        max_missed_rate: share of the points accepted on a film that may be off by more than the tolerance.
        tolerance_mm: errors above it are wrong.
        false_alarm_rate: share of films like the calibration films that may be judged not fit.
        confidence: with which probability over the calibration films the missed rate is kept.
    """

    max_missed_rate: _Share = 0.05
    tolerance_mm: float = Field(default=2.0, gt=0.0, allow_inf_nan=False)
    false_alarm_rate: _Share = 0.05
    confidence: _Share = 0.9

    @classmethod
    def of(cls, **wanted: float) -> Self:
        """A target from what a user typed; InputError for a value out of its range."""
        try:
            return cls(**wanted)
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


class Gate(Frozen):
    """A gate, as it stands in ``gate.json``.

    Attributes:
        rules: case (``readers.cases``) -> which points are accepted: by their reader-aware expected error.
        misfit: landmarks of a larger standard residual are reviewed.
        numbers: the landmarks.
        bilateral: which of them average right and left structures.
        reference: what the calibration films are like, one film a group, as far as films are judged by it.
        films: calibration films, of which ``units`` are independent.
        shape_source: what the shape model was fitted on, in words.
    """

    format: Literal["cephsure.gate/2"] = "cephsure.gate/2"
    target: GateTarget
    rules: dict[str, PointRule] = Field(min_length=1)
    misfit: float
    numbers: tuple[int, ...]
    bilateral: tuple[bool, ...]
    shape: dict[str, Any]
    reference: FilmReference
    films: int
    units: int
    source: CalibrationSource
    shape_source: str

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not len(self.numbers) == len(self.bilateral) == len(self.reference.uncertain_from):
            raise ValueError("its landmarks do not fit together")
        if len(ShapeModel.from_dict(self.shape).mean) != len(self.numbers):
            raise ValueError("its shape model is of other landmarks")
        return self

    @cached_property
    def head(self) -> HeadModel:
        """What films are looked at with."""
        return HeadModel(ShapeModel.from_dict(self.shape), self.bilateral, self.reference.feature_model)

    def rule_for(self, reader: ReaderInfo | None) -> PointRule:
        """The rule for predictions of a reader's marks; the usual one for None."""
        if reader is None:
            return self.rules[self.usual_case]
        return self.rules[case_of(reader.kind, reader.films, reader.truth_of, self.rules)]

    @property
    def usual_case(self) -> str:
        """The case of a reader of whom nothing is said."""
        return case_of("definition", 0, "one", self.rules)

    @property
    def judges_films(self) -> bool:
        """Whether there are enough calibration films for the false-alarm rate: 1 / (n + 1) of it or less."""
        return 1.0 / (len(self.reference.rows) + 1) <= self.target.false_alarm_rate

    @property
    def unfit_rate(self) -> float:
        """The false-alarm rate of *unfit*: its share of the rate, or what n films allow if that is more."""
        least = 1.0 / (len(self.reference.rows) + 1)
        return min(self.target.false_alarm_rate, max(UNFIT_SHARE * self.target.false_alarm_rate, least))


def fit_gate(
    source: CalibrationSource,
    films: Sequence[FilmSigns],
    groups: Sequence[str],
    cases: Mapping[str, AcceptanceCase],
    *,
    head: HeadModel,
    shape_source: str,
    target: GateTarget | None = None,
) -> Gate:
    """Learn a gate; where the films cannot show that the target is kept it accepts nothing.

    An InputError where signs and groups are not of one number.

    Args:
        source: where the calibration films come from.
        films: their signs, taken with ``head``.
        groups: which of them belong together, as of ``CalibrationData``.
        cases: points' errors, expected and actual, as they were rehearsed.
        head: shape model and bilateral landmarks; fitted to other films than these. Its features are those of
            films that the first network was trained on.
        shape_source: which films those were, in words.
        target: what is asked of the gate; by default ``GateTarget()``.
    """
    target = target or GateTarget()
    if len(films) != len(groups):
        raise InputError(f"signs of {len(films)} films do not fit {len(groups)} films")
    # One film a group: films that belong together are not exchangeable with others.
    alone = [films[index] for index in sorted(np.unique(groups, return_index=True)[1].tolist())]
    return Gate(
        target=target,
        rules=learn_rules(cases, target),
        misfit=MISFIT,
        numbers=tuple(range(1, len(head.bilateral) + 1)),
        bilateral=head.bilateral,
        shape=head.shape.to_dict(),
        reference=film_reference(alone, head.features, exceeded_by=target.false_alarm_rate),
        films=len(films),
        units=len(alone),
        source=source,
        shape_source=shape_source,
    )


def write_gate(gate: Gate, folder: Path) -> Path:
    """Write ``gate.json`` into a bundle's folder; its SHA256SUMS is not brought up to date here."""
    text = json.dumps(gate.model_dump(mode="json"), allow_nan=False) + "\n"
    return write_atomically(folder / GATE_FILE, text.encode("utf-8"))


def read_gate(folder: Path) -> Gate | None:
    """The gate of a bundle's folder, or None; BundleError if damaged or of an unknown version.

    A gate of version 1 is left out, with a warning: it looked at films in another way, and its promise held
    for one pair of readers and one scanner only.
    """
    path = folder / GATE_FILE
    if not is_there(path):
        return None
    with opened(path, kind=BundleError) as stream:
        former = f'"{FORMER}"'.encode() in stream.read(100)
    if former:
        _log.warning("%s: a gate of cephsure 0.1 is not used: calibrate the bundle anew", path)
        return None
    data = read_versioned(path, version=FORMAT, what="gate")
    return to_record(Gate, data, where=path, what="a gate", kind=BundleError)
