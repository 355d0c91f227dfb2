"""What became of a film, for charts and other programs: its points and measurements as people left them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Response

from cephsure.errors import InputError
from cephsure.service.exports import EXPORTS, Asked
from cephsure.workflows.reviewed_films import ProjectFilm, reviewed_film

if TYPE_CHECKING:
    from cephsure.review.desk import Desk

_KINDS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The film in the format that was asked for: "
        + "; ".join(f"{name}: {export.title}" for name, export in EXPORTS.items()),
        "content": {export.media_type.partition(";")[0]: {} for export in EXPORTS.values()},
    }
}


def export_routes(desk: Desk) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/films")

    @routes.get("/{film_id}/export", response_class=Response, responses=_KINDS)
    def export(
        film_id: int,
        fmt: Annotated[
            str, Query(alias="format", description="One of: " + ", ".join(EXPORTS), max_length=40)
        ] = "json",
        analysis: Annotated[str, Query(max_length=200, description="Of formats with measurements.")] = "isbi",
    ) -> Response:
        """A film's points as they stand: where the model found them, with what people decided since."""
        if fmt not in EXPORTS:
            raise InputError(f"no format is called {fmt!r}", remedy=f"known: {', '.join(EXPORTS)}")
        view = desk.project.film(film_id)
        chosen = EXPORTS[fmt]
        film, reviewed = view.film, reviewed_film(desk.project, view)
        found = ProjectFilm(film_id, film.name, film.sha256, film.path, reviewed)
        content = chosen.make(Asked(found, desk.pictures, analysis))
        # A film's name may be a patient's: the file is called by the film's number.
        headers = {"Content-Disposition": f'attachment; filename="film-{film_id}{chosen.suffix}"'}
        return Response(content, media_type=chosen.media_type, headers=headers)

    return routes
