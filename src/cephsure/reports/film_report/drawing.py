"""Line drawings of a report, for PDF and SVG alike: all lengths in mm, y from the top downwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.reports.painter import Colour

    Array = NDArray[np.float64]

Ink = Literal["ink", "quiet", "rule", "band", "accent", "doubt", "paper"]
"""A colour by its task on the page: dark pages have their own."""


@dataclass(frozen=True, slots=True)
class Outline:
    """One or more chains of corners, each (N, 2); what an odd number of closed ones surrounds is filled."""

    chains: tuple[Array, ...]
    stroke: Ink | Colour | None = None
    width: float = 0.2
    fill: Ink | Colour | None = None
    opacity: float = 1.0
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle."""

    x: float
    y: float
    radius: float
    fill: Ink | Colour
    stroke: Ink | Colour | None = None
    width: float = 0.2


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text from its left end on its base line; ``halo`` is the colour of an edge round it."""

    x: float
    y: float
    text: str
    size: float
    ink: Ink | Colour = "ink"
    halo: Ink | Colour | None = None


Shape = Outline | Disc | Words


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on an area, the later ones over the earlier ones; ``picture`` is a JPEG that fills the area."""

    width: float
    height: float
    shapes: tuple[Shape, ...] = field(default_factory=tuple)
    picture: bytes | None = None


def line(*corners: tuple[float, float] | Array) -> tuple[Array, ...]:
    """The one chain through some corners."""
    return (np.array(corners, dtype=np.float64).reshape(-1, 2),)
