"""``cephsure landmarks``, ``measurements`` and ``models``: what there is to find, to measure and to use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

from cephsure.cli import terminal
from cephsure.cli.options import Norms
from cephsure.cli.streams import STANDARD, written_file

if TYPE_CHECKING:
    from cephsure.bundles.bundle import Bundle
    from cephsure.cephalometry import Entry

CardFormat = Literal["md", "json", "monai"]

models_app = typer.Typer(
    help="List the shipped models (without a command), verify a bundle, or show a model's card.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
)


def landmarks(
    set_or_file: Annotated[
        str, Argument(metavar="[SET|FILE]", help="A shipped set, or the TOML file of any other.")
    ] = "isbi-19",
) -> None:
    """Show a landmark set: number, code, name and definition of each point.

    Bilateral points are the mean of the right and the left structure. A file of your own has the keys that
    the shipped set has; docs/usage.md describes them.
    """
    from cephsure.landmarks import load_landmark_set

    chosen = load_landmark_set(set_or_file)
    console = terminal.stdout_console()
    table = terminal.plain_table(title=f"{chosen.name}: {chosen.title}")
    table.add_column("no", justify="right")
    for heading in ("code", "name", "lies on", "definition"):
        table.add_column(heading)
    for landmark in chosen.landmarks:
        where = f"{landmark.tissue}, {'both sides' if landmark.side == 'bilateral' else 'midline'}"
        table.add_row(str(landmark.number), landmark.code, landmark.name, where, landmark.definition)
    console.print(table)
    console.print(f"Source: {chosen.source}")


def measurements(
    analysis: Annotated[
        str, Argument(metavar="[LIST]", help="Analyses with commas between, or all.")
    ] = "all",
    *,
    norms: Norms = None,
) -> None:
    """Show what *analyze* can measure: definitions, norms and classes with their sources.

    A file of your own norms has the keys that docs/cephalometry.md describes; with --norms it is checked and
    shown.
    """
    from cephsure.cephalometry import load_analyses
    from cephsure.cephalometry.analysis_table import UNIT_SIGNS, glued_norm, sources
    from cephsure.uncertainty.text_lines import Line, indented, sentence

    width = terminal.width()
    for chosen in load_analyses(analysis, norms=norms):
        lines = sentence(f"{chosen.name}: {chosen.title}", width, "title")
        lines += sentence(f"after {chosen.source}", width)
        for entry in chosen.entries:
            what = entry.measurement
            unit = UNIT_SIGNS[what.unit].strip() or what.unit
            lines.append(Line(f"{what.code} ({unit}): {what.name}", "fit"))
            note = "" if what.note is None else f" ({what.note})"
            said = [f"{what.definition}{note}", *map(glued_norm, entry.norms), _classes(entry)]
            lines += [line for text in said if text for line in indented(text, width)]
        lines += sentence(f"norms and classes: {'; '.join(sources(chosen.entries))}", width, "dim")
        terminal.show([*lines, Line("")])


def _classes(entry: Entry) -> str:
    """An entry's classes, and whose borders they are: a published border is no norm."""
    from cephsure.cephalometry.analysis_table import glued
    from cephsure.cephalometry.measurement import short_source

    said = "; ".join(glued(f"{kind.name}: {kind.words}") for kind in entry.classes)
    if said and entry.classes_source is not None:
        return f"class borders ({short_source(entry.classes_source)}): {said}"
    return f"classes by this norm: {said}" if said else ""


@models_app.callback()
def list_models(context: typer.Context) -> None:
    """List the models that come with the package; with *verify* check a bundle."""
    if context.invoked_subcommand is not None:
        return
    from cephsure.bundles.bundle import read_bundle
    from cephsure.model import shipped_models

    table = terminal.plain_table("name", "kind", "networks", "recipe", "landmarks", "trained on")
    table.add_column("MB", justify="right")
    shipped = shipped_models()
    for name, folder in shipped.items():
        table.add_row(name, *_facts(read_bundle(folder)))
    console = terminal.stdout_console()
    console.print(table)
    for folder in shipped.values():
        console.print(str(folder), style="dim", soft_wrap=True)


@models_app.command()
def verify(
    bundle: Annotated[Path, Argument(metavar="BUNDLE", help="A bundle's folder.")],
) -> None:
    """Check every file of a bundle against its checksums.

    Exit status: 0 whole; 2 a file is damaged, missing, not listed or not allowed.
    """
    from cephsure.bundles.bundle import read_bundle

    whole = read_bundle(bundle)
    terminal.say(
        f"{bundle}: whole · {whole.name}, {whole.kind} · {_megabytes(whole)} MB · sha256 {whole.sha256}"
    )


@models_app.command()
def card(
    model: Annotated[str, Argument(metavar="NAME|BUNDLE", help="A shipped model, or a bundle's folder.")],
    *,
    layout: Annotated[
        CardFormat,
        Option("--format", help="Markdown, JSON, or the metadata.json of a MONAI bundle."),
    ] = "md",
    figures: Annotated[
        list[Path] | None,
        Option(metavar="FILE", help="Show this too: what evaluate --json wrote of it; may be repeated."),
    ] = None,
    out: Annotated[
        Path, Option(metavar="FILE", help="Write here.", show_default="standard output")
    ] = STANDARD,
) -> None:
    """Show all that is known of a model: licence, data, hashes, errors, bias, coverage, failures, gate.

    Everything comes from the bundle's files and from figures measured with this very bundle; what is not
    known is said to be unknown.

    Exit status: 0 all went; 2 the model or a file cannot be used; 1 a failure of cephsure.
    """
    import json

    from cephsure.atomic import write_atomically
    from cephsure.reports.model_card import card_markdown
    from cephsure.workflows.model_card import model_card

    terminal.leave_standard_output(out)
    known = model_card(model, figures=figures or ())
    if layout == "monai":
        from cephsure.workflows.monai_metadata import monai_metadata

        known = monai_metadata(known, model)
    text = card_markdown(known) if layout == "md" else f"{json.dumps(known, ensure_ascii=False, indent=2)}\n"
    with written_file(out) as place:
        write_atomically(place or out, text.encode("utf-8"))
    terminal.remark_written(out)


def _facts(bundle: Bundle) -> list[str]:
    provenance, landmark_set = bundle.provenance, bundle.landmark_set
    return [
        bundle.kind,
        str(len(bundle.members)),
        bundle.recipe.name,
        f"{len(landmark_set)} ({landmark_set.name})",
        f"{provenance.data}, {provenance.split}, truth {provenance.truth}",
        _megabytes(bundle),
    ]


def _megabytes(bundle: Bundle) -> str:
    size = sum(file.stat().st_size for file in bundle.folder.rglob("*") if file.is_file())
    return f"{size / 1e6:.1f}"
