"""Measures points that a person marked or corrected: the same formulas, norms and classes, no intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.cephalometry.analysis import MIN_PROBABILITY, Analysis, KnownPoints
from cephsure.cephalometry.catalogue import load_analyses
from cephsure.cephalometry.formula import head_points_of
from cephsure.cephalometry.measured import FilmOfPoints, MeasuredPoint
from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cephsure.cephalometry.formula import Array
    from cephsure.cephalometry.measurement import AnalysisDefinition
    from cephsure.uncertainty.prediction import FilmInfo

PERSON = "a person's points"
NO_VERDICT = "no verdict: a person's points are not judged"
NO_PROMISE = "no promise: how far a person's points are off is not known"
NO_INTERVAL = "how far a person's points are off is not known"

# Of the shipped landmark set: on every head the first lie further to the face than the second.
_FRONT = ("N", "Or", "A", "B", "Pog", "Me", "Gn", "LIT", "UIT", "UL", "LL", "Sn", "Pog'", "ANS")
_BACK = ("S", "Po", "Go", "Ar", "PNS")


def analyse_points(
    points_px: Mapping[str, Sequence[float] | Array],
    analyses: Sequence[AnalysisDefinition] | None = None,
    *,
    film: FilmInfo | FilmOfPoints | None = None,
    mm_per_px: float | tuple[float, float] | None = None,
    facing: Literal["auto", "right", "left"] = "auto",
    points_from: str = PERSON,
) -> Analysis:
    """Measure a person's points.

    Values, and for each the class that it belongs to. There are no intervals, no probabilities and no decided
    classes: how far a person errs is not known here.

    Args:
        points_px: by landmark code (x, y) in px of the film; a point that is absent or NaN is missing.
        analyses: what to measure (`load_analyses`); by default the challenge's measurements.
        film: what is known of the film; goes before the next two.
        mm_per_px: the scale, one number or along x and along y; without it there are no distances.
        facing: where the face looks; "auto" tells it from the points.
        points_from: whose points they are, and where they stand.

    Raises:
        InputError: where the face looks cannot be told.

    Examples:
        >>> at = {"S": (820, 1000), "N": (1500, 920), "A": (1450, 1480), "B": (1400, 1860)}
        >>> found = analyse_points(at, mm_per_px=0.1)
        >>> [(one.code, round(one.value, 1), one.class_of_value) for one in found.measurements[:2]]
        [('ANB', 3.1, 'class III'), ('SNB', 77.3, 'normal mandible')]
    """
    at = {code: np.asarray(point, dtype=np.float64) for code, point in points_px.items()}
    if film is None:
        scale = (float(mm_per_px), float(mm_per_px)) if isinstance(mm_per_px, int | float) else mm_per_px
        film = FilmOfPoints(
            path=None,
            name="film",
            mm_per_px=scale,
            spacing_source="none" if scale is None else "user",
            facing=facing_of(at) if facing == "auto" else facing,
            facing_source="found" if facing == "auto" else "given",
        )
    known = KnownPoints(
        at={code: head_points_of(point, film) for code, point in at.items()},
        has_scale=film.mm_per_px is not None,
        no_interval=NO_INTERVAL,
    )
    return Analysis(
        film=film,
        model=None,
        points_from=points_from,
        why=NO_VERDICT,
        promise=NO_PROMISE,
        errors_from="a person's points",
        min_probability=MIN_PROBABILITY,
        draws=None,
        seed=None,
        measurements=known.measure(load_analyses() if analyses is None else analyses),
        points=tuple(
            MeasuredPoint(code=code, x_px=float(point[0]), y_px=float(point[1]))
            for code, point in at.items()
            if np.isfinite(point).all()
        ),
    )


def facing_of(points: Mapping[str, Array]) -> Literal["right", "left"]:
    """Where the face looks on the film: to the side on which the points of the face lie.

    From (2,) positions by landmark code, NaN where missing.

    Raises:
        InputError: there are no points of the face, or none behind it.
    """
    known = {code: float(at[0]) for code, at in points.items() if np.isfinite(at).all()}
    front = [known[code] for code in _FRONT if code in known]
    back = [known[code] for code in _BACK if code in known]
    if not front or not back or np.mean(front) == np.mean(back):
        raise InputError(
            "where the face looks cannot be told from the points",
            remedy="give --facing left or right",
        )
    return "right" if np.mean(front) > np.mean(back) else "left"
