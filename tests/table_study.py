"""A study of stored predictions whose errors are known: no pixels, no networks, 19 landmarks.

Each point of each film has a difficulty. Errors and every measure follow it, and so does the distance of the
two annotators, whose mean is the true point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import AnnotatedFilm, Dataset
from cephsure.films import Spacing, SpacingSource
from cephsure.landmarks import load_landmark_set
from cephsure.studies.predictions import PredictionStore
from cephsure.studies.study import Study, StudyModel

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = {"train": "TrainingData", "test1": "Test1Data", "test2": "Test2Data"}
LANDMARKS = 19


@dataclass
class TableStudy:
    """The study, and what its models were made to find: by label (N, 19, 2) errors in mm on test films."""

    folder: Path
    study: Study
    away_mm: dict
    difficulty: np.ndarray


def table_study(
    folder: Path,
    *,
    kinds=("baseline", "ensemble"),
    n_test=24,
    n_away=12,
    mm_per_px=0.1,
    away_times=2.0,
    groups=True,
    split="test1",
    seed=0,
    **facts,
) -> TableStudy:
    """Write the predictions of a model of each kind, and give the study; the last test film is leaked."""
    rng = np.random.default_rng(seed)
    dataset, difficulty = _dataset(rng, folder / "home", "home", n_test, mm_per_px, leaked=groups, test=split)
    away, away_difficulty = _dataset(rng, folder / "away", "away", n_away, 0.2, leaked=False)
    models, errors = [], {}
    for kind in kinds:
        label = f"table-{kind}"
        model = StudyModel(
            **{
                "label": label,
                "recipe": "default",
                "kind": kind,
                "truth": "mean",
                "samples": 5,
                "changes": (),
                "sha256": "b" * 64,
                "model": None,
                "stored": folder / label,
            }
            | facts
        )
        models.append(model)
        errors[label] = _write(rng, model, split, dataset.films[2:], difficulty)
        _write(rng, model, "other-site", away.films, away_difficulty, times=away_times)
    study = Study(
        models=tuple(models), dataset=dataset, other_site=away, split=split, out=folder / "out", seed=0
    )
    return TableStudy(folder, study, errors, difficulty)


def _dataset(rng, root, name, n_test, mm_per_px, *, leaked, test="test1"):
    """Two training films, then the test films; annotators "senior" and "junior", true points between them."""
    ids = ["001", "002", *(f"{151 + index}" for index in range(n_test))]
    hard = np.linspace(0.3, 2.0, LANDMARKS)
    difficulty = hard * rng.gamma(4.0, 0.25, (n_test, LANDMARKS))
    films = []
    for index, film_id in enumerate(ids):
        split = "train" if index < 2 else test
        points = rng.uniform(200, 1800, (LANDMARKS, 2))
        here = difficulty[index - 2] if index >= 2 else hard
        apart_px = here[:, None] * _directions(rng, LANDMARKS) / (mm_per_px or 0.1)
        films.append(
            AnnotatedFilm(
                film_id,
                root / "RawImage" / FOLDERS[split] / f"{film_id}.png",
                {"senior": points + apart_px, "junior": points - apart_px},
                spacing=Spacing(mm_per_px, mm_per_px, SpacingSource.DATASET) if mm_per_px else None,
                split=split if name == "home" else None,
                group="twice" if leaked and index in (0, len(ids) - 1) else None,
            )
        )
    chosen = films if name == "home" else films[2:]
    return Dataset(name, load_landmark_set("isbi-19"), tuple(chosen)), difficulty


def _write(rng, model, part, films, difficulty, *, times=1.0):
    """Predictions off by about ``times`` the difficulty, stored; gives the errors (N, 19, 2)."""
    sizes = times * difficulty * rng.uniform(0.2, 1.8, difficulty.shape)
    away_mm = sizes[..., None] * _directions(rng, difficulty.shape)
    store = PredictionStore(model.stored, part, model)
    for film, errors, hard in zip(films, away_mm, difficulty, strict=True):
        scale = None if film.spacing is None else film.spacing.x_mm_per_px
        true = (film.annotations["senior"] + film.annotations["junior"]) / 2
        guess = hard * rng.uniform(0.7, 1.3, LANDMARKS)
        spread = 0 * guess if model.kind == "baseline" else guess / 2
        store.add((film.film_id, ""), _rows(true + errors / (scale or 0.1), scale, guess, spread))
    store.save()
    return away_mm


def _rows(points, scale, guess, spread):
    rows = {}
    for index, (x, y) in enumerate(points):
        row = {"x_px": x, "y_px": y, "activation": 1 / (1 + guess[index]), "entropy": np.log(guess[index])}
        px = {"spread_px": 10 * spread[index], "raw_expected_error_px": 10 * guess[index]}
        mm = {"spread_mm": spread[index], "raw_expected_error_mm": guess[index]}
        known = {"mm_per_px_x": scale, "mm_per_px_y": scale, **mm} if scale else {}
        rows[index + 1] = row | px | known
    return rows


def _directions(rng, shape):
    angle = rng.uniform(0, 2 * np.pi, shape)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def records(result, table, **wanted):
    """The rows of a result's table by column name: those that have what is ``wanted``."""
    return [
        row
        for row in result.tables[table].records()
        if all(row[name] == value for name, value in wanted.items())
    ]
