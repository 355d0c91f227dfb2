"""Dropout as channel masks that a network takes as input: seeded, the same in training and prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def channel_masks(
    rng: np.random.Generator, count: int, sizes: Sequence[int], probability: float
) -> NDArray[np.float32]:
    """Dropout masks (count, sum of sizes) over channels: 0 where dropped, 1 / (1 - p) where kept."""
    kept = rng.uniform(size=(count, sum(sizes))) >= probability
    return (kept / (1.0 - probability)).astype(np.float32)
