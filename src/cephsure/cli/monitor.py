"""``cephsure monitor``: does promised coverage still hold on the films that came in?"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations when it builds the command
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cephsure.cli import terminal
from cephsure.cli.options import Data, Format, Layout, MmPerPx, ModelName, PassSeed, Truth
from cephsure.cli.site_calibrate import Split, predicted
from cephsure.errors import InputError
from cephsure.workflows.batch import DEFAULT_MODEL

if TYPE_CHECKING:
    from cephsure.datasets import Dataset
    from cephsure.uncertainty.site import Site
    from cephsure.workflows.site_films import SiteFilms


def monitor(
    *,
    data: Data,
    model: ModelName = DEFAULT_MODEL,
    site: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Watch the regions of this site calibration.")
    ] = None,
    order: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Films in time order: a text file, one name a line.", show_default="by name"
        ),
    ] = None,
    layout: Layout = Format.AUTO,
    split: Split = "all",
    truth: Truth = "mean",
    mm_per_px: MmPerPx = None,
    seed: PassSeed = 0,
    level: Annotated[
        float, typer.Option(min=0.01, max=0.99, metavar="P", help="The coverage that was promised.")
    ] = 0.9,
    false_alarm_rate: Annotated[
        float,
        typer.Option(
            metavar="RATE", help="Probability that an alarm is ever raised while the promise holds."
        ),
    ] = 0.05,
    margin: Annotated[
        float, typer.Option(min=0.0, metavar="M", help="How much less coverage is tolerated.")
    ] = 0.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every reading as JSON.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the course of the evidence as PNG.")
    ] = None,
) -> None:
    """Tell whether regions still hold what they promise, on corrected films in time order.

    An alarm means: so many true points outside their regions are not chance. While the promise holds, the
    probability that one is ever raised is the false-alarm rate, however many films come.

    Exit status: 0 all went, alarm or not; 2 some input could not be used, the rest is done all the same; 1 a
    failure of cephsure.
    """
    from cephsure.datasets import open_dataset, select
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.model import load_model
    from cephsure.uncertainty.site import read_site
    from cephsure.workflows.site_films import in_order

    check_mm_per_px(mm_per_px)
    fitted = None if site is None else read_site(site)
    loaded = load_model(model)
    if fitted is None and loaded.calibration is None:
        raise InputError(
            f"{loaded.name} is not calibrated: it has no regions to watch",
            remedy="give a calibrated bundle by --model, or a site's file by --site",
        )
    whole = open_dataset(data, format=layout.value, landmark_set=loaded.landmark_set, mm_per_px=mm_per_px)
    dataset = select(whole, split)
    if order is not None:
        dataset = in_order(dataset, _names(order))
    complaints = terminal.Complaints()
    films = predicted(
        loaded, dataset, complaints, truth=truth, split=split, level=level, seed=seed, site=fitted
    )
    document = _document(films, dataset, fitted, level=level, rate=false_alarm_rate, margin=margin)
    _show(document)
    _write(document, json_file=json_file, figure=figure)
    complaints.repeat(inputs=len(dataset.films))
    raise typer.Exit(complaints.exit_status)


def _names(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot be read as text", where=path) from error
    return [line.strip() for line in lines if line.strip()]


def _document(
    films: SiteFilms, dataset: Dataset, site: Site | None, *, level: float, rate: float, margin: float
) -> dict[str, Any]:
    """What was watched, and every reading."""
    from dataclasses import asdict

    import numpy as np

    from cephsure.uncertainty.monitor import watch

    if films.own is None:
        raise InputError("no film has regions to watch", remedy="films need a scale; give --mm-per-px")
    known = np.isfinite(films.data.radial_mm)
    used = [i for i in range(len(known)) if known[i].any()]
    shares = [float(1.0 - films.own.held[i][known[i]].mean()) for i in used]
    readings = watch(shares, level=level, false_alarm_rate=rate, margin=margin)
    alarmed = [reading.films for reading in readings if reading.alarm]
    source = films.data.source
    return {
        "schema": "cephsure.monitor/1",
        "model": source.model,
        "model_sha256": source.model_sha256,
        "site": None if site is None else site.name,
        "dataset": dataset.name,
        "truth": source.truth,
        "level": level,
        "margin": margin,
        "false_alarm_rate": rate,
        "alarm": bool(alarmed),
        "alarm_at": films.film_ids[used[alarmed[0] - 1]] if alarmed else None,
        "readings": [
            {"film": films.film_ids[i], **asdict(reading)} for i, reading in zip(used, readings, strict=True)
        ],
    }


def _show(document: dict[str, Any]) -> None:
    from rich.text import Text

    console, readings = terminal.stdout_console(), document["readings"]
    last, allowed = readings[-1], 1.0 - document["level"] + document["margin"]
    at_site = f" at {document['site']}" if document["site"] else ""
    heading = f"{document['model']}{at_site} on {document['dataset']} · truth: {document['truth']}"
    console.print(Text(heading, style="bold"))
    console.print(
        Text(
            f"{len(readings)} films, {last['mean_outside']:.1%} of their points outside the regions "
            f"(promised: {allowed:.1%} at most)"
        )
    )
    most = max(reading["wealth"] for reading in readings)
    needed = 1.0 / document["false_alarm_rate"]
    if document["alarm"]:
        number = next(reading["films"] for reading in readings if reading["alarm"])
        text = f"alarm at film {number} ({document['alarm_at']}): promised coverage does not hold here"
        console.print(Text(text, style="bold red"))
        console.print(Text("calibrate for this site: cephsure site-calibrate", style="dim"))
    else:
        console.print(Text(f"no alarm: evidence {most:.2g} at most, {needed:g} is one"))


def _write(document: dict[str, Any], *, json_file: Path | None, figure: Path | None) -> None:
    import json

    from cephsure.atomic import write_atomically

    if json_file is not None:
        write_atomically(json_file, (json.dumps(document, indent=1) + "\n").encode())
        terminal.remark(f"wrote {json_file}")
    if figure is not None:
        from cephsure.uncertainty.monitor import Reading
        from cephsure.workflows.site_figure import monitor_figure

        readings = [
            Reading(**{key: value for key, value in one.items() if key != "film"})
            for one in document["readings"]
        ]
        title = f"{document['model']} on {document['dataset']}, truth: {document['truth']}"
        allowed = 1.0 - document["level"] + document["margin"]
        content = monitor_figure(readings, allowed=allowed, rate=document["false_alarm_rate"], title=title)
        write_atomically(figure, content)
        terminal.remark(f"wrote {figure}")
