"""The kinds of formula that measurements are made of, each defined once.

Every formula is computed in the head's own frame (`head_points`): x to the face (right), y downwards,
millimetres where the film's scale is known, else pixels. ``u = [P, Q]`` is the vector from landmark P to
landmark Q. All of them work on many sets of points at once, and give NaN where a landmark is missing (NaN) or
two of them coincide so that a direction is not defined.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Positions = Mapping[str, Array]

Unit = Literal["deg", "mm", "ratio"]
Code = Annotated[str, Field(min_length=1)]
Vector = tuple[Code, Code]
Sign = Literal["+", "-", "- if cross < 0", "- if cross > 0"]


def head_points(points_px: Array, *, mirrored: bool, mm_per_px: tuple[float, float] | None) -> Array:
    """Points as every formula wants them: the head facing right, in mm if the scale is known.

    Lengths of the two axes are made equal before any angle is measured, for films whose pixels are not
    square. Without a scale pixels are taken to be square, which is all that an angle needs to know. Where the
    frame's origin lies does not matter to any formula.

    From (..., 2) positions in px of the film as given, ``mirrored`` if the head faces left on it, (..., 2)
    positions, x to the face, y downwards.
    """
    direction = np.array([-1.0 if mirrored else 1.0, 1.0])
    return np.asarray(points_px * (direction * (mm_per_px or (1.0, 1.0))))


class Framed(Protocol):
    """A film of which it is known where the face looks, and perhaps the scale."""

    @property
    def facing(self) -> Literal["right", "left"]:
        """Where the face looks."""

    @property
    def mm_per_px(self) -> tuple[float, float] | None:
        """Millimetres a pixel along x and y."""


def head_points_of(points_px: Array, film: Framed) -> Array:
    """`head_points` of a film: its facing and its scale."""
    return head_points(points_px, mirrored=film.facing == "left", mm_per_px=film.mm_per_px)


class Frozen(BaseModel):
    """A record that cannot be changed and takes no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Formula(Frozen, ABC):
    """What all kinds share; each says its unit, the fields that are lines, and how it is computed."""

    unit: ClassVar[Unit] = "deg"
    line_fields: ClassVar[tuple[str, ...]]

    @property
    def lines(self) -> tuple[Vector, ...]:
        """The lines between landmarks that it measures by."""
        return self._lines()

    @property
    def landmarks(self) -> tuple[str, ...]:
        """The codes of the landmarks that it needs, each once, in the order in which it names them."""
        return tuple(dict.fromkeys((*self._points(), *(code for line in self.lines for code in line))))

    def compute(self, at: Positions) -> Array:
        """Values (...) for positions (..., 2) by landmark code."""
        return np.asarray(self._value(at))

    def _lines(self) -> tuple[Vector, ...]:
        return tuple(getattr(self, name) for name in self.line_fields)

    def _points(self) -> tuple[str, ...]:
        return ()

    @abstractmethod
    def _value(self, at: Positions) -> Array: ...


class Angle(_Formula):
    """The angle between two vectors, 0 to 180°, whichever way one turns from one to the other."""

    kind: Literal["angle"]
    u: Vector
    v: Vector
    line_fields: ClassVar = ("u", "v")

    def _value(self, at: Positions) -> Array:
        return np.abs(turn_deg(_vector(at, self.u), _vector(at, self.v)))


class AngleAt(_Formula):
    """The angle at the middle one of three points, 0 to 180°, between its two arms."""

    kind: Literal["angle_at"]
    points: tuple[Code, Code, Code]

    def _lines(self) -> tuple[Vector, ...]:
        first, vertex, last = self.points
        return ((vertex, first), (vertex, last))

    def _value(self, at: Positions) -> Array:
        first, last = (_vector(at, arm) for arm in self.lines)
        return np.abs(turn_deg(first, last))


class SignedAngle(_Formula):
    """The turn from the line's direction to that of ``to``, above -180 to 180°.

    Positive clockwise as seen on a head that faces right: where ``to`` points further down in front.
    """

    kind: Literal["signed_angle"]
    line: Vector
    to: Vector
    line_fields: ClassVar = ("line", "to")

    def _value(self, at: Positions) -> Array:
        return turn_deg(_vector(at, self.line), _vector(at, self.to))


class Term(Frozen):
    """One angle of a sum, and the sign that it has there.

    ``- if cross < 0`` takes the angle away where the turn from u to v is negative (anticlockwise on a head
    that faces right), and adds it elsewhere; ``- if cross > 0`` the other way round.
    """

    u: Vector
    v: Vector
    sign: Sign = "+"

    def compute(self, at: Positions) -> Array:
        """Values (...) with their sign."""
        turn = turn_deg(_vector(at, self.u), _vector(at, self.v))
        size = np.abs(turn)
        if self.sign in ("+", "-"):
            return size if self.sign == "+" else -size
        away = turn < 0 if self.sign == "- if cross < 0" else turn > 0
        return np.where(away, -size, size)


class AngleSum(_Formula):
    """A sum of unsigned angles, each with a sign that is fixed or hangs on the turn between its lines."""

    kind: Literal["angle_sum"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]

    def _lines(self) -> tuple[Vector, ...]:
        return tuple(line for term in self.terms for line in (term.u, term.v))

    def _value(self, at: Positions) -> Array:
        return np.asarray(np.sum([term.compute(at) for term in self.terms], axis=0))


class Distance(_Formula):
    """The distance between two points; the signed one is negative if the second lies behind the first.

    "Behind" is in the film's own horizontal (smaller x on a head that faces right), as in the challenge.
    """

    unit: ClassVar[Unit] = "mm"
    kind: Literal["distance", "signed_distance"]
    points: Vector
    line_fields: ClassVar = ("points",)

    def _value(self, at: Positions) -> Array:
        between = _vector(at, self.points)
        behind = (between[..., 0] < 0) & (self.kind == "signed_distance")
        return np.where(behind, -_length(between), _length(between))


class DistanceToLine(_Formula):
    """The distance of a point from a line; positive to the left of one who walks along the line.

    On a head that faces right, a line that runs downwards has the face on that side.
    """

    unit: ClassVar[Unit] = "mm"
    kind: Literal["distance_to_line"]
    point: Code
    line: Vector
    line_fields: ClassVar = ("line",)

    def _points(self) -> tuple[str, ...]:
        return (self.point,)

    def _value(self, at: Positions) -> Array:
        return -_cross(_unit(_vector(at, self.line)), _vector(at, (self.line[0], self.point)))


class DistanceAlong(_Formula):
    """How far the second point lies beyond the first along the direction of a line; negative before it."""

    unit: ClassVar[Unit] = "mm"
    kind: Literal["distance_along"]
    points: Vector
    line: Vector
    line_fields: ClassVar = ("line",)

    def _points(self) -> tuple[str, ...]:
        return self.points

    def _value(self, at: Positions) -> Array:
        return np.asarray((_unit(_vector(at, self.line)) * _vector(at, self.points)).sum(axis=-1))


class Ratio(_Formula):
    """The quotient of two distances."""

    unit: ClassVar[Unit] = "ratio"
    kind: Literal["ratio"]
    numerator: Vector
    denominator: Vector
    line_fields: ClassVar = ("numerator", "denominator")

    def _value(self, at: Positions) -> Array:
        below = _length(_vector(at, self.denominator))
        return _length(_vector(at, self.numerator)) / np.where(below > 0, below, np.nan)


Formula = Annotated[
    Angle | AngleAt | SignedAngle | AngleSum | Distance | DistanceToLine | DistanceAlong | Ratio,
    Field(discriminator="kind"),
]


def turn_deg(u: Array, v: Array) -> Array:
    """The turn from ``u`` to ``v`` (..., 2), above -180 to 180°; positive from x towards y.

    From the arc tangent of cross and dot product: unlike an arc cosine it is exact for small angles too.

    Examples:
        >>> turn_deg(np.array([1.0, 0.0]), np.array([0.0, 2.0])).item()
        90.0
        >>> turn_deg(np.array([1.0, 0.0]), np.array([-3.0, 0.0])).item()
        180.0
    """
    defined = (_length(u) > 0) & (_length(v) > 0)
    # Adding 0.0 makes a cross product of -0.0 positive: opposite directions are 180° apart, never -180°.
    turn = np.degrees(np.arctan2(_cross(u, v) + 0.0, (u * v).sum(axis=-1)))
    return np.where(defined, turn, np.nan)


def _vector(at: Positions, ends: Vector) -> Array:
    return at[ends[1]] - at[ends[0]]


def _cross(u: Array, v: Array) -> Array:
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])


def _length(v: Array) -> Array:
    return np.hypot(v[..., 0], v[..., 1])


def _unit(v: Array) -> Array:
    length = _length(v)[..., None]
    return v / np.where(length > 0, length, np.nan)
