"""``cephsure deidentify``: DICOM films in, the same films without identifiers out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from cephsure.cli import terminal
from cephsure.cli.named_films import find_films


def deidentify(
    films: Annotated[
        list[str], Argument(metavar="FILM", help="DICOM files, folders and patterns ('films/*.dcm').")
    ],
    *,
    out: Annotated[Path, Option(metavar="DIR", help="Write the new files into this folder.")],
    key: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="The key under which identifiers are exchanged; made if it is not there.",
            show_default="one that is not kept",
        ),
    ] = None,
    list_file: Annotated[
        Path | None,
        Option("--list", metavar="FILE", help="Write which film became which file; not into DIR."),
    ] = None,
) -> None:
    """Take the identifiers out of DICOM films.

    What is known to be harmless is kept, identifiers are exchanged under a key, everything else goes: names,
    dates, comments, private attributes, overlays, file names. Pixels and scale stay, and are compared. With
    the same key films of a patient stay together over several runs. **Text in the picture itself stays**:
    letters are looked for at the edges alone, so look at each film before it goes out.

    Exit status: 0 all films done; 2 some input could not be used, the rest is done all the same; 1 a failure
    of cephsure.
    """
    from cephsure.uncertainty.text_lines import Line
    from cephsure.workflows.deidentify import deidentify_films, to_look_at

    complaints = terminal.Complaints()
    paths, problems = find_films(films)
    for problem in problems:
        complaints.add(problem)
    with terminal.following(complaints) as on_progress:
        done = deidentify_films(paths, out, key_file=key, list_file=list_file, on_progress=on_progress)
    terminal.show([Line(f"{terminal.counted(len(done.results), 'film')} without identifiers in {out}")])
    for line in to_look_at(done.results):
        terminal.remark(f"look at the pictures before they go out: {line}")
    terminal.remark_written(list_file)
    complaints.end(inputs=len(paths) + len(problems))
