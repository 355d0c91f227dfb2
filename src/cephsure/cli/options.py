"""What is typed on the command line: options that several commands share, and lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer
from typer import Argument, Option
from typer.core import TyperCommand

from cephsure.workflows.batch import DEFAULT_MODEL
from cephsure.workflows.predict import OutputFiles

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

SEVERAL = ("--models", "--ct")


def reader_option(*, usual: str) -> Any:
    """The option that says whose marks are found; ``usual`` is what its absence stands for, in words."""
    return Option(
        "--reader",
        "--site",
        metavar="WHO",
        help="Whose marks: definition, mean, an annotator's name, or a reader's file.",
        show_default=usual,
    )


Device = Literal["cpu", "cuda", "auto"]
FILMS = Argument(metavar="FILM", help="Files, folders and patterns ('films/*.png'); - for standard input.")
Data = Annotated[Path, Option(metavar="DIR", help="The data set: its folder, a label file, or a project.")]
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
    "dicom-sr",
    "aariz",
    "cl-detection",
    "text",
    "project",
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
JsonFile = Annotated[
    Path | None,
    Option(
        "--json",
        metavar="FILE",
        help="Write all films into one file, one document a line; - for standard output.",
    ),
]
CsvFile = Annotated[
    Path | None,
    Option("--csv", metavar="FILE", help="Write one table of all films; - for standard output."),
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
ReaderName = Annotated[str | None, reader_option(usual="definition")]
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
AnalysisNames = Annotated[
    str, Option(metavar="LIST", help="Analyses with commas between, or all (see: cephsure measurements).")
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


def check_no_network(why: str, model: str, **given: object) -> None:
    """Raise `BadParameter`, saying why, for an option that only a network's points can follow."""
    names = [name for name, value in given.items() if value]
    if model != DEFAULT_MODEL:
        names.append("model")
    if names:
        option = names[0].replace("_", "-")
        raise typer.BadParameter(f"{why}: no --{option}")


def output_files(lists: Sequence[str] | None, *, overlay: bool, out: Path | None) -> OutputFiles | None:
    """The files asked for, of the formats that lists with commas name, json where none is named.

    Raises:
        BadParameter: files are asked for, but not where.
    """
    if out is None and (lists or overlay):
        raise typer.BadParameter("--format and --overlay write files: say where with --out DIR")
    names = [name.strip() for text in lists or () for name in text.split(",")] or ["json"]
    return None if out is None else OutputFiles(out, tuple(dict.fromkeys(names)), overlay)
