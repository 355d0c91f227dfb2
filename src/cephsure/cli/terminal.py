"""What the commands say, and where: results go to standard output, everything else to standard error."""

from __future__ import annotations

import logging
import os
import sys
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass, field
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from cephsure import __version__
from cephsure.cli.progress import Meter, write_line
from cephsure.cli.streams import REPLACE, STANDARD, is_standard_output
from cephsure.errors import InputError
from cephsure.file_names import writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table as RichTable

    from cephsure.evaluation.table import Table
    from cephsure.uncertainty.text_lines import Line
    from cephsure.workflows.batch import OnProgress, Progress

BANNER = f"cephsure {__version__} · research use only, not a medical device"
EXIT_FAILURE = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # as shells have it: 128 + SIGINT

# Standard output that is not a terminal has no width: wide enough for every table, so that none is cut.
_PIPED_WIDTH = 120
_ENDLESS = 10_000
_HEADING = 6  # columns that headings may take where there is room
_NOTHING_KEPT = "nothing is written"
GOES_ON = "the same command goes on from where it stopped"
_COLOURS: dict[str, dict[str, Any]] = {
    "": {},
    "title": {"bold": True},
    "heading": {"dim": True},
    "dim": {"dim": True},
    "fit": {"fg": "green"},
    "review": {"fg": "yellow"},
    "unfit": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
}
"""How each style of a line looks in a terminal."""


@dataclass(slots=True)
class Settings:
    """The options that every command takes: --quiet, --verbose and --debug; and whether results are shown.

    They are not where a document goes to standard output.
    """

    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    results: bool = True


settings = Settings()
"""Set once by the application before a command runs; commands read it."""


def start(*, quiet: bool, verbose: bool, debug: bool) -> None:
    """Take the options that all commands share, and send the log to standard error."""
    settings.quiet, settings.verbose, settings.debug, settings.results = quiet, verbose, debug, True
    log = logging.getLogger("cephsure")
    log.removeHandler(_REMARKS)
    if verbose or debug:
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        log.setLevel(logging.DEBUG if debug else logging.INFO)
    else:
        log.addHandler(_REMARKS)


class _Remarks(logging.Handler):
    """Makes the library's warnings remarks like the commands' own."""

    def emit(self, record: logging.LogRecord) -> None:
        remark(f"note: {record.getMessage()}")


_REMARKS = _Remarks(logging.WARNING)


def remark(line: str) -> None:
    """Say something to the user on standard error, unless --quiet."""
    if not settings.quiet:
        write_line(line)


def remark_written(*files: Path | None) -> None:
    """Say which of some files have been written."""
    for file in files:
        if file is not None and file != STANDARD:
            remark(f"wrote {file}")


def counted(count: int, what: str) -> str:
    """So many of something, as in "1 film" and "2 films"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def remark_films_written(films: int, folder: Path | None) -> None:
    """Say where the films' files went, if there are any."""
    if films and folder is not None:
        remark(f"wrote the files of {counted(films, 'film')} into {folder}")


def complain(error: Exception, *, about: Path | None = None) -> str:
    """Print an error on standard error, in one line that is returned; with --debug its traceback before it.

    An InputError says which file it is about; any other exception is our failure, while working on ``about``.
    """
    line = str(error)
    if not isinstance(error, InputError):
        hint = "" if settings.debug else " (a failure of cephsure; --debug shows where)"
        line = f"{f'{about}: ' if about else ''}{type(error).__name__}: {line}{hint}"
    # A line break in a file's name is not where words part.
    names = [str(name) for name in (about, getattr(error, "where", None)) if name is not None]
    for name in names:
        line = line.replace(name, writable(name))
    line = " ".join(line.split())
    if settings.debug:
        import traceback

        traceback.print_exception(error)
    write_line(f"error: {line}")
    return line


@dataclass(slots=True)
class Complaints:
    """The errors of a batch: each is said at once and the batch goes on; the end says them again."""

    lines: list[str] = field(default_factory=list)
    ours: bool = False

    def add(self, error: Exception, *, about: Path | None = None) -> None:
        """Say what went wrong with one input, and remember it."""
        self.lines.append(complain(error, about=about))
        self.ours |= not isinstance(error, InputError)

    def repeat(self, *, inputs: int) -> None:
        """Say how many of the inputs went, and which did not; nothing where one line said it all."""
        if self.lines and inputs > 1:
            remark(f"{inputs - len(self.lines)} of {inputs} done, {len(self.lines)} not:")
            for line in self.lines:
                remark(f"  {line}")

    @property
    def exit_status(self) -> int:
        """0 for no error, 2 where all of them are the input's, 1 where one is ours."""
        return EXIT_FAILURE if self.ours else EXIT_BAD_INPUT if self.lines else 0

    def end(self, *, inputs: int) -> NoReturn:
        """Say the errors of so many inputs again, and end the command."""
        self.repeat(inputs=inputs)
        raise typer.Exit(self.exit_status)


def width() -> int:
    """Columns for results: the terminal's; elsewhere what the variable COLUMNS says, or enough for tables."""
    if sys.stdout.isatty():
        return get_terminal_size().columns
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isdecimal() and int(given) else _PIPED_WIDTH


def leave_standard_output(*files: Path | None) -> None:
    """Show no results where one of the files that are to be written is standard output.

    Raises:
        BadParameter: two of them are.
    """
    settings.results = not is_standard_output(*files)


def show(lines: Iterable[Line]) -> None:
    """Print results, in a terminal with colours; without rich, which costs a cold start a lot."""
    if not settings.results:
        return
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    for line in lines:
        text = line.text
        if sys.stdout.encoding is not None:  # a file may not know every letter: better one replaced than none
            text = text.encode(sys.stdout.encoding, REPLACE).decode(sys.stdout.encoding)
        look = _COLOURS[line.style]
        typer.echo(typer.style(text, **look) if coloured and look else text)


def say(*texts: str) -> None:
    """Print results that are lines of text."""
    if settings.results:
        for text in texts:
            sys.stdout.write(f"{text}\n")


def stdout_console() -> Console:
    """The console for results, text as it is (rich is imported on first use: it costs a cold start a lot)."""
    from rich.console import Console

    return Console(width=width(), highlight=False, markup=False, emoji=False, quiet=not settings.results)


def rich_table(table: Table, console: Console | None = None) -> RichTable:
    """A table of text as the console, by default the terminal, shows it, its title above it.

    Headings are broken to the width of their cells. In a narrow terminal cells of words are broken first,
    then those of figures, then both: long words are folded, never cut.
    """
    for whole, least in (({"right"}, _HEADING), ({"right"}, 1), ({"left"}, 1), (set[str](), 1)):
        shown = plain_table(title=table.title)
        for index, column in enumerate(table.columns):
            words = [*column.heading.split(), *(row[index] for row in table.rows)]
            width = max(least, *map(len, words))
            heading = textwrap.fill(column.heading, width)
            shown.add_column(heading, justify=column.side, overflow="fold")
            if column.side in whole:
                shown.columns[-1].no_wrap = True
                shown.columns[-1].min_width = max(map(len, heading.split("\n") + words))
        for row in table.rows:
            shown.add_row(*row)
        if fits(console or stdout_console(), shown, broken=True):
            break
    return shown


def fits(console: Console, table: RichTable, *, broken: bool = False) -> bool:
    """Whether no column need be cut or broken; with ``broken``, whether breaking what may be is enough."""
    from rich.measure import Measurement

    size = Measurement.get(console, console.options.update(max_width=_ENDLESS), table)
    return (size.minimum if broken else size.maximum) <= console.width


def plain_table(*headings: str, title: str | None = None) -> RichTable:
    """A table without lines; to its columns others can be added."""
    from rich.table import Table as RichTable

    shown = RichTable(*headings, title=title, box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.header_style, shown.title_justify = "dim", "left"
    return shown


@contextmanager
def following(
    complaints: Complaints,
    *,
    films: int = 0,
    folder: Path | None = None,
    kept: str = _NOTHING_KEPT,
    waits: bool = True,
) -> Iterator[OnProgress]:
    """Give what a workflow is to call: shows how far it is, errors of films and remarks.

    Where the user stops it (Ctrl-C), it says how many are done and ends the command.

    Args:
        complaints: gets the errors.
        films: how many there are, where that is known before the first is done.
        folder: where each film's files go as soon as it is done.
        kept: else what becomes of what is done, where the command is stopped.
        waits: show also that work goes on while nothing is counted.
    """
    with Meter(quiet=settings.quiet, waits=waits) as meter:
        meter.count("films", 0, films)

        def on_progress(step: Progress) -> None:
            if step.total:
                meter.count(step.what, step.done, step.total)
            if step.remark is not None:
                remark(step.remark)
            if step.error is not None:
                complaints.add(step.error, about=step.film)

        try:
            yield on_progress
        except KeyboardInterrupt:
            kept = kept if folder is None else f"their files are in {folder}"
            stopped(meter.done, meter.total, meter.what, kept=kept)


def stopped(done: int = 0, total: int = 0, what: str = "films", *, kept: str = _NOTHING_KEPT) -> NoReturn:
    """Say that the user stopped the command, how many are done and what becomes of them, and end it."""
    if done:
        remark(f"stopped: {done} of {total} {what} are done, {kept}")
    elif total:
        remark("stopped before any film was done" if what == "films" else f"stopped; {kept}")
    else:
        remark(f"stopped; {kept}" if kept else "stopped")
    raise typer.Exit(EXIT_INTERRUPTED)
