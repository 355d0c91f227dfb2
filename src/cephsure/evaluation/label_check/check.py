"""A look at a data set's labels before training: everything that was found, the gravest first."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.label_check.annotator_distances import annotator_pairs
from cephsure.evaluation.label_check.film_findings import (
    copy_findings,
    head_findings,
    outside_findings,
    size_findings,
)
from cephsure.evaluation.label_check.finding import KINDS, Finding
from cephsure.evaluation.label_check.label_findings import (
    Judged,
    Labels,
    apart_findings,
    point_findings,
    whole_finding,
)
from cephsure.evaluation.label_check.shapes import FEWEST_FILMS, extent_of, facing_one_side, judges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from cephsure.evaluation.label_check.annotator_distances import AnnotatorPair
    from cephsure.evaluation.label_check.films import LabelledFilms
    from cephsure.evaluation.label_check.shapes import ShapeJudge

    Array = NDArray[np.float64]

_SELDOM = 0.05  # share of an annotator's films up to which a landmark left out looks forgotten
_IDENTICAL = 0.9  # share of points in the same place from which two annotators are one


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """What was found.

    Attributes:
        findings: by kind, the gravest first, then by how far beyond the limit they are.
        pairs: the annotators' distances, in the ``unit``.
        unit: mm, or px where a film has no scale.
        notes: what could not be judged, and why.
    """

    findings: tuple[Finding, ...]
    pairs: tuple[AnnotatorPair, ...]
    unit: str
    notes: tuple[str, ...] = ()

    @property
    def serious(self) -> bool:
        """Whether something must be looked at."""
        return any(finding.serious for finding in self.findings)

    def with_findings(self, more: Iterable[Finding]) -> LabelCheck:
        """The same with what was found elsewhere, in its place."""
        order = list(KINDS)
        findings = sorted(
            (*self.findings, *more),
            key=lambda each: (not each.serious, order.index(each.kind), -each.weight, each.film),
        )
        return replace(self, findings=tuple(findings))


def check_labels(films: LabelledFilms, on_step: Callable[[int, int], None] | None = None) -> LabelCheck:
    """Look at the labels of films; ``on_step`` is told how many of how many are done, of each annotator."""
    lengths = {name: films.lengths(name) for name in films.points}
    faced = facing_one_side(lengths)
    of_whom = judges(faced.shapes)
    extent = _extent(of_whom, faced.shapes)
    pairs = annotator_pairs(lengths, extent)
    done = count(1)

    def step() -> None:
        if on_step is not None:
            on_step(next(done), len(films.film_ids) * len(films.points))

    labels = [
        Labels.of(films, name, faced, Judged(of_whom.get(name), tuple(pairs), step)) for name in films.points
    ]
    findings = [
        *missing_findings(films),
        *outside_findings(films),
        *same_points_findings(films),
        *copy_findings(films, [own.pictures.views for own in labels if own.pictures is not None]),
        *size_findings(films),
        *head_findings(films, of_whom),
        *habit_findings(films, pairs, extent),
    ]
    for film in range(len(films.film_ids)):
        findings += _of_film(films, labels, pairs, film, extent)
    notes = tuple(_notes(films, labels, of_whom))
    return LabelCheck((), tuple(pairs), films.unit, notes).with_findings(findings)


def _of_film(
    films: LabelledFilms, labels: list[Labels], pairs: list[AnnotatorPair], film: int, extent: float
) -> list[Finding]:
    """What is amiss with the labels of one film."""
    found: list[Finding] = []
    told: dict[str, set[str]] = defaultdict(set)
    for own in labels:
        whole = whole_finding(films, own, film)
        if whole is not None:
            found.append(whole)
            if whole.serious:
                told[own.name].add("")
        for finding in point_findings(films, own, film):
            found.append(finding)
            told[own.name].update(finding.codes)
    for pair in pairs:
        found += apart_findings(films, pair, film, extent, told)
    return found


def missing_findings(films: LabelledFilms) -> Iterator[Finding]:
    """Landmarks that an annotator marks on nearly all films but not on these; others are told in numbers."""
    codes = np.array(films.codes)
    for name, points in films.points.items():
        seen, known = films.seen_by(name), np.isfinite(points).all(axis=2)
        missing = seen[:, None] & ~known
        left_out = missing.sum(axis=0)
        seldom = (left_out <= max(1, _SELDOM * seen.sum())) & (left_out < seen.sum())
        for film in np.flatnonzero((missing & seldom).any(axis=1)).tolist():
            own = tuple(codes[missing[film] & seldom].tolist())
            yield Finding(
                kind="missing",
                said=f"{', '.join(own)} not marked",
                film=films.film_ids[film],
                annotator=name,
                codes=own,
            )
        often = missing.any(axis=0) & ~seldom
        if often.any():
            each = ", ".join(
                f"{code} on {number}" for code, number in zip(codes[often], left_out[often], strict=True)
            )
            said = f"of {seen.sum()} films these are not marked: {each}"
            yield Finding(
                kind="missing", said=said, serious=False, annotator=name, codes=tuple(codes[often].tolist())
            )


def same_points_findings(films: LabelledFilms) -> Iterator[Finding]:
    """Films on which an annotator's points are those of another film, and annotators who are one."""
    for name, points in films.points.items():
        by_points: dict[bytes, list[int]] = defaultdict(list)
        for film in np.flatnonzero(np.isfinite(points).all(axis=2).sum(axis=1) >= 3).tolist():
            by_points[np.nan_to_num(points[film], nan=-1.0).round(1).tobytes()].append(film)
        for same in by_points.values():
            if len(same) > 1:
                first, *others = (films.film_ids[film] for film in same)
                yield Finding(
                    kind="same points",
                    said=f"the points are exactly those of {', '.join(others)}",
                    film=first,
                    others=tuple(others),
                    annotator=name,
                    weight=float(len(same)),
                )


def habit_findings(films: LabelledFilms, pairs: list[AnnotatorPair], extent: float) -> Iterator[Finding]:
    """Landmarks that two annotators mark in different places by habit; and annotators who are one."""
    for pair in pairs:
        both = f"{pair.first}, {pair.second}"
        if pair.identical >= _IDENTICAL:
            said = f"{100 * pair.identical:.0f} % of the points are exactly the same: one file twice?"
            yield Finding(kind="same points", said=said, annotator=both, weight=2.0)
        for landmark in np.flatnonzero(pair.habits(extent)).tolist():
            x, y = pair.offset[landmark]
            said = (
                f"{films.codes[landmark]}: {pair.second} usually marks it {abs(x):.1f} {films.unit} "
                f"{'right' if x > 0 else 'left'} and {abs(y):.1f} {films.unit} "
                f"{'below' if y > 0 else 'above'} {pair.first}: the same definition?"
            )
            yield Finding(
                kind="habit", said=said, serious=False, annotator=both, codes=(films.codes[landmark],)
            )


def _extent(of_whom: dict[str, ShapeJudge], shapes: dict[str, Array]) -> float:
    """Usual extent of a head."""
    if of_whom:
        return extent_of(next(iter(of_whom.values())).models[0].mean)
    found = [
        extent_of(own)
        for shape in shapes.values()
        for points in shape
        if len(own := points[np.isfinite(points).all(axis=1)]) > 1
    ]
    return float(np.median(found)) if found else math.inf


def _notes(films: LabelledFilms, labels: list[Labels], of_whom: dict[str, ShapeJudge]) -> Iterator[str]:
    """What could not be judged."""
    for own in labels:
        if own.name not in of_whom:
            yield (
                f"{own.name}: points are not judged by the others: fewer than {FEWEST_FILMS} films have "
                "enough of them, or their shapes do not differ"
            )
            continue
        judged = of_whom[own.name].judged
        left = [code for code, known in zip(films.codes, judged, strict=True) if not known]
        if left:
            yield f"{own.name}: not judged by the others, because marked on too few films: {', '.join(left)}"
        if own.pictures is None:
            yield (
                f"{own.name}: whether the labels as a whole lie where they should is not judged: the films "
                "are too few, or too unlike one another"
            )
