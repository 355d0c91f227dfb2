"""Options that several commands take alike."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_MODEL = "default-ensemble"


class Format(StrEnum):
    """How a data set is laid out."""

    AUTO = "auto"
    ISBI = "isbi"
    LABELME = "labelme"
    COCO = "coco"
    CSV = "csv"


Data = Annotated[Path, typer.Option(metavar="DIR", help="The data set: its folder, or its COCO or CSV file.")]
Layout = Annotated[Format, typer.Option("--format", help="How it is laid out.")]
ModelName = Annotated[
    str,
    typer.Option(metavar="NAME|BUNDLE", help="A shipped model (see: cephsure models) or a bundle's folder."),
]
Truth = Annotated[
    str, typer.Option(metavar="NAME", help="Whose points are true: an annotator, or the mean of all.")
]
OutFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write files into this folder, one a film and format.")
]
SampleCount = Annotated[
    int | None,
    typer.Option(min=1, metavar="T", help="Members or passes to use.", show_default="the model's own number"),
]
PassSeed = Annotated[int, typer.Option(min=0, metavar="N", help="Seed of MC-Dropout's passes.")]
MmPerPx = Annotated[
    float | None,
    typer.Option("--mm-per-px", metavar="S", help="Millimetres a pixel; goes before what films state."),
]
