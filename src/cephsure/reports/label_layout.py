"""Where to write each landmark's label so that labels cover neither each other nor the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.reports.painter import ellipse_outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIRECTIONS = 16
_DISTANCES = (0.0, 0.8, 1.8, 3.0, 4.5, 6.5, 9.0)  # from the mark's edge, in heights of a label
_SWEEPS = 4

# What a place costs, in heights of a label: crossing things costs more than any distance.
_COST_OVERLAP = 60.0
_COST_MARK = 40.0
_COST_CROSSING = 25.0
_COST_OUTSIDE = 200.0
_COST_INWARD = 1.2


@dataclass(frozen=True, slots=True)
class Label:
    """A label's place.

    Attributes:
        box: left, top, right, bottom in pixels.
        leader: from the point's dot to the box, (2, 2); None if the label cannot be taken for another's.
    """

    box: tuple[float, float, float, float]
    leader: NDArray[np.float64] | None


def place_labels(
    points: NDArray[np.float64],
    half_axes: NDArray[np.float64],
    sizes: NDArray[np.float64],
    bounds: tuple[float, float],
    *,
    dot_radius: float,
) -> list[Label]:
    """Place one label a point.

    Every label tries places all round its point at growing distances and takes the cheapest, in several
    rounds. The result depends on the input alone.

    Args:
        points: (L, 2) positions in px.
        half_axes: (L, 2, 2) half axes, as rows, of the ellipse round each point, in px; labels keep off it.
        sizes: (L, 2) width and height of each label, in px.
        bounds: width and height of the picture; labels stay inside.
        dot_radius: radius of the dot drawn at each point, in px; leaders end there and keep off the others.

    Returns:
        L places, in the order of the points.
    """
    if len(points) == 0:
        return []
    height = float(sizes[:, 1].max())
    candidates = [
        _candidates(point, axes, size, height=height, bounds=bounds, dot_radius=dot_radius)
        for point, axes, size in zip(points, half_axes, sizes, strict=True)
    ]
    outward = _outward(points, reach=6 * height)
    extents = np.sqrt((half_axes**2).sum(axis=1))
    marks = np.concatenate([points - extents, points + extents], axis=1)
    own_cost = []
    for i, candidate in enumerate(candidates):
        others = np.arange(len(points)) != i
        cost = _own_cost(candidate, marks[others], outward=outward[i], height=height, bounds=bounds)
        outline = ellipse_outline(points[i], half_axes[i], count=24)
        cost = cost + _COST_MARK * _inside(outline, candidate.boxes).mean(axis=1)
        passed = _distance_to_leaders(candidate.leaders, points[others]) < 1.5 * dot_radius
        own_cost.append(cost + _COST_CROSSING * passed.sum(axis=1))
    chosen = np.array([int(np.argmin(cost)) for cost in own_cost])
    for _ in range(_SWEEPS):
        before = chosen.copy()
        for i in range(len(points)):
            others = [j for j in range(len(points)) if j != i]
            boxes = np.array([candidates[j].boxes[chosen[j]] for j in others]).reshape(-1, 4)
            leaders = np.array([candidates[j].leaders[chosen[j]] for j in others]).reshape(-1, 2, 2)
            cost = own_cost[i] + _shared_cost(candidates[i], boxes, leaders, height=height)
            chosen[i] = int(np.argmin(cost))
        if (before == chosen).all():
            break
    return [_label(candidates[i], int(k), points, index=i, height=height) for i, k in enumerate(chosen)]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """K places of a label: (K, 4) boxes, (K, 2, 2) leaders, (K,) distances in px, (K, 2) unit directions."""

    boxes: NDArray[np.float64]
    leaders: NDArray[np.float64]
    distances: NDArray[np.float64]
    directions: NDArray[np.float64]


def _candidates(
    point: NDArray[np.float64],
    half_axes: NDArray[np.float64],
    size: NDArray[np.float64],
    *,
    height: float,
    bounds: tuple[float, float],
    dot_radius: float,
) -> _Candidates:
    angle = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    directions = np.tile(np.stack([np.cos(angle), np.sin(angle)], axis=1), (len(_DISTANCES), 1))
    distances = np.repeat(np.asarray(_DISTANCES) * height + 0.25 * height, _DIRECTIONS)
    # How far the box reaches back towards the point, so that its edge and not its middle is at the distance.
    reach = np.minimum(
        size[0] / 2 / np.maximum(np.abs(directions[:, 0]), 1e-9),
        size[1] / 2 / np.maximum(np.abs(directions[:, 1]), 1e-9),
    )
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


def _outward(points: NDArray[np.float64], *, reach: float) -> NDArray[np.float64]:
    """(L, 2) unit vectors from each point away from its neighbours, or from all points if it stands alone."""
    apart = points[:, None] - points[None]
    near = np.exp(-(apart**2).sum(axis=-1) / (2 * reach**2))
    away = (near[..., None] * apart).sum(axis=1) / reach + 0.3 * (points - points.mean(axis=0)) / reach
    outward: NDArray[np.float64] = away / np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-9)[:, None]
    return outward


def _own_cost(
    candidates: _Candidates,
    marks: NDArray[np.float64],
    *,
    outward: NDArray[np.float64],
    height: float,
    bounds: tuple[float, float],
) -> NDArray[np.float64]:
    """(K,) what a place costs whatever the other labels do; (M, 4) boxes hold the other landmarks' marks."""
    boxes = candidates.boxes
    cost = candidates.distances / height + _COST_INWARD * (1 - candidates.directions @ outward)
    cost = cost + _COST_MARK * _overlap(boxes, marks, height=height).sum(axis=1)
    frame = np.array([[0.0, 0.0, *bounds]])
    inside = _overlap_area(boxes, frame)[:, 0] / np.maximum(_area(boxes), 1e-9)
    result: NDArray[np.float64] = cost + _COST_OUTSIDE * (1 - inside)
    return result


def _shared_cost(
    candidates: _Candidates, boxes: NDArray[np.float64], leaders: NDArray[np.float64], *, height: float
) -> NDArray[np.float64]:
    """(K,) what a place costs because of where the other labels and their leaders are."""
    overlaps = _overlap(candidates.boxes, boxes, height=height).sum(axis=1)
    crossings = _cross(candidates.leaders, leaders).sum(axis=1)
    covered = _along(leaders)  # (M * 5, 2) points on the other leaders
    over = _inside(covered, candidates.boxes).sum(axis=1) / 5
    beneath = _inside(_along(candidates.leaders), boxes)  # (M, K * 5) points on the own leaders
    under = beneath.reshape(len(boxes), len(candidates.boxes), 5).sum(axis=(0, 2)) / 5
    result: NDArray[np.float64] = _COST_OVERLAP * overlaps + _COST_CROSSING * (crossings + over + under)
    return result


def _label(
    candidates: _Candidates, chosen: int, points: NDArray[np.float64], *, index: int, height: float
) -> Label:
    box = candidates.boxes[chosen]
    left, top, right, bottom = (float(v) for v in box)
    # Without a leader the eye gives a label to the nearest point: that must be its own, and by far.
    apart = np.hypot(*(points - np.clip(points, box[:2], box[2:])).T)
    nearest_other = np.delete(apart, index).min(initial=np.inf)
    beside = candidates.distances[chosen] < 0.6 * height and apart[index] * 1.6 < nearest_other
    return Label((left, top, right, bottom), None if beside else candidates.leaders[chosen])


def _overlap(
    boxes: NDArray[np.float64], others: NDArray[np.float64], *, height: float
) -> NDArray[np.float64]:
    """(K, M) overlapping area in squared label heights, with a fixed part for any overlap at all."""
    area = _overlap_area(boxes, others) / height**2
    return np.where(area > 0, 0.5 + area, 0.0)


def _overlap_area(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    area: NDArray[np.float64] = np.clip(high - low, 0, None).prod(axis=-1)
    return area


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    area: NDArray[np.float64] = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return area


def _along(leaders: NDArray[np.float64]) -> NDArray[np.float64]:
    """Five points on each of M leaders, (M * 5, 2), the last short of the box it leads to."""
    part = np.array([0.1, 0.3, 0.5, 0.7, 0.9])[None, :, None]
    points: NDArray[np.float64] = leaders[:, None, 0] * (1 - part) + leaders[:, None, 1] * part
    return points.reshape(-1, 2)


def _inside(points: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(K, P) which of P points lie in which of K boxes."""
    low = points[None] > boxes[:, None, :2]
    high = points[None] < boxes[:, None, 2:]
    inside: NDArray[np.bool_] = np.logical_and.reduce(low & high, axis=-1)
    return inside


def _cross(leaders: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(K, M) whether two leaders cross."""
    a, b = leaders[:, None, 0], leaders[:, None, 1]
    c, d = others[None, :, 0], others[None, :, 1]
    crossing: NDArray[np.bool_] = (_side(a, b, c) * _side(a, b, d) < 0) & (
        _side(c, d, a) * _side(c, d, b) < 0
    )
    return crossing


def _side(
    start: NDArray[np.float64], end: NDArray[np.float64], point: NDArray[np.float64]
) -> NDArray[np.float64]:
    along, towards = end - start, point - start
    side: NDArray[np.float64] = along[..., 0] * towards[..., 1] - along[..., 1] * towards[..., 0]
    return side


def _distance_to_leaders(leaders: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K, M) distance of each point to each leader."""
    start, along = leaders[:, None, 0], (leaders[:, 1] - leaders[:, 0])[:, None]
    towards = points[None] - start
    length = np.maximum((along**2).sum(axis=-1), 1e-9)
    part = np.clip((towards * along).sum(axis=-1) / length, 0, 1)
    apart = towards - part[..., None] * along
    distance: NDArray[np.float64] = np.hypot(apart[..., 0], apart[..., 1])
    return distance
