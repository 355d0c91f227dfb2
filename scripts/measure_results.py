"""Run the evaluations of docs/results.md, and write its tables, and the README's, from what they found.

    python scripts/measure_results.py --models RUNS --isbi DIR [--other-site DIR] [--senior BUNDLE] ...
    python scripts/measure_results.py --tables-only

Each evaluation is one ``cephsure evaluate`` whose JSON goes to ``results/``; the tables between the two
marks of docs/results.md are made from those files alone. An evaluation whose file is there already is not
run again (``--again`` does).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
OTHER_SITE_MM_PER_PX = "0.127"
SPLITS = {
    "default-ensemble": ("test1", "test1-clean"),
    "default-mc-dropout": ("test1",),
    "default-baseline": ("test1", "test1-clean"),
}


@dataclass(frozen=True)
class Run:
    """One evaluation: where its JSON goes, what stands in its row, and the options that make it."""

    name: str
    title: str
    options: tuple[str, ...]


def isbi_runs(bundles: dict[str, str]) -> list[Run]:
    """Evaluations on the challenge's first test set, of models that were not trained on it."""
    runs = []
    for model, splits in SPLITS.items():
        for split in splits:
            options = ("--model", bundles[model], "--split", split, "--truth", "mean")
            runs.append(Run(f"{model}_{split}_mean", f"{model}, {split}, mean", options))
    ensemble = ("--model", bundles["default-ensemble"], "--split", "test1", "--truth")
    runs += [
        Run(f"default-ensemble_test1_{truth}", f"default-ensemble, test1, {truth}", (*ensemble, truth))
        for truth in ("senior", "junior")
    ]
    for change in ("mirror", "invert"):
        title = f"default-ensemble, test1 {change}ed, mean"
        runs.append(Run(f"default-ensemble_test1_{change}", title, (*ensemble, "mean", f"--{change}")))
    return runs


def all_runs(arguments: argparse.Namespace) -> list[tuple[Run, Path]]:
    """All evaluations that the given folders allow, each with its data set."""
    bundles = {model: str(arguments.models / model / "bundle") for model in SPLITS}
    runs = [(run, arguments.isbi) for run in isbi_runs(bundles)] if arguments.isbi else []
    if arguments.other_site:
        for model in SPLITS:
            options = ("--model", bundles[model], "--format", "labelme", "--mm-per-px", OTHER_SITE_MM_PER_PX)
            runs.append(
                (Run(f"{model}_other-site", f"{model}, other site, mean", options), arguments.other_site)
            )
    trained = [("senior", arguments.senior), *(("paper", bundle) for bundle in arguments.paper)]
    for kind, bundle in trained:
        if bundle and arguments.isbi:
            name = json.loads((bundle / "bundle.json").read_text())["name"]
            options = ("--model", str(bundle), "--split", "test1", "--truth", "senior")
            runs.append(
                (Run(f"{kind}_{name}_test1_senior", f"{name}, test1, senior", options), arguments.isbi)
            )
    return runs


def measure(run: Run, data: Path, *, again: bool) -> None:
    """Run one evaluation, unless its result is there."""
    target = RESULTS / f"{run.name}.json"
    if target.exists() and not again:
        return
    print(run.title, flush=True)
    command = [sys.executable, "-m", "cephsure", "evaluate", "--quiet", "--data", str(data), *run.options]
    command += ["--json", str(target)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program


def tables() -> str:
    """The tables as markdown, from the files in results/."""
    rows = [{"file": path.stem, **json.loads(path.read_text())} for path in sorted(RESULTS.glob("*.json"))]
    rows = [row for row in rows if str(row.get("schema", "")).startswith("cephsure.evaluation/")]
    return "\n".join(
        [
            "### Accuracy",
            "",
            *accuracy_table(rows),
            "",
            "### Measures of uncertainty",
            "",
            *measure_table(rows),
        ]
    )


def readme_table() -> str:
    """The models in four columns."""
    lines = [
        _cells("model", "Test1: MRE mm, SDR 2 mm %", "other site: MRE mm", "errors > 4 mm, ROC area"),
        _cells(*["---"] * 4),
    ]
    for model in SPLITS:
        test, other = (
            json.loads((RESULTS / f"{model}_{name}.json").read_text())
            for name in ("test1_mean", "other-site")
        )
        best = max(quality["auc_4mm"] for quality in test["measures"].values())
        cells = (f"{test['mre_mm']:.2f}, {test['sdr']['2.0']:.1f}", f"{other['mre_mm']:.2f}", f"{best:.2f}")
        lines.append(_cells(model, *cells))
    return "\n".join(lines)


def write_between_marks(page: Path, text: str) -> None:
    """Put a text between a page's two marks."""
    before, rest = page.read_text().split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


def _label(row: dict[str, Any]) -> str:
    about = row["about"]
    changes = "".join(f", {name}" for name in ("mirrored", "inverted") if about[name])
    senior = f" of {about['samples']}, trained on senior" if row["file"].startswith("senior_") else ""
    return f"{about['model']}{senior} | {about['dataset']} {about['split'] or ''}{changes} | {about['truth']}"


def accuracy_table(rows: list[dict[str, Any]]) -> list[str]:
    """MRE and SDR, overall and without landmark 16."""
    headings = ("model", "films", "truth", "n", "MRE mm [95 %]", "SD", "SDR 2 / 2.5 / 3 / 4 mm, %")
    lines = [_cells(*headings, "without 16: MRE, SDR 2 mm"), _cells(*["---"] * (len(headings) + 1))]
    for row in rows:
        low, high = row["mre_ci95_mm"]
        rest = row["without"]["16"]
        cells = (
            _label(row),
            f"{row['n_films']} films, {row['n_points']} points",
            f"{row['mre_mm']:.3f} [{low:.3f}, {high:.3f}]",
            f"{row['sd_mm']:.2f}",
            " / ".join(f"{row['sdr'][key]:.1f}" for key in ("2.0", "2.5", "3.0", "4.0")),
            f"{rest['mre_mm']:.3f}, {rest['sdr']['2.0']:.1f}",
        )
        lines.append(_cells(*cells))
    return lines


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def measure_table(rows: list[dict[str, Any]]) -> list[str]:
    """Each measure against the radial error, every point by itself."""
    lines = [
        "| model | films | truth | measure | Pearson | Spearman | ROC area, error > 2 mm | > 4 mm |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        for name, quality in row["measures"].items():
            keys = ("pearson", "spearman", "auc_2mm", "auc_4mm")
            cells = " | ".join("–" if quality[key] is None else f"{quality[key]:.3f}" for key in keys)
            lines.append(f"| {_label(row)} | {name} | {cells} |")
    return lines


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    runs = "folder of the three runs that were trained on the training films alone"
    parser.add_argument("--models", type=Path, default=Path("runs"), help=runs)
    parser.add_argument("--isbi", type=Path)
    parser.add_argument("--other-site", type=Path)
    parser.add_argument("--senior", type=Path)
    parser.add_argument("--paper", type=Path, nargs="*", default=[])
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--tables-only", action="store_true")
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    if not arguments.tables_only:
        for run, data in all_runs(arguments):
            measure(run, data, again=arguments.again)
    write_between_marks(PAGE, tables())
    write_between_marks(README, readme_table())


if __name__ == "__main__":
    main()
