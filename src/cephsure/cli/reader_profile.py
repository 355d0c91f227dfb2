"""``cephsure reader-profile``: a reader says how they mark, without a film corrected."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from cephsure.cli import terminal
from cephsure.cli.options import MmPerPx, ModelName
from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.workflows.ask_reader import ReaderProfile


def reader_profile(
    *,
    out: Annotated[Path, Option(metavar="FILE", help="The reader's file.")],
    model: ModelName = DEFAULT_MODEL,
    name: Annotated[
        str | None,
        Option(metavar="NAME", help="What the reader is called.", show_default="the file's name"),
    ] = None,
    answers: Annotated[
        list[str] | None,
        Option(
            "--answer",
            metavar="CODE=WHO",
            help="As which annotator of the model the reader marks a landmark, or between; may be repeated.",
        ),
    ] = None,
    film: Annotated[
        Path | None,
        Option(metavar="FILM", help="Show the places on this film.", show_default="the sample film"),
    ] = None,
    mm_per_px: MmPerPx = None,
    page: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Write the page that asks here.",
            show_default="beside FILE if nothing is answered",
        ),
    ] = None,
) -> None:
    """Say how a reader marks, so that points and regions are for that reader, without any film corrected.

    Where the two annotators who taught a model mark a landmark in different places, a page shows both on a
    film and asks which is meant; it gives the reader's FILE. Answers can be given here as well. FILE is for
    --reader in predict, analyze, evaluate and monitor.

    Exit status: 0 all went; 2 some input could not be used; 1 a failure of cephsure.
    """
    from cephsure.workflows.ask_reader import reader_profile as profile_reader

    complaints = terminal.Complaints()
    with terminal.following(complaints) as on_progress:
        found = profile_reader(
            model,
            out=out,
            name=name,
            answers=_answers(answers or ()),
            film=film,
            mm_per_px=mm_per_px,
            page=page,
            on_progress=on_progress,
        )
    _show(found, out, model=model, own_film=film is not None)


def _answers(typed: Sequence[str]) -> dict[str, str]:
    """What was typed as CODE=WHO, by the code."""
    answers: dict[str, str] = {}
    for text in typed:
        code, equals, who = text.partition("=")
        if not (code and equals and who):
            raise InputError(f"an answer is CODE=WHO, not {text!r}", remedy="for example --answer A=between")
        if code in answers:
            raise InputError(f"landmark {code} is answered twice")
        answers[code] = who
    return answers


def _show(found: ReaderProfile, out: Path, *, model: str, own_film: bool) -> None:
    """Say what was written and what is next."""
    console = terminal.stdout_console()
    if found.page is not None:
        console.print(f"page: {found.page.resolve()}", soft_wrap=True)
        console.print(f"asks about {len(found.asked)} landmarks: {', '.join(found.asked)}")
        if own_film:
            console.print("it shows parts of your film: keep it as you keep the film", style="bold yellow")
    if found.reader is not None:
        said = ", ".join(f"{code} {answer}" for code, answer in found.answered.items())
        console.print(f"{found.reader.name} marks: {said}")
        terminal.remark_written(out)
    command = shlex.join(["cephsure", "predict", "FILM", "--model", model, "--reader", str(out)])
    first = "" if found.reader else f"open the page in a browser, answer, save {out.name}; then: "
    console.print(f"next: {first}{command}", soft_wrap=True)
