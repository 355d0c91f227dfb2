"""The measurements of a report: each with its error, what is usual, and how far from that it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cephsure.cephalometry.analysis_table import (
    NOT_DECIDED,
    UNIT_SIGNS,
    class_words,
    is_unsure,
    number,
    shown,
)
from cephsure.cephalometry.measured import SCALE_IN_DOUBT
from cephsure.cephalometry.own_points import NO_INTERVAL
from cephsure.uncertainty.text_lines import GLUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cephsure.cephalometry import Analysis, AnalysisDefinition, Entry, MeasuredValue
    from cephsure.cephalometry.measurement import Norm

    Sex = Literal["women", "men"]

DASH, MINUS = "–", "−"
WITHIN = "within"
# Before what no line may begin with.
_UNITS = re.compile(r" (?=%|mm\b)|(?<=<) ")
BORDER = "border"
"""Beside what is no norm, but where the usual class ends."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A value beside what is usual: 0 is the middle of that, -1 and 1 are its limits."""

    at: float
    interval: tuple[float, float] | None = None  # 90 %


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual, and how far from it a value lies.

    Attributes:
        text: as in "82 ± 3".
        whom: whose norm it is, where there are several, or that it is a class border; "" otherwise.
        deviation: as in "+1.2 SD", "+3.4°", "within"; "" where nothing may be said.
        bar: None where no limits are stated, or nothing may be said.
    """

    text: str
    whom: str = ""
    deviation: str = ""
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement as it stands in a report; texts are whole, and "–" is what is not known.

    Attributes:
        error: one standard deviation; "" without one.
        said: the class with its probability, or why none is decided.
        is_doubtful: whether the value is marked.
    """

    code: str
    name: str
    value: str
    error: str
    usual: tuple[Usual, ...]
    said: str
    is_doubtful: bool


@dataclass(frozen=True, slots=True)
class Table:
    """The measurements of one analysis."""

    title: str
    rows: tuple[Row, ...]


def tables_of(
    analysis: Analysis, definitions: Sequence[AnalysisDefinition], *, sex: Sex | None = None
) -> tuple[Table, ...]:
    """The measurements, a table an analysis.

    Args:
        analysis: what was measured.
        definitions: what it was measured by: they have the classes' borders.
        sex: the patient's, where it is known: then only the norms that hold for it are shown.
    """
    values = {(value.analysis, value.code): value for value in analysis.measurements}
    return tuple(
        Table(
            definition.title,
            tuple(
                _row(analysis, values[key], entry, sex)
                for entry in definition.entries
                if (key := (definition.name, entry.measurement.code)) in values
            ),
        )
        for definition in definitions
    )


def _row(analysis: Analysis, value: MeasuredValue, entry: Entry, sex: Sex | None) -> Row:
    unsure = is_unsure(analysis, value)
    error = "" if value.sd is None else f"± {number(value.sd, value.unit)}"
    return Row(
        code=value.code,
        name=value.name,
        value=DASH if value.value is None else shown(value).replace("-", MINUS),
        error=error,
        usual=tuple(_usual(value, entry, sex, held=may_be_held(analysis, value))),
        said=said_of(analysis, value),
        is_doubtful=unsure,
    )


def may_be_held(analysis: Analysis, value: MeasuredValue) -> bool:
    """Whether the value may be held against a norm: not of a doubtful scale, nor of an unfit film.

    What is measured from points that a person settled may be, whatever the film's verdict.
    """
    if value.value is None or (value.not_decided or "").startswith(SCALE_IN_DOUBT):
        return False
    return not (analysis.verdict == "unfit" and value.not_decided is not None)


def said_of(analysis: Analysis, value: MeasuredValue) -> str:
    """The class with its probability, or why none is decided; "–" where there is nothing to say."""
    if value.value is None:
        return value.missing or DASH
    if value.no_interval == NO_INTERVAL and value.not_decided is None:
        return value.class_of_value or DASH  # a person vouches for its points
    said = class_words(analysis, value).replace(GLUE, " ")
    if said == "-":
        return DASH
    # That a class is not decided is seen; how probable the likeliest is must be said to be too little.
    short = said if "%" in said else said.removeprefix(f"{NOT_DECIDED}: ")
    return _UNITS.sub("\u00a0", short)


def _usual(value: MeasuredValue, entry: Entry, sex: Sex | None, *, held: bool) -> Iterable[Usual]:
    """What is usual by each norm, or where there is none by the border of the usual class."""
    norms = [norm for norm in value.norms if sex is None or norm.sex in (None, sex)]
    for norm in norms:
        yield _by_norm(value, norm, whom=norm.sex or "" if len(value.norms) > 1 else "", held=held)
    normal = next((each for each in entry.classes if each.normal), None)
    if norms or normal is None:
        return
    low, high = normal.span
    text = normal.words.replace("-", MINUS)
    if not held or low == float("-inf") or high == float("inf"):
        yield Usual(text, BORDER)
        return
    yield Usual(text, BORDER, deviation=_beyond(value, low, high), bar=_bar(value, low, high))


def _by_norm(value: MeasuredValue, norm: Norm, *, whom: str, held: bool) -> Usual:
    text = norm.numbers.replace("-", MINUS)
    if not held or value.value is None:
        return Usual(text, whom)
    limits = norm.limits
    bar = None if limits is None else _bar(value, *limits)
    if norm.mean is not None and norm.sd is not None:
        return Usual(text, whom, f"{(value.value - norm.mean) / norm.sd:+.1f} SD".replace("-", MINUS), bar)
    if norm.low is not None and norm.high is not None:
        return Usual(text, whom, _beyond(value, norm.low, norm.high), bar)
    return Usual(text, whom, _difference(value.value - (norm.mean or 0.0), value), bar)


def _beyond(value: MeasuredValue, low: float, high: float) -> str:
    """How far the value lies outside of limits."""
    assert value.value is not None
    if low <= value.value <= high:
        return WITHIN
    return _difference(value.value - (high if value.value > high else low), value)


def _difference(by: float, value: MeasuredValue) -> str:
    sign = MINUS if by < 0 else "+"
    return f"{sign}{number(abs(by), value.unit)}{UNIT_SIGNS[value.unit]}"


def _bar(value: MeasuredValue, low: float, high: float) -> Bar | None:
    if high <= low or value.value is None:
        return None
    middle, half = (low + high) / 2, (high - low) / 2
    interval = None
    if value.interval_90 is not None:
        start, end = ((limit - middle) / half for limit in value.interval_90)
        interval = (start, end)
    return Bar((value.value - middle) / half, interval)
