"""The reference recipe's view of a film and its maps: squeezed input, blurred maps, whole-pixel maxima.

Source: Drevický & Kodým 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import Affine, sample_bilinear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.preprocessing.whole import WorkingFilm


def squeezed_view(
    film: WorkingFilm, side: int, move: Affine | None = None
) -> tuple[NDArray[np.float32], Affine]:
    """The film in [-1, 1] on (side, side) pixels, aspect ratio not kept, and the map from them to film px.

    ``move`` shows at each place what lies elsewhere on the film, as an augmented copy does.
    """
    width, height = film.film_size_px
    step = np.array([width, height]) / side
    to_film = Affine(np.diag(step), step / 2 - 0.5)
    to_film = to_film if move is None else move.after(to_film)
    axis = np.arange(side, dtype=np.float64)
    grid = to_film.apply(np.stack(np.meshgrid(axis, axis), axis=-1))
    return 2 * sample_bilinear(film.image, film.to_film.inverse().apply(grid)) - 1, to_film


def blur_maps(maps: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Each of (N, H, W) maps blurred by the targets' Gaussian, cut off at 4 sigma; outside is 0."""
    _, height, width = maps.shape
    blurred = _blur_matrix(height, sigma_px) @ maps @ _blur_matrix(width, sigma_px)
    return blurred.astype(np.float32, copy=False)


def _blur_matrix(side: int, sigma_px: float) -> NDArray[np.float32]:
    """The (side, side) symmetric matrix that blurs a line; two small products need no library."""
    offsets = np.abs(np.subtract.outer(np.arange(side), np.arange(side)))
    reach = int(4 * sigma_px + 0.5)
    mass = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma_px**2)).sum()
    weights = np.where(offsets <= reach, np.exp(-(offsets**2) / (2 * sigma_px**2)) / mass, 0.0)
    return weights.astype(np.float32)


def maximum_positions(maps: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whole-pixel positions (N, 2) of the maxima of (N, H, W) maps, and their values (N,)."""
    flat = maps.reshape(maps.shape[0], -1)
    peak = flat.argmax(axis=1)
    rows, columns = np.divmod(peak, maps.shape[2])
    return np.stack([columns, rows], axis=1).astype(np.float64), flat.max(axis=1).astype(np.float64)
