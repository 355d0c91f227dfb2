"""The film behind an annotated film: its pixels, its scale, and what its file is known by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure import films
from cephsure.datasets.truth import truth
from cephsure.films import SpacingSource

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cephsure.datasets.annotated_film import AnnotatedFilm
    from cephsure.films import Film, FilmFacts, Spacing


def film_of(annotated: AnnotatedFilm) -> Film:
    """The film: its scale is the user's, or else the one its own file states, or else the data set's.

    Raises:
        FilmError: the file cannot be read.
    """
    return films.read(annotated.path, **_scales(annotated))


def spacing_of(annotated: AnnotatedFilm) -> Spacing | None:
    """The scale that `film_of` gives the film.

    Raises:
        FilmError: the file cannot be read.
    """
    return films.read_facts(annotated.path, **_scales(annotated)).spacing


class KnownFilms:
    """Scales and checksums of film files, so that no file is opened for them a second time."""

    def __init__(self) -> None:
        self._facts: dict[Path, FilmFacts] = {}

    def keep(self, annotated: AnnotatedFilm, facts: FilmFacts) -> None:
        """Remember a film that was read."""
        self._facts[annotated.path] = facts

    def facts(self, annotated: AnnotatedFilm) -> FilmFacts:
        """Scale and checksum of a film; its file is opened unless they are known.

        Raises:
            FilmError: the file cannot be read.
        """
        if annotated.path not in self._facts:
            self._facts[annotated.path] = films.read_facts(annotated.path, **_scales(annotated))
        return self._facts[annotated.path]


def data_sha256(annotated: Iterable[AnnotatedFilm], which_truth: str, known: KnownFilms | None = None) -> str:
    """Hash over the films' names, image files and chosen annotations.

    Args:
        annotated: the films, in an order that counts.
        which_truth: an annotator's name, or "mean".
        known: films that need not be opened.

    Raises:
        FilmError: a file cannot be read.
    """
    known = known or KnownFilms()
    digest = hashlib.sha256()
    for film in annotated:
        digest.update(film.film_id.encode())
        digest.update(bytes.fromhex(known.facts(film).sha256))
        digest.update(np.ascontiguousarray(truth(film, which_truth), dtype="<f8").tobytes())
    return digest.hexdigest()


def _scales(annotated: AnnotatedFilm) -> dict[str, Any]:
    """What user and data set say of the scale, as the reader takes it."""
    spacing = annotated.spacing
    if spacing is None or spacing.source is not SpacingSource.USER:
        return {"of_dataset": spacing}
    x, y = spacing.x_mm_per_px, spacing.y_mm_per_px
    # One number is along x, as it is for a film outside a data set: the file may know that y differs.
    return {"mm_per_px": x if x == y else (x, y)}
