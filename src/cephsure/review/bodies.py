"""What requests send, checked before anything is done with it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cephsure.projects.records import Action  # noqa: TC001 - a field's type

Number = Annotated[float, Field(allow_inf_nan=False, strict=False)]
Position = tuple[Number, Number]
RequestId = Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[A-Za-z0-9._:-]+$")]
_MOST_POINTS = 1000


class Body(BaseModel):
    """What is sent: no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Edit(Body):
    """What is done to one point, as `cephsure.projects.PointEdit` has it."""

    number: int
    action: Action
    x_px: Number | None = None
    y_px: Number | None = None
    base_revision: Annotated[int, Field(ge=0)] = 0


class Edits(Body):
    """Edits of a film's points, all stored or none."""

    request_id: RequestId
    edits: Annotated[list[Edit], Field(min_length=1, max_length=_MOST_POINTS)]


class Asked(Body):
    """A request that says nothing but its name."""

    request_id: RequestId


class State(Body):
    """What a person says of a film as a whole."""

    request_id: RequestId
    state: Literal["reviewed", "referred", "reopened"]


class Scale(Body):
    """A known length on the film."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    request_id: RequestId
    start: Annotated[Position, Field(alias="from")]
    end: Annotated[Position, Field(alias="to")]
    length_mm: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Measure(Body):
    """Points that are not where they were predicted; null for a missing one."""

    analysis: Annotated[str, Field(max_length=200)] = "isbi"
    points: Annotated[dict[int, Position | None], Field(max_length=_MOST_POINTS)] = {}


class Profile(Body):
    """How a person says to mark, by landmark number; or that nothing shall be asked."""

    answers: Annotated[dict[int, Annotated[str, Field(max_length=200)]], Field(max_length=_MOST_POINTS)] = {}
    name: Annotated[str, Field(max_length=100)] | None = None
    skip: bool = False


class Nothing(Body):
    """A request without a word."""

    request_id: RequestId | None = None
