"""The ground truth: one annotator's points, or the mean of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from cephsure.datasets.annotated_film import AnnotatedFilm

MEAN = "mean"


def truth(film: AnnotatedFilm, which: str = MEAN) -> NDArray[np.float64]:
    """Choose the annotation that counts as truth.

    Args:
        film: the annotated film.
        which: an annotator's name, or "mean": for each landmark the mean over those annotators who marked it.

    Returns:
        (L, 2) float64 positions (x, y) in px of the film, NaN where the annotator, or for "mean" everybody,
        left the landmark out. A new array.

    Raises:
        InputError: the film has no annotator of this name (lists those it has), or none at all.
    """
    if which != MEAN:
        if which not in film.annotations:
            raise InputError(
                f"there is no annotator {which!r}",
                where=film.path,
                remedy=f"known: {', '.join([MEAN, *film.annotations])}",
            )
        return np.array(film.annotations[which], dtype=np.float64)
    if not film.annotations:
        raise InputError("nobody annotated this film", where=film.path)
    stacked = np.stack(list(film.annotations.values()))  # (annotators, L, 2)
    marked = np.isfinite(stacked).all(axis=2, keepdims=True)  # (annotators, L, 1)
    counts = marked.sum(axis=0)  # (L, 1)
    sums = np.where(marked, stacked, 0.0).sum(axis=0)  # (L, 2)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def annotators(films: Iterable[AnnotatedFilm]) -> tuple[str, ...]:
    """Names of all who annotated at least one of the films, in the order in which they first appear."""
    return tuple(dict.fromkeys(name for film in films for name in film.annotations))
