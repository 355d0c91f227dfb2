"""The films a training works on: chosen from a data set, reduced once and kept in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import annotators, film_of, open_dataset, pixel_aspect_of, select, truth
from cephsure.errors import InputError
from cephsure.geometry import fit_similarity
from cephsure.preprocessing import WorkingFilm, square_film, stretch_grey, working_film

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.geometry import Affine
    from cephsure.training.run_config import RunConfig

LEAST_FILMS = 4
LEAST_POINTS = 2
TRAIN, WHOLE = "train", "all"
FRAME_RADIUS = 50.0


def run_data(config: RunConfig) -> Dataset:
    """The whole data set of a run."""
    return open_dataset(
        config.data,
        format=config.data_format,
        landmark_set=config.landmark_set,
        mm_per_px=config.mm_per_px,
        images=config.images,
        labels=config.labels,
    )


def usual_split(dataset: Dataset) -> str:
    """The split to train on when none is named: "train" where the data set has splits, else "all"."""
    return WHOLE if all(film.split is None for film in dataset.films) else TRAIN


def run_films(config: RunConfig) -> tuple[AnnotatedFilm, ...]:
    """The films of a run's split with at least two points by its truth: fewer do not place a head.

    Raises:
        InputError: when fewer than four are left, or there is no such split or annotator.
    """
    chosen = select(run_data(config), config.split)
    known = [np.isfinite(truth(film, config.truth)).all(axis=1).sum() for film in chosen.films]
    marked = tuple(film for film, n in zip(chosen.films, known, strict=True) if n >= LEAST_POINTS)
    if len(marked) < LEAST_FILMS:
        raise InputError(
            f"{len(marked)} films with at least {LEAST_POINTS} landmarks in split '{config.split}': too few",
            where=config.data,
            remedy=f"training needs {LEAST_FILMS} or more",
        )
    return marked


@dataclass(frozen=True, slots=True)
class TrainingFilm:
    """One film ready for training.

    Attributes:
        film_id: its name in the data set.
        points_px: (L, 2) the chosen truth in film px, NaN where missing. Here and below these are px of the
            film as it was made square for the networks, where its pixels are not square.
        marks_px: (K, L, 2) the points of each annotator the truth is made of.
        mm_per_px: (2,) scale, NaN when unknown.
        working: the film reduced for whole-film views.
        frame: the similarity from the mean shape to the truth in film px; None where fewer than two points
            are known.
        is_old: whether a model that is gone on from knows it; then it is mixed in (``old_films``).
    """

    film_id: str
    points_px: NDArray[np.float64]
    marks_px: NDArray[np.float64]
    mm_per_px: NDArray[np.float64]
    working: WorkingFilm
    frame: Affine | None
    is_old: bool = field(default=False, kw_only=True)


def mean_shape(points: Sequence[NDArray[np.float64]], rounds: int = 10) -> NDArray[np.float64]:
    """Generalised Procrustes mean (L, 2) of landmark configurations with missing points.

    Centred at the origin, root mean square radius 50 (so that a unit is about a millimetre on an adult), and
    turned as the first complete configuration is on its film.

    Raises:
        InputError: when some landmark is missing on every film with two landmarks or more.

    Source: Gower, Psychometrika 40 (1975).
    """
    counts = [int(np.isfinite(p).all(axis=1).sum()) for p in points]
    stack = np.stack([np.full_like(p, np.nan) if n < 2 else p for p, n in zip(points, counts, strict=True)])
    missing = np.isnan(stack).any(axis=2).all(axis=0)
    if missing.any():
        numbers = ", ".join(str(number) for number in np.flatnonzero(missing) + 1)
        raise InputError(
            f"no film has landmark {numbers} and another one",
            remedy="mark it, or use a landmark set without it",
        )
    fullest = stack[int(np.argmax(counts))]
    shape = _normalised(np.where(np.isnan(fullest), np.nanmean(stack, axis=0), fullest))
    for _ in range(rounds):
        frames = [(p, _frame(p, shape)) for p in stack]
        fitted = [frame.inverse().apply(p) for p, frame in frames if frame is not None]
        shape = _normalised(np.nanmean(np.stack(fitted), axis=0))
    return shape


def square_mean_shape(items: Sequence[AnnotatedFilm], which_truth: str) -> NDArray[np.float64]:
    """The films' `mean_shape` (L, 2), of points as they lie where pixels are square."""
    aspects = [(1.0, pixel_aspect_of(item)) for item in items]
    return mean_shape(
        [truth(item, which_truth) * aspect for item, aspect in zip(items, aspects, strict=True)]
    )


def _frame(points: NDArray[np.float64], shape: NDArray[np.float64]) -> Affine | None:
    """The frame by points (L, 2), or None where fewer than two distinct ones are known."""
    try:
        return fit_similarity(shape, points)
    except ValueError:
        return None


def _normalised(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = shape - shape.mean(axis=0)
    radius = np.sqrt((centred**2).sum(axis=1).mean())
    return np.asarray(centred * (FRAME_RADIUS / radius))


def marks(item: AnnotatedFilm, which_truth: str, names: Sequence[str]) -> NDArray[np.float64]:
    """(K, L, 2) what each annotator marked, if the truth is their mean; else the one truth, K = 1."""
    if which_truth != "mean":
        return truth(item, which_truth)[None]
    missing = np.full_like(truth(item, which_truth), np.nan)
    return np.stack([np.asarray(item.annotations.get(name, missing)) for name in names])


def load_films(
    items: Sequence[AnnotatedFilm], which_truth: str, *, side: int, shape: NDArray[np.float64] | None
) -> Iterator[tuple[TrainingFilm, NDArray[np.float32]]]:
    """Read films one by one, reduced for views of ``side`` pixels; ``shape`` None leaves out the frames.

    Each comes with its grey values (H, W), stretched to [0, 1], for what a recipe makes of them beside.
    """
    names = annotators(items)
    for item in items:
        square = square_film(film_of(item))
        film, pixels = square.film, stretch_grey(square.film.pixels)
        spacing, points = film.spacing, square.from_given(truth(item, which_truth))
        scale = (np.nan, np.nan) if spacing is None else (spacing.x_mm_per_px, spacing.y_mm_per_px)
        ready = TrainingFilm(
            item.film_id,
            points,
            square.from_given(marks(item, which_truth, names)),
            np.array(scale),
            working_film(pixels, side),
            None if shape is None else _frame(points, shape),
        )
        yield ready, pixels


def radial_errors_mm(predicted: NDArray[np.float64], film: TrainingFilm) -> NDArray[np.float64]:
    """(L,) distances to the truth in mm, NaN where either is missing; in frame units when no scale is known.

    Choosing epochs needs one comparable length for all films; the frame's unit serves where mm are unknown.
    """
    offset = predicted - film.points_px
    if np.isfinite(film.mm_per_px).all():
        offset = offset * film.mm_per_px
    else:
        offset = offset / (np.nan if film.frame is None else film.frame.scale)
    return np.asarray(np.linalg.norm(offset, axis=1))


def mean_error_mm(found: Sequence[NDArray[np.float64]], films: Sequence[TrainingFilm]) -> float:
    """Mean of the films' ``radial_errors_mm`` that are known, of points (L, 2) each; NaN where none is."""
    errors = np.concatenate([radial_errors_mm(*pair) for pair in zip(found, films, strict=True)])
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if known.size else float("nan")
