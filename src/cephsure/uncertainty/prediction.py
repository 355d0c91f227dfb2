"""Predictions: one object a film, landmarks with measures; its JSON form is cephsure.prediction/1."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

SCHEMA = "cephsure.prediction/1"


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


class LandmarkPrediction(_Frozen):
    """One landmark: the point, the samples it comes from, and its measures."""

    number: int
    code: str
    name: str
    x_px: float
    y_px: float
    x_mm: float | None
    y_mm: float | None
    measures: Measures
    samples_px: tuple[tuple[float, float], ...]


class Prediction(_Frozen):
    """One film's landmarks, each with how far to trust it."""

    film: FilmInfo
    model: ModelInfo
    landmarks: tuple[LandmarkPrediction, ...]
    disclaimer: str = "Research use only. Not a medical device."
