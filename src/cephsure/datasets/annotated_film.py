"""A film file, its scale if known, each annotator's points, and which of them count as truth."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cephsure import films
from cephsure.errors import FilmError, InputError
from cephsure.films import SpacingSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.films import Film, FilmFacts, Spacing
    from cephsure.films.spacing import UserScale
    from cephsure.landmarks import LandmarkSet

    Array = NDArray[np.float64]

MEAN = "mean"
MOST_OUTSIDE = 0.25
"""If more of an annotator's points than this share lie outside a film, the others are in doubt too."""


class HeldFilm(Protocol):
    """A film that lies inside another file: in its annotation file, or in a stack of films."""

    def read(self, *, mm_per_px: UserScale | None, of_dataset: Spacing | None) -> Film:
        """The film, as ``films.read`` gives one from a file of its own; `FilmError` if it cannot be read."""
        ...

    def size_px(self) -> tuple[int, int] | None:
        """Its width and height; None where that cannot be told without reading it."""
        ...


@dataclass(frozen=True, slots=True)
class AnnotatedFilm:
    """A film file and what each annotator marked on it.

    By annotator, ``annotations`` are (L, 2) float64 positions (x, y) in px of the film, NaN where missing;
    within a data set every film has an entry for every annotator, all NaN for those who did not mark it.
    Films of one group (the same exposure, the same patient) never part between training and validation.
    """

    film_id: str  # unique in its data set
    path: Path  # the image file (not opened by the reader)
    annotations: Mapping[str, Array]
    spacing: Spacing | None = None  # the scale the data set states (the file itself may still know)
    split: str | None = None  # the official one ("train", "test1", ...)
    group: str | None = None
    size_px: tuple[int, int] | None = None  # width and height as the annotations state them
    held: HeldFilm | None = None  # where the film has no file of its own


@dataclass(frozen=True, slots=True)
class Dataset:
    """Annotated films of one source.

    The films are in a fixed order (by split, then film_id); ``problems`` has one line for each point or film
    that was left out, and why (a doubled label, ...).
    """

    name: str  # as in reports
    landmark_set: LandmarkSet
    films: tuple[AnnotatedFilm, ...]
    problems: tuple[str, ...] = ()


def annotators(films: Iterable[AnnotatedFilm]) -> tuple[str, ...]:
    """Names of all who annotated at least one of the films, in the order in which they first appear."""
    return tuple(dict.fromkeys(name for film in films for name in film.annotations))


def truth(film: AnnotatedFilm, which: str = MEAN) -> Array:
    """Choose the annotation that counts as truth.

    ``which`` is an annotator's name, or "mean": for each landmark the mean over those annotators who marked
    it. A new array, (L, 2) float64 positions (x, y) in px of the film, NaN where the annotator, or for "mean"
    everybody, left the landmark out.

    Raises:
        InputError: the film has no annotator of this name (lists those it has), or none at all.
    """
    return chosen_points(film.annotations, which, where=film.path)


def chosen_points(annotations: Mapping[str, Array], which: str, *, where: Path | str) -> Array:
    """The points of one annotator or the mean of all, as `truth` has it, of a film called ``where``."""
    if which != MEAN:
        if which not in annotations:
            raise InputError(
                f"there is no annotator {which!r}",
                where=where,
                remedy=f"known: {', '.join([MEAN, *annotations])}",
            )
        return np.array(annotations[which], dtype=np.float64)
    if not annotations:
        raise InputError("nobody annotated this film", where=where)
    stacked = np.stack(list(annotations.values()))  # (annotators, L, 2)
    known = np.all(np.isfinite(stacked), axis=2, keepdims=True)
    counts, sums = known.sum(axis=0), np.where(known, stacked, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def film_of(annotated: AnnotatedFilm) -> Film:
    """The film: its scale is the user's, or else the one its own file states, or else the data set's.

    Raises:
        FilmError: the file cannot be read, or its annotations are of another image (``misfit``).
    """
    if annotated.held is None:
        film = films.read(annotated.path, **_scales(annotated))
    else:
        film = annotated.held.read(**{"mm_per_px": None, "of_dataset": None} | _scales(annotated))
    what = misfit(annotated, (film.width_px, film.height_px))
    if what is not None:
        raise FilmError(what, where=annotated.path, remedy="give the image that was annotated")
    return film


def misfit(annotated: AnnotatedFilm, size_px: tuple[int, int]) -> str | None:
    """Why annotations cannot be of a film of this width and height; None where they can.

    They state another size; or they state none, and too many points of one annotator lie outside.
    """
    width, height = size_px
    film = f"the film has {width} x {height}"
    if annotated.size_px not in (None, size_px):
        stated = "{} x {}".format(*annotated.size_px or ())
        turned = " (was it turned?)" if annotated.size_px == (height, width) else ""
        return f"its annotation is of an image of {stated} pixels, {film}{turned}"
    for annotator, points in annotated.annotations.items() if annotated.size_px is None else ():
        beyond = outside(points, size_px)
        if beyond.sum() > MOST_OUTSIDE * np.isfinite(points).all(axis=1).sum():
            x_px, y_px = points[beyond][0]
            count = f"{int(beyond.sum())} of {annotator}'s points"
            return f"{count} lie outside it, one at ({x_px:g}, {y_px:g}): {film} pixels"
    return None


def outside(points: Array, size_px: tuple[int, int]) -> NDArray[np.bool_]:
    """(L,) whether points, (L, 2) (x, y) in px, lie outside a film of this width and height.

    A missing point does not. Tools that count from the pixel's corner reach the film's far edge.
    """
    beyond: NDArray[np.bool_] = np.any((points < -0.5) | (points > size_px), axis=1)
    return beyond


def spacing_of(annotated: AnnotatedFilm) -> Spacing | None:
    """The scale that `film_of` gives the film; `FilmError` if the file cannot be read."""
    return _facts_of(annotated).spacing


def pixel_aspect_of(annotated: AnnotatedFilm) -> float:
    """How high the film's pixels are in their widths; `FilmError` if the file cannot be read."""
    return _facts_of(annotated).pixel_aspect


def _facts_of(annotated: AnnotatedFilm) -> FilmFacts:
    if annotated.held is None:
        return films.read_facts(annotated.path, **_scales(annotated))
    film = film_of(annotated)
    return films.FilmFacts(film.spacing, film.sha256 or "", film.pixel_aspect)


class KnownFilms:
    """Scales and checksums of film files, so that no file is opened for them a second time."""

    def __init__(self) -> None:
        self._facts: dict[Path, FilmFacts] = {}

    def keep(self, annotated: AnnotatedFilm, facts: FilmFacts) -> None:
        """Remember a film that was read."""
        self._facts[annotated.path] = facts

    def facts(self, annotated: AnnotatedFilm) -> FilmFacts:
        """Scale and checksum of a film; unless known, its file is opened (`FilmError` if that fails)."""
        if annotated.path not in self._facts:
            self._facts[annotated.path] = _facts_of(annotated)
        return self._facts[annotated.path]


def data_sha256(annotated: Iterable[AnnotatedFilm], which_truth: str, known: KnownFilms | None = None) -> str:
    """Hash over the films' names, image files and chosen annotations (`truth`); their order counts.

    Raises:
        FilmError: a file that is not ``known`` cannot be read.
    """
    known = known or KnownFilms()
    digest = hashlib.sha256()
    for film in annotated:
        digest.update(film.film_id.encode("utf-8", "surrogatepass"))
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
