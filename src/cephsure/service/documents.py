"""What the service answers besides predictions and analyses, as `/openapi.json` describes it."""

from __future__ import annotations

from pydantic import BaseModel, Field

NOTICE = "Research use only. Not a medical device."


class Problem(BaseModel):
    """What is wrong, and what to do about it."""

    error: str = Field(description="One line.")
    remedy: str | None = Field(description="What to do, if something can be done.")


class Health(BaseModel):
    """How the service is."""

    ready: bool = Field(description="Whether films are answered: the model is loaded, nobody stops it.")
    live: bool = Field(True, description="Whether the service runs.")
    requests_in_progress: int = Field(description="Requests for films, waiting or worked on.")
    places: int = Field(description="How many there may be; more are answered by 429.")


class Version(BaseModel):
    """What answers."""

    cephsure: str
    model: str
    model_sha256: str = Field(description="Of the model's bundle, as every prediction states it.")
    notice: str = NOTICE


class LandmarkFacts(BaseModel):
    """A point that the model finds."""

    number: int
    code: str
    name: str
    definition: str


class ModelFactsDocument(BaseModel):
    """The model in memory."""

    name: str
    kind: str = Field(description="baseline, ensemble or mc-dropout.")
    recipe: str
    sha256: str
    members: int
    landmark_set: str
    landmarks: list[LandmarkFacts]
    calibrated: bool = Field(description="Whether expected errors, regions and intervals are given.")
    gate: bool = Field(description="Whether films get a verdict.")
    readers: list[str] = Field(description="What a request may give as its reader.")
    default_reader: str | None = Field(description="For whom predictions are, in words, if nothing is asked.")
    analyses: list[str] = Field(description="What a request may give as its analysis.")


class Models(BaseModel):
    """The models that can be asked: the one that is in memory."""

    models: list[ModelFactsDocument]
