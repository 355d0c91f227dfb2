"""Labels on a picture: each is written where it covers neither the other labels nor the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.reports.marks import DOT_RADIUS
from cephsure.reports.painter import BLACK, capital_height, ellipse_outline, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.reports.painter import Array, Colour, Painter

_DIRECTIONS = 16
_DISTANCES = (0.0, 0.8, 1.8, 3.0, 4.5, 6.5, 9.0)  # from the mark's edge, in heights of a label
_SWEEPS = 4

# What a place costs, in heights of a label: crossing things costs more than any distance.
_COST_OVERLAP = 60.0
_COST_MARK = 40.0
_COST_CROSSING = 25.0
_COST_OUTSIDE = 200.0
_COST_INWARD = 1.2


def paint_labels(
    painter: Painter,
    labels: Sequence[tuple[str, Colour]],
    points: Array,
    half_axes: Array,
    *,
    unit: float,
    size: int,
    keep_off: Array | None = None,
) -> None:
    """Write a label beside each point, with a line to the point where it could be taken for another's.

    Args:
        painter: of the picture.
        labels: for each of L points a text and the colour of its line and letters.
        points: (L, 2) positions in px.
        half_axes: (L, 2, 2) half axes, as rows, of the ellipse round each point, in px; labels keep off it.
        unit: the stroke that suits the picture, in px.
        size: of the letters, in px.
        keep_off: (P, 2) further dots that no label may cover.
    """
    pad = 0.25 * size
    sizes = [(text_width(text, size) + pad, capital_height(size) + 2 * pad) for text, _ in labels]
    places = place_labels(
        points,
        half_axes,
        np.array(sizes),
        painter.picture.size,
        dot_radius=(DOT_RADIUS + 1.5) * unit,
        keep_off=keep_off,
    )
    for place, (_, colour) in zip(places, labels, strict=True):
        if place.leader is not None:
            start, end = place.leader
            painter.line(start, end, 2.4 * unit, BLACK, opacity=0.45)
            painter.line(start, end, max(0.9 * unit, 0.8), colour, opacity=0.8)
    for place, (text, colour) in zip(places, labels, strict=True):
        left, top, _, bottom = place.box
        painter.text((left + pad / 2, (top + bottom) / 2), text, size, colour, halo=max(1.3 * unit, 1.2))


@dataclass(frozen=True, slots=True)
class Label:
    """A label's place, with a leader from the point's dot to it where it could be taken for another's."""

    box: tuple[float, float, float, float]  # left, top, right, bottom in px
    leader: Array | None  # (2, 2)


def place_labels(
    points: Array,
    half_axes: Array,
    sizes: Array,
    bounds: tuple[float, float],
    *,
    dot_radius: float,
    keep_off: Array | None = None,
) -> list[Label]:
    """Place one label a point.

    Every label tries places all round its point at growing distances and takes the cheapest, in several
    rounds. The result depends on the input alone.

    Points, half axes and ``keep_off`` are those of `paint_labels`, ``sizes`` (L, 2) width and height of each
    label, in px, ``bounds`` those of the picture; labels stay inside. Leaders end at the dot of
    ``dot_radius`` px drawn at their point, and keep off the others.
    """
    if len(points) == 0:
        return []
    height = float(sizes[:, 1].max())
    candidates = [
        _candidates(point, axes, size, height=height, bounds=bounds, dot_radius=dot_radius)
        for point, axes, size in zip(points, half_axes, sizes, strict=True)
    ]
    own_costs = _own_costs(candidates, points, half_axes, height=height, bounds=bounds, dot_radius=dot_radius)
    if keep_off is not None:
        dots = np.concatenate([keep_off - dot_radius, keep_off + dot_radius], axis=1)
        own_costs = [
            cost + _COST_MARK * _overlap(candidate.boxes, dots, height=height).sum(axis=1)
            for candidate, cost in zip(candidates, own_costs, strict=True)
        ]
    chosen = [int(np.argmin(cost)) for cost in own_costs]
    for _ in range(_SWEEPS):
        before = list(chosen)
        for i, (candidate, own_cost) in enumerate(zip(candidates, own_costs, strict=True)):
            others = [(c, k) for j, (c, k) in enumerate(zip(candidates, chosen, strict=True)) if j != i]
            boxes = np.array([c.boxes[k] for c, k in others]).reshape(-1, 4)
            leaders = np.array([c.leaders[k] for c, k in others]).reshape(-1, 2, 2)
            chosen[i] = int(np.argmin(own_cost + _shared_cost(candidate, boxes, leaders, height=height)))
        if before == chosen:
            break
    return [_label(candidates[i], k, points, index=i, height=height) for i, k in enumerate(chosen)]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """K places of a label: (K, 4) boxes, (K, 2, 2) leaders, (K,) distances in px, (K, 2) unit directions."""

    boxes: Array
    leaders: Array
    distances: Array
    directions: Array


def _candidates(
    point: Array,
    half_axes: Array,
    size: Array,
    *,
    height: float,
    bounds: tuple[float, float],
    dot_radius: float,
) -> _Candidates:
    angle = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    directions = np.tile(np.stack([np.cos(angle), np.sin(angle)], axis=1), (len(_DISTANCES), 1))
    distances = np.repeat(np.asarray(_DISTANCES) * height + 0.25 * height, _DIRECTIONS)
    # How far the box reaches back towards the point, so that its edge and not its middle is at the distance.
    reach = (size / 2 / np.maximum(np.abs(directions), 1e-9)).min(axis=1)
    # The ellipse's radius in each direction.
    squares = np.maximum((half_axes**2).sum(axis=1), 1e-9)
    radii = 1 / np.sqrt((((directions @ half_axes.T) / squares) ** 2).sum(axis=1))
    middles = point + directions * (radii + distances + reach)[:, None]
    # Near the film's edge a label slides along it rather than over it.
    middles = np.clip(middles, size / 2, np.maximum(np.asarray(bounds) - size / 2, size / 2))
    boxes = np.concatenate([middles - size / 2, middles + size / 2], axis=1)
    ends = np.clip(point, boxes[:, :2], boxes[:, 2:])
    towards = ends - point
    length = np.maximum(np.hypot(towards[:, 0], towards[:, 1]), 1e-9)
    starts = point + towards / length[:, None] * np.minimum(dot_radius, length)[:, None]
    return _Candidates(boxes, np.stack([starts, ends], axis=1), distances, directions)


def _own_costs(
    candidates: Sequence[_Candidates],
    points: Array,
    half_axes: Array,
    *,
    height: float,
    bounds: tuple[float, float],
    dot_radius: float,
) -> list[Array]:
    """For each label (K,) what its places cost whatever the other labels do."""
    outward = _outward(points, reach=6 * height)
    extents = np.sqrt((half_axes**2).sum(axis=1))
    marks = np.concatenate([points - extents, points + extents], axis=1)
    frame = np.array([[0.0, 0.0, *bounds]])
    costs = []
    for i, candidate in enumerate(candidates):
        others, boxes = np.arange(len(points)) != i, candidate.boxes
        outside = 1 - _overlap_area(boxes, frame)[:, 0] / np.maximum(_area(boxes), 1e-9)
        outline = ellipse_outline(points[i], half_axes[i], count=24)
        passed = _distance_to_leaders(candidate.leaders, points[others]) < 1.5 * dot_radius
        costs.append(
            candidate.distances / height
            + _COST_INWARD * (1 - candidate.directions @ outward[i])
            + _COST_MARK * _overlap(boxes, marks[others], height=height).sum(axis=1)
            + _COST_OUTSIDE * outside
            + _COST_MARK * _inside(outline, boxes).mean(axis=1)
            + _COST_CROSSING * passed.sum(axis=1)
        )
    return costs


def _outward(points: Array, *, reach: float) -> Array:
    """(L, 2) unit vectors from each point away from its neighbours, or from all points if it stands alone."""
    apart = points[:, None] - points[None]
    near = np.exp(-(apart**2).sum(axis=-1) / (2 * reach**2))
    away = (near[..., None] * apart).sum(axis=1) / reach + 0.3 * (points - points.mean(axis=0)) / reach
    return np.asarray(away / np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-9)[:, None])


def _shared_cost(candidates: _Candidates, boxes: Array, leaders: Array, *, height: float) -> Array:
    """(K,) what a place costs because of where the other labels and their leaders are."""
    crossings = _cross(candidates.leaders, leaders).sum(axis=1)
    over = _inside(_along(leaders), candidates.boxes).sum(axis=1) / 5
    beneath = _inside(_along(candidates.leaders), boxes)  # (M, K * 5) points on the own leaders
    under = beneath.reshape(len(boxes), len(candidates.boxes), 5).sum(axis=(0, 2)) / 5
    overlaps = _overlap(candidates.boxes, boxes, height=height).sum(axis=1)
    return np.asarray(_COST_OVERLAP * overlaps + _COST_CROSSING * (crossings + over + under))


def _label(candidates: _Candidates, chosen: int, points: Array, *, index: int, height: float) -> Label:
    box = candidates.boxes[chosen]
    left, top, right, bottom = box.tolist()
    # Without a leader the eye gives a label to the nearest point: that must be its own, and by far.
    apart = np.hypot(*(points - np.clip(points, box[:2], box[2:])).T)
    nearest_other = np.delete(apart, index).min(initial=np.inf)
    beside = candidates.distances[chosen] < 0.6 * height and apart[index] * 1.6 < nearest_other
    return Label((left, top, right, bottom), None if beside else candidates.leaders[chosen])


def _overlap(boxes: Array, others: Array, *, height: float) -> Array:
    """(K, M) overlapping area in squared label heights, with a fixed part for any overlap at all."""
    area = _overlap_area(boxes, others) / height**2
    return np.where(area > 0, 0.5 + area, 0.0)


def _overlap_area(boxes: Array, others: Array) -> Array:
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return _area(np.concatenate([low, np.maximum(low, high)], axis=-1))


def _area(boxes: Array) -> Array:
    return np.asarray((boxes[..., 2:] - boxes[..., :2]).prod(axis=-1))


def _along(leaders: Array) -> Array:
    """Five points on each of M leaders, (M * 5, 2), the last short of the box it leads to."""
    part = np.array([0.1, 0.3, 0.5, 0.7, 0.9])[None, :, None]
    return np.asarray(leaders[:, None, 0] * (1 - part) + leaders[:, None, 1] * part).reshape(-1, 2)


def _inside(points: Array, boxes: Array) -> NDArray[np.bool_]:
    """(K, P) which of P points lie in which of K boxes."""
    inside = (points[None] > boxes[:, None, :2]) & (points[None] < boxes[:, None, 2:])
    return np.asarray(inside.all(axis=-1))


def _cross(leaders: Array, others: Array) -> NDArray[np.bool_]:
    """(K, M) whether two leaders cross."""
    a, b = leaders[:, None, 0], leaders[:, None, 1]
    c, d = others[None, :, 0], others[None, :, 1]
    return np.asarray((_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0))


def _side(start: Array, end: Array, point: Array) -> Array:
    along, towards = end - start, point - start
    return np.asarray(along[..., 0] * towards[..., 1] - along[..., 1] * towards[..., 0])


def _distance_to_leaders(leaders: Array, points: Array) -> Array:
    """(K, M) distance of each point to each leader."""
    start, along = leaders[:, None, 0], (leaders[:, 1] - leaders[:, 0])[:, None]
    towards = points[None] - start
    length = np.maximum((along**2).sum(axis=-1), 1e-9)
    part = np.clip((towards * along).sum(axis=-1) / length, 0, 1)
    apart = towards - part[..., None] * along
    return np.asarray(np.hypot(apart[..., 0], apart[..., 1]))
