"""A film and true points in, how far off each found point is out, and a picture of the worst."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError
from cephsure.reports.comparison import Comparison
from cephsure.workflows.batch import DEFAULT_MODEL, MEAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from cephsure.datasets import AnnotatedFilm
    from cephsure.datasets.marked_points import MarkedFilm
    from cephsure.films import Film
    from cephsure.inference.samples import HeatMaps
    from cephsure.inference.session import Device
    from cephsure.model import Model
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.readers.reader import Reader

_NAMED = 8  # films that an error lists


@dataclass(frozen=True, slots=True)
class ComparedFilm:
    """What was compared on one film.

    Attributes:
        problems: a line for each true point that was left out, and why.
    """

    film: Film
    comparison: Comparison
    problems: tuple[str, ...] = ()

    def draw(self, *, worst: int | None = None) -> Image.Image:
        """The film with its found and true points, the worst ones large."""
        from cephsure.reports.comparison_picture import WORST, draw_comparison

        return draw_comparison(self.film.pixels, self.comparison, worst=WORST if worst is None else worst)


def compare_film(
    path: Path | str,
    truth: Path | str,
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    annotator: str | None = None,
    mm_per_px: float | None = None,
    reader: Reader | Path | str | None = None,
    with_maps: bool = True,
    device: Device = "cpu",
) -> ComparedFilm:
    """Find a film's points and set them beside true ones, as ``cephsure compare`` does.

    Args:
        path: the film.
        truth: a file of points of this film or of many, in any format that is read.
        model: the model.
        annotator: whose points are true; None for the mean of all who marked the film.
        mm_per_px: the user's scale, which goes before what the film states.
        reader: whose marks are foretold, as ``Model.reader`` takes it.
        with_maps: also the heat maps, which take a second look at the film.
        device: where the networks are computed.

    Raises:
        InputError: film or points cannot be read, or the points are of other films.
    """
    from cephsure import films
    from cephsure.datasets.marked_points import read_marked_points
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.model import load_model

    check_mm_per_px(mm_per_px)
    film = films.read(path, mm_per_px=mm_per_px)
    loaded = load_model(model, device=device) if isinstance(model, str | Path) else model
    scale = None if film.spacing is None else (film.spacing.x_mm_per_px, film.spacing.y_mm_per_px)
    marked = film_of_many(
        read_marked_points(truth, landmark_set=loaded.landmark_set, mm_per_px=scale), Path(path), where=truth
    )
    _check_size(marked, film, where=truth)
    truth_px = marked.points_px(MEAN if annotator is None else annotator)
    truth_of = annotator or _names(list(marked.marks))
    comparison = compared(film, truth_px, truth_of, loaded, reader=reader, with_maps=with_maps)
    return ComparedFilm(film, comparison, marked.problems)


def compare_annotated(
    annotated: AnnotatedFilm,
    model: Model,
    *,
    truth: str = MEAN,
    prediction: Prediction | None = None,
    reader: Reader | Path | str | None = None,
    with_maps: bool = True,
) -> ComparedFilm:
    """The same of a data set's film, whose ``truth`` is an annotator or the mean of all.

    A ``prediction`` that is there already is taken instead of a new one; it must be of this film.

    Raises:
        InputError: the film cannot be read, or has no annotator of this name.
    """
    from cephsure.datasets import film_of
    from cephsure.datasets.annotated_film import truth as truth_points

    film = film_of(annotated)
    marked = [name for name, at in annotated.annotations.items() if np.isfinite(at).any()]
    truth_of = _names(marked) if truth == MEAN else truth
    truth_px = truth_points(annotated, truth)
    found = compared(
        film, truth_px, truth_of, model, prediction=prediction, reader=reader, with_maps=with_maps
    )
    return ComparedFilm(film, found)


def compared(
    film: Film,
    truth_px: NDArray[np.float64],
    truth_of: str,
    model: Model,
    *,
    prediction: Prediction | None = None,
    reader: Reader | Path | str | None = None,
    with_maps: bool = True,
) -> Comparison:
    """A film's prediction beside true points (L, 2), NaN where missing, of ``truth_of``.

    Raises:
        InputError: not one true point is known.
    """
    if not np.isfinite(truth_px).all(axis=1).any():
        raise InputError(f"{truth_of} marked no point of this film", where=film.path)
    if prediction is None:
        prediction = model.predict(film, reader=reader)
    maps = _maps(film, prediction, model) if with_maps else None
    return Comparison(prediction, truth_px, truth_of, maps)


def film_of_many(marked: Sequence[MarkedFilm], film: Path, *, where: Path | str) -> MarkedFilm:
    """The one of many films that a film file is called as; a single film that has no name counts as it.

    Raises:
        InputError: none of them is, or several are; the error lists some.
    """
    from cephsure.datasets.marked_points import films_called

    if len(marked) == 1 and marked[0].path is None:
        return marked[0]
    fitting = films_called(marked, film)
    if len(fitting) == 1:
        return fitting[0]
    names = [each.name for each in (fitting or marked)]
    listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    what = "has points of several films of this name" if fitting else "has no points of this film"
    raise InputError(f"{what} ({film.name})", where=where, remedy=f"it has: {listed}")


def _check_size(marked: MarkedFilm, film: Film, *, where: Path | str) -> None:
    """Points of a picture of another size would be set beside the wrong places."""
    height, width = film.pixels.shape
    if marked.size_px is not None and marked.size_px != (width, height):
        stated = " x ".join(map(str, marked.size_px))
        raise InputError(
            f"the points are on a film of {stated} px, {film.path} is {width} x {height}", where=where
        )


def _names(annotators: Sequence[str]) -> str:
    """Whose points they are, in words."""
    return annotators[0] if len(annotators) == 1 else f"the mean of {' and '.join(annotators)}"


def _maps(film: Film, prediction: Prediction, model: Model) -> HeatMaps | None:
    """The networks' heat maps where the prediction's points are, those of several annotators as one."""
    from cephsure.inference.samples import laid_together

    said, asked = prediction.film, prediction.model
    raw = model.predict_raw(
        film, samples=asked.samples, seed=asked.seed, facing=said.facing, polarity=said.polarity
    )
    if raw.maps is None:
        return None
    count = len(raw.maps)
    moves_px = prediction.points_px - raw.marks_px.mean(axis=0)
    shares = np.full((count, len(prediction.landmarks)), 1 / count)
    return laid_together(raw.maps, shares, moves_px)
