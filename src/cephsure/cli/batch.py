"""Work on many films: what goes wrong with one is said, and the others are done all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from cephsure.cli import terminal
from cephsure.errors import BundleError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Result = TypeVar("Result")


def each_film(
    paths: Sequence[Path], work: Callable[[Path, str], Result], *, complaints: terminal.Complaints
) -> list[Result]:
    """Do something with one film after the other, with a progress bar.

    Args:
        paths: the films.
        work: called with each film and the name of its output files before their suffix.
        complaints: takes the errors of films that could not be used.

    Returns:
        The results of the films that could be used.

    Raises:
        InputError: what is wrong is not one film's fault: every other film would fail alike.
    """
    from cephsure.exports import unique_stems

    results = []
    with terminal.progress("films", total=len(paths)) as step:
        for path, stem in zip(paths, unique_stems(paths), strict=True):
            try:
                results.append(work(path, stem))
            except Exception as error:
                if isinstance(error, BundleError) or getattr(error, "where", path) is None:
                    raise  # the model or an option is at fault
                complaints.add(error, about=path)
            step()
    return results


def make_folder(folder: Path | None) -> None:
    """Make the output folder, if one is asked for.

    Raises:
        InputError: it cannot be made.
    """
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"this folder cannot be made: {error.strerror}", where=folder) from error


def remark_written(films: int, folder: Path | None) -> None:
    """Say where the films' files went, if there are any."""
    if films and folder is not None:
        terminal.remark(f"wrote the files of {films} film{'' if films == 1 else 's'} into {folder}")


def formats_asked_for(lists: Sequence[str], known: Sequence[str], *, default: str) -> tuple[str, ...]:
    """The formats that lists with commas name, each once; the default where none is named.

    Raises:
        InputError: a format is not known.
    """
    names = [name.strip() for text in lists for name in text.split(",")] or [default]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"no format is called {unknown[0]!r}; known: {', '.join(known)}")
    return tuple(dict.fromkeys(names))
