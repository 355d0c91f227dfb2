"""The film behind an annotated film."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cephsure import films

if TYPE_CHECKING:
    from cephsure.datasets.annotated_film import AnnotatedFilm
    from cephsure.films import Film


def film_of(annotated: AnnotatedFilm) -> Film:
    """The film's pixels with the scale its own file states, or else the data set's.

    Raises:
        FilmError: the file cannot be read.
    """
    film = films.read(annotated.path)
    return film if film.spacing is not None else replace(film, spacing=annotated.spacing)
