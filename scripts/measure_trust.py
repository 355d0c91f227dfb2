"""Measure what the shipped models promise; write results/trust.json and the tables of docs/results.md.

    python scripts/measure_trust.py --isbi DIR --other-site DIR [--models NAME ...]
    python scripts/measure_trust.py --tables-only

Each film of ISBI 2015 is predicted by the ensemble's members that have not seen it, those of the other site
by every model: errors, regions, acceptance and film verdicts as ``evaluate`` gives them, how many true
measurements lie in their 90 % intervals, and at the other site what K corrected films bring. The other
site's two readers are among those that the shipped models know readers' differences from: what those
figures would be without them is in ``results/calibration_NAME.json``, where each person is left out.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.cephalometry import analyse, landmark_errors, load_analyses
from cephsure.cephalometry.class_agreement import interval_coverage, values_of
from cephsure.datasets import annotators
from cephsure.workflows import evaluate, site_calibrate
from cephsure.workflows.batch import AnnotatedData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.workflows.assess import AssessedFilm

ROOT = Path(__file__).resolve().parent.parent
RESULT, PAGE = ROOT / "results" / "trust.json", ROOT / "docs" / "results.md"
BEGIN, END = "<!-- trust: begin -->", "<!-- trust: end -->"
OTHER_SITE_MM_PER_PX = 0.127
READERS = (("mean", "mean"), ("junior", "junior"), ("senior", "senior"))


def intervals_held(films: Sequence[AssessedFilm]) -> dict[str, Any]:
    """How many true measurements of all analyses lie in their 90 % intervals, by annotator."""
    definitions = load_analyses("all")
    predictions = [film.prediction for film in films]
    measured = [analyse(found, definitions, errors=landmark_errors(found)) for found in predictions]
    codes = [mark.code for mark in predictions[0].landmarks]
    entries = [(analysis, entry) for analysis in definitions for entry in analysis.entries]
    found = {}
    for name in annotators(film.annotated for film in films):
        points = [np.asarray(film.annotated.annotations[name]) for film in films]
        true = values_of(points, [each.film for each in predictions], codes, definitions)
        n = held = 0
        for place, (analysis, entry) in enumerate(entries):
            values = [film.measurements[place] for film in measured]
            coverage = interval_coverage(entry, values, true[analysis.name, entry.measurement.code])
            n, held = n + coverage.films, held + coverage.held
        found[name] = {"measurements": n, "held": held / max(n, 1)}
    return found


def judged(data: AnnotatedData, name: str, *, reader: str | None = None, out_of_fold: bool = False) -> Any:
    """What evaluate says, and how intervals of measurements did."""
    print(name, data.path, data.truth, reader or "definition", flush=True)
    assessment = evaluate(data, name, reader=reader, out_of_fold=out_of_fold)
    document = assessment.evaluation.document()
    left_out = ("schema", "per_landmark", "measures", "without", "left_out", "strata")
    kept = {key: value for key, value in document.items() if key not in left_out}
    return kept | {"intervals_90": intervals_held(assessment.films)}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--isbi", type=Path)
    parser.add_argument("--other-site", type=Path)
    parser.add_argument("--tables-only", action="store_true")
    names = ("default-ensemble", "default-mc-dropout", "default-baseline")
    parser.add_argument("--models", nargs="*", default=list(names))
    given = parser.parse_args()
    if not given.tables_only and (given.isbi is None or given.other_site is None):
        parser.error("say where the films are: --isbi DIR --other-site DIR")
    found: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for name in () if given.tables_only else given.models:
        away = AnnotatedData(given.other_site, mm_per_px=OTHER_SITE_MM_PER_PX)
        figures: dict[str, Any] = {"other_site": judged(away, name)}
        if name == "default-ensemble":
            home = AnnotatedData(given.isbi, split="all")
            figures["out_of_fold"] = {"definition": judged(home, name, out_of_fold=True)}
            for reader, truth in READERS:
                marked = AnnotatedData(given.isbi, split="all", truth=truth)
                figures["out_of_fold"][reader] = judged(marked, name, reader=reader, out_of_fold=True)
        persons = figures["other_site"]["intervals_90"]
        for truth in ("mean", *persons):
            print(name, "site-calibrate", truth, flush=True)
            data = AnnotatedData(given.other_site, truth=truth, mm_per_px=OTHER_SITE_MM_PER_PX)
            rows = site_calibrate(data, name, repeats=40).gains
            figures.setdefault("site_calibrate", {})[truth] = [asdict(row) for row in rows]
        found[name] = figures
        write_atomically(RESULT, (json.dumps(found) + "\n").encode())
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(found)}\n\n{END}{rest.split(END)[1]}")


def tables(found: dict[str, Any]) -> str:
    """The page's tables as Markdown."""
    heads = ("model, films", "for whom", "against", "MRE mm", "held at 90 %", "area mm²", "expected / actual")
    lines = [_row(*heads, "films fit", "accepted", "wrong", "intervals")]
    lines += [_row(*["---"] * 11)]
    for name, figures in found.items():
        sets = [("other site", figures["other_site"])]
        sets += [("ISBI out of fold", each) for each in figures.get("out_of_fold", {}).values()]
        for films, each in sets:
            reader, persons = each["about"]["reader"], each["intervals_90"]
            usual = reader == "a reader not met before"
            for against in each["trust"] if usual else each["trust"][:1]:
                lines.append(_trust_row(f"{name}, {films}", reader, against, persons))
    heads = (
        "model",
        "truth",
        "K",
        "MRE mm",
        "held at 90 %",
        "worst landmark",
        "area mm²",
        "accepted",
        "wrong",
    )
    lines += ["", _row(*heads), _row(*["---"] * 9)]
    for name, figures in found.items():
        for truth, rows in figures["site_calibrate"].items():
            lines += [_gain_row(name, truth, row) for row in rows]
    return "\n".join(lines)


def _trust_row(films: str, reader: str, against: dict[str, Any], persons: dict[str, Any]) -> str:
    gate, regions, truth = against["gate"], against["regions"], against["truth"]
    held = persons.get(truth, {}).get("held")
    return _row(
        films,
        reader,
        truth,
        f"{against['mre_mm']:.2f}",
        _percent(regions["coverage"]),
        f"{regions['median_area_mm2']:.1f}",
        f"{against['expected']['ratio']:.2f}",
        f"{gate['films']['fit']} of {sum(gate['films'].values())}",
        _percent(gate["accepted_share"]),
        _percent(gate["wrong_among_accepted"]),
        _percent(held),
    )


def _gain_row(name: str, truth: str, row: dict[str, Any]) -> str:
    shares = [_percent(row[key]) for key in ("coverage", "worst_landmark")]
    taken = [_percent(row[key]) for key in ("accepted", "wrong")]
    area = f"{row['area_mm2']:.1f}"
    return _row(name, truth, str(row["films"]), f"{row['mre_mm']:.2f}", *shares, area, *taken)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
