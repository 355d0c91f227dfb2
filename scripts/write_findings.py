"""Write docs/findings-in-full.md and the tables of docs/findings.md from what the experiments found.

    python scripts/write_findings.py --study DIR --paper-study DIR   # keep the findings in results/, write
    python scripts/write_findings.py                                 # write the pages from results/ alone

A study is made by ``cephsure experiment``, one of the shipped models on two head CTs and one of models of
the reference's recipe. The short page gets the tables of its report's head, the full one also the sentences
that the experiments themselves made from their tables. Nothing is typed by hand.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from cephsure.studies.registry import EXPERIMENTS
from cephsure.studies.report_tables import shown_columns
from cephsure.studies.result import ExperimentResult, ResultTable, read_result
from cephsure.studies.summaries import BEST, OVERVIEW, summaries_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "findings.md"
FULL_PAGE = ROOT / "docs" / "findings-in-full.md"
RESULTS = ROOT / "results"
SUMMARIES, HEADS, POOLED = "summaries", "heads", "pooled"
KEPT = RESULTS / "findings.json"
KEPT_PAPER = RESULTS / "findings_paper.json"
PREDICTIONS = RESULTS / "predictions"
FULL_HEAD = """# The findings in full

Every sentence that the experiments wrote of their tables, for those who look for one figure; the short of
it is [findings.md](findings.md). Written by `scripts/write_findings.py`, not by hand.

## The shipped models
"""
CREDIT = """Research use only, not a medical device.
The Visible Human male's head CT is *Courtesy of the U.S. National Library of Medicine*; Cranium is a head
CT of InVesalius, Centro de Tecnologia da Informação Renato Archer.
"""


def keep(study: Path, kept: Path) -> None:
    """Copy a study's findings to ``kept``, and the predictions of models that are not shipped to results/."""
    results = [read_result(study / name, name) for name in EXPERIMENTS if (study / name).is_dir()]
    found: dict[str, Any] = {
        result.name: {"title": result.title, "findings": list(result.findings)} for result in results
    }
    tables = summaries_of(results)
    turned = next((result for result in results if result.name == "rotation"), None)
    if turned is not None and "rotation-all-heads" in turned.tables:
        tables |= {HEADS: heads_table(turned.tables["rotation"]), POOLED: pooled_table(turned)}
    found[SUMMARIES] = {name: table.document() for name, table in tables.items()}
    kept.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for folder in sorted((study / "predictions").iterdir()):
        facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if facts["label"].startswith("default-"):
            continue
        shutil.copytree(folder, PREDICTIONS / folder.name, dirs_exist_ok=True)


def heads_table(turned: ResultTable) -> ResultTable:
    """Of every head and series of turns the coefficients of the models' own measures, a column a model."""
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for row in turned.document()["rows"]:
        if row["published_pearson"] is None:  # not a model's own measure, or tilt and nod
            continue
        ends = f"{row['angle_pearson_low']:.2f}, {row['angle_pearson_high']:.2f}"
        text = f"{row['angle_pearson']:.2f} [{ends}]".replace("-", "−")
        lines.setdefault((row["head"], row["series"]), {})[row["model"]] = text
    return by_model(
        "Size of the angle and mean measure, Pearson's r",
        ("head", "series"),
        lines,
        "Each model by its own measure: activation for a Baseline, spread for the others. Intervals: 95 %, "
        "over moving blocks of angles of the one head.",
    )


def by_model(
    title: str, keys: tuple[str, ...], lines: dict[tuple[str, ...], dict[str, str]], note: str
) -> ResultTable:
    """A table with a column a model: under each line's keys what stands for each model."""
    models = list(dict.fromkeys(model for line in lines.values() for model in line))
    rows = ((*key, *(line.get(model) for model in models)) for key, line in lines.items())
    return ResultTable.from_rows(title, (*keys, *models), tuple(rows), note)


def pooled_table(rotation: ExperimentResult) -> ResultTable:
    """Of the areas over all heads those of each model's own measure and the best measure of all."""
    table = rotation.tables["rotation-all-heads"]
    columns = ("series", "model", "measure", "auc", "auc_worst_pair")
    rows = []
    for series in dict.fromkeys(line["series"] for line in table.document()["rows"]):
        lines = [line for line in table.document()["rows"] if line["series"] == series]
        best = max(lines, key=lambda line: line["auc"])
        shown = [*(line for line in lines if line["own_measure"]), best]
        rows += [tuple(line[name] for name in columns) for line in shown]
    return ResultTable.from_rows(
        table.title,
        columns,
        tuple(dict.fromkeys(rows)),
        f"Each model by its own measure, then the best of all measures. {table.note}",
    )


def read_kept(kept: Path) -> dict[str, Any]:
    """Findings that were kept."""
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def kept_table(found: dict[str, Any], name: str) -> ResultTable:
    """A table of the report's head."""
    return ResultTable.from_document(found[SUMMARIES][name])


def finding_lines(found: dict[str, Any]) -> list[str]:
    """All sentences as markdown, an experiment a heading."""
    lines: list[str] = []
    for name in EXPERIMENTS:
        if name not in found:
            continue
        lines += [f"### {found[name]['title']}", "", f"`cephsure experiment {name}`", ""]
        lines += [f"- {sentence}" for sentence in found[name]["findings"]]
        lines.append("")
    return lines


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


def best_table(table: ResultTable) -> ResultTable:
    """The table of the best measures with a line a task and a column a model."""
    tasks: dict[tuple[str, ...], dict[str, str]] = {}
    for row in table.document()["rows"]:
        best = f"{row['measure']} {row['value']:.2f}"
        if row["combination"] is not None:
            best += f"; {row['combination']} {row['combination_value']:.2f}"
        tasks.setdefault((f"{row['task']} ({row['figure']})",), {})[row["model"]] = best
    note = f"Single measure, then combination of several where it was made. {table.note}"
    return by_model(table.title, ("task",), tasks, note)


def put(text: str, name: str, lines: list[str]) -> str:
    """The page with the part of a name replaced."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = text.split(begin)
    return "\n\n".join([f"{before}{begin}", "\n".join(lines), f"{end}{rest.split(end)[1]}"])


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
    found, paper = read_kept(KEPT), read_kept(KEPT_PAPER)
    page = PAGE.read_text(encoding="utf-8")
    page = put(page, "models", table_lines(kept_table(found, OVERVIEW)))
    page = put(page, "heads", table_lines(kept_table(found, HEADS)))
    page = put(page, "pooled", table_lines(kept_table(found, POOLED)))
    page = put(page, "best", table_lines(best_table(kept_table(found, BEST))))
    page = put(page, "reference", table_lines(kept_table(paper, OVERVIEW)))
    PAGE.write_text(page, encoding="utf-8")
    full = [FULL_HEAD, *finding_lines(found), "## The reference's own recipe", "", *finding_lines(paper)]
    FULL_PAGE.write_text("\n".join([*full, CREDIT]), encoding="utf-8")


if __name__ == "__main__":
    main()
