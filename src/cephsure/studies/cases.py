"""A data set's films as cases of a study, what a model found in them, and their true points."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.datasets import annotators, film_of, select, spacing_of
from cephsure.datasets import truth as truth_of
from cephsure.datasets.splits import ALL, CLEAN_ENDING, TRAIN
from cephsure.errors import InputError
from cephsure.uncertainty.shape_model import ShapeModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.films import Film


@dataclass(frozen=True, slots=True)
class Case:
    """A film under a condition; "auto" lets the model find out, as for a user."""

    film_id: str  # name of the film (of the data set, or of the CT)
    condition: str  # what was done to it, e.g. "70" for a magnitude or "-12" for an angle; "" for nothing
    film: Callable[[], Film]  # called only when a model has to predict it
    facing: Literal["auto", "right", "left"] = "auto"
    polarity: Literal["auto", "positive", "negative"] = "auto"

    @property
    def key(self) -> tuple[str, str]:
        """What names the case in a table."""
        return (self.film_id, self.condition)


@dataclass(frozen=True, slots=True)
class PointTable:
    """What one model found in N cases with L landmarks each. The truth is not in it: data sets keep theirs.

    Attributes:
        keys: N pairs (film_id, condition).
        numbers: the L landmarks' numbers.
        points_px: (N, L, 2) predicted points in px of the film as it was given to the model.
        mm_per_px: (N, 2) scale, NaN where unknown.
        measures: by key as in the prediction's JSON ("activation", "spread_px", "spread_mm", ...), (N, L),
            NaN where there is none.
    """

    keys: tuple[tuple[str, str], ...]
    numbers: tuple[int, ...]
    points_px: NDArray[np.float64]
    mm_per_px: NDArray[np.float64]
    measures: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        """The number of cases."""
        return len(self.keys)

    @property
    def film_ids(self) -> tuple[str, ...]:
        """Each case's film."""
        return tuple(film_id for film_id, _ in self.keys)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Each case's condition."""
        return tuple(condition for _, condition in self.keys)

    def where(self, chosen: NDArray[np.bool_]) -> PointTable:
        """Only the cases marked in ``chosen`` (N,)."""
        return PointTable(
            tuple(key for key, kept in zip(self.keys, chosen, strict=True) if kept),
            self.numbers,
            self.points_px[chosen],
            self.mm_per_px[chosen],
            {name: values[chosen] for name, values in self.measures.items()},
        )

    def of_condition(self, condition: str) -> PointTable:
        """Only the cases of one condition."""
        return self.where(np.array([found == condition for found in self.conditions], dtype=bool))

    def errors_mm(self, truth_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, L) radial errors in mm against ``truth_px`` (N, L, 2); NaN without a truth or a scale."""
        away_mm = (self.points_px - truth_px) * self.mm_per_px[:, np.newaxis, :]
        return np.asarray(np.hypot(away_mm[..., 0], away_mm[..., 1]))


MEAN = "mean"
USUAL_SPLIT = "test1"


def plain_cases(items: Sequence[AnnotatedFilm]) -> list[Case]:
    """The films as they are."""
    return [Case(item.film_id, "", partial(film_of, item)) for item in items]


def scales_of(items: Sequence[AnnotatedFilm]) -> str:
    """A checksum of the scales that a data set gives its films: predictions keep a film's scale."""
    each = [(item.film_id, item.spacing) for item in items]
    scales = [(film_id, mm and (mm.x_mm_per_px, mm.y_mm_per_px)) for film_id, mm in each]
    return hashlib.sha256(repr(scales).encode("utf-8")).hexdigest()


def truths_px(items: Sequence[AnnotatedFilm], which: str) -> NDArray[np.float64]:
    """(N, L, 2) true points of N films by one annotator or the "mean" of all, NaN where missing."""
    return np.stack([np.asarray(truth_of(item, which), dtype=np.float64) for item in items])


def truth_names(dataset: Dataset) -> tuple[str, ...]:
    """The mean first, then each annotator."""
    return (MEAN, *annotators(dataset.films))


def marked_by(items: Sequence[AnnotatedFilm]) -> tuple[str, ...]:
    """The annotators of whom these films have a point."""
    return tuple(name for name in annotators(items) if np.isfinite(truths_px(items, name)).any())


def spread_over(items: Sequence[AnnotatedFilm], count: int) -> list[AnnotatedFilm]:
    """``count`` films spread evenly over the list (all, if there are no more), in its order."""
    if count >= len(items):
        return list(items)
    chosen = np.unique(np.linspace(0, len(items) - 1, count).round().astype(int))
    return [items[index] for index in chosen]


def judged_split(dataset: Dataset, wanted: str | None = None) -> str:
    """The films that experiments are made on.

    Args:
        dataset: annotated films.
        wanted: a split without training films; by default "test1", else the only test split there is, else
            "all" films of a data set without splits.

    Raises:
        InputError: there is no such split, it holds training films, or there are several to choose from.
    """
    known = sorted({film.split for film in dataset.films if film.split not in (None, TRAIN)})
    if wanted is None:
        if len(known) > 1 and USUAL_SPLIT not in known:
            raise InputError(
                f"{dataset.name} has several sets of test films", remedy=f"give --split: {', '.join(known)}"
            )
        wanted = USUAL_SPLIT if USUAL_SPLIT in known else next(iter(known), ALL)
    if wanted.endswith(CLEAN_ENDING):
        raise InputError(
            "the experiments show the clean films beside all of a split",
            remedy=f"give --split {wanted.removesuffix(CLEAN_ENDING)}",
        )
    if any(film.split == TRAIN for film in select(dataset, wanted).films):
        raise InputError(
            f"the films {wanted!r} of {dataset.name} hold training films: nothing can be measured on these",
            remedy=f"give --split: {', '.join(known)}" if known else "give data with test films",
        )
    return wanted


def films_of_split(dataset: Dataset, split: str = USUAL_SPLIT) -> list[AnnotatedFilm]:
    """The films of a split ("test1", "test1-clean", "all")."""
    return list(select(dataset, split).films)


def training_shape(dataset: Dataset, truth: str) -> ShapeModel | None:
    """The shape model of what an annotator, or the "mean", marked on the training films.

    In mm where the data set states a scale for every film, else in px; None where they are too few for one.
    """
    try:
        items = films_of_split(dataset, TRAIN)
        points = truths_px(items, truth)
        scales = [scale for item in items if (scale := spacing_of(item)) is not None]
        if len(scales) == len(items):
            mm_per_px = [(scale.x_mm_per_px, scale.y_mm_per_px) for scale in scales]
            points = points * np.array(mm_per_px)[:, np.newaxis, :]
        return ShapeModel.fit(points)
    except InputError:
        return None


def points_for_shape(table: PointTable, shape: ShapeModel) -> NDArray[np.float64]:
    """Predicted points (N, L, 2) as a shape model of heads that face one way wants them.

    In mm where the film's scale is known, else in px; mirrored where the head fits the shape better so: a
    table does not say which way a model took the film to face, and a head that faces left is no worse a head.
    """
    scale = np.where(np.isfinite(table.mm_per_px).all(axis=1, keepdims=True), table.mm_per_px, 1.0)
    points: NDArray[np.float64] = table.points_px * scale[:, np.newaxis, :]
    for index, each in enumerate(points):
        mirrored = each * np.array([-1.0, 1.0])
        if shape.score(mirrored) < shape.score(each):
            points[index] = mirrored
    return points
