"""Films that a model knows already, mixed into those it goes on with, so that it does not unlearn them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import annotators, open_dataset, truth
from cephsure.datasets.annotated_film import MEAN
from cephsure.training.material import LEAST_POINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.training.run_config import RunConfig


def old_data(config: RunConfig) -> Dataset | None:
    """The whole data set of the old films; None of a run without any."""
    if config.old_films is None:
        return None
    return open_dataset(config.old_films, landmark_set=config.landmark_set)


def old_films(config: RunConfig, new: Sequence[AnnotatedFilm]) -> tuple[AnnotatedFilm, ...]:
    """Old films to be trained on beside the new ones: as many, drawn by the run's seed, or all if fewer.

    Their annotators stand under the new ones' names, each in a new one's place: the networks have one map for
    both, and tell by the film whose marks it is to give. Where there are fewer old annotators than new ones,
    they stand in several places; with one truth alone to be learned it is their mean.
    """
    dataset = old_data(config)
    if dataset is None:
        return ()
    known = [np.isfinite(truth(film)).all(axis=1).sum() for film in dataset.films]
    marked = [film for film, count in zip(dataset.films, known, strict=True) if count >= LEAST_POINTS]
    order = np.random.default_rng(config.seed).permutation(len(marked))[: len(new)]
    names, old = annotators(new), annotators(marked)
    return tuple(_under(marked[i], names, old, config.truth) for i in sorted(order))


def _under(film: AnnotatedFilm, names: Sequence[str], old: Sequence[str], which: str) -> AnnotatedFilm:
    """A film whose annotations stand under other names."""
    if which != MEAN or len(names) < len(old):
        mean = truth(film)
        return replace(film, annotations=dict.fromkeys(names, mean))
    taken = {name: film.annotations.get(old[k % len(old)], truth(film)) for k, name in enumerate(names)}
    return replace(film, annotations=taken)
