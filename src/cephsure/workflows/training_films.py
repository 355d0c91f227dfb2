"""Which films of a data set a model was trained on: figures measured on these are too good."""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING

import numpy as np

from cephsure.bundles.bundle import SeenBefore
from cephsure.datasets import KnownFilms, data_sha256, select
from cephsure.datasets import truth as truth_of
from cephsure.errors import FilmError, InputError
from cephsure.training.material import LEAST_POINTS
from cephsure.workflows.batch import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cephsure.bundles.bundle import Bundle
    from cephsure.datasets import AnnotatedFilm, Dataset

_Films = tuple["AnnotatedFilm", ...]


def training_films(whole: Dataset, bundle: Bundle, known: KnownFilms | None = None) -> frozenset[str]:
    """Names of the films of a data set that a bundle was trained on.

    They are told by the hash that the bundle keeps of its training data. "All" films that a model was trained
    on may have been fewer than there are now (test films came later): every choice of whole splits is tried.
    In a changed copy of the training data, known by its name, they are told by the bundle's split; of "all"
    they are the films of those splits of which any film validated a member. What the model that it went on
    from has seen counts too.

    Args:
        whole: the data set with all its films.
        bundle: of the model.
        known: films that need not be opened for the hash; takes those that are opened here.
    """
    known, seen = known or KnownFilms(), (_seen_by_itself(bundle), *bundle.provenance.earlier)
    return frozenset().union(*(_names_seen(whole, each, known) for each in seen))


def trained_before(whole: Dataset, bundle: Bundle, known: KnownFilms | None = None) -> frozenset[str]:
    """Names of those that the model was trained on which a bundle's training went on from, or mixed in."""
    known = known or KnownFilms()
    return frozenset().union(*(_names_seen(whole, each, known) for each in bundle.provenance.earlier))


def _seen_by_itself(bundle: Bundle) -> SeenBefore:
    """What a bundle's own training has seen."""
    origin = bundle.provenance
    return SeenBefore(
        data=origin.data,
        data_sha256=origin.data_sha256,
        split=origin.split,
        truth=origin.truth,
        validation_films=tuple(chain.from_iterable(bundle.validation_films)),
    )


def _names_seen(whole: Dataset, provenance: SeenBefore, known: KnownFilms) -> frozenset[str]:
    choices = [
        films for chosen in _choices(whole, provenance.split) if (films := _usable(chosen, provenance.truth))
    ]
    for films in choices:
        if _sha256(films, provenance.truth, known) == provenance.data_sha256:
            return _names(films)
    if whole.name != provenance.data:
        return frozenset()
    films = choices[-1] if choices else ()
    validated = set(provenance.validation_films)
    if provenance.split == WHOLE and validated:
        splits = {film.split for film in films if film.film_id in validated}
        films = tuple(film for film in films if film.split in splits)
    return _names(films)


def _choices(whole: Dataset, split: str) -> Iterator[_Films]:
    """The films that a split may have meant, the fewest splits first."""
    if split != WHOLE:
        try:
            yield select(whole, split).films
        except InputError:
            return
    else:
        splits = list(dict.fromkeys(film.split for film in whole.films))
        for count in range(1, len(splits) + 1):
            for chosen in combinations(splits, count):
                yield tuple(film for film in whole.films if film.split in chosen)


def _usable(films: _Films, truth: str) -> _Films:
    """Those with points enough to be trained on."""
    return tuple(film for film in films if _points(film, truth) >= LEAST_POINTS)


def _points(film: AnnotatedFilm, truth: str) -> int:
    """Points that the truth gives, 0 where there is no such annotator."""
    try:
        return int(np.isfinite(truth_of(film, truth)).all(axis=1).sum())
    except InputError:
        return 0


def _sha256(films: _Films, truth: str, known: KnownFilms) -> str | None:
    """The films' hash; None where one of them cannot be read: then they are not the ones trained on."""
    try:
        return data_sha256(films, truth, known)
    except FilmError:
        return None


def _names(films: _Films) -> frozenset[str]:
    return frozenset(film.film_id for film in films)
