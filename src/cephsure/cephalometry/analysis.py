"""An analysis of one film: every measurement with its value, interval and class probabilities."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from math import isfinite
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cephsure.cephalometry.catalogue import load_analyses
from cephsure.cephalometry.decision import Acceptance, decide
from cephsure.cephalometry.formula import Frozen, head_points_of
from cephsure.cephalometry.landmark_errors import ErrorsFrom, LandmarkErrors, landmark_errors, sample_points
from cephsure.cephalometry.measured import (
    NO_SCALE,
    OUTSIDE,
    SCALE_IN_DOUBT,
    FilmOfPoints,
    MeasuredPoint,
    MeasuredValue,
)
from cephsure.errors import InputError
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo, ReaderInfo  # noqa: TC001 - fields' types
from cephsure.uncertainty.prediction_table import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry.formula import Array
    from cephsure.cephalometry.measurement import AnalysisDefinition, Entry
    from cephsure.uncertainty.prediction import Prediction

logger = logging.getLogger(__name__)

SCHEMA = "cephsure.analysis/2"
LEVEL = 0.90
MIN_PROBABILITY = 0.8
DRAWS = 1000
SIZE = "size"  # the gate's sign that the head has no head's size
# Newborn to the largest adult on a film that magnifies by a fifth: beyond, no verdict is needed to doubt.
_SHORTEST_S_N_MM, _LONGEST_S_N_MM = 35.0, 105.0


class Analysis(Frozen):
    """One film's measurements, and what they rest on.

    Verdict, why, promise and for whom are those of the prediction, word for word; a person's points have no
    verdict, and the other two say so.
    """

    film: FilmInfo | FilmOfPoints
    model: ModelInfo | None  # that found the points; None for a person's
    points_from: str  # the model's name, or whose points they are and where they stand
    verdict: Literal["fit", "review", "unfit"] | None = None  # of the film
    why: str | None = None  # the verdict's reason, or why there is none
    promise: str  # what is promised and for whom, or why nothing is
    for_whom: str | None = None  # for whose marks values and intervals are
    errors_from: ErrorsFrom  # "raw sample spread" is no statement about the error
    min_probability: float  # what a class must reach to be decided
    draws: int | None  # sampled sets of points behind intervals and probabilities
    seed: int | None  # of the draws
    measurements: tuple[MeasuredValue, ...]  # in the order of the analyses
    points: tuple[MeasuredPoint, ...] = ()
    reader: ReaderInfo | None = None
    disclaimer: str = "Research use only. Not a medical device."

    @property
    def film_name(self) -> str:
        """What the film is called in tables and files."""
        named = self.film.name if isinstance(self.film, FilmOfPoints) else IN_MEMORY
        return self.film.path or named

    def __str__(self) -> str:
        """The table that ``cephsure analyze`` prints."""
        from cephsure.cephalometry.analysis_table import analysis_lines

        return "\n".join(line.text for line in analysis_lines(self, get_terminal_size().columns))

    def document(self) -> dict[str, Any]:
        """The analysis as JSON data, ``cephsure.analysis/2``."""
        return {"schema": SCHEMA, **self.model_dump(mode="json")}


def analyse(
    prediction: Prediction,
    analyses: Sequence[AnalysisDefinition] | None = None,
    *,
    errors: LandmarkErrors | None = None,
    min_probability: float = MIN_PROBABILITY,
    draws: int = DRAWS,
    seed: int = 0,
) -> Analysis:
    """Measure a film: values, intervals, class probabilities, and the classes that the verdict lets decide.

    Films that face left are mirrored and pixels that are not square are scaled before anything is measured.
    Angles and ratios need no scale, distances do. Intervals come from sampling the landmarks' errors; a model
    that is not calibrated gets none, nor does an unfit film. No class is decided on a film that is not fit,
    or from a point that is not accepted.

    Args:
        prediction: one film's landmarks.
        analyses: what to measure (`load_analyses`); by default the challenge's measurements.
        errors: the landmarks' errors; by default the calibrated ones of the prediction (`landmark_errors`).
        min_probability: what a class must reach to be decided, above 0.5 to 1.
        draws: sampled sets of landmarks.
        seed: of the draws. The same prediction and seed give the same numbers.

    Raises:
        InputError: the probability or the number of draws makes no sense.

    Examples:
        >>> from cephsure import load_model, sample_films
        >>> sample = sample_films.sample_film("vhm_lateral_0deg")
        >>> prediction = load_model("default-baseline").predict(sample.path, mm_per_px=sample.mm_per_px)
        >>> [measured.code for measured in analyse(prediction).measurements][:3]
        ['ANB', 'SNB', 'SNA']
    """
    if not 0.5 < min_probability <= 1:
        raise InputError(f"the least probability of a class is above 0.5 to 1, not {min_probability:g}")
    if draws < 2:
        raise InputError(f"at least 2 draws are needed, not {draws}")
    if errors is None or prediction.verdict == "unfit":
        errors = landmark_errors(prediction)
    codes, drawn = [landmark.code for landmark in prediction.landmarks], None
    if errors.covariances_px is not None:
        points = sample_points(prediction, errors.covariances_px, errors.correlation, draws, seed)
        drawn = by_code(head_points_of(points, prediction.film), codes)
    known = KnownPoints(
        at=by_code(head_points_of(prediction.points_px, prediction.film), codes),
        has_scale=prediction.film.mm_per_px is not None,
        drawn=drawn,
        no_interval=errors.reason,
        acceptance=Acceptance.of(prediction),
        min_probability=min_probability,
        scale_is_doubted=any(evidence.sign == SIZE for evidence in prediction.evidence),
    )
    measured = known.measure(load_analyses() if analyses is None else analyses)
    logger.debug("measured %d values, errors from %s", len(measured), errors.source)
    return Analysis(
        film=prediction.film,
        model=prediction.model,
        points_from=prediction.model.name,
        verdict=prediction.verdict,
        why=prediction.why,
        promise=prediction.promise,
        for_whom=prediction.for_whom,
        errors_from=errors.source,
        min_probability=min_probability,
        draws=draws,
        seed=seed,
        measurements=measured,
        points=tuple(
            MeasuredPoint(
                code=mark.code,
                x_px=mark.x_px,
                y_px=mark.y_px,
                verdict=mark.verdict,
                why=mark.why,
                note=mark.note,
            )
            for mark in prediction.landmarks
            if isfinite(mark.x_px) and isfinite(mark.y_px)
        ),
        reader=prediction.reader,
    )


def by_code(points: Array, codes: Sequence[str]) -> dict[str, Array]:
    """(..., L, 2) positions as (..., 2) positions by landmark code."""
    return {code: points[..., index, :] for index, code in enumerate(codes)}


@dataclass(frozen=True, slots=True)
class KnownPoints:
    """The points of one film and what is known of them: all that measuring needs.

    Attributes:
        at: (2,) positions in the head's frame by landmark code, NaN where missing; with a scale in mm.
        drawn: (n, 2) sampled positions likewise; None without intervals.
        no_interval: why there are none.
        acceptance: what the film's verdict lets be decided.
        min_probability: what a class must reach to be decided.
        scale_is_doubted: whether the verdict asks if the scale is right.
    """

    at: dict[str, Array]
    has_scale: bool
    drawn: dict[str, Array] | None = None
    no_interval: str | None = None
    acceptance: Acceptance = field(default_factory=Acceptance)
    min_probability: float = MIN_PROBABILITY
    scale_is_doubted: bool = False

    def measure(self, analyses: Sequence[AnalysisDefinition]) -> tuple[MeasuredValue, ...]:
        """All measurements of some analyses, in their order."""
        doubt = self._doubt()
        return tuple(
            self._measured(entry, analysis.name, doubt) for analysis in analyses for entry in analysis.entries
        )

    def _doubt(self) -> str | None:
        """Why no distance may be held against a norm: a scale that makes no head."""
        if not self.has_scale:
            return None
        sella, nasion = self.at.get("S"), self.at.get("N")
        length = np.nan if sella is None or nasion is None else float(np.linalg.norm(sella - nasion))
        if not np.isfinite(length):
            return SCALE_IN_DOUBT if self.scale_is_doubted else None
        doubted = self.scale_is_doubted or not _SHORTEST_S_N_MM <= length <= _LONGEST_S_N_MM
        return f"{SCALE_IN_DOUBT}, S to N {length:.0f} mm" if doubted else None

    def _measured(self, entry: Entry, analysis: str, doubt: str | None) -> MeasuredValue:
        """One measurement, as far as it can be had."""
        what = entry.measurement
        found = MeasuredValue(
            analysis=analysis,
            code=what.code,
            name=what.name,
            unit=what.unit,
            norms=entry.norms,
            normal_class=entry.normal_class,
            classes_source=entry.classes_source,
        )
        value, missing = value_of(entry, self.at, has_scale=self.has_scale)
        if value is None:
            return found.model_copy(update={"missing": missing})
        if doubt is not None and what.unit == "mm":
            trust = self._trust(entry, value) | {"class_probabilities": None, "decision": None}
            return found.model_copy(update={"value": value, **trust, "not_decided": doubt})
        found = found.model_copy(update={"value": value, "class_of_value": entry.class_of(value)})
        return found.model_copy(update=self._trust(entry, value))

    def _trust(self, entry: Entry, value: float) -> dict[str, Any]:
        """Interval, probabilities and decision of a measurement, or why there are none."""
        what, values = entry.measurement, None
        objection = self.acceptance.objection(what.landmarks)
        reason = self.no_interval
        if self.drawn is not None:
            values = what.formula.compute(self.drawn)
            low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            unknown = [code for code in what.landmarks if not np.isfinite(self.drawn[code]).all()]
            reason = f"no error known for {', '.join(unknown)}" if unknown else None
            # An angle ends at 180°, a signed distance jumps: the draws may lie elsewhere than the value.
            if reason is None and not low <= value <= high:
                reason = OUTSIDE
        if values is None or reason is not None:
            return {"no_interval": reason, "not_decided": objection or (reason if entry.classes else None)}
        spread = {"sd": float(values.std(ddof=1)), "interval_90": (float(low), float(high))}
        return {**spread, **decide(entry, values, self.min_probability, objection)}


def value_of(entry: Entry, at: dict[str, Array], *, has_scale: bool) -> tuple[float | None, str | None]:
    """The value of a measurement and None, or None and the reason why it cannot be had.

    ``at`` has (2,) positions in the head's frame by landmark code, NaN where missing; with a scale in mm.
    """
    what = entry.measurement
    absent = [code for code in what.landmarks if code not in at or not np.isfinite(at[code]).all()]
    if absent:
        return None, f"no point for {', '.join(absent)}"
    if what.unit == "mm" and not has_scale:
        return None, NO_SCALE
    value = float(what.formula.compute(at))
    if not np.isfinite(value):
        return None, f"points coincide: {', '.join(what.landmarks)}"
    return value, None
