"""A run's films: the chosen split of its data set, without the films nobody marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import open_dataset, select, truth
from cephsure.errors import InputError

if TYPE_CHECKING:
    from cephsure.datasets import AnnotatedFilm
    from cephsure.training.run_config import RunConfig

LEAST_FILMS = 4


def chosen_films(
    data: str,
    *,
    data_format: str,
    split: str,
    which_truth: str,
    mm_per_px: float | None,
    landmark_set: str | None,
) -> tuple[AnnotatedFilm, ...]:
    """The films of a split that have at least one point by the chosen truth.

    Raises:
        InputError: when fewer than four are left.
    """
    dataset = open_dataset(data, format=data_format, landmark_set=landmark_set, mm_per_px=mm_per_px)
    chosen = select(dataset, split)
    marked = tuple(film for film in chosen.films if np.isfinite(truth(film, which_truth)).any())
    if len(marked) < LEAST_FILMS:
        raise InputError(
            f"{len(marked)} films with landmarks in split '{split}': too few to train on",
            where=data,
            remedy=f"at least {LEAST_FILMS} are needed",
        )
    return marked


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
