"""Annotated films: a film file, its scale if known, and each annotator's points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.films import Spacing
    from cephsure.landmarks import LandmarkSet


@dataclass(frozen=True, slots=True)
class AnnotatedFilm:
    """A film file and what each annotator marked on it.

    Attributes:
        film_id: unique in its data set.
        path: the image file (not opened by the reader).
        annotations: annotator name -> (L, 2) float64 positions (x, y) in px of the film, NaN where missing.
            Within a data set every film has an entry for every annotator, all NaN for those who did not mark
            it.
        spacing: the scale the data set states, or None (the file itself may still know).
        split: the official split ("train", "test1", ...), or None.
        group: films of one group (the same exposure, the same patient) never part between training and
            validation.
    """

    film_id: str
    path: Path
    annotations: Mapping[str, NDArray[np.float64]]
    spacing: Spacing | None = None
    split: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Annotated films of one source.

    Attributes:
        name: what the data set is called in reports.
        landmark_set: the order of the points.
        films: in a fixed order (by split, then film_id).
        problems: one line for each point or film that was left out, and why (a doubled label, ...).
    """

    name: str
    landmark_set: LandmarkSet
    films: tuple[AnnotatedFilm, ...]
    problems: tuple[str, ...] = field(default=())
