"""``cephsure measurements``: what each analysis measures, how it is defined, and what is usual."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations when it builds the command
from typing import Annotated

import typer

from cephsure.cli import terminal


def measurements(
    analysis: Annotated[
        str, typer.Argument(metavar="[LIST]", help="Analyses with commas between, or all.")
    ] = "all",
    *,
    norms: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own norms and classes, a TOML file.")
    ] = None,
) -> None:
    """Show what *analyze* can measure: definitions, norms and classes with their sources.

    A file of your own norms has the keys that docs/cephalometry.md describes; with --norms it is checked and
    shown.
    """
    from rich.markup import escape
    from rich.text import Text

    from cephsure.cephalometry import load_analyses
    from cephsure.cli.analysis_tables import UNIT_SIGNS, norm_words, sources
    from cephsure.cli.terminal import plain_table

    console = terminal.stdout_console()
    for chosen in load_analyses(analysis, norms=norms):
        console.print(Text(f"{chosen.name}: {chosen.title}", style="bold"))
        console.print(Text(f"after {chosen.source}"))
        table = plain_table()
        for heading in ("code", "unit", "definition", "norm", "classes"):
            table.add_column(heading, no_wrap=heading in {"code", "unit"})
        for entry in chosen.entries:
            what = entry.measurement
            text = f"{what.name}. {what.definition}" + ("" if what.note is None else f" ({what.note})")
            unit = UNIT_SIGNS[what.unit].strip() or what.unit
            usual = "; ".join(map(norm_words, entry.norms)) or "-"
            classes = "; ".join(f"{one.name}: {one.words}" for one in entry.classes) or "-"
            table.add_row(*map(escape, (what.code, unit, text, usual, classes)))
        console.print(table)
        console.print(Text(f"norms and classes: {'; '.join(sources([chosen]))}", style="dim"))
        console.print()
