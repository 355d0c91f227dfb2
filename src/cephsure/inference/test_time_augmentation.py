"""Test-time augmentation: small changes of a film, to see whether a network finds the same on all of them.

Source: Wang et al., Neurocomputing 338 (2019): test-time augmentation as a sample of the prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import Affine, linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

AUGMENTED_COPIES = 6
# Within what a patient's head and a scanner do from film to film.
MAX_ANGLE_DEG = 5.0
MAX_SHIFT_SHARE = 0.02
MAX_LOG_GAMMA = 0.3


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One small change of a film.

    Attributes:
        angle_deg: by which the view is turned.
        shift_share: (2,) by which it is moved along x and y, as a share of the film's longer side.
        gamma: power to which its grey values (0 to 1) are raised.
    """

    angle_deg: float
    shift_share: NDArray[np.float64]
    gamma: float

    @property
    def turn(self) -> NDArray[np.float64]:
        """(2, 2) the rotation."""
        return linear(rotation_deg=self.angle_deg)

    def move(self, film_size_px: tuple[int, int]) -> Affine:
        """The film's points to those that an augmented copy shows in their place, in px of the film."""
        size = np.array(film_size_px, dtype=np.float64)
        turned = Affine.about((size - 1) / 2, self.turn)
        return Affine(turned.matrix, turned.offset + self.shift_share * size.max())

    def bend(self, greys: NDArray[np.float32]) -> NDArray[np.float32]:
        """Grey values from 0 to 1 raised to the power."""
        return np.asarray(np.clip(greys, 0.0, 1.0) ** np.float32(self.gamma))


def augmentations(count: int, seed: int) -> list[Augmentation]:
    """Independent ones, uniform within the bounds; the first k of n are those of k."""
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(-1.0, 1.0, (count, 4))
    return [
        Augmentation(
            float(MAX_ANGLE_DEG * angle),
            MAX_SHIFT_SHARE * np.array([x, y]),
            float(np.exp(MAX_LOG_GAMMA * grey)),
        )
        for angle, x, y, grey in drawn
    ]
