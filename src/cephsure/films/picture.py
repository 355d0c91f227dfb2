"""What a reader hands on: grey pixels, the scales the file states, notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cephsure.films.spacing import StatedScales

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded file before its scale is decided.

    Attributes:
        pixels: (H, W) float32 in [0, 1], larger is brighter.
        stated: the scales the file states.
        notes: remarks for the user.
    """

    pixels: NDArray[np.float32]
    stated: StatedScales = field(default_factory=StatedScales)
    notes: tuple[str, ...] = ()
