"""What a measurement is: its formula, and in an analysis its norms and classes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from cephsure.cephalometry.formula import Formula, Frozen, Unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

NOT_DEFINED = "not defined there"  # the class of a value between the published classes
# Classes of a measurement that has a norm with limits, but no published classes.
BELOW, WITHIN, ABOVE = "below the norm", "in the norm", "above the norm"


class Measurement(Frozen):
    """A measurement as such, whatever an analysis makes of its value."""

    code: Text  # short and unique; stands in tables and files
    name: Text
    definition: Text  # what is measured, in words, with the meaning of its sign
    unit: Unit
    formula: Formula
    note: Text | None = None  # where it departs from what its name may promise

    @model_validator(mode="after")
    def _unit_fits(self) -> Self:
        if self.unit != self.formula.unit:
            message = f"unit is {self.unit!r}, but formula {self.formula.kind!r} gives {self.formula.unit!r}"
            raise ValueError(message)
        return self

    @property
    def landmarks(self) -> tuple[str, ...]:
        """Codes of the landmarks it needs."""
        return self.formula.landmarks


class Norm(Frozen):
    """What is usual, in some group of people, and who says so."""

    source: Text  # author, year, and where
    mean: Number | None = None  # or the single value given
    sd: Annotated[Number, Field(gt=0)] | None = None
    low: Number | None = None  # limits of what is usual
    high: Number | None = None
    group: Text | None = None  # whom it holds for (age, origin), where the source says
    sex: Literal["women", "men"] | None = None  # None where the source does not part them

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high go together")
        if self.mean is None and self.low is None:
            raise ValueError("a norm has a mean (and sd), or low and high, or both")
        if self.sd is not None and self.mean is None:
            raise ValueError("sd needs a mean")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low is larger than high")
        return self

    @property
    def limits(self) -> tuple[float, float] | None:
        """The limits it states, else one standard deviation to either side of the mean, else None."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        if self.mean is not None and self.sd is not None:
            return self.mean - self.sd, self.mean + self.sd
        return None

    @property
    def numbers(self) -> str:
        """Its numbers alone, as in "82 ± 3" or "87.8 [82 to 95]"."""
        parts = []
        if self.mean is not None:
            parts.append(f"{self.mean:g}" + ("" if self.sd is None else f" ± {self.sd:g}"))
        if self.low is not None and self.high is not None:
            limits = f"{self.low:g} to {self.high:g}"
            parts.append(f"[{limits}]" if parts else limits)
        return " ".join(parts)

    def words(self, *, whole_source: bool = False) -> str:
        """The norm in one line, as in "0.4 ± 2.3 (women, Ann Arbor adults, McNamara 1984)".

        ``whole_source`` also says where that was published.
        """
        source = self.source if whole_source else short_source(self.source)
        about = ", ".join(filter(None, (self.sex, self.group, source)))
        return f"{self.numbers} ({about})"


def short_source(source: str) -> str:
    """Author and year of a source.

    >>> short_source("McNamara 1984, Am J Orthod 86, 449-469")
    'McNamara 1984'
    """
    return source.split(",", maxsplit=1)[0]


class ClassRange(Frozen):
    """A class and the values that belong to it."""

    name: Text
    from_: Annotated[Number | None, Field(alias="from")] = None  # smallest value, itself included
    to: Number | None = None  # largest value, itself included
    above: Number | None = None  # all larger values, not itself
    below: Number | None = None  # all smaller values, not itself
    normal: bool = False  # whether it is the usual one

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        given = tuple(key for key in ("from_", "to", "above", "below") if getattr(self, key) is not None)
        if given not in {("from_", "to"), ("above",), ("below",)}:
            raise ValueError("a class has from and to (both included), or above, or below")
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError("from is larger than to")
        return self

    def holds(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which values belong to the class; NaN belongs to none."""
        low, high = self.span
        after_low = values > low if self.from_ is None else values >= low
        before_high = values < high if self.to is None else values <= high
        return np.asarray(after_low & before_high)

    @property
    def span(self) -> tuple[float, float]:
        """Its limits, infinite where it is open."""
        low = self.above if self.above is not None else self.from_
        high = self.below if self.below is not None else self.to
        return -np.inf if low is None else low, np.inf if high is None else high

    @property
    def words(self) -> str:
        """Its limits in words, as in "3.2 to 5.7", "above 5.7"."""
        if self.above is not None:
            return f"above {self.above:g}"
        if self.below is not None:
            return f"below {self.below:g}"
        return f"{self.from_:g}" if self.from_ == self.to else f"{self.from_:g} to {self.to:g}"


class Entry(Frozen):
    """A measurement in an analysis."""

    measurement: Measurement
    norms: tuple[Norm, ...] = ()  # more than one where the source tells groups of people apart
    classes: tuple[ClassRange, ...] = ()  # in the order of their values, without overlap; perhaps none
    classes_source: str | None = None  # who published them; None if they follow from the norm's limits

    @property
    def normal_class(self) -> str | None:
        """The usual class with its borders, as in "class I 3.2 to 5.7"; None without one."""
        return next((f"{kind.name} {kind.words}" for kind in self.classes if kind.normal), None)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their values, and of the gaps last, if there are any."""
        names = tuple(class_.name for class_ in self.classes)
        return (*names, NOT_DEFINED) if self.gaps else names

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Intervals between, before and behind the classes that belong to none."""
        if not self.classes:
            return ()
        first, last = self.classes[0], self.classes[-1]
        between = tuple(
            (a.span[1], b.span[0])
            for a, b in pairwise(self.classes)
            # Two open limits at one value leave that value out.
            if a.span[1] < b.span[0] or (a.span[1] == b.span[0] and a.to is None and b.from_ is None)
        )
        before = ((-np.inf, first.span[0]),) if first.span[0] > -np.inf else ()
        behind = ((last.span[1], np.inf),) if last.span[1] < np.inf else ()
        return (*before, *between, *behind)

    def class_indices(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Each value's place in ``class_names``; -1 for NaN, and everywhere if there are no classes."""
        indices = np.full(values.shape, -1)
        if self.classes:
            indices[np.isfinite(values)] = len(self.classes)
        for index, class_ in enumerate(self.classes):
            indices[class_.holds(values)] = index
        return indices

    def class_of(self, value: float) -> str | None:
        """The class of one value, or None for NaN and where there are no classes."""
        index = int(self.class_indices(np.array([value]))[0])
        return None if index < 0 else self.class_names[index]


class AnalysisDefinition(Frozen):
    """A set of measurements that belong together."""

    name: Text  # as in commands and files
    title: Text  # one line for people
    source: Text  # who made it, and where that is published
    entries: tuple[Entry, ...]


def ordered_classes(classes: tuple[ClassRange, ...]) -> tuple[ClassRange, ...]:
    """The classes in the order of their values.

    Raises:
        ValueError: two classes overlap, or have one name.
    """
    in_order = tuple(sorted(classes, key=lambda class_: class_.span))
    for first, second in pairwise(in_order):
        (_, end), (start, _) = first.span, second.span
        closed = first.to is not None and second.from_ is not None
        if end > start or (closed and end == start):
            raise ValueError(f"classes {first.name!r} and {second.name!r} overlap")
    names = [class_.name for class_ in in_order]
    if len(set(names)) < len(names) or NOT_DEFINED in names:
        raise ValueError(f"each class needs a name of its own, other than {NOT_DEFINED!r}")
    return in_order


def classes_from(norms: tuple[Norm, ...]) -> tuple[ClassRange, ...]:
    """Below, in and above the norm; none if there is not exactly one norm, or it has no limits."""
    limits = norms[0].limits if len(norms) == 1 else None
    if limits is None:
        return ()
    low, high = limits
    return (
        ClassRange(name=BELOW, below=low),
        ClassRange.model_validate({"name": WITHIN, "from": low, "to": high, "normal": True}),
        ClassRange(name=ABOVE, above=high),
    )
