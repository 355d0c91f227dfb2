"""From a finished run to a bundle: the one thing that prediction needs, and that can be given away."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from cephsure import __version__
from cephsure.atomic import write_atomically
from cephsure.datasets import open_dataset
from cephsure.training.card import model_card
from cephsure.training.recipe import recipe_to_dict
from cephsure.training.recipe_changes import changes_as_trained
from cephsure.training.worker import DONE_FILE, LOG_FILE, ORIENTATION, job_folder, job_names

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.training.run_config import RunConfig

FORMAT = "cephsure.bundle/1"
SUMS_FILE = "SHA256SUMS"
PACKAGES = ("torch", "onnx", "numpy")


def write_bundle(run: Path, config: RunConfig, folder: Path, *, name: str | None = None) -> Path:
    """Write the bundle of a finished run: networks, configuration, logs, card and checksums.

    Args:
        run: the run's folder.
        config: its configuration.
        folder: where the bundle goes; an older one there is replaced.
        name: the model's name, by default recipe and kind.
    """
    building = folder.with_name(f".{folder.name}.new")
    if building.exists():
        shutil.rmtree(building)
    building.mkdir(parents=True)
    done = {job: json.loads((job_folder(run, job) / DONE_FILE).read_text()) for job in job_names(config)}
    for job in done:
        _copy_job(job_folder(run, job), building / _place(job))
    facts = _facts(config, done, name or f"{config.recipe.name}-{config.kind}")
    write_atomically(building / "bundle.json", json.dumps(facts, indent=2).encode())
    write_atomically(building / "MODEL_CARD.md", model_card(facts).encode())
    write_atomically(building / SUMS_FILE, checksums(building).encode())
    if folder.exists():
        shutil.rmtree(folder)
    building.rename(folder)
    return folder


def checksums(folder: Path) -> str:
    """The text of SHA256SUMS, as ``sha256sum`` writes it, over all files but itself."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS_FILE)
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in files
    )


def _place(job: str) -> str:
    return job if job == ORIENTATION else f"members/{int(job):02d}"


def _copy_job(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        wanted = path.suffix in {".onnx", ".safetensors"} and not path.name.endswith(
            ".checkpoint.safetensors"
        )
        if wanted or path.name == LOG_FILE:
            shutil.copyfile(path, target / path.name)


def _facts(config: RunConfig, done: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    members = [done[str(member)] for member in range(config.members)]
    dataset = open_dataset(
        config.data, format=config.data_format, landmark_set=config.landmark_set, mm_per_px=config.mm_per_px
    )
    return {
        "format": FORMAT,
        "name": name,
        "kind": config.kind,
        "recipe": recipe_to_dict(replace(config.recipe, changes=changes_as_trained(config.recipe, members))),
        "landmark_set": dataset.landmark_set.to_dict(),
        "mean_shape": members[0].get("mean_shape"),
        "members": [{"folder": _place(str(k)), **_without_shape(facts)} for k, facts in enumerate(members)],
        "orientation": {"folder": ORIENTATION, **done[ORIENTATION]} if ORIENTATION in done else None,
        "provenance": {
            "data": dataset.name,
            "data_sha256": config.data_sha256,
            "split": config.split,
            "truth": config.truth,
            "seed": config.seed,
            "precision": config.precision,
            "versions": {"cephsure": __version__, "python": platform.python_version()}
            | {package: version(package) for package in PACKAGES},
            "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        },
        "disclaimer": "Research use only. Not a medical device.",
    }


def _without_shape(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != "mean_shape"}
