"""Serves the review page until it is stopped."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from cephsure.errors import InputError, one_line
from cephsure.projects import Project, is_project
from cephsure.review.access import LOOPBACK, MOST_NAME, Access, Password, check_address
from cephsure.review.app import make_app
from cephsure.review.desk import Desk, reader_asked
from cephsure.review.listening import BACKLOG, listening_on
from cephsure.review.model_facts import ModelFacts

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from types import FrameType

_GRACE_S = 3
_AT_ONCE = 16
"""Films that are added together: the first ones are there while the others are still hashed."""


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """How to review.

    Attributes:
        port: 0 takes a free one.
        host: the address to listen on.
        allow_remote: whether it may be one that other machines reach.
        password: for others; needed where ``allow_remote``.
        who: whose corrections those of the start address are.
        model: a shipped model's name or a bundle's folder; None for the project's, or the default.
        reader: whose marks are foretold; None for the project's.
        mm_per_px: the films' scale; None for the project's, or what each film states.
    """

    port: int = 0
    host: str = LOOPBACK
    allow_remote: bool = False
    password: str | None = None
    who: str = "reviewer"
    model: str | None = None
    reader: str | None = None
    mm_per_px: float | None = None


class Server(uvicorn.Server):
    """Ends pages' waiting when it is asked to stop: else it would wait for them."""

    def __init__(
        self, config: uvicorn.Config, *, on_started: Callable[[], None], on_exit: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_started, self._on_exit = on_started, on_exit

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Be asked to stop."""
        self._on_exit()
        super().handle_exit(sig, frame)


def review(
    films: Sequence[Path],
    project: Path,
    *,
    options: ReviewOptions,
    on_ready: Callable[[str], None],
    tell: Callable[[str], None],
) -> None:
    """Serve a project's review page until Ctrl-C, which raises KeyboardInterrupt when all is closed.

    Args:
        films: are added to the project.
        project: its folder; made if it is absent.
        options: how.
        on_ready: is given the start address as soon as it is answered.
        tell: is told what the user should know, a line each.

    Raises:
        InputError: model, project, address or an option cannot be used.
    """
    password = check_options(options)
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(listening_on(options.host, options.port))
        port = listening.getsockname()[1]
        access = Access(port=port, host=options.host, who=options.who, password=password)
        desk = open_desk(project, options)
        stack.callback(desk.close)
        first = add_films(desk, films[:_AT_ONCE], tell)
        desk.start()
        if first:
            desk.predictor.look_at(first[0])
        config = uvicorn.Config(
            make_app(desk, access),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_S,
            backlog=BACKLOG,
        )
        server = Server(config, on_started=lambda: on_ready(access.start_url), on_exit=desk.bulletin.close)
        _add_later(desk, films[_AT_ONCE:], tell)
        server.run(sockets=[listening])


def check_options(options: ReviewOptions) -> Password | None:
    """The password for others, if there is one.

    Raises:
        InputError: address, password or name cannot be.
    """
    has_password = options.password is not None
    check_address(options.host, allow_remote=options.allow_remote, has_password=has_password)
    name = options.who.strip()
    if not name or name.casefold() == "mean" or name != one_line(name, longest=MOST_NAME):
        raise InputError(f"nobody can be called {options.who!r}", remedy="give another name by --as")
    return None if options.password is None else Password(options.password)


def open_desk(folder: Path, options: ReviewOptions) -> Desk:
    """Open or make a project, and a desk with it; what was asked for is kept in its settings.

    Raises:
        InputError: model or project cannot be used, or do not go together.
    """
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.workflows.batch import DEFAULT_MODEL

    check_mm_per_px(options.mm_per_px)
    if is_project(folder):
        project = Project.open(folder)
        facts = ModelFacts.of(options.model or project.settings.get("model") or DEFAULT_MODEL)
    else:
        facts = ModelFacts.of(options.model or DEFAULT_MODEL)
        project = Project.create(folder, facts.bundle.landmark_set)
    try:
        _check_landmarks(facts, project)
        facts.reader(options.reader)  # complains of what is none
        changes: dict[str, Any] = {"model": _absolute(facts.given)}
        if options.reader is not None:
            changes["reader"] = _absolute(options.reader)
        if options.mm_per_px is not None:
            changes["mm_per_px"] = options.mm_per_px
        settings = project.change_settings(**changes)
        _check_reader(facts, reader_asked(project))  # of an earlier run: of another model, or gone by now
        return Desk(project, facts, mm_per_px=settings.get("mm_per_px"))
    except BaseException:
        project.close()
        raise


def _check_landmarks(facts: ModelFacts, project: Project) -> None:
    theirs, ours = facts.bundle.landmark_set, project.landmark_set
    if theirs.codes != ours.codes:
        raise InputError(
            f"{facts.bundle.name} finds the landmarks {theirs.name}, the project's are {ours.name}",
            where=project.path.parent,
            remedy="give another --model, or another --project",
        )


def _check_reader(facts: ModelFacts, asked: Path | str | None) -> None:
    try:
        facts.reader(asked)
    except InputError as error:
        remedy = "give another one by --reader, or --reader definition"
        raise InputError(error.what, where=error.where, remedy=remedy) from error


def add_films(desk: Desk, films: Sequence[Path], tell: Callable[[str], None]) -> list[int]:
    """Add films to the project, and have them predicted; their identifiers."""
    if not films:
        return []
    added = desk.project.add_films([film.absolute() for film in films])
    for problem in added.problems:
        tell(f"left out: {problem}")
    found = [film_id for film_id in added.film_ids if film_id is not None]
    desk.bulletin.post(*found)
    return found


def project_beside(films: Sequence[Path], folder: Path | None) -> Path:
    """Where the project of a folder of films, or of some films, lies: beside them."""
    if folder is not None:
        folder = folder.absolute()
        return folder.with_name(f"{folder.name or 'films'}-review")
    return films[0].absolute().parent / "review"


def _add_later(desk: Desk, films: Sequence[Path], tell: Callable[[str], None]) -> None:
    """Add the other films while the first ones are looked at."""
    import threading

    def add() -> None:
        for start in range(0, len(films), _AT_ONCE):
            try:
                added = add_films(desk, films[start : start + _AT_ONCE], tell)
                desk.predictor.want_stale(added)
            except Exception as error:  # noqa: BLE001 - the project may be closed by now
                tell(f"left out: {error}")
                return

    if films:
        threading.Thread(target=add, name="cephsure-adding", daemon=True).start()


def _absolute(given: str) -> str:
    """A path as it leads there from everywhere; a name as it is."""
    return str(Path(given).absolute()) if Path(given).exists() else given
