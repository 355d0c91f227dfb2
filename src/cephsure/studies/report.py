"""All experiments of a study as one HTML page that needs no other file, no script and no network."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import TYPE_CHECKING, TypeVar

from PIL import Image

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.studies.registry import EXPERIMENTS
from cephsure.studies.report_tables import NOTHING, ShownColumn, ShownTable, shown_table
from cephsure.studies.result import drawn, read_result, templates
from cephsure.studies.study_record import read_record
from cephsure.studies.summaries import summaries_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from cephsure.studies.result import DrawnFigure, ExperimentResult, ResultTable
    from cephsure.studies.study import ModelFacts
    from cephsure.studies.study_record import DataFacts, StudyFacts

Item = TypeVar("Item")

REPORT_FILE = "report.html"
TITLE = "What each measure of landmark uncertainty is worth"
_SHORT_HASH = 12
_MOST_SVG_BYTES = 400_000
# A film's grain costs a PNG much and a reader nothing.
_LARGE_PNG_BYTES = 300_000
_JPEG_QUALITY = 90
_CSS_PX_PER_INCH = 96
_USUAL_DPI = 100


def write_report(out: Path, *, on_damage: Callable[[InputError], None]) -> Path | None:
    """Write report and summaries of all experiments that a folder holds, of this and of earlier calls.

    Args:
        out: a study's folder.
        on_damage: is given what is wrong with a result that cannot be read; the report goes without it.

    Returns:
        The report's file, or None where there is nothing to report.

    Raises:
        InputError: the folder's record is damaged, or the report cannot be written.
    """
    made = read_record(out).experiments
    results = []
    for name in sorted(made, key=[*EXPERIMENTS, *made].index):
        try:
            results.append(read_result(out / name, name))
        except InputError as error:
            on_damage(error)
    if not results:
        return None
    summaries = summaries_of(results)
    for name, table in summaries.items():
        write_atomically(out / f"{name}.csv", table.csv().encode("utf-8"))
    page = report_html(results, {name: entry.study for name, entry in made.items()}, summaries=summaries)
    return write_atomically(out / REPORT_FILE, page.encode("utf-8"))


def report_html(
    results: Sequence[ExperimentResult],
    facts: Mapping[str, StudyFacts],
    *,
    summaries: Mapping[str, ResultTable] | None = None,
) -> str:
    """The report as an HTML document; it holds no time of day: the same results give the same page.

    Args:
        results: in the order of the report, at least one.
        facts: by the experiment's name, what it was made from.
        summaries: tables over several experiments, by file name without ending; they head the page.
    """
    studies = [facts[result.name] for result in results]
    data = _each(item for study in studies for item in study.data)
    alike = len(set(map(_made_with, studies))) == 1
    return (
        templates()
        .get_template("report.html.j2")
        .render(
            title=TITLE,
            facts=_facts(studies),
            models=_models(_each(model for study in studies for model in study.models)),
            data=_data(data),
            credits=_each(item.credit for item in data if item.credit),
            summaries=[
                shown_table(table, title=f"Overview {number}", file=f"{name}.csv")
                for number, (name, table) in enumerate((summaries or {}).items(), start=1)
            ],
            experiments=[
                _experiment(number, result, "" if alike else _made_with(facts[result.name]))
                for number, result in enumerate(results, start=1)
            ],
            version=_listed(study.versions["cephsure"] for study in studies),
        )
        + "\n"
    )


def _facts(studies: Sequence[StudyFacts]) -> dict[str, str]:
    versions = (f"{name} {number}" for study in studies for name, number in study.versions.items())
    return {
        "Inputs up to": max(study.newest for study in studies),
        "Films that are judged": _listed(study.split for study in studies),
        "Seed": _listed(study.seed for study in studies),
        "Films that are shifted": _listed(study.shift_films for study in studies),
        "Versions": _listed(versions),
    }


def _models(models: Sequence[ModelFacts]) -> ShownTable:
    columns = {
        "label": [model.label for model in models],
        "recipe": [model.recipe for model in models],
        "kind": [str(model.kind) for model in models],
        "samples a film": [str(model.samples) for model in models],
        "trained on": [model.truth for model in models],
        "changes to the recipe": [", ".join(model.changes) or "none" for model in models],
        "SHA-256": [model.sha256[:_SHORT_HASH] for model in models],
    }
    return _facts_table(columns, caption="Models that were studied")


def _data(data: Sequence[DataFacts]) -> ShownTable:
    columns = {
        "role": [str(item.role) for item in data],
        "name": [item.name for item in data],
        "films": [", ".join(f"{split} {n}" for split, n in item.films.items()) or NOTHING for item in data],
        "annotators": [", ".join(item.annotators) or NOTHING for item in data],
        "SHA-256": [item.sha256[:_SHORT_HASH] for item in data],
    }
    return _facts_table(columns, caption="Films and volumes that were used")


def _facts_table(columns: Mapping[str, Sequence[str]], *, caption: str) -> ShownTable:
    return ShownTable(caption, tuple(ShownColumn(name, "", tuple(texts)) for name, texts in columns.items()))


def _experiment(number: int, result: ExperimentResult, made_with: str) -> dict[str, object]:
    """What the template tells of one experiment."""
    return {
        "name": result.name,
        "title": result.title,
        "question": EXPERIMENTS[result.name].question if result.name in EXPERIMENTS else "",
        "made_with": made_with,
        "tables": [
            shown_table(table, title=f"Table {number}.{index}", file=f"{result.name}/{name}.csv")
            for index, (name, table) in enumerate(result.tables.items(), start=1)
        ],
        "figures": [
            picture(drawn(figure), title=f"Figure {number}.{index}")
            for index, figure in enumerate(result.figures.values(), start=1)
        ],
        "method": result.method,
    }


def _made_with(study: StudyFacts) -> str:
    """What one experiment was made from, where not all of a report were made alike."""
    models = ", ".join(f"{model.label} ({model.sha256[:_SHORT_HASH]})" for model in study.models)
    return (
        f"Made with {models}; seed {study.seed}; {study.shift_films} films shifted; "
        f"cephsure {study.versions['cephsure']}."
    )


def _each(items: Iterable[Item]) -> list[Item]:
    """Every item once, in the order they come."""
    seen: list[Item] = []
    for item in items:
        if item not in seen:
            seen.append(item)
    return seen


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, _each(items)))


def picture(figure: DrawnFigure, *, title: str) -> dict[str, str | int]:
    """A result's figure for the page: curves as SVG, films and what is too large as PNG or JPEG.

    With title, caption, alt, the file as a data address (``source``), width and height in CSS pixels.
    """
    kind, content = _inlined(figure)
    with Image.open(io.BytesIO(figure.files["png"])) as image:
        scale = _CSS_PX_PER_INCH / image.info.get("dpi", (_USUAL_DPI,))[0]
        width, height = round(image.width * scale), round(image.height * scale)
    return {
        "title": title,
        "caption": figure.caption,
        "alt": f"{title}: {figure.alt}" if figure.alt else title,
        "source": f"data:{kind};base64,{b64encode(content).decode()}",
        "width": width,
        "height": height,
    }


def _inlined(figure: DrawnFigure) -> tuple[str, bytes]:
    """The file to inline and its media type."""
    svg, png = figure.files["svg"], figure.files["png"]
    holds_pixels = b"<image" in svg
    if not holds_pixels and len(svg) <= _MOST_SVG_BYTES:
        return "image/svg+xml", svg
    if holds_pixels and len(png) > _LARGE_PNG_BYTES:
        jpeg = io.BytesIO()
        with Image.open(io.BytesIO(png)) as image:
            # Full colour resolution: the marks on a film are thin and coloured.
            image.convert("RGB").save(jpeg, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        if jpeg.tell() < len(png):
            return "image/jpeg", jpeg.getvalue()
    return "image/png", png
