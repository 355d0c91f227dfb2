"""What is amiss with an annotator's labels of a film: as a whole, or at single points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.label_check.annotator_distances import (
    AGREED,
    APART,
    APART_AND_ODD,
    APART_OF_HEAD,
    WHOLE_APART,
)
from cephsure.evaluation.label_check.film_findings import marks_of
from cephsure.evaluation.label_check.finding import Finding, Mark
from cephsure.evaluation.label_check.odd_points import MANY, ODD, SURELY_ODD, ShapeReading, read_shape
from cephsure.evaluation.label_check.on_film import AS_GIVEN, UNLIKE, HeadPictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from cephsure.evaluation.label_check.annotator_distances import AnnotatorPair
    from cephsure.evaluation.label_check.films import LabelledFilms
    from cephsure.evaluation.label_check.finding import Kind
    from cephsure.evaluation.label_check.on_film import Fit
    from cephsure.evaluation.label_check.shapes import Faced, Flags, ShapeJudge

    Array = NDArray[np.float64]

_MIXED = 0.1  # share of films of the other side from which both sides are usual


def _nobody() -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Judged:
    """By what labels are judged.

    Attributes:
        judge: of shapes; None where there are too few films for one.
        pairs: of annotators.
        step: is called after each film.
    """

    judge: ShapeJudge | None
    pairs: tuple[AnnotatorPair, ...]
    step: Callable[[], None] = _nobody


@dataclass(frozen=True, slots=True)
class Labels:
    """All that is known of one annotator's labels.

    Attributes:
        name: the annotator's.
        other_side: (F,) films whose points face the other way than the most.
        readings: what the shape model says of each film.
        pictures: the films as the labels see them; None where there are too few.
        apart: (F, L) how far the nearest other annotator is, in usual spreads; NaN where there is none.
    """

    name: str
    other_side: Flags
    readings: tuple[ShapeReading, ...]
    pictures: HeadPictures | None
    apart: Array

    @classmethod
    def of(cls, films: LabelledFilms, name: str, faced: Faced, by: Judged) -> Labels:
        """Read an annotator's labels."""
        shapes, other_side, judge = faced.shapes[name], faced.other_side[name], by.judge
        apart = np.full(shapes.shape[:2], np.nan)
        for pair in by.pairs:
            if name in (pair.first, pair.second):
                apart = np.fmin(apart, pair.apart)
        if judge is None:
            return cls(name, other_side, (ShapeReading(),) * len(shapes), None, apart)
        doubted = np.nan_to_num(apart) >= APART_AND_ODD
        readings = []
        for film, shape in enumerate(shapes):
            readings.append(read_shape(judge, film, shape, doubted[film]))
            by.step()
        # A single point astray must not make the whole head look misplaced.
        points = np.stack(
            [reading.righted(marked) for reading, marked in zip(readings, films.points[name], strict=True)]
        )
        mean = np.full(shapes.shape[1:], np.nan)
        mean[judge.judged] = judge.models[0].mean
        pictures = HeadPictures(films.looks, points, other_side, mean)
        return cls(name, other_side, tuple(readings), pictures if pictures.enough else None, apart)


def whole_finding(films: LabelledFilms, labels: Labels, film: int) -> Finding | None:
    """Labels that do not lie on the head, are mirrored, or differ throughout from another annotator's."""
    found = _whole(films, labels, film)
    if found is None:
        return None
    kind, said, serious, weight = found
    return Finding(
        kind=kind,
        said=said,
        serious=serious,
        film=films.film_ids[film],
        annotator=labels.name,
        weight=weight,
        marks=_all_marks(films, labels.name, film),
    )


def _whole(films: LabelledFilms, labels: Labels, film: int) -> tuple[Kind, str, bool, float] | None:
    """What is amiss with all labels of a film, whether it must be looked at, and its weight."""
    pictures = labels.pictures
    fit = None if pictures is None else pictures.fit(film)
    below = 0.0 if pictures is None or fit is None else pictures.usual - fit.here
    if fit is not None and fit.misplaced:
        kind: Kind = "mirrored" if fit.by.mirrored else "not on film"
        return kind, _misplaced(films, film, fit), True, 10 * (fit.best - fit.here)
    if labels.other_side[film] and labels.other_side.mean() <= _MIXED:
        clear = fit is not None and below <= UNLIKE
        said = "the labels face the other way than those of the other films"
        more = ", and so does the film" if clear else ": does the film?"
        return "mirrored", said + more, not clear, 1.0
    if fit is not None and below > UNLIKE:
        said = (
            f"the picture round the labels is unlike that of the other films (agreement {fit.here:.2f}, "
            f"usually {fit.here + below:.2f}): the labels of another film?"
        )
        return "not on film", said, True, below / UNLIKE
    return None


def _misplaced(films: LabelledFilms, film: int, fit: Fit) -> str:
    """What happened to labels, by what would make them lie on the head."""
    by, scale = fit.by, films.scales()[film, 0]
    x, y = fit.shift * scale
    agreement = f"(agreement {fit.best:.2f} in place of {fit.here:.2f})"
    if by.mirrored:
        more = f", and turned by {90 * by.turn}°" if by.turn else ""
        said = f"the labels are the mirror image of what the film shows{more}: was one of them turned over?"
        return f"{said} {agreement}"
    if by.turn:
        said = f"the labels fit the film when turned by {90 * by.turn}° clockwise: was the film turned?"
        return f"{said} {agreement}"
    if by != AS_GIVEN:
        return (
            f"the labels look given for an image of about {1 / by.size:.2g} times the film's size: was the "
            f"film resized after it was marked? {agreement}"
        )
    across = f"{abs(x):.0f} {films.unit} to the {'right' if x > 0 else 'left'}"
    down = f"{abs(y):.0f} {films.unit} {'down' if y > 0 else 'up'}"
    ways = " and ".join(way for way, size in ((across, abs(x)), (down, abs(y))) if round(size))
    said = f"the labels would fit the film moved {ways}: those of another film, or of a cut one?"
    return f"{said} {agreement}"


def point_findings(films: LabelledFilms, labels: Labels, film: int) -> Iterator[Finding]:
    """Swapped landmarks and points that do not fit the others."""
    reading = labels.readings[film]
    points, codes = films.points[labels.name][film], films.codes
    name = films.film_ids[film]
    for one, other in reading.swapped:
        pair = (codes[one], codes[other])
        yield Finding(
            kind="swapped",
            said=f"{pair[0]} and {pair[1]} look exchanged: the points fit much better the other way round",
            film=name,
            annotator=labels.name,
            codes=pair,
            weight=3.0,
            marks=marks_of(pair, points[[one, other]]),
        )
    if len(reading.odd) > MANY * np.isfinite(points).all(axis=1).sum():
        odd = tuple(codes[landmark] for landmark, _, _ in reading.odd)
        yield Finding(
            kind="odd point",
            said=f"{len(odd)} of the points do not fit the others: {', '.join(odd)}",
            film=name,
            annotator=labels.name,
            codes=odd,
            weight=max(residual for _, residual, _ in reading.odd) / ODD,
            marks=_all_marks(films, labels.name, film),
        )
        return
    for landmark, residual, place in reading.odd:
        yield _odd_finding(films, labels, film, (landmark, residual, np.array(place)))


def _odd_finding(films: LabelledFilms, labels: Labels, film: int, odd: tuple[int, float, Array]) -> Finding:
    """One point that does not fit: its landmark, its residual and where it is expected."""
    landmark, residual, place = odd
    code, point = films.codes[landmark], films.points[labels.name][film, landmark]
    mirror = np.array([-1.0, 1.0]) if labels.other_side[film] else np.ones(2)
    expected = place * mirror / films.scales()[film, 0]
    off = float(np.hypot(*((point - expected) * films.scales()[film, 0])))
    said = f"{code} lies {off:.1f} {films.unit} from where the other points expect it"
    beside, serious = labels.apart[film, landmark], True
    if beside >= APART_AND_ODD:
        said += ", and the other annotator marks it elsewhere"
    elif beside <= AGREED:
        said += "; the other annotator marks it there too"
        serious = residual >= SURELY_ODD
    at, there = (float(point[0]), float(point[1])), (float(expected[0]), float(expected[1]))
    return Finding(
        kind="odd point",
        said=said,
        serious=serious,
        film=films.film_ids[film],
        annotator=labels.name,
        codes=(code,),
        weight=residual / ODD,
        marks=(Mark(code, at), Mark(code, there, "expected"), *_others(films, labels.name, film, [landmark])),
    )


def apart_findings(
    films: LabelledFilms, pair: AnnotatorPair, film: int, extent: float, told: Mapping[str, set[str]]
) -> Iterator[Finding]:
    """Two annotators far apart on a film: throughout, or at points of which nothing was ``told`` yet.

    ``told`` has by annotator the codes of the film's points, "" for all of them.
    """
    apart = pair.apart[film]
    known = np.isfinite(apart)
    if not known.any() or any("" in told.get(name, ()) for name in (pair.first, pair.second)):
        return
    both = f"{pair.first}, {pair.second}"
    first = films.points[pair.first][film]
    if known.sum() >= 5 and (half := float(np.median(apart[known]))) >= WHOLE_APART:
        ways = (films.points[pair.second][film] - first) * films.scales()[film]
        middle = np.nanmedian(np.hypot(*ways.T))
        said = f"half of the points lie {middle:.1f} {films.unit} or more apart: are one's of another film?"
        yield Finding(
            kind="far apart",
            said=said,
            film=films.film_ids[film],
            annotator=both,
            weight=half / WHOLE_APART,
            marks=_all_marks(films, pair.first, film),
        )
        return
    length = apart * pair.spread
    for landmark in np.flatnonzero(known & (apart >= APART) & (length >= APART_OF_HEAD * extent)).tolist():
        code = films.codes[landmark]
        if any(code in told.get(name, ()) for name in (pair.first, pair.second)):
            continue
        way = (films.points[pair.second][film, landmark] - first[landmark]) * films.scales()[film, 0]
        yield Finding(
            kind="far apart",
            said=f"{code} marked {np.hypot(*way):.1f} {films.unit} apart, usually {pair.mean[landmark]:.1f}",
            film=films.film_ids[film],
            annotator=both,
            codes=(code,),
            weight=float(apart[landmark]) / APART,
            marks=(*marks_of((code,), first[[landmark]]), *_others(films, pair.first, film, [landmark])),
        )


def _all_marks(films: LabelledFilms, annotator: str, film: int) -> tuple[Mark, ...]:
    points = films.points[annotator][film]
    known = np.isfinite(points).all(axis=1)
    return marks_of(tuple(np.array(films.codes)[known].tolist()), points[known])


def _others(films: LabelledFilms, annotator: str, film: int, landmarks: list[int]) -> tuple[Mark, ...]:
    """Where other annotators mark some landmarks."""
    return tuple(
        Mark(
            films.codes[landmark],
            (float(points[film, landmark, 0]), float(points[film, landmark, 1])),
            "other",
        )
        for name, points in films.points.items()
        for landmark in landmarks
        if name != annotator and np.isfinite(points[film, landmark]).all()
    )
