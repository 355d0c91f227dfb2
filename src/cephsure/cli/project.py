"""``cephsure project``: backup, check, export and import of what ``cephsure review`` stores."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument

from cephsure.cli import terminal

project_app = typer.Typer(
    help="Back up, check, export and import the projects of review.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
_Project = Annotated[Path, Argument(metavar="PROJECT", help="A project's folder, or its file.")]


@project_app.command()
def backup(
    project: _Project,
    to: Annotated[
        Path | None,
        Argument(metavar="[FILE]", help="The copy.", show_default="in the project's folder, by today's date"),
    ] = None,
) -> None:
    """Copy a project's file, whole although somebody may be working in it.

    The copy is a project itself: every command that takes a project takes it. Films are not copied.

    Exit status: 0 copied; 2 it is no project, or the copy cannot be written; 1 a failure of cephsure.
    """
    from cephsure.projects import project_file
    from cephsure.projects.transfer import backup as copy_project

    if to is None:
        file = project_file(project)
        to = file.with_name(f"{file.stem}-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}{file.suffix}")
    terminal.say(f"{copy_project(project, to)}: a copy of {project}")


@project_app.command()
def check(project: _Project) -> None:
    """Check a project: the file, its rules, and that all points are as the stored edits left them.

    Exit status: 0 whole; 1 something is wrong, each in a line; 2 it is no project, or cannot be opened.
    """
    from cephsure.projects import Project
    from cephsure.projects.checking import check as check_project

    problems = check_project(project)
    if problems:
        terminal.say(*(f"{project}: {problem}" for problem in problems))
        raise typer.Exit(terminal.EXIT_FAILURE)
    with Project.open(project, read_only=True) as whole:
        films, events = len(whole.films()), whole.last_event()
    terminal.say(f"{project}: whole · {terminal.counted(films, 'film')}, {terminal.counted(events, 'edit')}")


@project_app.command()
def export(
    project: _Project,
    to: Annotated[Path, Argument(metavar="FILE", help="The ZIP file to write.")],
) -> None:
    """Write a project as a ZIP file of JSON Lines, which any program can read.

    Films are in it by hash and file name only: neither their pixels nor where they lie.

    Exit status: 0 written; 2 it is no project, or the file cannot be written; 1 a failure of cephsure.
    """
    from cephsure.projects.transfer import export as export_project

    terminal.say(f"{to}: {_counted(export_project(project, to))}")


@project_app.command("import")
def import_(
    file: Annotated[Path, Argument(metavar="FILE", help="The ZIP file that export wrote.")],
    folder: Annotated[Path, Argument(metavar="FOLDER", help="Where the project is made.")],
) -> None:
    """Make a project of an exported ZIP file. Its films are found by their hashes when they are needed.

    Exit status: 0 made; 2 the file is no exported project or damaged, or a project is there already; 1 a
    failure of cephsure.
    """
    from cephsure.projects.transfer import import_ as import_project

    terminal.say(f"{folder}: {_counted(import_project(file, folder))}")


def _counted(counts: dict[str, int]) -> str:
    """What a project holds, in words."""
    parts = (("films", "film"), ("predictions", "prediction"), ("events", "edit"))
    return ", ".join(terminal.counted(counts[table], word) for table, word in parts)
