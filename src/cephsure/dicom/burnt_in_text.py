"""A cheap look for letters that are burnt into a picture's borders: a hint for a person, and no promise.

Letters of a machine are spots of all but one shade, the brightest or the darkest, of about the same height,
side by side. Letters over the middle of the film, of handwriting or of lead are not found so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

BORDER = 0.15
"""Share of the picture's side that is looked at, from each edge."""
LEAST_LETTERS = 4
_LIGHT, _DARK = 0.9, 0.1
_LOWEST_PX, _LOWEST, _HIGHEST = 7, 0.004, 0.06  # a letter's height: in px, and in the picture's height
_MOST_SPOTS = 5000


def where_letters_seem(pixels: NDArray[np.float32]) -> tuple[str, ...]:
    """At which borders of a picture (H, W) in [0, 1] there seem to be letters.

    Examples:
        >>> where_letters_seem(np.zeros((400, 300), dtype=np.float32))
        ()
    """
    height, width = pixels.shape
    high, wide = max(1, round(BORDER * height)), max(1, round(BORDER * width))
    strips = {
        "top": pixels[:high],
        "bottom": pixels[height - high :],
        "left": pixels[:, :wide],
        "right": pixels[:, width - wide :],
    }
    return tuple(name for name, strip in strips.items() if _seems_lettered(strip, height))


def _seems_lettered(strip: NDArray[np.float32], height: int) -> bool:
    return any(_has_row(_spots(mask, height)) for mask in (strip >= _LIGHT, strip <= _DARK) if mask.any())


def _spots(mask: NDArray[np.bool_], height: int) -> NDArray[np.float64]:
    """(N, 3) px: x and y of the middle, and height, of the spots that have the size and shape of a letter."""
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    if count > _MOST_SPOTS:  # noise
        return np.empty((0, 3))
    filled = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    found = []
    for box, area in zip(ndimage.find_objects(labels), filled, strict=True):
        rows, columns = box
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        is_letter = max(_LOWEST_PX, _LOWEST * height) <= high <= _HIGHEST * height
        if is_letter and high / 8 <= wide <= 1.5 * high and 0.12 <= area / (high * wide) <= 0.95:
            found.append(((columns.start + columns.stop) / 2, (rows.start + rows.stop) / 2, high))
    return np.array(found, dtype=np.float64).reshape(-1, 3)


def _has_row(spots: NDArray[np.float64]) -> bool:
    """Whether enough of them stand in a row: at one height, alike in size, with small gaps."""
    for _, y, high in spots:
        alike = (np.abs(spots[:, 1] - y) < high / 2) & (np.abs(spots[:, 2] - high) < high / 2)
        across = np.sort(spots[alike, 0])
        run = longest = 1
        for gap in np.diff(across):
            run = run + 1 if gap < 2.5 * high else 1
            longest = max(longest, run)
        if longest >= LEAST_LETTERS:
            return True
    return False
