"""Reading heat maps: sub-pixel positions and the summaries that the uncertainty measures are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MapReadings:
    """What is read off N heat maps, positions and lengths in map pixels."""

    positions: NDArray[np.float64]  # (N, 2), (x, y)
    activations: NDArray[np.float64]  # (N,) the maps' maxima
    expected_errors: NDArray[np.float64]  # (N,) expected radial error, sum over u of p(u) |u - position|
    entropies: NDArray[np.float64]  # (N,) Shannon entropy of p in nats


def softmax_maps(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spatial softmax of (N, H, W) logits: each map sums to one."""
    shifted: NDArray[np.float32] = logits - logits.max(axis=(1, 2), keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=(1, 2), keepdims=True)
    return shifted


def local_centroids(maps: NDArray[np.floating], radius: int) -> NDArray[np.float64]:
    """Sub-pixel positions (N, 2): the centroid of each map within ``radius`` pixels of its maximum.

    Far secondary modes do not pull the point; where the maximum lies at the edge the window is cut
    symmetrically, so that the edge does not pull it either.
    """
    count, height, width = maps.shape
    peak = maps.reshape(count, -1).argmax(axis=1)
    rows, columns = np.divmod(peak, width)
    offsets = np.arange(-radius, radius + 1)
    # What lies outside the map is within no reach: which pixel stands there does not matter.
    window = maps[
        np.arange(count)[:, None, None],
        np.clip(rows[:, None] + offsets, 0, height - 1)[:, :, None],
        np.clip(columns[:, None] + offsets, 0, width - 1)[:, None, :],
    ]
    reach_x = np.minimum(columns, width - 1 - columns)[:, None, None]
    reach_y = np.minimum(rows, height - 1 - rows)[:, None, None]
    distance = np.abs(offsets)
    window = window * ((distance[None, None, :] <= reach_x) & (distance[None, :, None] <= reach_y))
    mass = np.maximum(window.sum(axis=(1, 2)), 1e-30)
    x = columns + (window * offsets[None, None, :]).sum(axis=(1, 2)) / mass
    y = rows + (window * offsets[None, :, None]).sum(axis=(1, 2)) / mass
    return np.stack([x, y], axis=1).astype(np.float64)


def read_maps(
    probabilities: NDArray[np.float32],
    positions: NDArray[np.float64],
    activations: NDArray[np.floating] | None = None,
) -> MapReadings:
    """Summaries of (N, H, W) probability maps about given ``positions`` (N, 2).

    ``activations`` (N,) are the maxima of the maps the probabilities were made from; by default their own.
    """
    count, height, width = probabilities.shape
    dx = np.arange(width, dtype=np.float32)[None, :] - positions[:, :1].astype(np.float32)
    dy = np.arange(height, dtype=np.float32)[None, :] - positions[:, 1:].astype(np.float32)
    distance = np.sqrt(dx[:, None, :] ** 2 + dy[:, :, None] ** 2)
    expected = np.einsum("nhw,nhw->n", probabilities, distance)
    flat = probabilities.reshape(count, -1)
    entropy = -np.einsum("np,np->n", flat, np.log(flat + np.float32(1e-12)))
    peaks = flat.max(axis=1) if activations is None else activations
    return MapReadings(
        positions, peaks.astype(np.float64), expected.astype(np.float64), entropy.astype(np.float64)
    )
