"""From a finished run to a bundle, and its card: what it is, was made from, and must not be used for."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure import __version__
from cephsure.bundles.bundle import FACTS_FILE, FORMAT
from cephsure.bundles.edit import CARD_FILE, new_bundle
from cephsure.datasets import annotators
from cephsure.datasets.annotated_film import MEAN
from cephsure.text_files import read_json_object
from cephsure.training.material import WHOLE, run_data, run_films
from cephsure.training.old_films import old_data, old_films
from cephsure.training.recipe import changes_as_trained
from cephsure.training.start import BEFORE_FOLDER, kept_start, start_facts, taught_by, tells_apart
from cephsure.training.worker import CHECKPOINT, DONE_FILE, LOG_FILE, job_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cephsure.bundles.bundle import Bundle
    from cephsure.bundles.edit import BundleEdit
    from cephsure.datasets import AnnotatedFilm
    from cephsure.training.run_config import RunConfig

PACKAGES = ("torch", "onnx", "numpy")
_HEAD = """# {name}

**Research use only. Not a medical device.**

| | |
| --- | --- |
{rows}

## What it does
Finds landmarks on lateral skull radiographs and gives each measures of its uncertainty. It does not
diagnose.

"""

BEFORE_NAME = "-before"
"""What the model is called beside the other that marks as those do who taught its start."""
NO_PROMISE = (
    "the calibration, the regions and the gate of the model it goes on from do not hold for it: "
    "it promises nothing until it is calibrated on films that it has not seen"
)
_NO_PROMISE = f"""
## Calibration
None: {NO_PROMISE}.
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


def write_bundle(
    run: Path, config: RunConfig, folder: Path, *, name: str | None = None, marks_as_before: bool = False
) -> Path:
    """Write the bundle of a finished run: networks, configuration, logs, card and checksums.

    An older one at ``folder`` is replaced.

    Args:
        run: the run's folder.
        config: its configuration.
        folder: the bundle's.
        name: the model's, by default that of the run's folder: so that nobody takes it for a shipped model of
            the same recipe and kind.
        marks_as_before: whether it is to mark as those do who taught the start, whose maps stayed.
    """
    done = {job: read_json_object(job_folder(run, job) / DONE_FILE) for job in config.job_names}
    start = None if config.start is None else kept_start(run, config)
    facts = _facts(config, done, name or run.resolve().name, start)
    if marks_as_before:
        _as_before(facts, taught_by(run, config))
    with new_bundle(folder) as edit:
        if start is not None:
            _take_over(start, config, facts, edit)
        for job in done:
            own = job_folder(run, job) / BEFORE_FOLDER
            for path in sorted(job_folder(run, job).iterdir()):
                network = path.suffix in {".onnx", ".safetensors"} and not path.match(CHECKPOINT.format("*"))
                if network or path.name == LOG_FILE:
                    meant = own / path.name
                    read = meant if marks_as_before and meant.exists() else path
                    edit.write(f"{_place(job)}/{path.name}", read.read_bytes())
        edit.write(FACTS_FILE, json.dumps(facts, indent=2).encode())
        edit.write(CARD_FILE, model_card(facts).encode())
    return folder


def _take_over(start: Bundle, config: RunConfig, facts: dict[str, Any], edit: BundleEdit) -> None:
    """Take the networks that a model has once, beside its members, from the one that was gone on from."""
    told = read_json_object(start.folder / FACTS_FILE)
    for job in config.recipe.extra_jobs:
        if job in told:
            facts[job] = told[job]
            for path in sorted((start.folder / told[job]["folder"]).iterdir()):
                edit.write(f"{told[job]['folder']}/{path.name}", path.read_bytes())


def _as_before(facts: dict[str, Any], names: Sequence[str]) -> None:
    """Say whose maps these are; validation was of the others'."""
    facts["name"] += BEFORE_NAME
    facts["provenance"] |= {"annotators": list(names), "marks_as_before": True}
    for member in facts["members"]:
        last = list(member["stages"])[-1]
        unknown = dict.fromkeys(("validation_score", "validation_mre_mm", "best_validation_mre_mm"))
        member["stages"] = member["stages"] | {last: member["stages"][last] | unknown}


def _place(job: str) -> str:
    return f"members/{int(job):02d}" if job.isdigit() else job


def _facts(
    config: RunConfig, done: dict[str, dict[str, Any]], name: str, start: Bundle | None
) -> dict[str, Any]:
    members = [done[str(member)] for member in range(config.members)]
    told = [{key: value for key, value in facts.items() if key != "mean_shape"} for facts in members]
    dataset, films = run_data(config), run_films(config)
    return {
        "format": FORMAT,
        "name": name,
        "kind": config.kind,
        "recipe": replace(config.recipe, changes=changes_as_trained(config.recipe, members)).to_dict(),
        "landmark_set": dataset.landmark_set.to_dict(),
        "mean_shape": members[0].get("mean_shape"),
        "members": [{"folder": _place(str(k)), **facts} for k, facts in enumerate(told)],
        **{job: {"folder": _place(job), **done[job]} for job in done if not job.isdigit()},
        "provenance": {
            "data": dataset.name,
            "data_sha256": config.data_sha256,
            "split": config.split,
            "truth": config.truth,
            "films": [film.film_id for film in films],
            "annotators": _told_apart(config, films),
            "seed": config.seed,
            "precision": config.precision,
            "versions": {"cephsure": __version__, "python": platform.python_version()}
            | {package: version(package) for package in PACKAGES},
            "made": datetime.now(UTC).strftime("%Y-%m-%d"),
            **({} if start is None else _before(config, start, films)),
        },
        "disclaimer": "Research use only. Not a medical device.",
    }


def _told_apart(config: RunConfig, films: Sequence[AnnotatedFilm]) -> list[str]:
    """The annotators that the networks learn apart, in the order of their maps."""
    if config.truth != MEAN or not tells_apart(config.recipe):
        return []
    return list(annotators(films))


def _before(config: RunConfig, start: Bundle, films: Sequence[AnnotatedFilm]) -> dict[str, Any]:
    """What the networks were trained on before, and beside the new films."""
    facts, old = start_facts(start), old_data(config)
    if old is None:
        return facts
    beside = {"data": old.name, "data_sha256": config.old_films_sha256, "split": WHOLE, "truth": MEAN}
    return facts | {
        "earlier": [*facts["earlier"], beside | {"validation_films": [film.film_id for film in old.films]}],
        "old_films": {"data": old.name, "films": [film.film_id for film in old_films(config, films)]},
    }


def model_card(facts: dict[str, Any]) -> str:
    """Markdown text from the facts of ``bundle.json``."""
    rows = "\n".join(f"| {label} | {value} |" for label, value in _rows(facts))
    held = {name for member in facts["members"] for name in member["validation_films"]}
    validation = (
        "## Validation\n"
        f"Each network was validated on films it was not trained on ({len(held)} films in all): mean radial\n"
        f"error {validation_figures(facts)}, on average over the networks. These are errors of single "
        "networks, without the\naveraging of the ensemble or of the passes.\n"
    )
    promises = _NO_PROMISE if "start" in facts["provenance"] else ""
    return _HEAD.format(name=facts["name"], rows=rows) + validation + promises + _TAIL


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What the table of a card says."""
    origin, recipe, landmarks = facts["provenance"], facts["recipe"], facts["landmark_set"]
    members, versions = facts["members"], origin["versions"]
    seconds = sum(stage["seconds"] for member in members for stage in member["stages"].values())
    changes = "".join(f"; changed: {change}" for change in recipe.get("changes", ()))
    return [
        ("kind", f"{facts['kind']}, {len(members)} network{'s' if len(members) > 1 else ''}"),
        ("recipe", f"{recipe['name']}, version {recipe.get('version', 1)}{changes}"),
        ("landmarks", f"{len(landmarks['landmarks'])} ({landmarks['name']})"),
        *_start_rows(origin),
        ("trained on", f'{origin["data"]}, split "{origin["split"]}", truth: {origin["truth"]}'),
        ("data (SHA-256 of names, images and points)", f"`{origin['data_sha256']}`"),
        ("seed, precision", f"{origin['seed']}, {origin['precision']}"),
        ("training time of all networks", f"{seconds / 60:.0f} min"),
        ("made", f"{origin['made']} with cephsure {versions['cephsure']}, torch {versions['torch']}"),
    ]


def _start_rows(origin: dict[str, Any]) -> list[tuple[str, str]]:
    """What a card says of the model that was gone on from."""
    if "start" not in origin:
        return []
    rows = [("goes on from", f"{origin['start']['name']}, of bundle `{origin['start']['sha256']}`")]
    if "old_films" in origin:
        mixed = origin["old_films"]
        rows.append(("old films mixed in", f"{len(mixed['films'])} of {mixed['data']}"))
    if "marks_as_before" in origin:
        rows.append(("marks as", f"those who taught {origin['start']['name']}"))
    return rows


def bundle_validation(bundle: Path) -> str:
    """The validation errors of a bundle's networks in words."""
    return validation_figures(read_json_object(bundle / FACTS_FILE))


def validation_figures(facts: dict[str, Any]) -> str:
    """The networks' validation errors in words, of the epochs whose weights are kept.

    Args:
        facts: those of ``bundle.json``.

    Examples:
        >>> stages = {"last": {"validation_mre_mm": 1.25, "best_validation_mre_mm": 1.2}}
        >>> validation_figures({"recipe": {}, "members": [{"stages": stages}, {"stages": stages}]})
        '1.25 mm (1.25 to 1.25)'
    """
    members, recipe = facts["members"], facts["recipe"]
    last = list(members[0]["stages"])[-1]
    fit = recipe.get(f"{last}_fit") or recipe.get("fit", {})
    kept = "best_validation_mre_mm" if fit.get("keep", "last") == "best" else "validation_mre_mm"
    errors = np.array([list(member["stages"].values())[-1][kept] for member in members], dtype=float)
    known = errors[np.isfinite(errors)]
    if not known.size:
        return "unknown"
    unit = members[0].get("validation_unit", "mm")
    spread = f" ({known.min():.2f} to {known.max():.2f})" if len(members) > 1 else ""
    return f"{known.mean():.2f} {unit}{spread}"
