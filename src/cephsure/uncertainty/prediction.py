"""Predictions: one object a film, landmarks with measures; its JSON form is cephsure.prediction/1."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

SCHEMA = "cephsure.prediction/1"

Pair = tuple[float, float]
RegionKind = Literal["ellipse", "hdr", "disc"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FilmInfo(_Frozen):
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


class ModelInfo(_Frozen):
    """The bundle that made a prediction."""

    name: str
    kind: Literal["baseline", "ensemble", "mc-dropout"]
    recipe: str
    samples: int
    seed: int
    sha256: str


class Measures(_Frozen):
    """What is known of one landmark's uncertainty; ``measures.MEASURES`` says unit and direction of each.

    A measure added to the registry appears here under its key without a change to this class.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, float | None]

    activation: float
    spread_px: float
    spread_mm: float | None
    expected_error_px: float
    expected_error_mm: float | None
    entropy: float


class Region(_Frozen):
    """An area that holds the true point with probability ``level``, on the film as given.

    An ellipse or a disc has ``centre_px`` and ``half_axes_px``, a level set of the heat map ``outlines_px``.
    Where the calibration has too few films for the level, the region is all of the film.

    Attributes:
        level: the stated probability.
        kind: how the region was made.
        whole_film: whether it is all of the film; then it has no shape.
        centre_px: (x, y) of an ellipse or disc.
        half_axes_px: its half axes as vectors, the longer one first.
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


class LandmarkPrediction(_Frozen):
    """One landmark: the point, its measures and the samples; what calibration adds is None without one.

    Attributes:
        expected_error_mm: calibrated expectation of the radial error (``measures`` has the heat maps' own).
        error_covariance_mm2: second moments ((xx, xy), (xy, yy)) of the error about the given point, along
            the axes of the film as given; a systematic offset counts as error.
        region: holds the true point with a stated probability.
        verdict: whether the point can be taken as it is.
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


class Prediction(_Frozen):
    """One film's landmarks, each with how far to trust it.

    Attributes:
        verdict: whether the film is fit for automatic evaluation; None from a model without a gate.
        reasons: why it is not, in words.
    """

    film: FilmInfo
    model: ModelInfo
    landmarks: tuple[LandmarkPrediction, ...]
    verdict: Literal["fit", "review", "unfit"] | None = None
    reasons: tuple[str, ...] = ()
    disclaimer: str = "Research use only. Not a medical device."
