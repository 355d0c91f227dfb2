"""What is asked for with a film, checked before anything is done; names and meanings are the commands'."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cephsure.workflows.measure import AnalyzeOptions
from cephsure.workflows.predict import PredictOptions

_Finite = Field(gt=0, allow_inf_nan=False)


class AskedOfModel(BaseModel):
    """How the landmarks are found."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mm_per_px: Annotated[float, _Finite] | None = Field(
        None, description="Millimetres a pixel; goes before what the film states. A scale is never guessed."
    )
    samples: int | None = Field(None, ge=1, description="Members or passes; the model's own number if null.")
    seed: int = Field(0, ge=0, description="Of MC-Dropout's passes.")
    facing: Literal["auto", "left", "right"] = Field("auto", description="Where the face looks.")
    polarity: Literal["auto", "positive", "negative"] = Field("auto", description="Bone bright or dark.")
    reader: str | None = Field(
        None,
        max_length=200,
        description="Whose marks are foretold: definition, mean or an annotator of GET /v1/models; "
        "the service's own if null.",
    )
    truth_of: Literal["one", "mean"] | None = Field(
        None, description="Whether regions hold one reader's marks or the mean of two; as the reader says."
    )


class Predict(AskedOfModel):
    """The options of ``cephsure predict``."""

    level: float | None = Field(
        None, gt=0, lt=1, description="Probability with which each region holds the point; 0.9 if null."
    )
    region: Literal["hdr", "ellipse", "disc"] | None = Field(None, description="Kind of region.")
    thorough: bool = Field(False, description="Also the measures that take time.")

    def options(self, reader: str | None) -> PredictOptions:
        """As the workflow takes them; ``reader`` in place of what was asked."""
        return PredictOptions(**{**self.model_dump(include=_OF_PREDICT), "reader": reader})


class Analyze(AskedOfModel):
    """The options of ``cephsure analyze``."""

    analysis: str = Field("isbi", max_length=200, description="Analyses with commas between, or all.")
    min_probability: float = Field(
        0.8, gt=0.5, le=1, description="A class is decided if it is at least this probable."
    )
    uncalibrated: bool = Field(
        False, description="Intervals from the samples' raw spread where the model is not calibrated."
    )

    def options(self, reader: str | None) -> AnalyzeOptions:
        """As the workflow takes them; ``reader`` in place of what was asked."""
        predict = PredictOptions(**{**self.model_dump(include=_OF_PREDICT), "reader": reader})
        return AnalyzeOptions(self.analysis, None, self.min_probability, self.uncalibrated, predict)


_OF_PREDICT = set(AskedOfModel.model_fields) | {"level", "region", "thorough"}
