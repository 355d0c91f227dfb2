"""What a look at labels needs of annotated films: points, sizes, scales, and a small picture of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import annotators
from cephsure.geometry import resize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import Dataset
    from cephsure.films import Film

    Array = NDArray[np.float64]

SMALL_PX = 240
"""Longer side of a small picture."""


@dataclass(frozen=True, slots=True)
class FilmLook:
    """What is kept of a film that was read.

    Attributes:
        size_px: (width, height).
        small: (h, w) uint8, the film reduced to ``SMALL_PX``.
        mm_per_px: along x and y; None where the scale is not known.
        sha256: of the film's file.
    """

    size_px: tuple[int, int]
    small: NDArray[np.uint8]
    mm_per_px: tuple[float, float] | None = None
    sha256: str | None = None


def look_at(film: Film) -> FilmLook:
    """Keep of a film what its labels are held against."""
    factor = SMALL_PX / max(film.width_px, film.height_px)
    small = film.pixels if factor >= 1 else resize(film.pixels, factor)[0]
    scale = film.spacing
    return FilmLook(
        (film.width_px, film.height_px),
        np.round(255 * np.clip(small, 0, 1)).astype(np.uint8),
        None if scale is None else (scale.x_mm_per_px, scale.y_mm_per_px),
        film.sha256,
    )


@dataclass(frozen=True, slots=True)
class LabelledFilms:
    """The films of a data set, as arrays.

    Attributes:
        film_ids: in the data set's order.
        codes: of the landmarks.
        points: by annotator (F, L, 2) positions in px, NaN where missing.
        looks: of the films; None for those that cannot be read.
        groups: of the films; those of one group never part between training and validation.
        splits: the official ones.
    """

    film_ids: tuple[str, ...]
    codes: tuple[str, ...]
    points: dict[str, Array]
    looks: tuple[FilmLook | None, ...]
    groups: tuple[str | None, ...]
    splits: tuple[str | None, ...]

    @classmethod
    def of(cls, dataset: Dataset, looks: Sequence[FilmLook | None]) -> LabelledFilms:
        """Gather a data set, with what was seen of its films in their order."""
        films = dataset.films
        nothing = np.full((len(dataset.landmark_set), 2), np.nan)
        return cls(
            tuple(film.film_id for film in films),
            tuple(dataset.landmark_set.codes),
            {
                name: np.stack([film.annotations.get(name, nothing) for film in films]).astype(np.float64)
                for name in annotators(films)
            },
            tuple(looks),
            tuple(film.group for film in films),
            tuple(film.split for film in films),
        )

    @property
    def in_mm(self) -> bool:
        """Whether the scale of every film that was read is known."""
        seen = [look for look in self.looks if look is not None]
        return bool(seen) and all(look.mm_per_px is not None for look in seen)

    @property
    def unit(self) -> str:
        """In which distances are told."""
        return "mm" if self.in_mm else "px"

    def scales(self) -> Array:
        """(F, 1, 2) by which positions in px become lengths in the ``unit``.

        Films that cannot be read are taken for films of the usual scale.
        """
        known = np.array(
            [look.mm_per_px if look and look.mm_per_px else (np.nan, np.nan) for look in self.looks]
        )
        if not self.in_mm:
            # Pixels that are not square are made so: shapes are compared.
            known = known / np.sqrt(np.prod(known, axis=1, keepdims=True))
        usual = np.nanmedian(known, axis=0) if np.isfinite(known).any() else np.ones(2)
        return np.where(np.isfinite(known), known, usual)[:, None, :]

    def lengths(self, annotator: str) -> Array:
        """(F, L, 2) an annotator's points in the ``unit``."""
        return self.points[annotator] * self.scales()

    def seen_by(self, annotator: str) -> NDArray[np.bool_]:
        """(F,) whether the annotator marked anything on a film."""
        return np.asarray(np.isfinite(self.points[annotator]).any(axis=(1, 2)))
