"""``cephsure landmarks``: which points a landmark set has and how each is defined."""

from __future__ import annotations

from typing import Annotated

import typer

from cephsure.cli import terminal


def landmarks(
    set_or_file: Annotated[
        str, typer.Argument(metavar="[SET|FILE]", help="A shipped set, or the TOML file of any other.")
    ] = "isbi-19",
) -> None:
    """Show a landmark set: number, code, name and definition of each point.

    Bilateral points are the mean of the right and the left structure. A file of your own has the keys that
    the shipped set has; docs/usage.md describes them.
    """
    from rich.table import Table
    from rich.text import Text

    from cephsure.landmarks import load_landmark_set

    chosen = load_landmark_set(set_or_file)
    console = terminal.stdout_console()
    title = Text(f"{chosen.name}: {chosen.title}")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    table.add_column("no", justify="right")
    for heading in ("code", "name", "lies on"):
        table.add_column(heading)
    table.add_column("definition")
    for landmark in chosen.landmarks:
        where = f"{landmark.tissue}, {'both sides' if landmark.side == 'bilateral' else 'midline'}"
        cells = (str(landmark.number), landmark.code, landmark.name, where, landmark.definition)
        table.add_row(*map(Text, cells))
    console.print(table)
    console.print(Text(f"Source: {chosen.source}"))
