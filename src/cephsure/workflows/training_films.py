"""Which films of a data set a bundle has not seen: only these may calibrate it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import Dataset, data_sha256, select
from cephsure.datasets import truth as truth_of
from cephsure.errors import InputError
from cephsure.training.material import LEAST_POINTS

if TYPE_CHECKING:
    from cephsure.bundles.bundle import Provenance
    from cephsure.datasets import AnnotatedFilm

SAME_AS_TRAINING = "the same exposure or patient as a training film"


@dataclass(frozen=True, slots=True)
class NotTrainedOn:
    """The films of a split that may calibrate a bundle.

    Attributes:
        dataset: with these films only.
        left_out: reason -> names of films that were left out.
        checked: how it is known which films were trained on, in words.
    """

    dataset: Dataset
    left_out: dict[str, tuple[str, ...]]
    checked: str


def not_trained_on(whole: Dataset, split: str, provenance: Provenance) -> NotTrainedOn:
    """Choose a split's films that a bundle was not trained on.

    Films of the training split itself are refused; films whose group (the same exposure, the same patient)
    also holds a training film are left out.

    Args:
        whole: the data set with all its films.
        split: the films to choose from, as for ``datasets.select``.
        provenance: the bundle's.

    Returns:
        The films.

    Raises:
        InputError: the split holds films that the bundle was trained on, or nothing is left; no such split.
    """
    chosen = select(whole, split)
    training, checked = _training_films(whole, provenance)
    trained_on = [film.film_id for film in chosen.films if film.film_id in training]
    if trained_on:
        raise InputError(
            f"{len(trained_on)} of the {len(chosen.films)} films of split {split!r} were trained on "
            f"({trained_on[0]}, ...)",
            remedy="calibrate on films that were not",
        )
    groups = {film.group for film in whole.films if film.film_id in training and film.group is not None}
    same = tuple(film.film_id for film in chosen.films if film.group in groups)
    films = tuple(film for film in chosen.films if film.group not in groups)
    if not films:
        raise InputError(f"split {split!r} has no film that is not {SAME_AS_TRAINING}")
    return NotTrainedOn(replace(chosen, films=films), {SAME_AS_TRAINING: same} if same else {}, checked)


def _training_films(whole: Dataset, provenance: Provenance) -> tuple[set[str], str]:
    """Names of the data set's films that the bundle was trained on, and how that is known."""
    split, truth = provenance.split, provenance.truth
    try:
        films = [film for film in select(whole, split).films if _points(film, truth) >= LEAST_POINTS]
    except InputError:
        films = []
    if films and data_sha256(films, truth) == provenance.data_sha256:
        return {film.film_id for film in films}, f"the bundle was trained on its split {split!r} (same hash)"
    if whole.name == provenance.data:
        # A changed or incomplete copy of the training data: by the split, which at worst is too strict.
        return {film.film_id for film in films}, (
            f"the bundle was trained on a data set of this name, split {split!r}, with other content: its "
            "films are told by that split"
        )
    return set(), f"the bundle was trained on other data ({provenance.data})"


def _points(film: AnnotatedFilm, truth: str) -> int:
    """Points that the truth gives, 0 where there is no such annotator."""
    try:
        return int(np.isfinite(truth_of(film, truth)).all(axis=1).sum())
    except InputError:
        return 0
