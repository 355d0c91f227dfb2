"""What is amiss with films themselves: copies, sizes, scales, points outside, heads of an unlikely size."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets.annotated_film import outside
from cephsure.datasets.splits import CLEAN_ENDING, TRAIN
from cephsure.evaluation.label_check.copies import find_copies
from cephsure.evaluation.label_check.finding import Finding, Mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.evaluation.label_check.copies import Copy
    from cephsure.evaluation.label_check.films import LabelledFilms
    from cephsure.evaluation.label_check.shapes import ShapeJudge

    Array = NDArray[np.float64]
    Picture = NDArray[np.float32]

NASION_SELLA_MM = (45.0, 100.0)
"""What S to N measures on a film, from a small child to a large adult, magnified."""
HEAD_RATIO = 1.25
"""A head is unlikely from so many times the usual size, or less than one part in so many."""
_HEAD_SPREADS = 4.4  # of the training films of ISBI 2015 none is more than 3.3 away: a third more
_FEWEST_HEADS = 5
_NAMED = 6
_SAME_SCALE = 0.02


def copy_findings(films: LabelledFilms, views: Sequence[Mapping[int, Picture]] = ()) -> Iterator[Finding]:
    """Films that are there twice: how far their annotations lie apart, and whether training may part them.

    ``views`` has what each annotator's labels see of the films, as `find_copies` takes it.
    """
    for copy in find_copies(films.looks, views):
        first, second = films.film_ids[copy.first], films.film_ids[copy.second]
        how = "the mirror image of" if copy.mirrored else "the same exposure as"
        how = "cut, turned or mirrored, the same exposure as" if copy.by_labels else how
        how = f"the same file as {second}" if copy.same_file else f"{how} {second} ({copy.correlation:.2f})"
        serious, parted = _parted(films, copy)
        apart = "".join(f"; {each}" for each in _annotated_apart(films, copy))
        yield Finding(
            kind="copy",
            said=f"{how}{apart}; {parted}",
            serious=serious,
            film=first,
            others=(second,),
            weight=1.0 + copy.correlation,
        )


def _parted(films: LabelledFilms, copy: Copy) -> tuple[bool, str]:
    """Whether two films of one exposure may come to lie on both sides of training, and in words."""
    group = films.groups[copy.first]
    known = group is not None and group == films.groups[copy.second]
    splits = films.splits[copy.first], films.splits[copy.second]
    if splits[0] != splits[1]:
        sides = f"on both sides of the split, {splits[0]} and {splits[1]}"
        test = splits[1] if splits[0] == TRAIN else splits[0]
        return not known, f"{sides}; one group: {test}{CLEAN_ENDING} leaves it out" if known else sides
    if known:
        return False, "one group: training keeps them together"
    return True, "training may learn from one and be measured on the other: give them one group"


def _annotated_apart(films: LabelledFilms, copy: Copy) -> Iterator[str]:
    """How far each annotator's points of both lie apart."""
    one, other = films.looks[copy.first], films.looks[copy.second]
    if one is None or other is None or copy.mirrored or copy.by_labels:
        return
    zoom = np.array(one.size_px) / np.array(other.size_px)
    scale = films.scales()[copy.first]
    for name, points in films.points.items():
        ways = (points[copy.first] - points[copy.second] * zoom) * scale
        if np.isfinite(ways).any():
            yield f"{name}'s points {np.nanmean(np.hypot(*ways.T)):.2f} {films.unit} apart"


def outside_findings(films: LabelledFilms) -> Iterator[Finding]:
    """Points that lie outside their film."""
    for name, marked in films.points.items():
        for film, look in enumerate(films.looks):
            if look is None:
                continue
            beyond = outside(marked[film], look.size_px)
            if beyond.any():
                codes = tuple(np.array(films.codes)[beyond].tolist())
                width, height = look.size_px
                yield Finding(
                    kind="outside",
                    said=f"{', '.join(codes)} outside the film of {width} x {height} px",
                    film=films.film_ids[film],
                    annotator=name,
                    codes=codes,
                    weight=1.0 + len(codes),
                    marks=marks_of(codes, marked[film][beyond]),
                )


def marks_of(codes: tuple[str, ...], points: Array) -> tuple[Mark, ...]:
    """Marked points (K, 2) to be shown."""
    return tuple(Mark(code, (float(x), float(y))) for code, (x, y) in zip(codes, points, strict=True))


def size_findings(films: LabelledFilms) -> Iterator[Finding]:
    """Films whose size or scale is not that of the most: worth knowing, nothing wrong by itself."""
    seen = [(name, look) for name, look in zip(films.film_ids, films.looks, strict=True) if look is not None]
    sizes = Counter(look.size_px for _, look in seen)
    if len(sizes) > 1:
        (usual, _), *_ = sizes.most_common(1)
        others = tuple(name for name, look in seen if look.size_px != usual)
        if len(others) <= len(seen) / 2:
            what = f"{_some(others)}: not of {usual[0]} x {usual[1]} px as the other films"
            stretched = [
                name for name, look in seen if name in others and _aspect(look.size_px, usual) > _SAME_SCALE
            ]
            more = f"; of another shape: {_some(tuple(stretched))}" if stretched else ""
            yield Finding(kind="film size", said=what + more, serious=False, others=others)
        else:
            yield Finding(kind="film size", said=f"{len(sizes)} different sizes", serious=False)
    unknown = tuple(name for name, look in seen if look.mm_per_px is None)
    if 0 < len(unknown) < len(seen):
        yield Finding(
            kind="film size",
            said=f"{_some(unknown)}: no scale, which the other films have",
            serious=False,
            others=unknown,
        )
    yield from _scale_findings([(name, look.mm_per_px) for name, look in seen if look.mm_per_px])


def _scale_findings(scales: list[tuple[str, tuple[float, float]]]) -> Iterator[Finding]:
    if not scales:
        return
    usual = float(np.median([scale[0] for _, scale in scales]))
    others = tuple(name for name, scale in scales if abs(scale[0] / usual - 1) > _SAME_SCALE)
    if others:
        said = f"{_some(others)}: a scale other than {usual:.4g} mm/px"
        yield Finding(kind="film size", said=said, serious=False, others=others)


def head_findings(films: LabelledFilms, judges: dict[str, ShapeJudge]) -> Iterator[Finding]:
    """Heads that their scale makes much larger or smaller than the others, or all of them impossible."""
    if not films.in_mm:
        return
    yield from _impossible_heads(films)
    sizes = np.full((max(len(judges), 1), len(films.film_ids)), np.nan)
    for row, (name, judge) in enumerate(judges.items()):
        lengths = films.lengths(name)
        sizes[row] = [judge.head_size(film, lengths[film]) for film in range(len(lengths))]
    known = np.isfinite(sizes).any(axis=0)
    if known.sum() < _FEWEST_HEADS:
        return
    logs = np.log([np.nanmedian(sizes[:, film]) if known[film] else np.nan for film in range(len(known))])
    away = logs - np.nanmedian(logs)
    spread = 1.4826 * float(np.nanmedian(np.abs(away)))
    limit = max(float(np.log(HEAD_RATIO)), _HEAD_SPREADS * spread)
    for film in np.flatnonzero(np.abs(np.where(known, away, 0.0)) > limit).tolist():
        look = films.looks[film]
        stated = "" if look is None or look.mm_per_px is None else f" at {look.mm_per_px[0]:.4g} mm/px"
        yield Finding(
            kind="head size",
            said=f"what is marked is {np.exp(away[film]):.2f} times as large as on the other films{stated}: "
            "the scale, or the size of the image that was marked?",
            film=films.film_ids[film],
            weight=float(abs(away[film]) / limit),
        )


def _impossible_heads(films: LabelledFilms) -> Iterator[Finding]:
    """The scale of all films, by the distance from sella to nasion."""
    if not {"S", "N"} <= set(films.codes):
        return
    sella, nasion = films.codes.index("S"), films.codes.index("N")
    ways = [films.lengths(name)[:, nasion] - films.lengths(name)[:, sella] for name in films.points]
    lengths = np.hypot(*np.concatenate(ways).T)
    lengths = lengths[np.isfinite(lengths)]
    least, most = NASION_SELLA_MM
    if len(lengths) and not least <= (usual := float(np.median(lengths))) <= most:
        said = f"S to N measures {usual:.1f} mm on the usual film, which no head does: is the scale right?"
        yield Finding(kind="head size", said=said, weight=3.0)


def _aspect(size_px: tuple[int, int], usual: tuple[int, int]) -> float:
    return abs(size_px[0] * usual[1] / (size_px[1] * usual[0]) - 1)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)} film{'' if len(names) == 1 else 's'} ({', '.join(names[:_NAMED])}{more})"
