"""Which way a film faces and whether it is a negative: found by a network, or given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from cephsure.errors import InputError
from cephsure.preprocessing import orient, standardise, stretch_grey, thumbnail, whole_warp, working_film

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.session import Session

Facing = Literal["right", "left"]
Polarity = Literal["positive", "negative"]
Source = Literal["found", "given", "assumed"]
AskedFacing = Literal["auto", "right", "left"]
AskedPolarity = Literal["auto", "positive", "negative"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """A film's orientation, and how it is known.

    ``assumed`` (right, positive) is what a recipe without an orientation network takes every film for.
    """

    facing: Facing = "right"
    polarity: Polarity = "positive"
    facing_source: Source = "assumed"
    polarity_source: Source = "assumed"

    @property
    def left(self) -> bool:
        """Whether the film faces left."""
        return self.facing == "left"

    @property
    def negative(self) -> bool:
        """Whether bone is dark."""
        return self.polarity == "negative"

    def upright(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """A film (H, W) as a positive that faces right, its grey stretched to [0, 1].

        Turned first and stretched then, a mirrored film is to the last bit the one it is the mirror image of.
        """
        return np.ascontiguousarray(stretch_grey(orient(pixels, left=self.left, negative=self.negative)))

    def to_given(self, positions: NDArray[np.float64], width_px: int) -> NDArray[np.float64]:
        """Positions (..., 2) of the upright film in the given film's own pixels."""
        if not self.left:
            return positions
        return np.asarray(positions * np.array([-1.0, 1.0]) + np.array([width_px - 1.0, 0.0]))


def find_orientation(
    stretched: NDArray[np.float32],
    network: Session | None,
    side: int,
    *,
    facing: AskedFacing = "auto",
    polarity: AskedPolarity = "auto",
) -> Orientation:
    """The orientation of a film (H, W), its grey stretched to [0, 1]: what is given is taken.

    The rest is found by the network, on ``side`` x ``side`` pixels; None for a recipe without one.

    Raises:
        InputError: for any other ``facing`` or ``polarity``.
    """
    for what, value, known in (
        ("facing", facing, get_args(AskedFacing)),
        ("polarity", polarity, get_args(AskedPolarity)),
    ):
        if value not in known:
            raise InputError(f"{what} is one of {', '.join(known)}, not {value!r}")
    left = negative = False
    found: Source = "assumed"
    if network is not None and "auto" in (facing, polarity):
        left, negative = _ask(stretched, network, side)
        found = "found"
    return Orientation(
        facing=("left" if left else "right") if facing == "auto" else facing,
        polarity=("negative" if negative else "positive") if polarity == "auto" else polarity,
        facing_source=found if facing == "auto" else "given",
        polarity_source=found if polarity == "auto" else "given",
    )


def _ask(stretched: NDArray[np.float32], network: Session, side: int) -> tuple[bool, bool]:
    """The network's answers, from the film and its mirror image and negative: four views that must agree.

    Each view's logits are turned back to the given film's and averaged, which makes the answer exactly the
    opposite for the mirrored film, and for the inverted one.
    """
    film = working_film(stretched, 2 * side)
    image = thumbnail(film, whole_warp(film, 2 * side), side)
    turns = [(left, negative) for left in (False, True) for negative in (False, True)]
    views = np.stack([standardise(orient(image, left=left, negative=negative)) for left, negative in turns])
    logits = network.run(views[:, None].astype(np.float32))
    signs = np.array([(-1 if left else 1, -1 if negative else 1) for left, negative in turns])
    left, negative = (logits * signs).mean(axis=0) > 0
    return bool(left), bool(negative)
