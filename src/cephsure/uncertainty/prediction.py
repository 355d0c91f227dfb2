"""Predictions: one object a film, made from samples; its JSON form is cephsure.prediction/2."""

from __future__ import annotations

import sys
from dataclasses import replace
from math import isfinite, sqrt
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from cephsure.errors import BundleError
from cephsure.uncertainty.measures import MEASURES, mean_position

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples
    from cephsure.landmarks import LandmarkSet

SCHEMA = "cephsure.prediction/2"

Pair = tuple[float, float]
RegionKind = Literal["ellipse", "hdr", "disc"]


class Frozen(BaseModel):
    """What is read from files or given to others: it never changes, and knows all of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FilmInfo(Frozen):
    """The film a prediction is about."""

    path: str | None
    width_px: int
    height_px: int
    mm_per_px: tuple[float, float] | None
    spacing_source: str
    facing: Literal["right", "left"]
    facing_source: Literal["found", "given", "assumed"]
    polarity: Literal["positive", "negative"]
    polarity_source: Literal["found", "given", "assumed"]
    notes: tuple[str, ...] = ()


class ModelInfo(Frozen):
    """The bundle that made a prediction."""

    name: str
    kind: Literal["baseline", "ensemble", "mc-dropout"]
    recipe: str
    samples: int
    seed: int
    sha256: str


class ReaderInfo(Frozen):
    """The reader whose marks a prediction foretells.

    Attributes:
        films: corrected films of this reader that it rests on.
        truth_of: whether regions are for one reader's marks, or for the mean of two.
        for_whom: the same in words: for whom regions and expected errors hold.
    """

    name: str
    kind: Literal["definition", "mean", "annotator", "profile", "site"]
    films: int
    truth_of: Literal["one", "mean"]
    for_whom: str


class Measures(Frozen):
    """What is known of one landmark's uncertainty; ``measures.MEASURES`` says unit and direction of each.

    A measure added to the registry appears here under its key without a change to this class.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, float | None]

    activation: float
    spread_px: float
    spread_mm: float | None
    raw_expected_error_px: float
    raw_expected_error_mm: float | None
    entropy: float


class Region(Frozen):
    """An area that holds the true point with probability ``level``, on the film as given.

    An ellipse or a disc has ``centre_px`` and ``half_axes_px``, a level set of the heat map ``outlines_px``.
    Where the calibration has too few films for the level, the region is all of the film.

    Attributes:
        kind: how the region was made.
        half_axes_px: as vectors, the longer one first.
        outlines_px: closed outlines, each a chain of (x, y); what an even number of them surrounds is out.
        area_mm2: its area; None for all of the film.
    """

    level: float
    kind: RegionKind
    whole_film: bool = False
    centre_px: Pair | None = None
    half_axes_px: tuple[Pair, Pair] | None = None
    outlines_px: tuple[tuple[Pair, ...], ...] | None = None
    area_mm2: float | None = None


class Withheld(Frozen):
    """Numbers of a point that nobody vouches for: they would stand in the landmark, were the film fit.

    Attributes as of ``LandmarkPrediction``.
    """

    expected_error_mm: float | None
    error_covariance_mm2: tuple[Pair, Pair] | None
    region: Region | None


class LandmarkPrediction(Frozen):
    """One landmark: the point, its measures and the samples; what calibration promises is None without it.

    Attributes:
        expected_error_mm: calibrated expectation of the radial error
            (``measures.raw_expected_error_mm`` is the heat maps' own).
        error_covariance_mm2: second moments ((xx, xy), (xy, yy)) of the error about the given point, along
            the axes of the film as given; a systematic offset counts as error.
        region: holds the true point with a stated probability.
        verdict: whether the point can be taken as it is; None from a model without a gate.
        why: the verdict's reason: the number that decided it, and the threshold.
        note: what else must be said of the point, as that it lies outside its own region.
        withheld: what would stand in the three fields above on a film that is not unfit.
    """

    number: int
    code: str
    name: str
    x_px: float
    y_px: float
    x_mm: float | None
    y_mm: float | None
    measures: Measures
    samples_px: tuple[Pair, ...]
    expected_error_mm: float | None = None
    error_covariance_mm2: tuple[Pair, Pair] | None = None
    region: Region | None = None
    verdict: Literal["accept", "review"] | None = None
    why: str | None = None
    note: str | None = None
    withheld: Withheld | None = None

    @property
    def stated(self) -> LandmarkPrediction | Withheld:
        """What calibration says of the point, promised or withheld: for figures on how true it is."""
        return self.withheld or self


class Evidence(Frozen):
    """The number behind a reason.

    Attributes:
        reason: as it stands among the reasons.
        sign: what was looked at, by the name of the gate's sign.
        value: of this film; None where it is infinite. The gate's page says what each sign's number means.
        usual: between which values the known films lie, but for the false-alarm rate on either side.
        p_value: share of films that have the sign as strongly; small is unusual.
    """

    reason: str
    sign: str
    value: float | None
    usual: Pair | None
    p_value: float


class Prediction(Frozen):
    """One film's landmarks, each with how far to trust it.

    Attributes:
        reader: whose marks are foretold; None from a model that knows nothing of readers: the annotators'
            mean.
        verdict: whether the film is fit for automatic evaluation; None from a model without a gate.
        reasons: why it is not, in words.
        why: the verdict's reason in one line: those reasons, or how many points are accepted; without a
            verdict why there is none.
        no_promise: why no expected error and no region is given; None where they are.
        p_value: of the film among those that it was judged by; small is out of distribution.
        evidence: the numbers behind those reasons that have one.
        features: what the first network's deepest level makes of the film, for the gate; in memory only.
    """

    film: FilmInfo
    model: ModelInfo
    landmarks: tuple[LandmarkPrediction, ...]
    reader: ReaderInfo | None = None
    verdict: Literal["fit", "review", "unfit"] | None = None
    reasons: tuple[str, ...] = ()
    why: str | None = None
    no_promise: str | None = None
    p_value: float | None = None
    evidence: tuple[Evidence, ...] = ()
    disclaimer: str = "Research use only. Not a medical device."
    features: tuple[float, ...] | None = Field(default=None, exclude=True, repr=False)

    def __str__(self) -> str:
        """The film as ``cephsure predict`` shows it, as wide as the terminal, or 80 columns elsewhere."""
        from cephsure.uncertainty.prediction_table import film_text

        return film_text(self, get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80)

    @property
    def level(self) -> float | None:
        """The probability with which the regions hold the true points; None without regions."""
        return next((mark.region.level for mark in self.landmarks if mark.region is not None), None)

    @property
    def for_whom(self) -> str | None:
        """For whose marks expected errors and regions hold, in words; None where nothing is promised."""
        if self.reader is None or self.level is None:
            return None
        unsure = ", if this film is like those calibrated on" if self.verdict == "review" else ""
        return f"{self.reader.for_whom}{unsure}"

    @property
    def promise(self) -> str:
        """What is promised and for whom, or why nothing is: one line, the same in every output."""
        if self.level is None:
            return f"no promise: {self.no_promise or 'the model is not calibrated'}"
        whom = self.for_whom or "the calibration's reader"
        return f"expected errors and {100 * self.level:g} % regions hold for {whom}"

    @property
    def in_words(self) -> dict[str, str | None]:
        """What is said of the film, by the names that it has in files: verdict, why, promise, for whom."""
        return {
            "verdict": self.verdict,
            "why": self.why,
            "promise": self.promise,
            "for_whom": self.for_whom,
        }

    @property
    def points_px(self) -> NDArray[np.float64]:
        """(L, 2) found positions in px of the film as given."""
        return np.array([(mark.x_px, mark.y_px) for mark in self.landmarks], dtype=np.float64)

    @property
    def upright_mm_per_px(self) -> NDArray[np.float64]:
        """(2,) what a px of the film as given is on the upright film, the head facing right, in mm.

        Along x it is negative where the film faces left; NaN without a scale.
        """
        x, y = self.film.mm_per_px or (np.nan, np.nan)
        return np.array([-x if self.film.facing == "left" else x, y], dtype=np.float64)

    def measured(self, key: str) -> NDArray[np.float64]:
        """(L,) values of a measure by its key, NaN where there is none."""
        values = [getattr(mark.measures, key, None) for mark in self.landmarks]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def _repr_html_(self) -> str:
        """What a notebook shows: verdict, reason and promise, the film with its landmarks, and a table."""
        from cephsure import prediction_html  # drawn above this room: the import rule's one exception

        return prediction_html(self)

    def to_frame(self) -> pd.DataFrame:
        """A pandas data frame, one row a landmark, with the columns of the CSV output.

        Where nothing is known or promised, numbers are NaN and words None.

        Raises:
            InputError: pandas is not installed.
        """
        from cephsure.uncertainty.landmark_rows import landmark_frame

        return landmark_frame(self)


def to_prediction(
    samples: Samples, *, film_info: FilmInfo, model_info: ModelInfo, landmark_set: LandmarkSet
) -> Prediction:
    """Turn one film's samples, in px of the film as given, into its prediction.

    A landmark's point is the mean of its sampled positions. Values in mm are None where the film has no
    scale; ``x_mm`` and ``y_mm`` count from the first pixel's centre. Nothing is rounded.

    Raises:
        BundleError: the samples do not fit the landmark set, or the model gave a number that is not finite.
    """
    _check(samples, landmark_set, model=model_info.name)
    points_px = mean_position(samples)
    measures = measure_landmarks(samples, mm_per_px=film_info.mm_per_px)
    points_mm = points_px * np.asarray(film_info.mm_per_px or np.nan)
    found = tuple(
        LandmarkPrediction(
            number=landmark.number,
            code=landmark.code,
            name=landmark.name,
            x_px=x_px,
            y_px=y_px,
            x_mm=x_mm,
            y_mm=y_mm,
            measures=measures[index],
            samples_px=tuple((x, y) for x, y in samples.positions_px[:, index].tolist()),
        )
        for index, (landmark, (x_px, y_px), (x_mm, y_mm)) in enumerate(
            zip(landmark_set.landmarks, points_px.tolist(), map(_known, points_mm), strict=True)
        )
    )
    features = None if samples.features is None else tuple(samples.features.tolist())
    return Prediction(film=film_info, model=model_info, landmarks=found, features=features)


def measure_landmarks(samples: Samples, *, mm_per_px: tuple[float, float] | None) -> tuple[Measures, ...]:
    """For each landmark every measure that the samples (in px) have what it needs for.

    Without a scale every value in mm is None.
    """
    columns: dict[str, NDArray[np.float64] | None] = {}
    in_mm = None if mm_per_px is None else in_millimetres(samples, mm_per_px=mm_per_px)
    for measure in MEASURES.values():
        values = measure.compute(samples)
        if values is None:
            continue
        columns[measure.key(in_mm=False)] = values
        if measure.is_length:
            columns[measure.key(in_mm=True)] = None if in_mm is None else measure.compute(in_mm)
    count = samples.positions_px.shape[1]
    known = {key: [None] * count if values is None else _known(values) for key, values in columns.items()}
    return tuple(Measures(**{key: values[index] for key, values in known.items()}) for index in range(count))


def _known(values: NDArray[np.float64]) -> list[float | None]:
    """The values, None where infinite: of points in one spot no shape is known, of no map no mean."""
    return [value if isfinite(value) else None for value in values.tolist()]


def in_millimetres(samples: Samples, *, mm_per_px: tuple[float, float]) -> Samples:
    """The same samples with every length in mm instead of px, whatever the fields' names say.

    Positions are scaled axis by axis, so distances between them are exact for pixels that are not square.
    A heat map's expected error has no direction: it is scaled by the geometric mean of the two scales, which
    for pixels 10 % off square errs by at most 5 %.
    """
    scale = np.asarray(mm_per_px, dtype=np.float64)
    coarse, augmented = samples.coarse_positions_px, samples.augmented_positions_px
    return replace(
        samples,
        positions_px=samples.positions_px * scale,
        expected_errors_px=samples.expected_errors_px * sqrt(mm_per_px[0] * mm_per_px[1]),
        coarse_positions_px=None if coarse is None else coarse * scale,
        augmented_positions_px=None if augmented is None else augmented * scale,
        maps=None if samples.maps is None else tuple(maps.scaled(scale) for maps in samples.maps),
        marks_px=None if samples.marks_px is None else samples.marks_px * scale,
    )


def _check(samples: Samples, landmark_set: LandmarkSet, *, model: str) -> None:
    """Refuse samples of another landmark set, and numbers that are not finite."""
    count = samples.positions_px.shape[1]
    if count != len(landmark_set):
        raise BundleError(
            f"the model gives {count} landmarks, its set {landmark_set.name} has {len(landmark_set)}",
            where=model,
        )
    summaries = np.stack([samples.activations, samples.expected_errors_px, samples.entropies], axis=-1)
    numbers = np.concatenate([samples.positions_px, summaries], axis=-1)  # (T, L, 5)
    finite = np.isfinite(numbers).all(axis=(0, 2))
    if not finite.all():
        codes = ", ".join(code for code, good in zip(landmark_set.codes, finite, strict=True) if not good)
        raise BundleError(
            f"the model gave numbers that are not finite for {codes}",
            where=model,
            remedy="its training diverged or its weights are damaged; train it again or fetch it again",
        )
