"""``cephsure models``: the shipped models, and whether a bundle's files are whole."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations when it builds the command
from typing import TYPE_CHECKING, Annotated

import typer

from cephsure.cli import terminal

if TYPE_CHECKING:
    from cephsure.bundles.bundle import Bundle

models_app = typer.Typer(
    help="List the shipped models (without a command), or verify a bundle.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
)


@models_app.callback()
def list_models(context: typer.Context) -> None:
    """List the models that come with the package; with *verify* check a bundle."""
    if context.invoked_subcommand is not None:
        return
    from rich.markup import escape
    from rich.table import Table

    from cephsure.bundles.bundle import read_bundle
    from cephsure.model import shipped_models

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("name", "kind", "networks", "recipe", "landmarks", "trained on"):
        table.add_column(heading)
    table.add_column("MB", justify="right")
    shipped = shipped_models()
    for name, folder in shipped.items():
        table.add_row(*map(escape, (name, *_facts(read_bundle(folder)))))
    console = terminal.stdout_console()
    console.print(table)
    for folder in shipped.values():
        console.print(escape(str(folder)), style="dim", soft_wrap=True)


@models_app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle's folder.")],
) -> None:
    """Check every file of a bundle against its checksums.

    Exit status: 0 whole; 2 a file is damaged, missing, not listed or not allowed.
    """
    from cephsure.bundles.bundle import read_bundle

    whole = read_bundle(bundle)
    typer.echo(
        f"{bundle}: whole · {whole.name}, {whole.kind} · {_megabytes(whole)} MB · sha256 {whole.sha256}"
    )


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
