"""Two films of a patient beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from cephsure.errors import InputError
from cephsure.review.superimposing import superimposed

if TYPE_CHECKING:
    from cephsure.review.desk import Desk


def compare_routes(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/superimpose")
    def superimpose(
        first: int,
        second: int,
        on: Literal["sn", "frankfort", "best"] = "sn",
        stable: Annotated[str, Query(max_length=500)] = "",
    ) -> JSONResponse:
        if first == second:
            raise InputError("one film cannot be compared with itself", remedy="choose two films")
        codes = [code.strip() for code in stable.split(",") if code.strip()]
        return JSONResponse(superimposed(desk.film(first), desk.film(second), on, codes))

    return routes
