"""From a finished run to a bundle: the one thing that prediction needs, and that can be given away."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from cephsure import __version__
from cephsure.bundles.bundle import FACTS_FILE, FORMAT
from cephsure.bundles.edit import CARD_FILE, new_bundle
from cephsure.datasets import open_dataset
from cephsure.training.card import model_card
from cephsure.training.recipe import changes_as_trained
from cephsure.training.worker import DONE_FILE, LOG_FILE, job_folder

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.training.run_config import RunConfig

PACKAGES = ("torch", "onnx", "numpy")


def write_bundle(run: Path, config: RunConfig, folder: Path, *, name: str | None = None) -> Path:
    """Write the bundle of a finished run: networks, configuration, logs, card and checksums.

    Args:
        run: the run's folder.
        config: its configuration.
        folder: where the bundle goes; an older one there is replaced.
        name: the model's name, by default recipe and kind.
    """
    done = {job: json.loads((job_folder(run, job) / DONE_FILE).read_text()) for job in config.job_names}
    facts = _facts(config, done, name or f"{config.recipe.name}-{config.kind}")
    with new_bundle(folder) as edit:
        for job in done:
            for path in _bundled_files(job_folder(run, job)):
                edit.write(f"{_place(job)}/{path.name}", path.read_bytes())
        edit.write(FACTS_FILE, json.dumps(facts, indent=2).encode())
        edit.write(CARD_FILE, model_card(facts).encode())
    return folder


def _place(job: str) -> str:
    return f"members/{int(job):02d}" if job.isdigit() else job


def _bundled_files(folder: Path) -> list[Path]:
    """A job's networks and its log."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name == LOG_FILE
        or (path.suffix in {".onnx", ".safetensors"} and not path.name.endswith(".checkpoint.safetensors"))
    ]


def _facts(config: RunConfig, done: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    members = [done[str(member)] for member in range(config.members)]
    dataset = open_dataset(
        config.data, format=config.data_format, landmark_set=config.landmark_set, mm_per_px=config.mm_per_px
    )
    return {
        "format": FORMAT,
        "name": name,
        "kind": config.kind,
        "recipe": replace(config.recipe, changes=changes_as_trained(config.recipe, members)).to_dict(),
        "landmark_set": dataset.landmark_set.to_dict(),
        "mean_shape": members[0].get("mean_shape"),
        "members": [{"folder": _place(str(k)), **_without_shape(facts)} for k, facts in enumerate(members)],
        **{job: {"folder": _place(job), **done[job]} for job in done if not job.isdigit()},
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
