"""The kinds of formula that measurements are made of, each defined once.

Every formula is computed in the head's own frame: x to the face (right), y downwards, millimetres where the
film's scale is known, else pixels. ``u = [P, Q]`` is the vector from landmark P to landmark Q. All of them
work on many sets of points at once, and give NaN where a landmark is missing (NaN) or two of them coincide
so that a direction is not defined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Positions = Mapping[str, NDArray[np.float64]]

Unit = Literal["deg", "mm", "ratio"]
Code = Annotated[str, Field(min_length=1)]
Vector = tuple[Code, Code]
Sign = Literal["+", "-", "- if cross < 0", "- if cross > 0"]


class Frozen(BaseModel):
    """A record that cannot be changed and takes no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Angle(Frozen):
    """The angle between two vectors, 0 to 180°, whichever way one turns from one to the other."""

    kind: Literal["angle"]
    u: Vector
    v: Vector

    @property
    def unit(self) -> Unit:
        """Degrees."""
        return "deg"

    @property
    def lines(self) -> tuple[Vector, ...]:
        """The two lines."""
        return (self.u, self.v)

    def compute(self, at: Positions) -> NDArray[np.float64]:
        """Values (...) for positions (..., 2) by landmark code."""
        return np.abs(turn_deg(_vector(at, self.u), _vector(at, self.v)))


class AngleAt(Frozen):
    """The angle at the middle one of three points, 0 to 180°."""

    kind: Literal["angle_at"]
    points: tuple[Code, Code, Code]

    @property
    def unit(self) -> Unit:
        """Degrees."""
        return "deg"

    @property
    def lines(self) -> tuple[Vector, ...]:
        """The angle's two arms, from its vertex."""
        first, vertex, last = self.points
        return ((vertex, first), (vertex, last))

    def compute(self, at: Positions) -> NDArray[np.float64]:
        """Values (...) for positions (..., 2) by landmark code."""
        first, last = (_vector(at, arm) for arm in self.lines)
        return np.abs(turn_deg(first, last))


class SignedAngle(Frozen):
    """The turn from the line's direction to that of ``to``, above -180 to 180°.

    Positive clockwise as seen on a head that faces right: where ``to`` points further down in front.
    """

    kind: Literal["signed_angle"]
    line: Vector
    to: Vector

    @property
    def unit(self) -> Unit:
        """Degrees."""
        return "deg"

    @property
    def lines(self) -> tuple[Vector, ...]:
        """The two lines."""
        return (self.line, self.to)

    def compute(self, at: Positions) -> NDArray[np.float64]:
        """Values (...) for positions (..., 2) by landmark code."""
        return turn_deg(_vector(at, self.line), _vector(at, self.to))


class Term(Frozen):
    """One angle of a sum, and the sign that it has there.

    ``- if cross < 0`` takes the angle away where the turn from u to v is negative (anticlockwise on a head
    that faces right), and adds it elsewhere; ``- if cross > 0`` the other way round.
    """

    u: Vector
    v: Vector
    sign: Sign = "+"

    def compute(self, at: Positions) -> NDArray[np.float64]:
        """Values (...) with their sign."""
        turn = turn_deg(_vector(at, self.u), _vector(at, self.v))
        size = np.abs(turn)
        if self.sign in ("+", "-"):
            return size if self.sign == "+" else -size
        away = turn < 0 if self.sign == "- if cross < 0" else turn > 0
        return np.where(away, -size, size)


class AngleSum(Frozen):
    """A sum of unsigned angles, each with a sign that is fixed or hangs on the turn between its lines."""

    kind: Literal["angle_sum"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]

    @property
    def unit(self) -> Unit:
        """Degrees."""
        return "deg"

    @property
    def lines(self) -> tuple[Vector, ...]:
        """The lines of all terms."""
        return tuple(line for term in self.terms for line in (term.u, term.v))

    def compute(self, at: Positions) -> NDArray[np.float64]:
        """Values (...) for positions (..., 2) by landmark code."""
        total: NDArray[np.float64] = np.sum([term.compute(at) for term in self.terms], axis=0)
        return total


class Distance(Frozen):
    """The distance between two points; the signed one is negative if the second lies behind the first.

    "Behind" is in the film's own horizontal (smaller x on a head that faces right), as in the challenge.
    """

    kind: Literal["distance", "signed_distance"]
    points: Vector

    @property
    def unit(self) -> Unit:
        """Millimetres."""
        return "mm"

    @property
    def lines(self) -> tuple[Vector, ...]:
        """The line between the points."""
        return (self.points,)

    def compute(self, at: Positions) -> NDArray[np.float64]:
        """Values (...) for positions (..., 2) by landmark code."""
        between = _vector(at, self.points)
        behind = (between[..., 0] < 0) & (self.kind == "signed_distance")
        return np.where(behind, -_length(between), _length(between))


class DistanceToLine(Frozen):
    """The distance of a point from a line; positive to the left of one who walks along the line.

    On a head that faces right, a line that runs downwards has the face on that side.
    """

    kind: Literal["distance_to_line"]
    point: Code
    line: Vector

    @property
    def unit(self) -> Unit:
        """Millimetres."""
        return "mm"

    @property
    def lines(self) -> tuple[Vector, ...]:
        """The line."""
        return (self.line,)

    def compute(self, at: Positions) -> NDArray[np.float64]:
        """Values (...) for positions (..., 2) by landmark code."""
        line = _vector(at, self.line)
        return -_cross(_unit(line), _vector(at, (self.line[0], self.point)))


class DistanceAlong(Frozen):
    """How far the second point lies beyond the first along the direction of a line; negative before it."""

    kind: Literal["distance_along"]
    points: Vector
    line: Vector

    @property
    def unit(self) -> Unit:
        """Millimetres."""
        return "mm"

    @property
    def lines(self) -> tuple[Vector, ...]:
        """The line that gives the direction."""
        return (self.line,)

    def compute(self, at: Positions) -> NDArray[np.float64]:
        """Values (...) for positions (..., 2) by landmark code."""
        along: NDArray[np.float64] = (_unit(_vector(at, self.line)) * _vector(at, self.points)).sum(axis=-1)
        return along


class Ratio(Frozen):
    """The quotient of two distances."""

    kind: Literal["ratio"]
    numerator: Vector
    denominator: Vector

    @property
    def unit(self) -> Unit:
        """No unit."""
        return "ratio"

    @property
    def lines(self) -> tuple[Vector, ...]:
        """The two lines."""
        return (self.numerator, self.denominator)

    def compute(self, at: Positions) -> NDArray[np.float64]:
        """Values (...) for positions (..., 2) by landmark code."""
        below = _length(_vector(at, self.denominator))
        return _length(_vector(at, self.numerator)) / np.where(below > 0, below, np.nan)


Formula = Annotated[
    Angle | AngleAt | SignedAngle | AngleSum | Distance | DistanceToLine | DistanceAlong | Ratio,
    Field(discriminator="kind"),
]


def landmarks_of(formula: Formula) -> tuple[str, ...]:
    """The codes of the landmarks that a formula needs, each once, in the order in which it names them."""
    codes = [code for line in formula.lines for code in line]
    if isinstance(formula, DistanceToLine):
        codes = [formula.point, *codes]
    elif isinstance(formula, DistanceAlong):
        codes = [*formula.points, *codes]
    return tuple(dict.fromkeys(codes))


def turn_deg(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """The turn from ``u`` to ``v`` (..., 2), above -180 to 180°; positive from x towards y.

    From the arc tangent of cross and dot product: unlike an arc cosine it is exact for small angles too.

    Example:
        >>> turn_deg(np.array([1.0, 0.0]), np.array([0.0, 2.0])).item()
        90.0
        >>> turn_deg(np.array([1.0, 0.0]), np.array([-3.0, 0.0])).item()
        180.0
    """
    defined = (_length(u) > 0) & (_length(v) > 0)
    # Adding 0.0 makes a cross product of -0.0 positive: opposite directions are 180° apart, never -180°.
    turn = np.degrees(np.arctan2(_cross(u, v) + 0.0, (u * v).sum(axis=-1)))
    return np.where(defined, turn, np.nan)


def _vector(at: Positions, ends: Vector) -> NDArray[np.float64]:
    return at[ends[1]] - at[ends[0]]


def _cross(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    crossed: NDArray[np.float64] = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    return crossed


def _length(v: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hypot(v[..., 0], v[..., 1])


def _unit(v: NDArray[np.float64]) -> NDArray[np.float64]:
    length = _length(v)[..., None]
    return v / np.where(length > 0, length, np.nan)
