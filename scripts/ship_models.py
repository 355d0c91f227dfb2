"""Make the shipped models of trained bundles: named, told of their films, calibrated out of fold.

    python scripts/ship_models.py --isbi DIR --other-site DIR --ensemble BUNDLE --mc-dropout BUNDLE BUNDLE ...
    python scripts/ship_models.py --tables-only

The bundles come from ``cephsure train`` (docs/training.md has the commands): an ensemble of fifteen on all
300 films of ISBI 2015 in five folds, and MC-Dropout networks, one a fold. Shipped are the ensemble, its first
member as the Baseline, and the first MC-Dropout network. Each is calibrated by one ``cephsure calibrate`` on
the films that its networks, or those of the other folds, have not seen. Figures of the rehearsal go to
``results/calibration_NAME.json`` and into the table of docs/calibration.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cephsure.bundles.bundle import FACTS_FILE, read_bundle
from cephsure.bundles.edit import CARD_FILE, edit_bundle
from cephsure.datasets import annotators, open_dataset, select
from cephsure.training.bundle_writer import model_card
from cephsure.uncertainty.calibration.calibration import CALIBRATION_FILE, read_calibration
from cephsure.workflows.train_bundle import add_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "src" / "cephsure" / "data" / "models"
RESULTS = ROOT / "results"
PAGE, READERS_PAGE = ROOT / "docs" / "calibration.md", ROOT / "docs" / "readers.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
ENSEMBLE, BASELINE, MC_DROPOUT = "default-ensemble", "default-baseline", "default-mc-dropout"
OTHER_SITE_MM_PER_PX = 0.127


def named(source: Path, folder: Path, name: str, data: Path, *, member: int | None = None) -> Path:
    """A bundle under a new name that names its annotators; of one member only, if one is given."""
    bundle = read_bundle(source)
    films = select(open_dataset(str(data), landmark_set=bundle.landmark_set), bundle.provenance.split).films
    with edit_bundle(bundle, folder) as edit:
        facts: dict[str, Any] = json.loads((edit.folder / FACTS_FILE).read_text())
        facts["name"] = name
        facts["provenance"]["annotators"] = list(annotators(films))
        if member is not None:
            kept = facts["members"][member]
            for other in facts["members"]:
                if other is not kept:
                    edit.remove(other["folder"])
            facts |= {"kind": "baseline", "members": [kept]}
        edit.write(FACTS_FILE, json.dumps(facts, indent=2).encode())
        edit.write(CARD_FILE, model_card(facts).encode())
    return folder


def ship(name: str, bundle: Path, other_folds: Sequence[Path], data: Path, other_site: Path) -> None:
    """Tell a bundle of its training films, calibrate it, and put it in the shipped one's place."""
    print(name, flush=True)
    made_from = read_bundle(bundle).provenance
    films = select(open_dataset(str(data)), made_from.split).films
    source = f"{len(films)} training films of {made_from.data}"
    add_reference(bundle, films, truth=made_from.truth, source=source)
    calibrated = bundle.with_name(f"{name}-calibrated")
    command = [sys.executable, "-m", "cephsure", "calibrate", "--bundle", str(bundle), "--data", str(data)]
    command += ["--split", made_from.split, "--further-readers", str(other_site)]
    command += ["--further-mm-per-px", str(OTHER_SITE_MM_PER_PX), "--out", str(calibrated)]
    for other in other_folds:
        command += ["--other-fold", str(other)]
    subprocess.run(command, check=True)  # noqa: S603 - our own program
    RESULTS.mkdir(exist_ok=True)
    # What the package ships is the calibration; the figures stand in the documentation.
    shutil.copyfile(calibrated / "calibration" / "figures.json", RESULTS / f"calibration_{name}.json")
    with edit_bundle(read_bundle(calibrated)) as edit:
        edit.remove("calibration")
    shutil.rmtree(MODELS / name, ignore_errors=True)
    shutil.copytree(calibrated, MODELS / name)


def tables() -> str:
    """The page's tables as Markdown, from the files in results/."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("calibration_default-*.json"))]
    lines = ["### Regions of the usual kind at 90 %", ""]
    lines += [_cells("model", "for", "held, %", "worst reader, %", "worst landmark, %", "median area, mm²")]
    lines += [_cells(*["---"] * 6)]
    lines += [_region_row(one, case) for one in found for case in one["cases"].values()]
    lines += ["", "### Expected errors", ""]
    lines += [_cells("model", "for", "mean error, mm", "expected / actual", "by tenths of the points")]
    lines += [_cells(*["---"] * 5)]
    lines += [_error_row(one, case) for one in found for case in one["cases"].values()]
    return "\n".join(lines)


def _region_row(figures: dict[str, Any], case: dict[str, Any]) -> str:
    def chosen(regions: list[dict[str, Any]]) -> dict[str, Any]:
        kind = figures["default_kind"]
        return next(r for r in regions if r["kind"] == kind and r["level"] == 0.9)

    held = [chosen(reader["regions"])["coverage"] for reader in case["readers"]]
    region = chosen(case["regions"])
    return _cells(
        figures["source"]["model"],
        case["title"],
        f"{100 * region['coverage']:.1f}",
        f"{100 * min(held):.1f}",
        f"{100 * region['worst_landmark']:.1f}",
        f"{region['median_area_mm2']:.1f}",
    )


def _error_row(figures: dict[str, Any], case: dict[str, Any]) -> str:
    return _cells(
        figures["source"]["model"],
        case["title"],
        f"{case['mean_error_mm']:.2f}",
        f"{case['mean_expected_mm'] / case['mean_error_mm']:.2f}",
        " ".join(f"{group['ratio']:.2f}" for group in case["deciles"]),
    )


def reader_table() -> str:
    """Where a reader not met before is expected to mark, and why, of the shipped ensemble."""
    path = MODELS / ENSEMBLE / CALIBRATION_FILE
    known = read_calibration(path)
    landmarks = read_bundle(MODELS / ENSEMBLE).landmark_set.landmarks
    first, second = known.readers.annotators
    heads = ("landmark", "apart, mm", f"w: {first} -1, {second} +1", "SD of w", "SD of b, mm", "rests on")
    lines = [_cells(*heads)]
    lines += [_cells(*["---"] * 6)]
    lines += [
        _cells(
            landmark.code,
            f"{mark.apart_mm:.1f}",
            f"{mark.centre:+.2f}",
            f"{mark.w_sd:.2f}",
            f"{mark.b_sd_mm:.2f}",
            mark.evidence,
        )
        for landmark, mark in zip(landmarks, known.readers.landmarks, strict=True)
    ]
    sets = "; ".join(f"{reader.name} ({reader.films})" for reader in known.readers.rests_on)
    lines += ["", f"Readers and their films: {sets}."]
    return "\n".join(lines)


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def write_between_marks(page: Path, text: str) -> None:
    """Put a text between a page's two marks."""
    before, rest = page.read_text().split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


def main() -> None:
    """Make the models, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--isbi", type=Path, help="the ISBI 2015 data set")
    parser.add_argument("--other-site", type=Path, help="films of another site, for how readers differ")
    parser.add_argument("--ensemble", type=Path, metavar="BUNDLE")
    parser.add_argument("--mc-dropout", type=Path, nargs="*", default=[], metavar="BUNDLE")
    parser.add_argument("--only", nargs="*", default=[ENSEMBLE, BASELINE, MC_DROPOUT], metavar="NAME")
    parser.add_argument("--tables-only", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=MODELS.parent, prefix=".shipping-") as place:
        work = Path(place)
        if not given.tables_only:
            if ENSEMBLE in given.only:
                bundle = named(given.ensemble, work / ENSEMBLE, ENSEMBLE, given.isbi)
                ship(ENSEMBLE, bundle, [], given.isbi, given.other_site)
            if BASELINE in given.only:
                folds = _folds(given.ensemble, work, given.isbi)
                ship(BASELINE, folds[0], folds[1:], given.isbi, given.other_site)
            if MC_DROPOUT in given.only:
                first = named(given.mc_dropout[0], work / MC_DROPOUT, MC_DROPOUT, given.isbi)
                ship(MC_DROPOUT, first, given.mc_dropout[1:], given.isbi, given.other_site)
    write_between_marks(PAGE, tables())
    write_between_marks(READERS_PAGE, reader_table())


def _folds(ensemble: Path, work: Path, data: Path) -> list[Path]:
    """A Baseline of the first member for each fold."""
    firsts: dict[frozenset[str], int] = {}
    for member, films in enumerate(read_bundle(ensemble).validation_films):
        firsts.setdefault(films, member)
    members = list(firsts.values())
    return [named(ensemble, work / f"baseline-{m}", BASELINE, data, member=m) for m in members]


if __name__ == "__main__":
    main()
