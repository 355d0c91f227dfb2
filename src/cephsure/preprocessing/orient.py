"""Turning a film between the four orientations: facing right or left, positive or negative."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def orient(image: NDArray[np.float32], *, left: bool, negative: bool) -> NDArray[np.float32]:
    """Images (..., H, W) in [0, 1] mirrored where ``left``, inverted where ``negative``; its own inverse."""
    turned = image[..., ::-1] if left else image
    return 1 - turned if negative else turned
