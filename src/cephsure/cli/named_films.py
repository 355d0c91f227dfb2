"""The films that were named on the command line: files, folders, patterns, standard input."""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.cli import terminal
from cephsure.cli.streams import STANDARD
from cephsure.errors import FilmError, InputError
from cephsure.workflows.predict import OVERLAY_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cephsure.films import Film

_DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
_FILM_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"}) | _DICOM_SUFFIXES
_HEAD_BYTES = 1024
_NAMED = 3
_DISC_DIRECTORY = "DICOMDIR"
_STANDARD_INPUT = "standard input"
# What a folder holds besides films: one, and several.
_OURS = ("file that cephsure wrote", "files that cephsure wrote")
_OTHER = ("file that is no film", "files that are no films")
_UNREADABLE = ("file that cannot be read", "files that cannot be read")
_DANGLING = ("link that leads nowhere", "links that lead nowhere")
_FOLDER = ("folder", "folders")
_NO_PICTURE = ("DICOM file without a picture", "DICOM files without a picture")


def find_films(arguments: Iterable[str]) -> tuple[list[Path], list[InputError]]:
    """Resolve what was typed to film files.

    A folder stands for the films directly in it, in the order of their names: files with a film's suffix, and
    files that are films by their content (DICOM files often have no suffix). What else is in it is passed
    over, which is said in a line, but of hidden files. A DICOM disc's directory (DICOMDIR), or the folder
    that it is in, stands for the images that it lists, wherever on the disc they lie. A pattern (``*``,
    ``?``, ``[...]``, ``**``) that the shell did not expand is expanded here. A file named outright is taken
    as it is: the reader says what is wrong. ``-`` is standard input.

    Returns the films, each once, in the order given; and an error for each argument that stands for no film.
    """
    films: dict[Path, None] = {}
    problems: list[InputError] = []
    for argument in arguments:
        try:
            films.update(dict.fromkeys(_films_of(argument)))
        except InputError as error:
            problems.append(error)
    return list(films), problems


def named_films(
    arguments: Iterable[str], complaints: terminal.Complaints, *, mm_per_px: float | None
) -> tuple[list[Path | Film], int]:
    """The films to be worked on, as `open_films` gives them, and how many inputs they and what is none are.

    Arguments that stand for no film are complained of.
    """
    paths, problems = find_films(arguments)
    for problem in problems:
        complaints.add(problem)
    return open_films(paths, complaints, mm_per_px=mm_per_px), len(paths) + len(problems)


def open_films(
    films: Sequence[Path], complaints: terminal.Complaints, *, mm_per_px: float | None
) -> list[Path | Film]:
    """The films as they are to be worked on: paths, and of standard input the film, which is read here.

    What standard input holds if it is no film is complained of, and left out.
    """
    opened: list[Path | Film] = []
    for film in films:
        try:
            opened.append(_standard_input(mm_per_px) if film == STANDARD else film)
        except InputError as error:
            complaints.add(error)
    return opened


def _standard_input(mm_per_px: float | None) -> Film:
    """The film that standard input holds."""
    from cephsure import films

    if sys.stdin is None or sys.stdin.isatty():
        raise FilmError(
            "is a terminal, not a film", where=_STANDARD_INPUT, remedy="cephsure predict - < FILM"
        )
    content = sys.stdin.buffer.read(films.ReadLimits().max_file_bytes + 1)
    try:
        return films.read(content, mm_per_px=mm_per_px)
    except FilmError as error:
        raise FilmError(error.what, where=_STANDARD_INPUT, remedy=error.remedy) from error


def _films_of(argument: str) -> list[Path]:
    path = Path(argument)
    if path == STANDARD:
        return [STANDARD if argument == str(STANDARD) else Path.cwd() / STANDARD]
    # Not Path.is_dir and Path.exists: they raise on a name that is too long, and where rights are missing.
    if os.path.isdir(path):  # noqa: PTH112
        return _films_in(path)
    if os.path.lexists(path) or not glob.has_magic(argument):
        return _listed_by(path) or [path]
    # Windows shells and quotes leave patterns to the program.
    matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]  # noqa: PTH207 - absolute too
    found = [film for match in matches for film in (_films_in(match) if os.path.isdir(match) else [match])]  # noqa: PTH112
    if not found:
        raise FilmError("no file matches this pattern", where=argument)
    return found


def _films_in(folder: Path) -> list[Path]:
    try:
        found = [file for file in sorted(folder.iterdir()) if not file.name.startswith(".")]
    except OSError as error:
        raise FilmError(
            f"cannot be listed: {error.strerror}", where=folder, remedy="look at its permissions"
        ) from error
    kinds = {file: _other_than_a_film(file) for file in found}
    films = [file for file, kind in kinds.items() if kind is None]
    said = _passed_over(films, kinds)
    films += [film for film in _listed_in(found) if film not in kinds]
    if not films:
        raise FilmError(
            f"no films in this folder{', only ' if said else ''}{said}",
            where=folder,
            remedy="PNG, JPEG, BMP, TIFF and DICOM files are read; folders inside it are not searched",
        )
    if said:
        terminal.remark(f"passed over in {folder}: {said}")
    return films


def _listed_in(found: Sequence[Path]) -> list[Path]:
    """The films that a disc's directory among the files of a folder lists; a damaged one is said."""
    try:
        return [film for file in found for film in _listed_by(file)]
    except FilmError as error:
        terminal.remark(f"passed over: {error}")
        return []


def _listed_by(path: Path) -> list[Path]:
    """The films that a DICOM disc's directory lists; none for any other file.

    It is known by its name first: films are not opened before all is checked.
    """
    if not path.name.upper().startswith(_DISC_DIRECTORY):
        return []
    from cephsure.films.dicomdir import films_of_dicomdir, is_dicomdir
    from cephsure.text_files import is_file

    return films_of_dicomdir(path) if is_file(path) and is_dicomdir(path) else []


def _other_than_a_film(path: Path) -> tuple[str, str] | None:
    """What is no film in a folder; None for a film, and for what is called as one: the reader will say."""
    looks_like_one = path.suffix.lower() in _FILM_SUFFIXES
    try:
        if path.is_dir():
            return _FOLDER
        if path.is_symlink() and not path.exists():
            return _DANGLING
        if path.name.endswith(OVERLAY_SUFFIX):
            return _OURS
        if not path.is_file():
            return _OTHER
        return _kind_of_content(path, looks_like_one)
    except OSError:
        return None if looks_like_one else _UNREADABLE


def _kind_of_content(path: Path, looks_like_one: bool) -> tuple[str, str] | None:
    if looks_like_one and path.suffix.lower() not in _DICOM_SUFFIXES:
        return None
    from cephsure.films.recognition import FilmKind, recognise

    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    try:
        kind = recognise(head)
    except FilmError:
        return None if looks_like_one else _OTHER
    return _NO_PICTURE if kind is FilmKind.DICOM and _holds_no_picture(path) else None


def _holds_no_picture(path: Path) -> bool:
    """Whether a DICOM file is by its class no image: a directory, report, presentation state, document.

    A file that is called an image, or of which nothing tells, is left to the reader: it may be cut off.
    """
    import pydicom
    from pydicom.uid import UID

    try:
        header = pydicom.dcmread(
            path, stop_before_pixels=True, specific_tags=["SOPClassUID", "Rows"], force=True
        )
        stated = header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID")
        kind = UID(str(stated or "")).name
    except Exception:  # noqa: BLE001 - pydicom raises nearly anything on damaged content
        return False
    return "Rows" not in header and ("Storage" in kind or "Directory" in kind) and "Image" not in kind


def _passed_over(films: Sequence[Path], kinds: dict[Path, tuple[str, str] | None]) -> str:
    """What in a folder is not taken for a film, in words; "" where all are films."""
    if len(films) == len(kinds):
        return ""
    ours = _names_of_ours(films)
    groups: dict[tuple[str, str], list[str]] = {}
    for path, kind in kinds.items():
        if kind is not None:
            is_ours = kind == _OTHER and path.name in ours
            groups.setdefault(_OURS if is_ours else kind, []).append(path.name)
    return ", ".join(
        f"{len(names)} {kind[len(names) > 1]} ({_first(names)})" for kind, names in sorted(groups.items())
    )


def _names_of_ours(films: Sequence[Path]) -> set[str]:
    """What the files are called that cephsure writes of some films."""
    from cephsure.exports import EXPORTERS, film_stem, unique_stems
    from cephsure.exports.output_files import shortened
    from cephsure.workflows.dicom_objects import DICOM_FORMATS
    from cephsure.workflows.measure import ANALYSIS_FORMATS
    from cephsure.workflows.report import REPORT_FORMATS

    suffixes = [exporter.suffix for exporter in EXPORTERS.values()]
    suffixes += [f".analysis.{name}" for name in ANALYSIS_FORMATS]
    suffixes += [f".report.{name}" for name in REPORT_FORMATS]
    suffixes += DICOM_FORMATS.values()
    stems = {*unique_stems(films), *(shortened(film_stem(film)) for film in films)}
    return {f"{stem}{suffix}" for stem in stems for suffix in suffixes}


def _first(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])
