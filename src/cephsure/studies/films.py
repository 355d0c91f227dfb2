"""A data set's films as cases of a study, and their true points."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import annotators, film_of, select
from cephsure.datasets import truth as truth_of
from cephsure.datasets.splits import ALL, CLEAN_ENDING, TRAIN
from cephsure.errors import InputError
from cephsure.studies.case import Case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset

MEAN = "mean"
USUAL_SPLIT = "test1"


def plain_cases(items: Sequence[AnnotatedFilm]) -> list[Case]:
    """The films as they are."""
    return [Case(item.film_id, "", partial(film_of, item)) for item in items]


def scales_of(items: Sequence[AnnotatedFilm]) -> str:
    """A checksum of the scales that a data set gives its films: predictions keep a film's scale."""
    scales = [
        (item.film_id, item.spacing and (item.spacing.x_mm_per_px, item.spacing.y_mm_per_px))
        for item in items
    ]
    return hashlib.sha256(repr(scales).encode("utf-8")).hexdigest()


def truths_px(items: Sequence[AnnotatedFilm], which: str) -> NDArray[np.float64]:
    """(N, L, 2) true points of N films by one annotator or the "mean" of all, NaN where missing."""
    return np.stack([np.asarray(truth_of(item, which), dtype=np.float64) for item in items])


def truth_names(dataset: Dataset) -> tuple[str, ...]:
    """The mean first, then each annotator."""
    return (MEAN, *annotators(dataset.films))


def marked_by(items: Sequence[AnnotatedFilm]) -> tuple[str, ...]:
    """The annotators of whom these films have a point."""
    return tuple(name for name in annotators(items) if np.isfinite(truths_px(items, name)).any())


def spread_over(items: Sequence[AnnotatedFilm], count: int) -> list[AnnotatedFilm]:
    """``count`` films spread evenly over the list (all, if there are no more), in its order."""
    if count >= len(items):
        return list(items)
    chosen = np.unique(np.linspace(0, len(items) - 1, count).round().astype(int))
    return [items[index] for index in chosen]


def judged_split(dataset: Dataset, wanted: str | None = None) -> str:
    """The films that experiments are made on.

    Args:
        dataset: annotated films.
        wanted: a split without training films; by default "test1", else the only test split there is, else
            "all" films of a data set without splits.

    Raises:
        InputError: there is no such split, it holds training films, or there are several to choose from.
    """
    known = sorted({film.split for film in dataset.films if film.split not in (None, TRAIN)})
    if wanted is None:
        if len(known) > 1 and USUAL_SPLIT not in known:
            raise InputError(
                f"{dataset.name} has several sets of test films", remedy=f"give --split: {', '.join(known)}"
            )
        wanted = USUAL_SPLIT if USUAL_SPLIT in known else next(iter(known), ALL)
    if wanted.endswith(CLEAN_ENDING):
        raise InputError(
            "the experiments show the clean films beside all of a split",
            remedy=f"give --split {wanted.removesuffix(CLEAN_ENDING)}",
        )
    if any(film.split == TRAIN for film in select(dataset, wanted).films):
        raise InputError(
            f"the films {wanted!r} of {dataset.name} hold training films: nothing can be measured on these",
            remedy=f"give --split: {', '.join(known)}" if known else "give data with test films",
        )
    return wanted


def films_of_split(dataset: Dataset, split: str = USUAL_SPLIT) -> list[AnnotatedFilm]:
    """The films of a split ("test1", "test1-clean", "all")."""
    return list(select(dataset, split).films)
