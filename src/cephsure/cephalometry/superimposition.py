"""Two films of a patient laid on each other: how far each landmark moved, and how sure that is.

The second film is turned and shifted, never stretched, so that a reference falls on that of the first: the
line sella-nasion at sella, the Frankfort plane at porion, or chosen stable points by least squares, each
weighted by the covariance of its own error. Both films' errors, those of the reference included, are carried
to each displacement by first order: with the joint covariances of both films' landmarks, and the derivatives
of the displacement by every coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.cephalometry.landmark_errors import joint_covariance, landmark_errors
from cephsure.errors import InputError
from cephsure.uncertainty.prediction import Frozen, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.prediction import Prediction

    Array = NDArray[np.float64]

SCHEMA = "cephsure.superimposition/1"

On = Literal["sn", "frankfort", "best"]
REFERENCES: dict[On, tuple[str, ...]] = {
    "sn": ("S", "N"),
    "frankfort": ("Po", "Or"),
    "best": ("S", "N", "Po", "Or"),  # unless others are named
}
"""Landmarks that are laid on each other: of a line the first on the first, the second in its direction."""
TITLES: dict[On, str] = {"sn": "S-N at S", "frankfort": "Frankfort plane at Po", "best": "best fit"}

LEVEL = 0.90
_REACH = float(np.sqrt(-2 * np.log(1 - LEVEL)))  # of an ellipse that holds 90 % of a normal distribution
_STEP = 1e-4
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class PlacedPoints:
    """One film's points, all of one set.

    Attributes:
        codes: of the L landmarks.
        points_px: (L, 2) on the film as given, NaN where missing.
        mm_per_px: along x and y; None where the scale is not known.
        facing: where the face looks: a film that looks the other way is mirrored.
        covariance_px: (2L, 2L) second moments of the errors, px², coordinates x1, y1, x2, ...; NaN where not
            known; None where none are.
        reason: why there are none.
    """

    codes: tuple[str, ...]
    points_px: Array
    mm_per_px: Pair | None = None
    facing: Literal["right", "left"] = "right"
    covariance_px: Array | None = None
    reason: str | None = None

    @classmethod
    def of(cls, prediction: Prediction) -> PlacedPoints:
        """The points that were found on a film, with their calibrated errors."""
        errors = landmark_errors(prediction)
        joint = None
        if errors.covariances_px is not None:
            joint = joint_covariance(errors.covariances_px, errors.correlation)
        return cls(
            codes=tuple(landmark.code for landmark in prediction.landmarks),
            points_px=prediction.points_px,
            mm_per_px=prediction.film.mm_per_px,
            facing=prediction.film.facing,
            covariance_px=joint,
            reason=errors.reason,
        )


class MovedPoint(Frozen):
    """A landmark on both films.

    Attributes:
        first_px: on the first film.
        second_px: of the second film, where it falls on the first one.
        displacement_mm: how far the second lies from the first; None without a scale.
        forward_mm: the same along the reference line, towards the face.
        down_mm: across it, downwards.
        displacement_percent: of the length of the reference line.
        covariance_mm2: of (forward, down); None where an error is not known.
        interval_90_mm: the lengths of displacements in the region that holds the true one with 90 %.
        moved: whether no displacement at all lies outside that region; None where an error is not known.
    """

    code: str
    first_px: Pair
    second_px: Pair
    displacement_mm: float | None
    forward_mm: float | None
    down_mm: float | None
    displacement_percent: float
    covariance_mm2: tuple[Pair, Pair] | None = None
    interval_90_mm: Pair | None = None
    moved: bool | None = None


class Superimposition(Frozen):
    """Two films laid on each other.

    Attributes:
        reference: the landmarks that were laid on each other.
        matrix: of the map from px of the second film to px of the first, with ``shift_px``.
        rotation_deg: by which the second film was turned, clockwise as the film is seen.
        size_factor: by which it was enlarged: 1 where both scales are known.
        points: landmarks that are on both films.
        no_interval: why there are no intervals; None where there are.
        notes: what else must be said.
    """

    on: On
    reference: tuple[str, ...]
    matrix: tuple[Pair, Pair]
    shift_px: Pair
    rotation_deg: float
    size_factor: float
    mirrored: bool
    points: tuple[MovedPoint, ...]
    no_interval: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def judged(self) -> tuple[MovedPoint, ...]:
        """The points of which it is known whether they moved; without the one that is laid on itself."""
        return tuple(point for point in self.points if point.moved is not None and not self.is_laid(point))

    def is_laid(self, point: MovedPoint) -> bool:
        """Whether the films are laid on each other at this point: then it says nothing of itself."""
        return self.on != "best" and point.code == self.reference[0]


@dataclass(frozen=True, slots=True)
class _Rigid:
    """x -> factor x + shift, both complex: turn (and enlarge), then shift."""

    factor: complex
    shift: complex

    def apply(self, points: Array) -> Array:
        """Points (N, 2), moved."""
        return _plane(self.factor * _complex(points) + self.shift)


def superimpose(
    first: PlacedPoints, second: PlacedPoints, *, on: On = "sn", stable: Sequence[str] = ()
) -> Superimposition:
    """Lay the second film on the first.

    Without the scale of both films sizes are made alike by the reference, and nothing is in mm.

    Args:
        first: the earlier film, whose pixels the result is in.
        second: the later film, of the same landmarks.
        on: the reference.
        stable: with "best": codes of two or more landmarks that did not move.

    Raises:
        InputError: the films have other landmarks, or the reference is not on both of them.
    """
    if first.codes != second.codes:
        raise InputError("the two films have other landmark sets", remedy="use one model for both")
    rows = _reference_rows(first, second, on, stable)
    is_scaled = first.mm_per_px is not None and second.mm_per_px is not None
    mirrored = first.facing != second.facing
    to_one = _to_length(first, is_scaled=is_scaled, mirrored=False)
    to_other = _to_length(second, is_scaled=is_scaled, mirrored=mirrored)
    one, other = first.points_px @ to_one.T, second.points_px @ to_other.T
    covariances = _covariances(first, second, to_one, to_other, rows) if is_scaled else None
    fit = _fit_by(on, rows, covariances, resize=not is_scaled)
    aligned = fit(one, other)
    turned = aligned.apply(other)
    forward = _forward(one, rows, on, first.facing)
    back = np.linalg.inv(to_one)
    matrix = back @ _matrix(aligned.factor) @ to_other
    shift = back @ np.array([aligned.shift.real, aligned.shift.imag])
    spread = None if covariances is None else _spread(fit, one, other, covariances, forward)
    length = float(np.linalg.norm(one[rows[1]] - one[rows[0]]))
    on_both = np.flatnonzero(np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1))
    points = tuple(
        _moved(
            first.codes[row],
            first.points_px[row],
            back @ turned[row],
            forward @ (turned[row] - one[row]),
            length,
            is_scaled=is_scaled,
            covariance=None if spread is None else spread[row],
        )
        for row in on_both
    )
    return Superimposition(
        on=on,
        reference=tuple(first.codes[row] for row in rows),
        matrix=_pairs(matrix),
        shift_px=(float(shift[0]), float(shift[1])),
        rotation_deg=float(np.degrees(np.angle(aligned.factor))),
        size_factor=float(abs(aligned.factor)),
        mirrored=mirrored,
        points=points,
        no_interval=None if spread is not None else _why_not(first, second, is_scaled=is_scaled),
        notes=_notes(is_scaled=is_scaled, mirrored=mirrored),
    )


def upwards(down_mm: float | None) -> float | None:
    """A length downwards as one upwards, without the sign of a zero."""
    return None if down_mm is None else 0.0 - down_mm


def _reference_rows(
    first: PlacedPoints, second: PlacedPoints, on: On, stable: Sequence[str]
) -> tuple[int, ...]:
    """The rows of the reference's landmarks, all of which are on both films."""
    if on not in REFERENCES:
        raise InputError(f"there is no reference {on!r}", remedy=f"known: {', '.join(REFERENCES)}")
    if stable and on != "best":
        raise InputError("stable points are for the best fit", remedy="give --on best")
    known = {code.casefold(): row for row, code in enumerate(first.codes)}
    rows = []
    for code in dict.fromkeys(stable or REFERENCES[on]):
        row = known.get(code.strip().casefold())
        if row is None:
            raise InputError(f"there is no landmark {code!r}", remedy=f"known: {', '.join(first.codes)}")
        for name, film in (("first", first), ("second", second)):
            if not np.isfinite(film.points_px[row]).all():
                raise InputError(f"{first.codes[row]} is missing on the {name} film: it is needed here")
        rows.append(row)
    if len(set(rows)) < 2:
        raise InputError("a best fit needs at least two stable points")
    if np.ptp(first.points_px[rows], axis=0).max() < 1 or np.ptp(second.points_px[rows], axis=0).max() < 1:
        raise InputError("the points to be laid on each other lie all at one place")
    return tuple(rows)


def _to_length(film: PlacedPoints, *, is_scaled: bool, mirrored: bool) -> Array:
    """(2, 2) from px to mm, or to px where there is no scale; mirrored where the face looks the other way."""
    scale = np.array(film.mm_per_px if is_scaled and film.mm_per_px is not None else (1.0, 1.0))
    return np.asarray(np.diag(scale * (-1.0 if mirrored else 1.0, 1.0)))


def _covariances(
    first: PlacedPoints, second: PlacedPoints, to_one: Array, to_other: Array, rows: tuple[int, ...]
) -> tuple[Array, Array] | None:
    """(2L, 2L) of both films in mm²; None unless those of the reference are known on both."""
    found = []
    for film, change in ((first, to_one), (second, to_other)):
        if film.covariance_px is None:
            return None
        every = np.tile(np.diag(change), len(film.codes))
        covariance = film.covariance_px * np.outer(every, every)
        if not all(np.isfinite(_block(covariance, row)).all() for row in rows):
            return None
        found.append(covariance)
    return found[0], found[1]


def _fit_by(
    on: On, rows: tuple[int, ...], covariances: tuple[Array, Array] | None, *, resize: bool
) -> Callable[[Array, Array], _Rigid]:
    """How two films' points, (L, 2) each, give the map from the second to the first."""
    if on != "best":
        return lambda one, other: _line_on_line(one[list(rows)], other[list(rows)], resize=resize)
    weights: Array | None = None
    if covariances is not None:
        spread = np.stack([_block(covariances[0], row) + _block(covariances[1], row) for row in rows])
        weights = np.asarray(np.linalg.inv(spread), dtype=np.float64)

    def fit(one: Array, other: Array) -> _Rigid:
        return _least_squares(one[list(rows)], other[list(rows)], weights, resize=resize)

    return fit


def _line_on_line(one: Array, other: Array, *, resize: bool) -> _Rigid:
    """The first point on the first, the second in the direction of the second."""
    (a, b), (c, d) = _complex(one), _complex(other)
    factor = (b - a) / (d - c)
    factor = factor if resize else factor / abs(factor)
    return _Rigid(complex(factor), complex(a - factor * c))


def _least_squares(one: Array, other: Array, weights: Array | None, *, resize: bool) -> _Rigid:
    """The map that makes the weighted squared distances of points (N, 2) least; Gauss-Newton.

    ``weights`` are (N, 2, 2), inverse covariances of the distances; None weights all alike. It starts at the
    unweighted solution, which is closed (Umeyama, IEEE PAMI 13, 1991).
    """
    target, source = _complex(one), _complex(other)
    centred = source - source.mean()
    factor = np.sum(np.conj(centred) * (target - target.mean())) / np.sum(np.abs(centred) ** 2)
    factor = factor if resize else factor / abs(factor)
    shift = target.mean() - factor * source.mean()
    if weights is None:
        return _Rigid(complex(factor), complex(shift))
    for _ in range(_ROUNDS):
        turned = factor * source
        # Derivatives by shift along x and y, by the angle, and by the logarithm of the size.
        steps = [np.ones_like(turned), 1j * np.ones_like(turned), 1j * turned, *([turned] if resize else [])]
        slopes = np.stack([_plane(step) for step in steps], axis=2)  # (N, 2, P)
        residuals = _plane(target - turned - shift)  # (N, 2)
        weighted = weights @ slopes  # (N, 2, P): the weights are symmetric
        normal = np.tensordot(slopes, weighted, axes=((0, 1), (0, 1)))
        change = np.linalg.solve(normal, np.tensordot(weighted, residuals, axes=((0, 1), (0, 1))))
        shift = shift + change[0] + 1j * change[1]
        factor = factor * np.exp(1j * change[2] + (change[3] if resize else 0.0))
    return _Rigid(complex(factor), complex(shift))


def _spread(
    fit: Callable[[Array, Array], _Rigid],
    one: Array,
    other: Array,
    covariances: tuple[Array, Array],
    forward: Array,
) -> Array:
    """(L, 2, 2) covariance of each displacement (forward, down), first order; NaN where not known."""

    def displacements(first: Array, second: Array) -> Array:
        return np.asarray((fit(first, second).apply(second) - first) @ forward.T)

    count = one.size
    total = np.zeros((len(one), 2, 2))
    for film, covariance in enumerate(covariances):
        slopes = np.empty((len(one), 2, count))
        for place in range(count):
            step = np.zeros(count)
            step[place] = _STEP
            ends = [
                displacements(*((one + by, other) if film == 0 else (one, other + by)))
                for by in (step.reshape(-1, 2), -step.reshape(-1, 2))
            ]
            slopes[..., place] = (ends[0] - ends[1]) / (2 * _STEP)
        known = np.isfinite(np.diag(covariance))
        safe = np.where(np.outer(known, known), covariance, 0.0)
        total += np.einsum("lip,pq,ljq->lij", np.where(np.isfinite(slopes), slopes, 0.0), safe, slopes)
        total[~(known[0::2] & known[1::2])] = np.nan
    return total


def _moved(
    code: str,
    first_px: Array,
    second_px: Array,
    displacement: Array,
    length: float,
    *,
    is_scaled: bool,
    covariance: Array | None,
) -> MovedPoint:
    """One landmark, its displacement given as (forward, down)."""
    size = float(np.hypot(*displacement))
    interval, moved = None, None
    if covariance is not None and np.isfinite(covariance).all():
        interval, moved = _interval(displacement, covariance)
    return MovedPoint(
        code=code,
        first_px=(float(first_px[0]), float(first_px[1])),
        second_px=(float(second_px[0]), float(second_px[1])),
        displacement_mm=size if is_scaled else None,
        forward_mm=float(displacement[0]) if is_scaled else None,
        down_mm=float(displacement[1]) if is_scaled else None,
        displacement_percent=100 * size / length,
        covariance_mm2=None if interval is None or covariance is None else _pairs(covariance),
        interval_90_mm=interval,
        moved=moved,
    )


def _interval(displacement: Array, covariance: Array) -> tuple[Pair, bool]:
    """Between which lengths the displacements in the 90 % ellipse lie, and whether none in it is zero."""
    values, axes = np.linalg.eigh(covariance)
    half_axes = _REACH * np.sqrt(np.clip(values, 0.0, None))
    angles = np.linspace(0, 2 * np.pi, 361)
    edge = displacement + (np.stack([np.cos(angles), np.sin(angles)], axis=1) * half_axes) @ axes.T
    lengths = np.hypot(*edge.T)
    across = axes.T @ displacement
    # A reference point has no spread across or along its line: what is not zero there has moved.
    outside = sum(
        (part / half) ** 2 if half > 1e-6 else (np.inf if abs(part) > 1e-6 else 0.0)
        for part, half in zip(across, half_axes, strict=True)
    )
    moved = bool(outside > 1)
    return (float(lengths.min()) if moved else 0.0, float(lengths.max())), moved


def _forward(one: Array, rows: tuple[int, ...], on: On, facing: str) -> Array:
    """(2, 2) rows: forward and down as unit vectors; along the reference line, or the film's horizontal."""
    along = np.array([1.0 if facing == "right" else -1.0, 0.0])
    if on != "best":
        along = one[rows[1]] - one[rows[0]]
        along = along / np.linalg.norm(along)
    down = np.array([-along[1], along[0]])
    return np.stack([along, down if down[1] >= 0 else -down])


def _why_not(first: PlacedPoints, second: PlacedPoints, *, is_scaled: bool) -> str:
    """Why there are no intervals."""
    if not is_scaled:
        return "no scale"
    for name, film in (("first", first), ("second", second)):
        if film.reason is not None:
            return f"{name} film: {film.reason}"
    return "the errors of the points that are laid on each other are not known"


def _notes(*, is_scaled: bool, mirrored: bool) -> tuple[str, ...]:
    notes = []
    if not is_scaled:
        notes.append(
            "no scale in both films: the second was made as large as the first by the reference, so that "
            "growth of the reference is not seen and nothing is in mm (give --mm-per-px)"
        )
    if mirrored:
        notes.append("the second film looks the other way: it was mirrored")
    return tuple(notes)


def _block(covariance: Array, row: int) -> Array:
    return covariance[2 * row : 2 * row + 2, 2 * row : 2 * row + 2]


def _matrix(factor: complex) -> Array:
    return np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])


def _pairs(matrix: Array) -> tuple[Pair, Pair]:
    (a, b), (c, d) = matrix
    return (float(a), float(b)), (float(c), float(d))


def _complex(points: Array) -> NDArray[np.complex128]:
    """Points (N, 2) as x + iy."""
    return np.asarray(points[:, 0] + 1j * points[:, 1])


def _plane(values: NDArray[np.complex128]) -> Array:
    """Complex numbers as points (N, 2)."""
    return np.stack([values.real, values.imag], axis=1)
