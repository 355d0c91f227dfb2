"""Measurements that follow the points of a film while they are dragged.

A point that a person moved or placed is where that person says: it adds nothing to an interval, and what is
measured from such points alone has none. Classes are decided as in ``cephsure analyze``; a person who settled
all points of a measurement is not asked for them again by the gate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.cephalometry.analysis import DRAWS, SIZE, KnownPoints, by_code
from cephsure.cephalometry.catalogue import load_analyses
from cephsure.cephalometry.decision import Acceptance
from cephsure.cephalometry.formula import head_points
from cephsure.cephalometry.landmark_errors import landmark_errors, sample_points
from cephsure.cephalometry.own_points import NO_INTERVAL, facing_of
from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal

    from numpy.typing import NDArray

    from cephsure.cephalometry.landmark_errors import ErrorsFrom, LandmarkErrors
    from cephsure.cephalometry.measured import MeasuredValue
    from cephsure.cephalometry.measurement import AnalysisDefinition, Entry
    from cephsure.landmarks import LandmarkSet
    from cephsure.uncertainty.prediction import Prediction

    Array = NDArray[np.float64]
    Points = Mapping[int, tuple[float, float] | None]

_NO_SPREAD = 1e-9


@dataclass(frozen=True, slots=True)
class SettledAcceptance(Acceptance):
    """What the verdict lets be decided, where a person has settled some of the points."""

    settled: frozenset[str] = frozenset()

    def objection(self, codes: Iterable[str]) -> str | None:
        """Why no class may be decided from these points; None if one may be."""
        open_codes = [code for code in codes if code not in self.settled]
        return Acceptance.objection(self, open_codes) if open_codes else None


@dataclass(frozen=True)
class FilmMeasurer:
    """One film, ready to be measured again and again.

    Attributes:
        prediction: None where there is none: then all points are a person's.
        mm_per_px: the scale along x and y, which a person may have changed since the prediction.
    """

    landmark_set: LandmarkSet
    prediction: Prediction | None
    mm_per_px: tuple[float, float] | None
    _kept: dict[tuple[str, str], tuple[Any, MeasuredValue]] = field(default_factory=dict)

    def measure(
        self,
        analysis: str | Sequence[AnalysisDefinition],
        points: Points,
        *,
        settled: frozenset[int] = frozenset(),
    ) -> tuple[MeasuredValue, ...]:
        """The measurements of an analysis, in its order.

        Args:
            analysis: names with commas between, or "all"; or what `load_analyses` gives.
            points: by landmark number the (x, y) in px of points that are not where they were predicted; None
                for one that is missing.
            settled: numbers of points that a person accepted where they are.

        Raises:
            InputError: there is no such analysis or landmark.
        """
        codes = self.landmark_set.codes
        unknown = [number for number in points if not 1 <= number <= len(codes)]
        if unknown:
            raise InputError(f"there is no landmark {unknown[0]}", remedy=f"the set has 1 to {len(codes)}")
        nowhere = (np.nan, np.nan)
        moved = {codes[number - 1]: np.array(at or nowhere) for number, at in points.items()}
        own = frozenset(moved) | {codes[number - 1] for number in settled}
        definitions = load_analyses(analysis) if isinstance(analysis, str) else analysis
        values = self._unchanged(definitions, moved, own)
        stale = [
            each.model_copy(update={"entries": entries})
            for each in definitions
            if (entries := tuple(e for e in each.entries if (each.name, e.measurement.code) not in values))
        ]
        if stale:
            known = self._known(moved, own)
            if known is None:
                return ()
            measured = iter(known.measure(stale))
            for each in stale:
                for entry in each.entries:
                    key, value = (each.name, entry.measurement.code), next(measured)
                    values[key] = value
                    self._kept[key] = (entry, *_points_of(entry, moved, own)), value
        return tuple(
            values[each.name, entry.measurement.code] for each in definitions for entry in each.entries
        )

    def _unchanged(
        self, definitions: Iterable[AnalysisDefinition], moved: dict[str, Array], own: frozenset[str]
    ) -> dict[tuple[str, str], MeasuredValue]:
        """The measurements of which no point has moved since they were measured last."""
        values = {}
        for definition in definitions:
            for entry in definition.entries:
                kept = self._kept.get(key := (definition.name, entry.measurement.code))
                if kept is not None and kept[0] == (entry, *_points_of(entry, moved, own)):
                    values[key] = kept[1]
        return values

    @property
    def errors_from(self) -> ErrorsFrom:
        """What intervals rest on."""
        return "a person's points" if self.prediction is None else self._errors.source

    def _known(self, moved: dict[str, Array], own: frozenset[str]) -> KnownPoints | None:
        """The points with what is known of them; None where it cannot be told where the face looks."""
        facing = self._facing(moved)
        if facing is None:
            return None

        def in_head(points: Array) -> Array:
            return head_points(points, mirrored=facing == "left", mm_per_px=self.mm_per_px)

        at = {code: in_head(point) for code, point in {**self._predicted, **moved}.items()}
        if self.prediction is None:
            return KnownPoints(at=at, has_scale=self.mm_per_px is not None, no_interval=NO_INTERVAL)
        drawn, reason = None, self._errors.reason
        if self._drawn is not None:
            drawn = dict(self._drawn)
            drawn |= {code: np.broadcast_to(at[code], (DRAWS, 2)) for code in moved}
        acceptance = Acceptance.of(self.prediction)
        return _PersonsPoints(
            at=at,
            has_scale=self.mm_per_px is not None,
            drawn=drawn,
            no_interval=reason,
            acceptance=SettledAcceptance(acceptance.verdict, acceptance.doubtful, own),
            scale_is_doubted=self._is_scale_doubted(),
            moved=frozenset(moved),
        )

    def _is_scale_doubted(self) -> bool:
        """Whether the verdict asks if the scale is right that is still in use."""
        prediction = self.prediction
        if prediction is None or prediction.film.mm_per_px != self.mm_per_px:
            return False
        return any(evidence.sign == SIZE for evidence in prediction.evidence)

    def _facing(self, moved: dict[str, Array]) -> Literal["right", "left"] | None:
        if self.prediction is not None:
            return self.prediction.film.facing
        try:
            return facing_of(moved)
        except InputError:
            return None

    @cached_property
    def _predicted(self) -> dict[str, Array]:
        """(2,) by code, in px."""
        if self.prediction is None:
            return {code: np.full(2, np.nan) for code in self.landmark_set.codes}
        return by_code(self.prediction.points_px, self.landmark_set.codes)

    @cached_property
    def _errors(self) -> LandmarkErrors:
        assert self.prediction is not None
        return landmark_errors(self.prediction)

    @cached_property
    def _drawn(self) -> dict[str, Array] | None:
        """(n, 2) by code, in the head's frame: the draws of ``cephsure analyze``."""
        errors, prediction = self._errors, self.prediction
        if errors.covariances_px is None or prediction is None:
            return None
        drawn = sample_points(prediction, errors.covariances_px, errors.correlation, DRAWS, 0)
        drawn = head_points(drawn, mirrored=prediction.film.facing == "left", mm_per_px=self.mm_per_px)
        return by_code(drawn, self.landmark_set.codes)


@dataclass(frozen=True, slots=True)
class _PersonsPoints(KnownPoints):
    """Points of which a person moved some."""

    moved: frozenset[str] = frozenset()

    def _trust(self, entry: Any, value: float) -> dict[str, Any]:
        if self.moved and self.moved.issuperset(entry.measurement.landmarks):
            return {"no_interval": NO_INTERVAL}
        trust = KnownPoints._trust(self, entry, value)  # noqa: SLF001 - its own base
        # ANB is a difference of angles at N: S, which it names, makes no difference to it.
        spread = trust.get("sd")
        return trust if spread is None or spread > _NO_SPREAD else {"no_interval": NO_INTERVAL}


def _points_of(entry: Entry, moved: dict[str, Array], own: frozenset[str]) -> tuple[Any, ...]:
    """What a measurement depends on: its own points, and S and N, by which a scale is doubted."""
    codes = (*entry.measurement.landmarks, "S", "N")
    # Bytes: NaN, a missing point, is not equal to itself.
    return tuple(moved[code].tobytes() if code in moved else code in own for code in codes)
