"""All experiments of a study as one HTML page that needs no other file, no script and no network."""

from __future__ import annotations

from html import escape
from importlib import resources
from typing import TYPE_CHECKING, TypeVar

from cephsure.studies.catalogue import QUESTIONS
from cephsure.studies.report_picture import picture_html
from cephsure.studies.report_tables import NOTHING, ShownColumn, frame, table_html
from cephsure.studies.result import drawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cephsure.studies.result import ExperimentResult, ResultTable
    from cephsure.studies.study_record import DataFacts, ModelFacts, StudyFacts

Item = TypeVar("Item")

REPORT_FILE = "report.html"
TITLE = "What each measure of landmark uncertainty is worth"
_DISCLAIMER = "Research use only. Not a medical device."
_SHORT_HASH = 12
# The page may show what stands in it and load nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_html(
    results: Sequence[ExperimentResult],
    facts: Mapping[str, StudyFacts],
    *,
    summaries: Mapping[str, ResultTable] | None = None,
) -> str:
    """The report.

    It holds no time of day: the same results give the same page.

    Args:
        results: in the order of the report, at least one.
        facts: by the experiment's name, what it was made from.
        summaries: tables over several experiments, by file name without ending; they head the page.

    Returns:
        An HTML document.
    """
    studies = [facts[result.name] for result in results]
    style = resources.files("cephsure.studies").joinpath("report.css").read_text(encoding="utf-8")
    sections = "".join(
        _experiment(number, result, facts[result.name], alone=_alike(studies))
        for number, result in enumerate(results, start=1)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>cephsure: {escape(TITLE)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<p class="notice">{_DISCLAIMER}</p>\n<div class="page">\n'
        f"{_heading(studies)}{_at_a_glance(summaries or {})}{_contents(results)}"
        f"<main>\n{sections}</main>\n{_footer(studies)}</div>\n"
        f'<p class="notice">{_DISCLAIMER}</p>\n</body>\n</html>\n'
    )


def _heading(studies: Sequence[StudyFacts]) -> str:
    models = _each(model for study in studies for model in study.models)
    data = _each(one for study in studies for one in study.data)
    versions = _each(f"{name} {number}" for study in studies for name, number in study.versions.items())
    credit = [one.credit for one in data if one.credit]
    facts = {
        "Inputs up to": max(study.newest for study in studies),
        "Films that are judged": _listed(study.split for study in studies),
        "Seed": _listed(study.seed for study in studies),
        "Films that are shifted": _listed(study.shift_films for study in studies),
        "Versions": ", ".join(versions),
    }
    lines = "".join(f"<dt>{escape(term)}</dt><dd>{escape(words)}</dd>\n" for term, words in facts.items())
    credits_html = "".join(f"<p>{escape(line)}</p>\n" for line in _each(credit))
    return (
        f"<header>\n<h1>{escape(TITLE)}</h1>\n"
        '<p class="lead">Experiments on cephalometric landmarks and how far each can be trusted.</p>\n'
        f'<dl class="facts">\n{lines}</dl>\n'
        f"<h2>Studied</h2>\n{_models(models)}{_data(data)}{credits_html}</header>\n"
    )


def _models(models: Sequence[ModelFacts]) -> str:
    columns = {
        "label": [model.label for model in models],
        "recipe": [model.recipe for model in models],
        "kind": [model.kind for model in models],
        "samples a film": [str(model.samples) for model in models],
        "trained on": [model.truth for model in models],
        "changes to the recipe": [", ".join(model.changes) or "none" for model in models],
        "SHA-256": [model.sha256[:_SHORT_HASH] for model in models],
    }
    return _facts_table(columns, caption="Models that were studied")


def _data(data: Sequence[DataFacts]) -> str:
    columns = {
        "role": [str(one.role) for one in data],
        "name": [one.name for one in data],
        "films": [", ".join(f"{split} {n}" for split, n in one.films.items()) or NOTHING for one in data],
        "annotators": [", ".join(one.annotators) or NOTHING for one in data],
        "SHA-256": [one.sha256[:_SHORT_HASH] for one in data],
    }
    return _facts_table(columns, caption="Films and volumes that were used")


def _facts_table(columns: Mapping[str, Sequence[str]], *, caption: str) -> str:
    shown = [ShownColumn(name, "", tuple(texts), numeric=False) for name, texts in columns.items()]
    return frame(shown, len(shown[0].texts), caption=caption)


def _at_a_glance(summaries: Mapping[str, ResultTable]) -> str:
    if not summaries:
        return ""
    tables = "".join(
        table_html(table, title=f"Overview {number}", file=f"{name}.csv")
        for number, (name, table) in enumerate(summaries.items(), start=1)
    )
    return f'<section aria-labelledby="glance">\n<h2 id="glance">At a glance</h2>\n{tables}</section>\n'


def _contents(results: Sequence[ExperimentResult]) -> str:
    entries = "".join(
        f'<li><a href="#{escape(result.name)}">{escape(result.title)}</a>'
        + (f"<span>{escape(QUESTIONS[result.name])}</span>" if result.name in QUESTIONS else "")
        + "</li>\n"
        for result in results
    )
    return (
        f'<nav aria-labelledby="contents">\n<h2 id="contents">Contents</h2>\n<ol>\n{entries}</ol>\n</nav>\n'
    )


def _experiment(number: int, result: ExperimentResult, study: StudyFacts, *, alone: bool) -> str:
    question = QUESTIONS.get(result.name, "")
    figures = "".join(
        picture_html(drawn(figure), title=f"Figure {number}.{index}")
        for index, figure in enumerate(result.figures.values(), start=1)
    )
    tables = "".join(
        table_html(table, title=f"Table {number}.{index}", file=f"{result.name}/{name}.csv")
        for index, (name, table) in enumerate(result.tables.items(), start=1)
    )
    method = "".join(f"<p>{escape(sentence)}</p>\n" for sentence in result.method)
    name = escape(result.name)
    return (
        f'<section class="experiment" id="{name}" aria-labelledby="{name}-title">\n'
        f'<h2 id="{name}-title">{number} {escape(result.title)}</h2>\n'
        + (f'<p class="question">{escape(question)}</p>\n' if question else "")
        + ("" if alone else f'<p class="under">{escape(_made_with(study))}</p>\n')
        + (f"<h3>Tables</h3>\n{tables}" if tables else "")
        + (f"<h3>Figures</h3>\n{figures}" if figures else "")
        + (f"<details>\n<summary>Method</summary>\n{method}</details>\n" if method else "")
        + "</section>\n"
    )


def _made_with(study: StudyFacts) -> str:
    """What one experiment was made from, where not all of a report were made alike."""
    models = ", ".join(f"{model.label} ({model.sha256[:_SHORT_HASH]})" for model in study.models)
    return (
        f"Made with {models}; seed {study.seed}; {study.shift_films} films shifted; "
        f"cephsure {study.versions['cephsure']}."
    )


def _alike(studies: Sequence[StudyFacts]) -> bool:
    return all(_made_with(study) == _made_with(studies[0]) for study in studies)


def _footer(studies: Sequence[StudyFacts]) -> str:
    version = escape(_listed(study.versions["cephsure"] for study in studies))
    return (
        "<footer>\n<p>Every table is a CSV file with all its digits, every figure a PNG and an SVG file, and "
        "every result a JSON file beside this report. Rounded numbers are for reading.</p>\n"
        f"<p>Made by cephsure {version}.</p>\n</footer>\n"
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
