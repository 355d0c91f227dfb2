"""Films from arrays that a program has in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import FilmError
from cephsure.films.film import Picture
from cephsure.films.grey_values import scale_bits, scale_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films.film import ReadLimits


def picture_of_array(array: Any, limits: ReadLimits) -> Picture:
    """A picture of grey values (H, W), larger being brighter.

    ============================  ==================================================
    bool                          0 and 1
    uint8                         value / 255
    other whole numbers           by the range they use, as deep films are
    floating point within 0 to 1  as they are
    floating point beyond         by the range they use; noted
    ============================  ==================================================

    Raises:
        FilmError: if it is not such an array, too large or small, blank, or holds what is not finite.
    """
    values = np.asarray(array)
    if values.ndim != 2:
        shape = " x ".join(map(str, values.shape)) or "a single number"
        raise FilmError(
            f"an array of a film has two dimensions, height and width, not {shape}",
            remedy="give one channel of grey values",
        )
    limits.check_size(values.shape[1], values.shape[0])
    if values.dtype.kind == "b":
        return Picture(scale_bits(values.astype(np.uint8), bits=1))
    if values.dtype == np.uint8:
        return Picture(scale_bits(values, bits=8))
    if values.dtype.kind not in "iuf" or values.dtype.itemsize > 8:
        raise FilmError(f"an array of {values.dtype} is no film: give numbers, of up to 64 bits")
    native: NDArray[Any] = values.astype(values.dtype.newbyteorder("="), copy=False)
    if native.dtype.kind == "f" and native.min() >= 0 and native.max() <= 1:
        if native.min() == native.max():
            raise FilmError("the image is blank: one value everywhere")
        return Picture(native.astype(np.float32))  # a copy: the film's own
    pixels, notes = scale_range(native)
    if native.dtype.kind == "f":
        span = f"from {native.min():g} to {native.max():g}"
        notes = (*notes, f"floating-point values {span}: scaled to 0 to 1 by the range they use")
    return Picture(pixels, notes=notes)
