"""Write the generated part of docs/findings.md from what the experiments found.

    python scripts/write_findings.py --study DIR --paper-study DIR   # keep the findings in results/, write
    python scripts/write_findings.py                                 # write the page from results/ alone

A study is made by ``cephsure experiment``, one of the shipped models and one of models of the reference's
recipe; what the page shows of it are the tables of its report's head and the sentences that the experiments
themselves made from their tables. Nothing is typed by hand.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from cephsure.experiments.best_of import BEST
from cephsure.experiments.catalogue import QUESTIONS
from cephsure.experiments.overview import OVERVIEW
from cephsure.experiments.report_columns import shown_columns
from cephsure.experiments.result import ResultTable, read_result
from cephsure.experiments.summaries import summaries_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "findings.md"
RESULTS = ROOT / "results"
SUMMARIES = "summaries"
KEPT = RESULTS / "findings.json"
KEPT_PAPER = RESULTS / "findings_paper.json"
PREDICTIONS = RESULTS / "predictions"
BEGIN, END = "<!-- findings: begin -->", "<!-- findings: end -->"


def keep(study: Path, kept: Path) -> None:
    """Copy a study's findings to ``kept``, and the predictions of models that are not shipped to results/."""
    results = [read_result(study / name, name) for name in QUESTIONS if (study / name).is_dir()]
    found: dict[str, Any] = {
        result.name: {"title": result.title, "findings": list(result.findings)} for result in results
    }
    found[SUMMARIES] = {name: table.document() for name, table in summaries_of(results).items()}
    kept.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for folder in sorted((study / "predictions").iterdir()):
        facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if facts["label"].startswith("default-"):
            continue
        shutil.copytree(folder, PREDICTIONS / folder.name, dirs_exist_ok=True)


def page_part(kept: Path, *summaries: str) -> str:
    """The findings as markdown, the tables named first."""
    found = json.loads(kept.read_text(encoding="utf-8"))
    lines: list[str] = []
    for name in summaries:
        lines += [*table_lines(ResultTable.from_document(found[SUMMARIES][name])), ""]
    for name in QUESTIONS:
        if name not in found:
            continue
        lines += [f"### {found[name]['title']}", "", f"`cephsure experiment {name}`", ""]
        lines += [f"- {sentence}" for sentence in found[name]["findings"]]
        lines.append("")
    return "\n".join(lines).rstrip()


def table_lines(table: ResultTable) -> list[str]:
    """A table as markdown, rounded for reading, intervals beside their values; its note below."""
    columns, _ = shown_columns(table)
    heads = [f"{column.heading}, {column.unit}" if column.unit else column.heading for column in columns]
    rows = [heads, ["---"] * len(columns), *zip(*(column.texts for column in columns), strict=True)]
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row).replace(" [interval]", "") + " |"
        for row in rows
    ]
    return [f"**{table.title}.**", "", *lines, "", table.note]


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--study", type=Path, metavar="DIR", help="a finished study of the shipped models")
    parser.add_argument("--paper-study", type=Path, metavar="DIR", help="one of the reference's recipe")
    arguments = parser.parse_args()
    if arguments.study:
        keep(arguments.study, KEPT)
    if arguments.paper_study:
        keep(arguments.paper_study, KEPT_PAPER)
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    parts = [page_part(KEPT, OVERVIEW, BEST)]
    if KEPT_PAPER.is_file():
        parts += ["## The reference's own recipe", page_part(KEPT_PAPER, OVERVIEW)]
    text = "\n\n".join([f"{before}{BEGIN}", *parts, f"{END}{after}"])
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
