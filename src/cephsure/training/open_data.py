"""A run's films: the chosen split of its data set, without those that hardly anybody marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import open_dataset, select, truth
from cephsure.errors import InputError

if TYPE_CHECKING:
    from cephsure.datasets import AnnotatedFilm, DatasetFormat
    from cephsure.training.run_config import RunConfig

LEAST_FILMS = 4
LEAST_POINTS = 2
TRAIN, WHOLE = "train", "all"


def usual_split(data: str, *, data_format: DatasetFormat, landmark_set: str | None) -> str:
    """The split to train on when none is named: "train" where the data set has splits, else "all"."""
    dataset = open_dataset(data, format=data_format, landmark_set=landmark_set)
    return WHOLE if all(film.split is None for film in dataset.films) else TRAIN


def chosen_films(
    data: str,
    *,
    data_format: DatasetFormat,
    split: str,
    which_truth: str,
    mm_per_px: float | None,
    landmark_set: str | None,
) -> tuple[AnnotatedFilm, ...]:
    """The films of a split with at least two points by the chosen truth: fewer do not place a head.

    Raises:
        InputError: when fewer than four are left, or there is no such split or annotator.
    """
    dataset = open_dataset(data, format=data_format, landmark_set=landmark_set, mm_per_px=mm_per_px)
    chosen = select(dataset, split)
    marked = tuple(film for film in chosen.films if _points(film, which_truth) >= LEAST_POINTS)
    if len(marked) < LEAST_FILMS:
        raise InputError(
            f"{len(marked)} films with at least {LEAST_POINTS} landmarks in split '{split}': too few",
            where=data,
            remedy=f"training needs {LEAST_FILMS} or more",
        )
    return marked


def _points(film: AnnotatedFilm, which_truth: str) -> int:
    return int(np.isfinite(truth(film, which_truth)).all(axis=1).sum())


def run_films(config: RunConfig) -> tuple[AnnotatedFilm, ...]:
    """The films a run is trained and validated on."""
    return chosen_films(
        config.data,
        data_format=config.data_format,
        split=config.split,
        which_truth=config.truth,
        mm_per_px=config.mm_per_px,
        landmark_set=config.landmark_set,
    )
