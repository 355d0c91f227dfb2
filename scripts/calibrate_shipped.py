"""Calibrate the shipped models in place, and write the table of docs/calibration.md from what was found.

    python scripts/calibrate_shipped.py --isbi DIR [--models NAME ...]
    python scripts/calibrate_shipped.py --tables-only

Each model is calibrated by one ``cephsure calibrate`` on Test1 without the films that are also in Training.
Its cross-fitted figures go to ``results/calibration_NAME.json``, and the calibrated bundle takes the place
of the old one under ``src/cephsure/data/models``. A model that is calibrated already is calibrated anew.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "src" / "cephsure" / "data" / "models"
RESULTS = ROOT / "results"
PAGE = ROOT / "docs" / "calibration.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
NAMES = ("default-ensemble", "default-mc-dropout", "default-baseline")


def calibrate(name: str, data: Path) -> None:
    """Calibrate one shipped model and put the calibrated bundle in its place."""
    print(name, flush=True)
    with tempfile.TemporaryDirectory(dir=MODELS.parent, prefix=".calibrating-") as folder:
        new = Path(folder) / name
        command = [sys.executable, "-m", "cephsure", "calibrate", "--bundle", str(MODELS / name)]
        command += ["--data", str(data), "--split", "test1", "--truth", "mean", "--out", str(new)]
        subprocess.run(command, check=True)  # noqa: S603 - our own program
        figures = new / "calibration" / "figures.json"
        RESULTS.mkdir(exist_ok=True)
        shutil.copyfile(figures, RESULTS / f"calibration_{name}.json")
        # What the package ships is the calibration; the figures stand in the documentation.
        old = Path(folder) / "old"
        (MODELS / name).rename(old)
        new.rename(MODELS / name)


def tables() -> str:
    """The page's tables as Markdown, from the files in results/."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("calibration_*.json"))]
    lines = ["### Regions", ""]
    lines += [
        _cells(
            "model", "region", "level", "held the true point, % [95 %]", "worst landmark, %", "mean area, mm²"
        )
    ]
    lines += [_cells(*["---"] * 6)]
    lines += [_region_row(one, region) for one in found for region in one["regions"]]
    lines += ["", "### Expected errors", ""]
    lines += [
        _cells(
            "model",
            "films",
            "mean error, mm",
            "calibration error, mm",
            "expected / actual, by tenths of the points",
        )
    ]
    lines += [_cells(*["---"] * 5)]
    lines += [_error_row(one) for one in found]
    return "\n".join(lines)


def _region_row(figures: dict[str, Any], region: dict[str, Any]) -> str:
    low, high = region["coverage_ci95"]
    return _cells(
        figures["source"]["model"],
        region["kind"],
        f"{region['level']:.0%}",
        f"{100 * region['coverage']:.1f} [{100 * low:.1f}, {100 * high:.1f}]",
        f"{100 * region['worst_landmark']:.1f}",
        f"{region['mean_area_mm2']:.1f}",
    )


def _error_row(figures: dict[str, Any]) -> str:
    return _cells(
        figures["source"]["model"],
        f"{figures['films']} films, {figures['points']} points",
        f"{figures['mean_error_mm']:.2f}",
        f"{figures['expected_calibration_error_mm']:.3f}",
        " ".join(f"{group['ratio']:.2f}" for group in figures["deciles"]),
    )


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def write_between_marks(page: Path, text: str) -> None:
    """Put a text between a page's two marks."""
    before, rest = page.read_text().split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


def main() -> None:
    """Calibrate, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--isbi", type=Path, help="the ISBI 2015 data set")
    parser.add_argument("--models", nargs="*", default=list(NAMES), choices=NAMES)
    parser.add_argument("--tables-only", action="store_true")
    arguments = parser.parse_args()
    if not arguments.tables_only:
        if arguments.isbi is None:
            parser.error("say where the films are: --isbi DIR")
        for name in arguments.models:
            calibrate(name, arguments.isbi)
    write_between_marks(PAGE, tables())


if __name__ == "__main__":
    main()
