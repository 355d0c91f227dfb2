"""Films that a model knows already, mixed into those it goes on with, so that it does not unlearn them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from cephsure.datasets import annotators, open_dataset, truth
from cephsure.datasets.annotated_film import MEAN
from cephsure.training.material import LEAST_POINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.training.material import TrainingFilm
    from cephsure.training.run_config import RunConfig

    Film = TypeVar("Film", bound=TrainingFilm)

POOL = 4
"""Old films for every new one, of which an epoch draws some, where a recipe draws anew for each epoch."""
_BEFORE = "before: "
"""What old annotators are called beside new ones, who may have the same names."""


def old_data(config: RunConfig) -> Dataset | None:
    """The whole data set of the old films; None of a run without any."""
    if config.old_films is None:
        return None
    return open_dataset(config.old_films, landmark_set=config.landmark_set)


def old_films(
    config: RunConfig, new: Sequence[AnnotatedFilm], taught_by: Sequence[str] = ()
) -> tuple[AnnotatedFilm, ...]:
    """Old films to be trained on beside the new ones, drawn by the run's seed; all, if they are fewer.

    Args:
        config: the run's.
        new: its films.
        taught_by: those whose maps stay beside the new annotators', in the order of their maps. The old
            films' annotators then stand under names of their own. Without, they stand in the new ones'
            places: the networks have one map for both, and tell by the film whose marks it is to give.
    """
    dataset = old_data(config)
    if dataset is None:
        return ()
    known = [np.isfinite(truth(film)).all(axis=1).sum() for film in dataset.films]
    marked = [film for film, count in zip(dataset.films, known, strict=True) if count >= LEAST_POINTS]
    wanted = len(new) * (POOL if config.recipe.draws_old_films else 1)
    order = np.random.default_rng(config.seed).permutation(len(marked))[:wanted]
    chosen = [marked[i] for i in sorted(order)]
    old = annotators(marked)
    if taught_by:
        return tuple(_beside(film, taught_by, old) for film in chosen)
    names = annotators(new)
    return tuple(_in_place(film, names, old, config.truth) for film in chosen)


def of_an_epoch(films: Sequence[Film], rng: np.random.Generator) -> list[Film]:
    """The new films of a training, and as many old ones, drawn anew; all, if they are fewer."""
    new = [film for film in films if not film.is_old]
    old = [film for film in films if film.is_old]
    return new + ([old[i] for i in rng.permutation(len(old))[: len(new)]] if old else [])


def _beside(film: AnnotatedFilm, taught_by: Sequence[str], old: Sequence[str]) -> AnnotatedFilm:
    """A film whose annotations stand under the names of those who taught the start.

    They are known by name, or where there are as many by their order; else all of them are the mean.
    """
    mean, same = truth(film), len(old) == len(taught_by)
    named = set(taught_by) <= set(old)
    marks: dict[str, NDArray[np.float64]] = {}
    for k, name in enumerate(taught_by):
        own = name if named else old[k] if same else None
        if own is None:
            marks[_BEFORE + name] = mean
        else:
            marks[_BEFORE + name] = film.annotations.get(own, np.full_like(mean, np.nan))
    return replace(film, annotations=marks)


def _in_place(film: AnnotatedFilm, names: Sequence[str], old: Sequence[str], which: str) -> AnnotatedFilm:
    """A film whose annotations stand under new annotators' names, each in a new one's place.

    Where there are fewer old annotators than new ones, they stand in several places; with one truth alone to
    be learned it is their mean.
    """
    if which != MEAN or len(names) < len(old):
        mean = truth(film)
        return replace(film, annotations=dict.fromkeys(names, mean))
    taken = {name: film.annotations.get(old[k % len(old)], truth(film)) for k, name in enumerate(names)}
    return replace(film, annotations=taken)
