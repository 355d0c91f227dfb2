"""``cephsure site-calibrate``: fit a model to one site or observer from a few corrected films."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations when it builds the command
from typing import TYPE_CHECKING, Annotated

import typer

from cephsure.cli import terminal
from cephsure.cli.options import Data, Format, Layout, MmPerPx, ModelName, PassSeed, Truth
from cephsure.workflows.batch import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.datasets import Dataset
    from cephsure.model import Model
    from cephsure.uncertainty.site import GainRow, Site
    from cephsure.workflows.site_films import SiteFilms

Split = Annotated[str, typer.Option(metavar="NAME", help="Which of the films: a split's name, or all.")]
GAIN_FILE, FIGURE_FILE = "gain.json", "gain.png"


def site_calibrate(
    *,
    data: Data,
    name: Annotated[str, typer.Option(metavar="NAME", help="What the site or observer is called.")] = "site",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The site's file.", show_default="only show the figures"),
    ] = None,
    model: ModelName = DEFAULT_MODEL,
    layout: Layout = Format.AUTO,
    split: Split = "all",
    truth: Truth = "mean",
    mm_per_px: MmPerPx = None,
    seed: PassSeed = 0,
    level: Annotated[
        float, typer.Option(min=0.01, max=0.99, metavar="P", help="Level of the regions that are shown.")
    ] = 0.9,
    repeats: Annotated[
        int, typer.Option(min=1, metavar="N", help="Random draws of K films for the figures shown.")
    ] = 20,
    report: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=f"Write {GAIN_FILE} and {FIGURE_FILE} into this folder."),
    ] = None,
) -> None:
    """Fit a model to a site or an observer from a few corrected films.

    The file that is written holds an offset for each landmark, shrunken to 0 as far as the films are too few
    to know it, and the regions' size at this site; ``cephsure predict --site FILE`` uses it. What K films
    bring is shown by cross-validation: K films drawn at random, measured on the others.

    Exit status: 0 all went; 2 some input could not be used, the rest is done all the same; 1 a failure of
    cephsure.
    """
    from cephsure.datasets import open_dataset, select
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.model import load_model
    from cephsure.uncertainty.site import cross_validate, fit_site, write_site

    check_mm_per_px(mm_per_px)
    loaded = load_model(model)
    whole = open_dataset(data, format=layout.value, landmark_set=loaded.landmark_set, mm_per_px=mm_per_px)
    dataset = select(whole, split)
    complaints = terminal.Complaints()
    films = predicted(loaded, dataset, complaints, truth=truth, split=split, level=level, seed=seed)
    site = fit_site(films.data, name=name)
    rows = cross_validate(films.data, level=level, repeats=repeats, seed=seed, own=films.own)
    about = f"{loaded.name} at {name}: {whole.name} ({split}), truth: {truth}, {len(films.film_ids)} films"
    _show(site, rows, loaded, about=about, level=level)
    if out is not None:
        write_site(site, out)
        terminal.remark(f"wrote {out}")
    if report is not None:
        _write_report(rows, report, about=about, level=level)
    complaints.repeat(inputs=len(dataset.films))
    raise typer.Exit(complaints.exit_status)


def predicted(
    model: Model,
    dataset: Dataset,
    complaints: terminal.Complaints,
    *,
    truth: str,
    split: str,
    level: float,
    seed: int,
    site: Site | None = None,
) -> SiteFilms:
    """Predict corrected films, saying how far it is."""
    from cephsure.workflows.site_films import site_films

    with terminal.following(complaints) as on_progress:
        return site_films(
            model,
            dataset,
            truth=truth,
            split=split,
            level=level,
            site=site,
            seed=seed,
            on_progress=on_progress,
        )


def _show(site: Site, rows: Sequence[GainRow], model: Model, *, about: str, level: float) -> None:
    from rich.text import Text

    from cephsure.cli.terminal import rich_table
    from cephsure.workflows.site_films import gain_table

    console = terminal.stdout_console()
    console.print(Text(about, style="bold"))
    console.print(rich_table(gain_table(rows, level=level)))
    console.print()
    console.print(Text("offsets that are taken off, mm (to the face, downwards):", style="dim"))
    codes = model.landmark_set.codes
    parts = [f"{code} {x:+.2f} {y:+.2f}" for code, (x, y) in zip(codes, site.offsets_mm, strict=True)]
    console.print(Text(" · ".join(parts), style="dim"))


def _write_report(rows: Sequence[GainRow], folder: Path, *, about: str, level: float) -> None:
    import json

    from cephsure.atomic import write_atomically
    from cephsure.workflows.site_figure import gain_figure

    document = {"about": about, "level": level, "rows": [row.to_dict() for row in rows]}
    write_atomically(folder / GAIN_FILE, (json.dumps(document, indent=1) + "\n").encode())
    write_atomically(folder / FIGURE_FILE, gain_figure(rows, level=level, title=about))
    terminal.remark(f"wrote {GAIN_FILE} and {FIGURE_FILE} into {folder}")
