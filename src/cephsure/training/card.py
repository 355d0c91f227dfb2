"""The model card: what a bundle is, what it was made from, and what it must not be used for."""

from __future__ import annotations

from typing import Any

import numpy as np


def model_card(facts: dict[str, Any]) -> str:
    """Markdown text from the facts of ``bundle.json``."""
    origin, recipe = facts["provenance"], facts["recipe"]
    members = facts["members"]
    last = [list(member["stages"].values())[-1] for member in members]
    kept = "best_validation_mre_mm" if recipe.get("fit", {}).get("keep") == "best" else "validation_mre_mm"
    errors = np.array([stage[kept] for stage in last], dtype=float)
    held = sorted({name for member in members for name in member["validation_films"]})
    seconds = sum(stage["seconds"] for member in members for stage in member["stages"].values())
    landmarks = facts["landmark_set"]
    return f"""# {facts["name"]}

**Research use only. Not a medical device.**

| | |
| --- | --- |
| kind | {facts["kind"]}, {len(members)} network{"s" if len(members) > 1 else ""} |
| recipe | {recipe["name"]} |
| landmarks | {len(landmarks["landmarks"])} ({landmarks["name"]}) |
| trained on | {origin["data"]}, split "{origin["split"]}", truth: {origin["truth"]} |
| data (SHA-256 of names, images and points) | `{origin["data_sha256"]}` |
| seed, precision | {origin["seed"]}, {origin["precision"]} |
| training time, all networks, one thread each | {seconds / 60:.0f} min |
| made | {origin["made"]} with cephsure {origin["versions"]["cephsure"]}, torch {origin["versions"]["torch"]} |

## What it does
Finds landmarks on lateral skull radiographs and gives each a measure of its uncertainty. It does not diagnose.

## Validation
Each network was validated on films it was not trained on ({len(held)} films in all): mean radial error
{np.nanmean(errors):.2f} mm on average over the networks ({np.nanmin(errors):.2f} to {np.nanmax(errors):.2f}). These are errors
of single networks, without the averaging of the ensemble or of the passes. Figures on test films are in docs/results.md of the project.

## Limits
Trained on films of one scanner and one population. Films of other scanners, of children, after surgery, with implants
or with the head turned may give larger errors than the measures of uncertainty say. A person must check every point.

## Files
`bundle.json` configuration and provenance · `members/` networks (ONNX graphs, weights as safetensors, training logs) ·
`SHA256SUMS` checksums of all files.
"""
