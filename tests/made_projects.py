"""Predictions' documents and small projects, made for tests of the store."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

from cephsure.landmarks import load_landmark_set
from cephsure.projects import Project

if TYPE_CHECKING:
    from pathlib import Path

SET = load_landmark_set("isbi-19")


def document(*, verdict: str | None = "fit", error_mm: float | None = 1.0, **changes: Any) -> str:
    """A document with landmark n at (10 n, 20 n); its first point has the error, the others 0.5 mm."""
    landmarks = [
        {
            "number": mark.number,
            "code": mark.code,
            "name": mark.name,
            "x_px": 10.0 * mark.number,
            "y_px": 20.0 * mark.number,
            "expected_error_mm": None if error_mm is None else error_mm if mark.number == 1 else 0.5,
            "withheld": None,
            "measures": {"raw_expected_error_mm": 0.7, "raw_expected_error_px": 7.0},
        }
        for mark in SET.landmarks
    ]
    content = {
        "schema": "cephsure.prediction/2",
        "verdict": verdict,
        "why": None if verdict is None else f"it is {verdict}",
        "reasons": [] if verdict == "fit" else [f"a reason for {verdict}"],
        "film": {"path": "some/film.png", "mm_per_px": [0.1, 0.1]},
        "model": {"name": "a-model", "sha256": "ab" * 32},
        "landmarks": landmarks,
    }
    return json.dumps(content | changes)


def film_files(folder: Path, number: int) -> list[Path]:
    """Files of different content; a project does not look into them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"film{index}.png" for index in range(1, number + 1)]
    for index, path in enumerate(paths):
        path.write_bytes(b"film" * (index + 1))
    return paths


def small_project(folder: Path, films: int = 2) -> Project:
    """A project with predicted films."""
    project = Project.create(folder / "project", SET, name="a study")
    for film_id in project.add_films(film_files(folder / "films", films)).film_ids:
        project.set_film_facts(film_id, width_px=500, height_px=600)
        project.store_prediction(film_id, document())
    return project


_numbers = count(1)


def fresh() -> str:
    """A request's identifier that no other has."""
    return f"request-{next(_numbers)}"
