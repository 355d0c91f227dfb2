"""What is measured: a value with all that is known of it, the points and the film that it comes from."""

from __future__ import annotations

from typing import Literal

from cephsure.cephalometry.decision import ClassProbability  # noqa: TC001 - a field's type
from cephsure.cephalometry.formula import Frozen, Unit
from cephsure.cephalometry.measurement import Norm  # noqa: TC001 - a field's type

NO_SCALE = "no scale in the film"
SCALE_IN_DOUBT = "scale in doubt"
OUTSIDE = "the value lies outside its own 90 % interval"


class MeasuredValue(Frozen):
    """One measurement, of an analysis, on one film."""

    analysis: str
    code: str
    name: str  # in full
    unit: Unit
    value: float | None = None  # from the points; None where it cannot be had
    missing: str | None = None  # why there is no value
    sd: float | None = None  # standard deviation of the sampled values
    interval_90: tuple[float, float] | None = None  # 5 and 95 % points of the sampled values
    no_interval: str | None = None  # why there is a value but no interval
    class_of_value: str | None = None  # the class that the value itself belongs to
    class_probabilities: tuple[ClassProbability, ...] | None = None  # share of the sampled values in each
    decision: str | None = None  # the class that the verdict and its probability let be decided
    # Why the value is marked: why no class is decided, or without classes what the verdict objects to.
    not_decided: str | None = None
    norms: tuple[Norm, ...] = ()  # what is usual
    normal_class: str | None = None  # the usual class with its borders, in words
    classes_source: str | None = None  # who published the classes; None if they are the norm's limits

    @property
    def deviation_sd(self) -> float | None:
        """How far the value lies above the first norm that has a mean and a standard deviation, in these."""
        for norm in self.norms:
            if self.value is not None and norm.mean is not None and norm.sd:
                return (self.value - norm.mean) / norm.sd
        return None


class FilmOfPoints(Frozen):
    """A film that a person marked, as far as it is known."""

    path: str | None
    name: str
    width_px: int | None = None
    height_px: int | None = None
    mm_per_px: tuple[float, float] | None = None
    spacing_source: str = "none"
    facing: Literal["right", "left"]
    facing_source: Literal["found", "given"]
    notes: tuple[str, ...] = ()


class MeasuredPoint(Frozen):
    """A point that was measured from, with what its model says of it."""

    code: str
    x_px: float
    y_px: float
    verdict: Literal["accept", "review"] | None = None
    why: str | None = None
    note: str | None = None
