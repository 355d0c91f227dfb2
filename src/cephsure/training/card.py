"""The model card: what a bundle is, what it was made from, and what it must not be used for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = """# {name}

**Research use only. Not a medical device.**

| | |
| --- | --- |
{rows}

## What it does
Finds landmarks on lateral skull radiographs and gives each measures of its uncertainty. It does not
diagnose.

"""

_TAIL = """
## Limits
It knows the scanners and the people of the films it was trained on. Films of other scanners, of children,
after surgery, with implants or with the head turned may give larger errors than the measures of uncertainty
say. A person must check every point.

## Files
`bundle.json` configuration and provenance · `members/` networks (ONNX graphs, weights as safetensors,
training logs) · `SHA256SUMS` checksums of all files.
"""


def model_card(facts: dict[str, Any]) -> str:
    """Markdown text from the facts of ``bundle.json``."""
    rows = "\n".join(f"| {label} | {value} |" for label, value in _rows(facts))
    return _HEAD.format(name=facts["name"], rows=rows) + _validation(facts) + _TAIL


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What the table of a card says."""
    origin, recipe, landmarks = facts["provenance"], facts["recipe"], facts["landmark_set"]
    members, versions = facts["members"], origin["versions"]
    seconds = sum(stage["seconds"] for member in members for stage in member["stages"].values())
    changes = "".join(f"; changed: {change}" for change in recipe.get("changes", ()))
    return [
        ("kind", f"{facts['kind']}, {len(members)} network{'s' if len(members) > 1 else ''}"),
        ("recipe", recipe["name"] + changes),
        ("landmarks", f"{len(landmarks['landmarks'])} ({landmarks['name']})"),
        ("trained on", f'{origin["data"]}, split "{origin["split"]}", truth: {origin["truth"]}'),
        ("data (SHA-256 of names, images and points)", f"`{origin['data_sha256']}`"),
        ("seed, precision", f"{origin['seed']}, {origin['precision']}"),
        ("training time of all networks", f"{seconds / 60:.0f} min"),
        ("made", f"{origin['made']} with cephsure {versions['cephsure']}, torch {versions['torch']}"),
    ]


def _validation(facts: dict[str, Any]) -> str:
    """The section on validation."""
    found = validation_figures(facts["members"], keep=_keep(facts))
    held = {name for member in facts["members"] for name in member["validation_films"]}
    return (
        "## Validation\n"
        f"Each network was validated on films it was not trained on ({len(held)} films in all): mean radial\n"
        f"error {found}, on average over the networks. These are errors of single networks, without the\n"
        "averaging of the ensemble or of the passes.\n"
    )


def bundle_validation(bundle: Path) -> str:
    """The validation errors of a bundle's networks in words."""
    facts = json.loads((bundle / "bundle.json").read_text())
    return validation_figures(facts["members"], keep=_keep(facts))


def _keep(facts: dict[str, Any]) -> str:
    return str(facts["recipe"].get("fit", {}).get("keep", "last"))


def validation_figures(members: list[dict[str, Any]], *, keep: str) -> str:
    """The networks' validation errors in words.

    Args:
        members: each one's facts, as in its ``done.json``.
        keep: "best" where the weights of the best epoch are kept, "last" where those of the last.

    Example:
        >>> stages = {"last": {"validation_mre_mm": 1.25, "best_validation_mre_mm": 1.2}}
        >>> validation_figures([{"stages": stages}, {"stages": stages}], keep="last")
        '1.25 mm (1.25 to 1.25)'
    """
    kept = "best_validation_mre_mm" if keep == "best" else "validation_mre_mm"
    errors = np.array([list(member["stages"].values())[-1][kept] for member in members], dtype=float)
    known = errors[np.isfinite(errors)]
    if not known.size:
        return "unknown"
    unit = members[0].get("validation_unit", "mm")
    spread = f" ({known.min():.2f} to {known.max():.2f})" if len(members) > 1 else ""
    return f"{known.mean():.2f} {unit}{spread}"
