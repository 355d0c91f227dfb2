"""What is typed on the command line: options that several commands share, lists, and films."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer
from typer import Argument, Option
from typer.core import TyperCommand

from cephsure.cli import terminal
from cephsure.errors import FilmError, InputError
from cephsure.workflows.predict import OVERLAY_SUFFIX, OutputFiles

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_FILM_SUFFIXES = frozenset({".bmp", ".dcm", ".dicom", ".jpeg", ".jpg", ".png", ".tif", ".tiff"})
_HEAD_BYTES = 1024
_NAMED = 3
SEVERAL = ("--models", "--ct")


Device = Literal["cpu", "cuda", "auto"]
FILMS = Argument(metavar="FILM", help="Files, folders and patterns ('films/*.png').")
Data = Annotated[Path, Option(metavar="DIR", help="The data set: its folder, or a label file.")]
Format = Literal[
    "auto",
    "isbi",
    "labelme",
    "coco",
    "csv",
    "cvat",
    "label-studio",
    "via",
    "slicer",
    "deeplabcut",
    "sleap",
    "tps",
    "aariz",
    "cl-detection",
    "text",
]
LAYOUTS = ", ".join(get_args(Format))
Layout = Annotated[
    Format, Option("--format", metavar="LAYOUT", help=f"How it is laid out: {LAYOUTS} (docs/formats.md).")
]
Images = Annotated[
    Path | None,
    Option(
        metavar="DIR",
        help="Where the films lie, if not where the label files say; folders in it are searched too.",
        show_default="beside the label files",
    ),
]
Labels = Annotated[
    Literal["auto", "names", "numbers"],
    Option(help="What a label such as L1 is: a landmark's name, or a number; auto: by the other labels."),
]
ModelName = Annotated[
    str, Option(metavar="NAME|BUNDLE", help="A shipped model (see: cephsure models) or a bundle's folder.")
]
Truth = Annotated[
    str, Option(metavar="NAME", help="Whose points are true: an annotator, or the mean of all.")
]
OutFolder = Annotated[
    Path | None, Option(metavar="DIR", help="Write files into this folder, one a film and format.")
]
SampleCount = Annotated[
    int | None,
    Option(min=1, metavar="T", help="Members or passes to use.", show_default="the model's own number"),
]
PassSeed = Annotated[int, Option(min=0, metavar="N", help="Seed of MC-Dropout's passes.")]
MmPerPx = Annotated[
    float | None,
    Option("--mm-per-px", metavar="S", help="Millimetres a pixel; goes before what films state."),
]
ComputedOn = Annotated[
    Device, Option("--device", help="Where networks are computed; auto: a GPU where there is one.")
]
WhereTo = Annotated[Literal["auto", "left", "right"], Option(help="Where the face looks.")]
Bone = Annotated[Literal["auto", "positive", "negative"], Option(help="Bone bright (positive) or dark.")]
ReaderName = Annotated[
    str | None,
    Option(
        "--reader",
        "--site",
        metavar="WHO",
        help="Whose marks: definition, mean, an annotator's name, or a reader's file.",
        show_default="definition",
    ),
]
TruthOf = Annotated[
    Literal["one", "mean"] | None,
    Option(
        help="Regions are to hold one reader's marks, or the mean of two.", show_default="as the reader says"
    ),
]
OtherFolds = Annotated[
    list[Path] | None,
    Option(
        "--other-fold",
        metavar="BUNDLE",
        help="A bundle trained likewise on another fold of the same films; can be given again.",
    ),
]
Norms = Annotated[Path | None, Option(metavar="FILE", help="Your own norms and classes, a TOML file.")]
Split = Annotated[str, Option(metavar="NAME", help="Which of the films: a split's name, or all.")]


class SeveralValues(TyperCommand):
    """A command whose options ``--models`` and ``--ct`` take all values up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        return super().parse_args(ctx, repeated(args, SEVERAL))


def repeated(arguments: Iterable[str], options: Collection[str]) -> list[str]:
    """Write an option before each of its values.

    Examples:
        >>> repeated(["all", "--models", "a", "b", "--out", "o"], {"--models"})
        ['all', '--models', 'a', '--models', 'b', '--out', 'o']
    """
    spread: list[str] = []
    option, values = "", 0
    for argument in arguments:
        if argument.startswith("-"):
            name, _, value = argument.partition("=")
            option, values = (name if name in options else ""), int(bool(value))
        elif option:
            if values:
                spread.append(option)
            values += 1
        spread.append(argument)
    return spread


def separated(values: Iterable[str]) -> list[str]:
    """Divide values at commas, but for those that name a file or folder.

    Examples:
        >>> separated(["a,b", "c"])
        ['a', 'b', 'c']
    """
    parts = [[value] if Path(value).exists() else value.split(",") for value in values]
    return [part.strip() for some in parts for part in some if part.strip()]


def output_files(lists: Sequence[str] | None, *, overlay: bool, out: Path | None) -> OutputFiles | None:
    """The files asked for, of the formats that lists with commas name, json where none is named.

    Raises:
        BadParameter: files are asked for, but not where.
    """
    if out is None and (lists or overlay):
        raise typer.BadParameter("--format and --overlay write files: say where with --out DIR")
    names = [name.strip() for text in lists or () for name in text.split(",")] or ["json"]
    return None if out is None else OutputFiles(out, tuple(dict.fromkeys(names)), overlay)


def find_films(arguments: Iterable[str]) -> tuple[list[Path], list[InputError]]:
    """Resolve what was typed to film files.

    A folder stands for the films directly in it, in the order of their names: files with a film's suffix, and
    files that are films by their content (DICOM files often have no suffix). What else is in it is passed
    over, which is said in a line, but of hidden files. A pattern (``*``, ``?``, ``[...]``, ``**``) that the
    shell did not expand is expanded here. A file named outright is taken as it is: the reader says what is
    wrong.

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


def _films_of(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_dir():
        return _films_in(path)
    if path.exists() or not glob.has_magic(argument):
        return [path]
    # Windows shells and quotes leave patterns to the program.
    matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]  # noqa: PTH207 - absolute too
    found = [film for match in matches for film in (_films_in(match) if match.is_dir() else [match])]
    if not found:
        raise FilmError("no file matches this pattern", where=argument)
    return found


def _films_in(folder: Path) -> list[Path]:
    try:
        found = [file for file in sorted(folder.iterdir()) if not file.name.startswith(".")]
    except OSError as error:
        raise FilmError(f"cannot be listed: {error.strerror}", where=folder) from error
    films = [file for file in found if _looks_like_film(file)]
    if not films:
        raise FilmError(
            "no films in this folder",
            where=folder,
            remedy="PNG, JPEG, BMP, TIFF and DICOM files are read; folders inside it are not searched",
        )
    if len(films) < len(found):
        terminal.remark(_passed_over(folder, films, found))
    return films


def _looks_like_film(file: Path) -> bool:
    if file.name.endswith(OVERLAY_SUFFIX) or not file.is_file():
        return False
    if file.suffix.lower() in _FILM_SUFFIXES:
        return True
    from cephsure.films.recognition import recognise

    try:
        with file.open("rb") as stream:
            recognise(stream.read(_HEAD_BYTES))
    except (OSError, FilmError):
        return False
    return True


def _passed_over(folder: Path, films: Collection[Path], found: Iterable[Path]) -> str:
    """What in a folder is not taken for a film, in a line."""
    from cephsure.exports import EXPORTERS
    from cephsure.workflows.measure import ANALYSIS_FORMATS

    suffixes = [exporter.suffix for exporter in EXPORTERS.values()]
    suffixes += [f".analysis.{name}" for name in ANALYSIS_FORMATS]
    ours = {f"{film.stem}{suffix}" for film in films for suffix in suffixes}
    groups: dict[str, list[str]] = {}
    for path in found:
        if path in films:
            continue
        kind = "file that is no film"
        if path.is_dir():
            kind = "folder"
        elif path.name.endswith(OVERLAY_SUFFIX) or path.name in ours:
            kind = "file that cephsure wrote"
        groups.setdefault(kind, []).append(path.name)
    said = (f"{_counted(len(names), kind)} ({_first(names)})" for kind, names in sorted(groups.items()))
    return f"passed over in {folder}: {', '.join(said)}"


def _counted(count: int, kind: str) -> str:
    many = kind.replace("file ", "files ").replace("is no film", "are no films").replace("folder", "folders")
    return f"{count} {kind if count == 1 else many}"


def _first(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])
