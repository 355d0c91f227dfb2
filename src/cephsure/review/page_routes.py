"""The page's files, and the doors: the start address, and a password for others."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from cephsure.errors import one_line
from cephsure.review.access import MOST_NAME, TooManyTriesError
from cephsure.review.page_files import INDEX
from cephsure.review.validated import unchanged, validated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cephsure.review.access import Access, Session
    from cephsure.review.page_files import PageFile

_LOGIN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>cephsure review</title>
<h1>cephsure review</h1>
<p>{told}</p>
<form method="post" action="/login">
<p><label>Your name <input name="who" required maxlength="60" autocomplete="username"></label></p>
<p><label>Password <input name="password" type="password" required></label></p>
<p><button>Enter</button></p>
</form>
<p>Research use only. Not a medical device.</p>
</html>
"""


def page_routes(access: Access, files: Mapping[str, PageFile]) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.get("/start")
    def start(token: str = "") -> Response:
        session = access.session_of_token(token)
        if session is None:
            raise HTTPException(401, "this start address is of another run: use the one printed last")
        return _let_in(access, session)

    @routes.get("/login")
    def ask() -> Response:
        if access.password is None:
            raise HTTPException(404, "there is no such page")
        return HTMLResponse(_LOGIN.format(told="Say who you are: your corrections will bear your name."))

    @routes.post("/login")
    async def login(request: Request) -> Response:
        return _log_in(access, await request.body())

    @routes.get("/")
    def index(request: Request) -> Response:
        return _file(request, files, INDEX)

    @routes.get("/page/{path:path}")
    def page(path: str, request: Request) -> Response:
        return _file(request, files, path)

    return routes


def _log_in(access: Access, body: bytes) -> Response:
    """Let somebody in who knows the password and says a name, or ask again."""
    try:
        sent = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError as error:
        raise HTTPException(400, "the form has other fields than a name and a password") from error
    who = one_line(sent.get("who", [""])[0].strip())[:MOST_NAME]
    if not who or who.casefold() == "mean":
        return HTMLResponse(_LOGIN.format(told="Say your name, another one than mean."), status_code=400)
    try:
        session = access.session_of_password(sent.get("password", [""])[0], who)
    except TooManyTriesError:
        told = "Tried too often: wait a minute."
        return HTMLResponse(_LOGIN.format(told=told), status_code=429)
    if session is None:
        told = escape(f"That is not the password, {who}.")
        return HTMLResponse(_LOGIN.format(told=told), status_code=401)
    return _let_in(access, session)


def _let_in(access: Access, session: Session) -> Response:
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(access.cookie, session.secret, httponly=True, samesite="strict", path="/")
    return answer


def _file(request: Request, files: Mapping[str, PageFile], path: str) -> Response:
    """One of the page's files: those on the list, and nothing that a path could otherwise lead to."""
    found = files.get(path)
    if found is None:
        raise HTTPException(404, "there is no such page")
    if (same := unchanged(request, found.etag)) is not None:
        return same
    return Response(found.content, media_type=found.content_type, headers=validated(found.etag))
