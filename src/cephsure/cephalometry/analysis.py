"""An analysis of one film: every measurement with its value, interval and class probabilities; its files."""

from __future__ import annotations

import csv
import io
import json
import logging
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.cephalometry.catalogue import load_analyses
from cephsure.cephalometry.formula import Frozen, Unit, head_points_of
from cephsure.cephalometry.landmark_errors import ErrorsFrom, LandmarkErrors, landmark_errors, sample_points
from cephsure.cephalometry.measurement import Norm  # noqa: TC001 - a field's type
from cephsure.errors import InputError
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo, ReaderInfo  # noqa: TC001 - fields' types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry.formula import Array
    from cephsure.cephalometry.measurement import AnalysisDefinition, Entry
    from cephsure.uncertainty.prediction import Prediction

logger = logging.getLogger(__name__)

SCHEMA = "cephsure.analysis/1"
LEVEL = 0.90
MIN_PROBABILITY = 0.8
DRAWS = 1000
NO_SCALE = "no scale in the film"
UNDECIDABLE = "not decidable"
COLUMNS = (
    *("film", "analysis", "code", "name", "unit", "value", "sd", "interval_90_low", "interval_90_high"),
    *("class_of_value", "decision", "decision_probability", "errors_from", "remark", "model"),
)


class ClassProbability(Frozen):
    """How probable it is that the true value belongs to a class."""

    name: str
    probability: float


class MeasuredValue(Frozen):
    """One measurement, of an analysis, on one film."""

    analysis: str
    code: str
    name: str  # in full
    unit: Unit
    value: float | None = None  # from the predicted points; None where it cannot be had
    missing: str | None = None  # why there is no value
    sd: float | None = None  # standard deviation of the sampled values
    interval_90: tuple[float, float] | None = None  # 5 and 95 % points of the sampled values
    no_interval: str | None = None  # why there is a value but no interval
    class_of_value: str | None = None  # the class that the value itself belongs to
    class_probabilities: tuple[ClassProbability, ...] | None = None  # share of the sampled values in each
    # The class that reaches the stated probability, or "not decidable"; None without classes or an interval.
    decision: str | None = None
    norms: tuple[Norm, ...] = ()  # what is usual


class Analysis(Frozen):
    """One film's measurements, and what their intervals rest on."""

    film: FilmInfo
    model: ModelInfo  # that found its landmarks
    errors_from: ErrorsFrom  # "raw sample spread" is no statement about the error
    min_probability: float  # what a class must reach to be decided
    draws: int  # sampled sets of landmarks behind intervals and probabilities
    seed: int  # of the draws
    measurements: tuple[MeasuredValue, ...]  # in the order of the analyses
    reader: ReaderInfo | None = None  # for whose marks values and intervals are
    disclaimer: str = "Research use only. Not a medical device."

    def document(self) -> dict[str, Any]:
        """The analysis as JSON data, ``cephsure.analysis/1``."""
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
    """Measure a film: values, intervals, class probabilities.

    Films that face left are mirrored and pixels that are not square are scaled before anything is measured.
    Angles and ratios need no scale, distances do. Intervals come from sampling the landmarks' errors; a model
    that is not calibrated gets none.

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
    errors = landmark_errors(prediction) if errors is None else errors
    at, drawn = _by_code(prediction.points_px, prediction), None
    if errors.covariances_px is not None:
        points = sample_points(prediction, errors.covariances_px, errors.correlation, draws, seed)
        drawn = _by_code(points, prediction)
    measured = [
        _measured(
            entry,
            analysis=analysis.name,
            at=at,
            drawn=drawn,
            has_scale=prediction.film.mm_per_px is not None,
            reason=errors.reason,
            min_probability=min_probability,
        )
        for analysis in (load_analyses() if analyses is None else analyses)
        for entry in analysis.entries
    ]
    logger.debug("measured %d values, errors from %s", len(measured), errors.source)
    return Analysis(
        film=prediction.film,
        model=prediction.model,
        errors_from=errors.source,
        min_probability=min_probability,
        draws=draws,
        seed=seed,
        measurements=tuple(measured),
        reader=prediction.reader,
    )


def _by_code(points_px: Array, prediction: Prediction) -> dict[str, Array]:
    """(..., L, 2) positions on a film as (..., 2) positions in the head's frame by landmark code."""
    points = head_points_of(points_px, prediction.film)
    return {landmark.code: points[..., index, :] for index, landmark in enumerate(prediction.landmarks)}


def _measured(
    entry: Entry,
    *,
    analysis: str,
    at: dict[str, Array],
    drawn: dict[str, Array] | None,
    has_scale: bool,
    reason: str | None,
    min_probability: float,
) -> MeasuredValue:
    """One measurement, as far as it can be had."""
    what = entry.measurement
    found = MeasuredValue(
        analysis=analysis, code=what.code, name=what.name, unit=what.unit, norms=entry.norms
    )
    value, missing = value_of(entry, at, has_scale=has_scale)
    if value is None:
        return found.model_copy(update={"missing": missing})
    found = found.model_copy(update={"value": value, "class_of_value": entry.class_of(value)})
    if drawn is None:
        return found.model_copy(update={"no_interval": reason})
    values = what.formula.compute(drawn)
    if not np.isfinite(values).all():
        unknown = [code for code in what.landmarks if not np.isfinite(drawn[code]).all()]
        return found.model_copy(update={"no_interval": f"no error known for {', '.join(unknown)}"})
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    spread = {"sd": float(values.std(ddof=1)), "interval_90": (float(low), float(high))}
    return found.model_copy(update={**spread, **_classes(entry, values, min_probability)})


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


def _classes(entry: Entry, values: Array, min_probability: float) -> dict[str, Any]:
    """How probable each class is, and whether one is decided."""
    if not entry.classes:
        return {}
    counts = np.bincount(entry.class_indices(values), minlength=len(entry.class_names))
    shares = tuple(
        ClassProbability(name=name, probability=count / len(values))
        for name, count in zip(entry.class_names, counts.tolist(), strict=True)
    )
    likeliest = max(shares, key=lambda share: share.probability)
    decided = likeliest.probability >= min_probability
    return {"class_probabilities": shares, "decision": likeliest.name if decided else UNDECIDABLE}


def analyses_csv(analyses: Sequence[Analysis]) -> str:
    """CSV, one row a measurement below a header line; what is not known is empty, column remark says why."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for analysis in analyses:
        for measured in analysis.measurements:
            low, high = measured.interval_90 or (None, None)
            numbers = (measured.value, measured.sd, low, high)
            shares = [share.probability for share in measured.class_probabilities or ()]
            row = [analysis.film.path or "", measured.analysis, measured.code, measured.name, measured.unit]
            row += [*map(_number, numbers), measured.class_of_value or "", measured.decision or ""]
            remark = measured.missing or measured.no_interval or ""
            row += [_number(max(shares, default=None)), analysis.errors_from, remark, analysis.model.name]
            table.writerow(row)
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an analysis' JSON form, with the meaning and unit of every field."""
    file = resources.files("cephsure.cephalometry") / "schema" / "analysis-1.schema.json"
    parsed: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return parsed
