"""``cephsure review``: films in a browser, the most doubtful first; people correct and accept."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from cephsure.cli import terminal
from cephsure.cli.named_films import find_films
from cephsure.cli.options import MmPerPx, reader_option
from cephsure.cli.streams import STANDARD
from cephsure.errors import InputError
from cephsure.workflows.batch import check_installed

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSWORD_VARIABLE = "CEPHSURE_PASSWORD"  # noqa: S105 - the variable's name
NEEDED = {"fastapi": "fastapi", "uvicorn": "uvicorn"}
_REMOTE = (
    "others in the network can reach this page: what goes over it, the password and the films, is not "
    "encrypted. Use it in a network that you trust, or behind a server with TLS"
)


def review(
    films: Annotated[
        list[str] | None,
        Argument(metavar="FOLDER|FILES|PROJECT", help="Films, or a project's folder.", show_default=False),
    ] = None,
    *,
    project: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="The project's folder; made if it is absent.",
            show_default="beside the films",
        ),
    ] = None,
    model: Annotated[
        str | None,
        Option(
            metavar="NAME|BUNDLE",
            help="A shipped model or a bundle's folder.",
            show_default="the project's, or default-ensemble",
        ),
    ] = None,
    reader: Annotated[str | None, reader_option(usual="the project's, or definition")] = None,
    mm_per_px: MmPerPx = None,
    who: Annotated[
        str | None,
        Option("--as", metavar="NAME", help="Your name: corrections bear it.", show_default="your user name"),
    ] = None,
    port: Annotated[int, Option(min=0, max=65535, help="The page's port; 0 takes a free one.")] = 0,
    browser: Annotated[bool, Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
    host: Annotated[str, Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool,
        Option(
            "--allow-remote",
            help=f"Let others in the network in, by a password ({PASSWORD_VARIABLE}, or asked for).",
        ),
    ] = False,
) -> None:
    """Look through films in a browser, the most doubtful first; correct, accept, and teach the model.

    The page's address stands alone on the first line of standard output; it lets in whoever has it. Films
    stay where they are. A project is a folder with one file, in which every correction is stored as soon as
    it is made; Ctrl-C ends the page, and the same command goes on.

    Exit status: 130 stopped by Ctrl-C; 2 some input could not be used; 1 a failure of cephsure.
    """
    check_installed("review", NEEDED, extra="review")
    from cephsure.review.serve import ReviewOptions, check_options
    from cephsure.review.serve import review as serve

    found, place = _what(films or [], project)
    options = ReviewOptions(
        port=port,
        host=host,
        allow_remote=allow_remote,
        password=_password() if allow_remote else None,
        who=who or _user(),
        model=model,
        reader=reader,
        mm_per_px=mm_per_px,
    )
    check_options(options)
    if allow_remote:
        terminal.remark(_REMOTE)
    terminal.remark(f"project: {place}")

    def on_ready(address: str) -> None:
        terminal.say(address)
        sys.stdout.flush()
        terminal.remark("the page is open as long as this runs: Ctrl-C ends it")
        if browser:
            _open_browser(address)

    try:
        serve(found, place, options=options, on_ready=on_ready, tell=terminal.remark)
    except KeyboardInterrupt:
        terminal.stopped(kept=f"every correction is in {place}")
    terminal.remark(f"stopped; every correction is in {place}")


def _what(named: Sequence[str], project: Path | None) -> tuple[list[Path], Path]:
    """The films that are meant, and the project's folder.

    Raises:
        InputError: nothing is meant, or one of what was named cannot be used.
    """
    from cephsure.projects import is_project
    from cephsure.review.serve import project_beside

    if not named:
        if project is None or not is_project(project):
            raise InputError(
                "there is nothing to review" if project is None else "is no project",
                where=project,
                remedy="name films, a folder of films, or a project's folder",
            )
        return [], project.absolute()
    if len(named) == 1 and project is None and is_project(Path(named[0])):
        path = Path(named[0]).absolute()
        return [], path.parent if path.is_file() else path
    films, problems = find_films(named)
    if STANDARD in films:
        raise InputError("a film from standard input cannot be reviewed", remedy="save it as a file")
    if problems and not films:
        raise problems[0]
    for problem in problems:
        terminal.complain(problem)
    folder = Path(named[0]) if len(named) == 1 and Path(named[0]).is_dir() else None
    return films, project.absolute() if project is not None else project_beside(films, folder)


def _user() -> str:
    """What the person at the machine is called there."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "reviewer"


def _password() -> str | None:
    """The password for others, from the environment or typed in; None where there is neither."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None or not sys.stdin.isatty():
        return given
    return getpass.getpass("a password for others: ")


def _open_browser(address: str) -> None:
    """Open the page in the user's browser, if there is one; the address is printed in any case."""
    import threading
    import webbrowser

    # Some browsers keep the call until they are closed.
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
