"""``cephsure check``: a look at labels before training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Exit, Option

from cephsure.cli import terminal
from cephsure.cli.options import Data, Images, Labels, Layout, MmPerPx, Split
from cephsure.cli.streams import written_file
from cephsure.workflows.batch import WHOLE, AnnotatedData

LOOK = 1
"""Exit status where something must be looked at."""


def check(
    *,
    data: Data,
    layout: Layout = "auto",
    images: Images = None,
    labels: Labels = "auto",
    split: Split = WHOLE,
    landmarks: Annotated[
        str,
        Option(metavar="SET|FILE", help="Which landmarks, in which order.", show_default="isbi-19"),
    ] = "isbi-19",
    mm_per_px: MmPerPx = None,
    out: Annotated[
        Path | None,
        Option(metavar="DIR", help="Write a page, check.html, with the worst as pictures into this folder."),
    ] = None,
    json_file: Annotated[
        Path | None,
        Option(
            "--json", metavar="FILE", help="Write everything that was found as JSON; - for standard output."
        ),
    ] = None,
) -> None:
    """Look at annotated films before a model is trained on them.

    Says what was read, what is missing and what was left out; which points do not fit the others, are
    swapped, mirrored, outside the film or not on its head; which films are there twice or are of another size
    or scale; how far annotators are apart. No model is needed.

    Exit status: 0 nothing must be looked at; 1 something must, or a failure of cephsure (which says error);
    2 the data set or an option cannot be used.
    """
    from cephsure.workflows.check_lines import check_lines
    from cephsure.workflows.data_check import check_data

    terminal.leave_standard_output(json_file)
    with (
        written_file(json_file) as json_place,
        terminal.following(terminal.Complaints()) as on_progress,
    ):
        found = check_data(
            AnnotatedData(data, layout, split, mm_per_px=mm_per_px, images=images, labels=labels),
            landmark_set=landmarks,
            out=out,
            json_file=json_place,
            on_progress=on_progress,
        )
    terminal.show(check_lines(found, terminal.width()))
    terminal.remark_written(found.page, json_file)
    if found.serious:
        raise Exit(LOOK)
