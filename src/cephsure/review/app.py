"""The application: routes behind the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from cephsure.review.answers import answer_errors
from cephsure.review.compare_routes import compare_routes
from cephsure.review.edit_routes import edit_routes
from cephsure.review.film_routes import film_routes
from cephsure.review.guard import Guard
from cephsure.review.loop import Loop
from cephsure.review.loop_routes import loop_routes
from cephsure.review.page_files import page_files
from cephsure.review.page_routes import page_routes
from cephsure.review.picture_routes import picture_routes
from cephsure.review.project_routes import project_routes
from cephsure.review.reader_profile import ReaderCard
from cephsure.review.report_routes import report_routes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cephsure.review.access import Access
    from cephsure.review.desk import Desk
    from cephsure.review.page_files import PageFile


def make_app(desk: Desk, access: Access, files: Mapping[str, PageFile] | None = None) -> Guard:
    """The ASGI application over a desk; ``files`` are the page's, by default those of the package."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    card = ReaderCard(desk)
    answer_errors(app, desk)
    app.include_router(film_routes(desk))
    app.include_router(picture_routes(desk))
    app.include_router(report_routes(desk))
    app.include_router(edit_routes(desk))
    app.include_router(project_routes(desk, card))
    app.include_router(compare_routes(desk))
    app.include_router(loop_routes(Loop(desk, card)))
    app.include_router(page_routes(access, page_files() if files is None else files))
    return Guard(app, access)
