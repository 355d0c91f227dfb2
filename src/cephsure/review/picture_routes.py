"""What is drawn and measured of a film: its grey values, a small picture, heat maps, live measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from cephsure.errors import InputError
from cephsure.projects import NoSuchFilm
from cephsure.review.bodies import Measure
from cephsure.review.validated import unchanged, validated

if TYPE_CHECKING:
    from cephsure.projects import FilmRecord
    from cephsure.review.desk import Desk


def picture_routes(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/films")

    @routes.get("/{film_id}/pixels")
    def pixels(film_id: int, request: Request) -> Response:
        record = desk.film(film_id).view.film
        if (same := unchanged(request, _etag(record))) is not None:
            return same
        picture = desk.pictures.picture(record)
        headers = {
            "X-Cephsure-Width": str(picture.width_px),
            "X-Cephsure-Height": str(picture.height_px),
            "X-Cephsure-Bits": str(picture.bits),
            **validated(_etag(record)),
        }
        return Response(picture.grey, media_type="application/octet-stream", headers=headers)

    @routes.get("/{film_id}/thumbnail")
    def thumbnail(film_id: int, request: Request) -> Response:
        record = desk.film(film_id).view.film
        if (same := unchanged(request, _etag(record))) is not None:
            return same
        content = desk.pictures.thumbnail(record)
        return Response(content, media_type="image/jpeg", headers=validated(_etag(record)))

    @routes.get("/{film_id}/heatmap/{number}")
    def heat_map(film_id: int, number: int) -> JSONResponse:
        prediction = desk.film(film_id).view.prediction
        details = None if prediction is None else desk.details(prediction.document)
        found = None if details is None else details.heat_map(number - 1)
        if found is None:
            raise NoSuchFilm("there is no heat map of this point", remedy="predict the film again")
        return JSONResponse(found)

    @routes.post("/{film_id}/measure")
    def measure(film_id: int, body: Measure) -> JSONResponse:
        found = desk.film(film_id)
        try:
            values = found.measurer.measure(body.analysis, body.points, settled=found.accepted)
        except (OverflowError, FloatingPointError) as error:
            raise InputError("the points cannot be those of a film") from error
        rows = [{**value.model_dump(mode="json"), "deviation": value.deviation_sd} for value in values]
        return JSONResponse({"measurements": rows})

    return routes


def _etag(record: FilmRecord) -> str:
    """The ETag of what only changes with the film."""
    return f'"{record.sha256[:32]}"'
