"""The application ``cephsure``: its commands, the options they share, and the one place errors end."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cephsure import __version__
from cephsure.cli import terminal
from cephsure.cli.analyze import analyze
from cephsure.cli.calibrate import calibrate, monitor, site_calibrate
from cephsure.cli.check import check
from cephsure.cli.compare import compare
from cephsure.cli.deidentify import deidentify
from cephsure.cli.dicom import dicom_app
from cephsure.cli.evaluate import evaluate
from cephsure.cli.experiment import ExperimentCommand, experiment
from cephsure.cli.export import export
from cephsure.cli.listings import landmarks, measurements, models_app
from cephsure.cli.predict import demo, predict
from cephsure.cli.project import project_app
from cephsure.cli.reader_profile import reader_profile
from cephsure.cli.report import report
from cephsure.cli.review import review
from cephsure.cli.serve import serve
from cephsure.cli.streams import replace_what_lacks
from cephsure.cli.superimpose import superimpose
from cephsure.cli.train import train

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARED_FLAGS = {"--quiet", "-q", "--verbose", "-v", "--debug"}
_HELP_FLAGS = {"-h", "--help"}


class Commands(TyperGroup):
    """The commands; one that the user stops (Ctrl-C) ends in one line, by the shells' exit status."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the command line."""
        try:
            return super().make_context(*arguments, **options)
        except KeyboardInterrupt:
            terminal.stopped(kept="")  # what is written by now, the command itself has said

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            terminal.stopped(kept="")  # what is written by now, the command itself has said


app = typer.Typer(
    name="cephsure",
    cls=Commands,
    help="Cephalometric landmarks, each with how far to trust it. Research use only, not a medical device.",
    epilog="--quiet, --verbose and --debug may also stand after the command.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": sorted(_HELP_FLAGS)},
)
for command in (
    demo,
    predict,
    analyze,
    report,
    export,
    landmarks,
    measurements,
    check,
    train,
    evaluate,
    compare,
    superimpose,
    calibrate,
    reader_profile,
    site_calibrate,
    monitor,
    review,
    serve,
    deidentify,
):
    app.command()(command)
app.command(cls=ExperimentCommand)(experiment)
app.add_typer(models_app, name="models")
app.add_typer(project_app, name="project")
app.add_typer(dicom_app, name="dicom")


def _show_version(value: bool) -> None:
    if value:
        terminal.say(f"cephsure {__version__}")
        raise typer.Exit


@app.callback()
def _shared_options(
    *,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Results and errors only.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Log in detail; tracebacks for errors.")] = False,
    version: Annotated[  # noqa: ARG001 - acts in its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    terminal.start(quiet=quiet, verbose=verbose, debug=debug)
    if not _HELP_FLAGS & set(sys.argv):
        terminal.remark(terminal.BANNER)


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Let a request to end, or a terminal that goes, be as Ctrl-C: what is half done is cleared away."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # What is ignored, as under nohup, stays ignored; only the main thread can be asked at all.
        if number and _in_main_thread() and signal.getsignal(number) == signal.SIG_DFL:
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_main_thread() -> bool:
    """Whether this is the thread that signals come to."""
    return threading.current_thread() is threading.main_thread()


def main() -> None:
    """Run the command line and end the process: 0 if all went, 2 for bad input, 1 for a failure of ours."""
    replace_what_lacks()
    try:
        with _ended_as_by_ctrl_c():
            app(shared_flags_first(sys.argv[1:]), prog_name="cephsure")
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, the user gets one line
        complaints = terminal.Complaints()
        complaints.add(error)
        sys.exit(complaints.exit_status)


def shared_flags_first(arguments: list[str]) -> list[str]:
    """Move the options that all commands share before the command, unless they stand after ``--``.

    Examples:
        >>> shared_flags_first(["predict", "a.png", "--debug"])
        ['--debug', 'predict', 'a.png']
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    shared = [argument for argument in arguments[:end] if argument in _SHARED_FLAGS]
    rest = [argument for argument in arguments[:end] if argument not in _SHARED_FLAGS]
    return [*shared, *rest, *arguments[end:]]
