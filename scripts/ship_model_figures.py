"""Take over what a model's card says of errors and of people from ``results/`` into the package.

    python scripts/ship_model_figures.py

Nothing is measured here: ``scripts/measure_trust.py`` and ``scripts/write_findings.py`` measure, and say what
each figure is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cephsure.bundles.bundle import read_bundle
from cephsure.model import shipped_models
from cephsure.workflows.model_figures import FORMAT, figures_of

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PLACE = ROOT / "results", ROOT / "src" / "cephsure" / "data" / "model_figures"
DIGITS = 5


def main() -> None:
    """Write a file for each shipped model."""
    trust = json.loads((RESULTS / "trust.json").read_text())
    PLACE.mkdir(exist_ok=True)
    for name, folder in shipped_models().items():
        bundle, own = read_bundle(folder), trust[name]
        evaluations = [own["out_of_fold"]["mean"]] if "out_of_fold" in own else []
        evaluations.append(own["other_site"])
        wrong = [each for each in evaluations if each["about"]["model_sha256"] != bundle.sha256]
        if wrong:
            raise SystemExit(f"results/trust.json is of another {name}: run scripts/measure_trust.py")
        document = {
            "format": FORMAT,
            "model": name,
            "model_sha256": bundle.sha256,
            "data_sha256": bundle.provenance.data_sha256,
            "evaluations": [figures_of(each, source="results/trust.json") for each in evaluations],
            "observers": observers(),
        }
        text = json.dumps(rounded(document), ensure_ascii=False, indent=1)
        (PLACE / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def observers() -> list[dict[str, Any]]:
    """How far people are apart, as ``results/findings.json`` has it."""
    findings = json.loads((RESULTS / "findings.json").read_text())
    rows = [row for row in findings["accuracy"]["rows"] if row["who"].startswith("annotators: ")]
    found = [
        {
            "data": findings["accuracy"]["title"].removeprefix("Accuracy on "),
            "who": row["who"].removeprefix("annotators: "),
            "mean_mm": row["mre_mm"],
            "ci95_mm": [row["mre_low_mm"], row["mre_high_mm"]],
            "command": "cephsure experiment accuracy",
        }
        for row in rows
    ]
    sites = {
        row["site"]: row["annotators_apart_mm"]
        for row in findings["site"]["rows"]
        if row["annotators_apart_mm"] is not None
    }
    return found + [
        {"data": site, "who": "its two annotators", "mean_mm": apart, "ci95_mm": None}
        | {"command": "cephsure experiment other-site"}
        for site, apart in sites.items()
    ]


def rounded(value: Any) -> Any:
    """Numbers with as many digits as anybody needs."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return round(value, DIGITS) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
