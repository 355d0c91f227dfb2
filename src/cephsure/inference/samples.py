"""Samples, the one thing that Baseline, Ensemble and MC-Dropout all give; and their heat maps on a film."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import Affine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.geometry import MapReadings


@dataclass(frozen=True, slots=True)
class Samples:
    """T sampled positions of each of L landmarks on one film, with summaries of their heat maps.

    T is 1 for a Baseline, the number of members for an Ensemble, the number of stochastic passes for
    MC-Dropout. What comes after does not know which it was.

    Attributes:
        positions_px: (T, L, 2) float64, (x, y) in pixels of the given film, first pixel's centre at (0, 0).
        activations: (T, L) maximum of each heat map (unit of the recipe's maps).
        expected_errors_px: (T, L) expected radial error under each map's probability,
            sum p(u) |u - position|, in pixels of the given film.
        entropies: (T, L) Shannon entropy of each map's probability, in nats.
        coarse_positions_px: (T, L, 2) positions after the coarse stage, or None for one-stage recipes.
        marks_px: (T, K, L, 2) the same of each of K annotators whom the recipe tells apart; their mean over
            K is ``positions_px``. None where it does not.
        maps: for each annotator that is told apart (else one) the mixture of the samples' heat maps, each
            map's middle where the mean of the annotator's positions is; None if they were not asked for.
        features: (C,) what the first network's deepest level makes of the film, without dropout; None if it
            does not tell, or not in the pass that drew the samples.
        augmented_positions_px: (K, L, 2) positions that the first network, without dropout, finds on K
            augmented copies of the film, or None if they were not asked for.
        feature_distance: how far the film is from the training films as that network's deepest level sees
            them, in standard deviations; None if it was not asked for or the bundle does not know them.
        shape_residuals: (L,) how far each landmark is from where the others expect it, in standard deviations
            of the training films' annotation; None if the bundle does not know it.
    """

    positions_px: NDArray[np.float64]
    activations: NDArray[np.float64]
    expected_errors_px: NDArray[np.float64]
    entropies: NDArray[np.float64]
    coarse_positions_px: NDArray[np.float64] | None = None
    marks_px: NDArray[np.float64] | None = None
    maps: tuple[HeatMaps, ...] | None = None
    features: NDArray[np.float64] | None = None
    augmented_positions_px: NDArray[np.float64] | None = None
    feature_distance: float | None = None
    shape_residuals: NDArray[np.float64] | None = None

    def moved(self, to_given: Affine) -> Samples:
        """The same in another film's px, to which ``to_given`` leads; lengths take its mean scale."""

        def places(positions: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            return None if positions is None else to_given.apply(positions)

        scale = float(np.sqrt(abs(np.linalg.det(to_given.matrix))))
        return replace(
            self,
            positions_px=to_given.apply(self.positions_px),
            expected_errors_px=self.expected_errors_px * scale,
            coarse_positions_px=places(self.coarse_positions_px),
            marks_px=places(self.marks_px),
            maps=None if self.maps is None else tuple(maps.moved(to_given) for maps in self.maps),
            augmented_positions_px=places(self.augmented_positions_px),
        )


def stacked(readings: Sequence[MapReadings], maps: tuple[HeatMaps, ...] | None = None) -> Samples:
    """The samples of one film's passes, read in its px."""
    return Samples(
        positions_px=np.stack([read.positions for read in readings]),
        activations=np.stack([read.activations for read in readings]),
        expected_errors_px=np.stack([read.expected_errors for read in readings]),
        entropies=np.stack([read.entropies for read in readings]),
        maps=maps,
    )


@dataclass(frozen=True, slots=True)
class HeatMaps:
    """One map a landmark, the mixture of all samples' maps.

    Attributes:
        probabilities: (L, H, W) float32, each map summing to at most one: what is missing lies off the map.
        origins_px: (L, 2) position (x, y) of the centre of each map's first cell, in px of the film.
        cell_px: (2, 2) the steps from a cell to the next one in its row (first column) and to the one below
            (second column), in px of the film. Cells need not lie along the film's axes.
    """

    probabilities: NDArray[np.float32]
    origins_px: NDArray[np.float64]
    cell_px: NDArray[np.float64]

    def cells(self, positions_px: NDArray[np.float64]) -> NDArray[np.int64]:
        """The cell (column, row) of each of (L, 2) positions, each on its own map; -1, -1 for none or NaN."""
        height, width = self.probabilities.shape[1:]
        places = np.floor((positions_px - self.origins_px) @ np.linalg.inv(self.cell_px).T + 0.5)
        inside = ((places >= 0) & (places < (width, height))).all(axis=1, keepdims=True)
        return np.where(inside, places, -1).astype(np.int64)

    @property
    def middles_px(self) -> NDArray[np.float64]:
        """(L, 2) position of each map's middle, in px of the film."""
        height, width = self.probabilities.shape[1:]
        return np.asarray(self.origins_px + self.cell_px @ np.array([(width - 1) / 2, (height - 1) / 2]))

    def mirrored(self, width_px: int) -> HeatMaps:
        """The maps of the mirror image of a film that is ``width_px`` wide."""
        return self.moved(Affine(np.diag([-1.0, 1.0]), np.array([width_px - 1.0, 0.0])))

    def moved(self, to_other: Affine) -> HeatMaps:
        """The maps on another film, to whose px ``to_other`` leads."""
        return HeatMaps(self.probabilities, to_other.apply(self.origins_px), to_other.matrix @ self.cell_px)

    def scaled(self, scale: NDArray[np.float64]) -> HeatMaps:
        """The maps with their lengths along x and y multiplied by ``scale`` (2,)."""
        return HeatMaps(self.probabilities, self.origins_px * scale, self.cell_px * scale[:, None])

    def mean_distances(self, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(L,) mean distance of each map's mass from its position of (L, 2); infinite for an empty map."""
        height, width = self.probabilities.shape[1:]
        rows, columns = np.divmod(np.arange(height * width), width)
        from_first = np.stack([columns, rows], axis=1) @ self.cell_px.T  # (H W, 2)
        away = from_first[None] + (self.origins_px - positions_px)[:, None]
        masses = self.probabilities.reshape(len(self.probabilities), -1).astype(np.float64)
        totals = masses.sum(axis=1)
        sums = np.einsum("lc,lc->l", masses, np.hypot(away[..., 0], away[..., 1]))
        means: NDArray[np.float64] = np.full(len(sums), np.inf)
        np.divide(sums, totals, out=means, where=totals > 0)
        return means


@dataclass(frozen=True, slots=True)
class SampleMaps:
    """One sample's maps, turned and scaled with the head as its network saw it.

    Attributes:
        probabilities: (L, Q, Q) float32, each summing to one.
        centres_px: (L, 2) position of each map's middle, in px of the film.
        cell_px: (2, 2) as in ``HeatMaps``.
    """

    probabilities: NDArray[np.float32]
    centres_px: NDArray[np.float64]
    cell_px: NDArray[np.float64]


def tempered(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Maps (..., H, W) at a temperature, each summing to one; an empty map stays empty.

    >>> tempered(np.array([[0.8, 0.2]], dtype=np.float32), 0.5).round(3).tolist()
    [[0.9409999847412109, 0.05900000035762787]]
    """
    raised = probabilities if temperature == 1.0 else probabilities ** np.float32(1.0 / temperature)
    total = raised.sum(axis=(-2, -1), keepdims=True)
    return np.asarray(np.divide(raised, total, where=total > 0, out=np.zeros_like(raised)))


def laid_together(
    maps: Sequence[HeatMaps], shares: NDArray[np.float64], moves_px: NDArray[np.float64]
) -> HeatMaps:
    """Annotators' maps, each moved (K, L, 2) from the own mark to one common point, added by shares (K, L).

    What is left is how each of them scatters round the own mark: the map of a point between the marks. Maps
    of several annotators lie alike round their marks, as ``mixture`` makes them.
    """
    total = np.zeros_like(maps[0].probabilities)
    origins = np.zeros_like(maps[0].origins_px)
    for own, share, move in zip(maps, shares, moves_px, strict=True):
        total += share.astype(np.float32)[:, None, None] * own.probabilities
        origins += share[:, None] * (own.origins_px + move)
    return HeatMaps(total, origins, maps[0].cell_px)


def blurred(maps: HeatMaps, covariances_px2: NDArray[np.float64]) -> HeatMaps:
    """The maps convolved with normal densities of covariances (L, 2, 2), on a wider grid of the same cells.

    By Fourier transforms, in which a normal density is one too; what they make negative by rounding is 0.
    """
    count, height, width = maps.probabilities.shape
    to_cells = np.linalg.inv(maps.cell_px)
    in_cells = to_cells @ covariances_px2 @ to_cells.T
    reach = int(np.ceil(3 * np.sqrt(max(float(np.trace(in_cells, axis1=1, axis2=2).max()), 0.0))))
    margin = min(reach, max(height, width) // 2)
    sizes = [_smooth_size(side + 2 * margin) for side in (height, width)]
    rows, columns = np.fft.fftfreq(sizes[0])[:, None], np.fft.rfftfreq(sizes[1])[None]
    xx, xy, yy = (in_cells[:, i, j, None, None] for i, j in ((0, 0), (0, 1), (1, 1)))
    damping = np.exp(-2 * np.pi**2 * (xx * columns**2 + 2 * xy * columns * rows + yy * rows**2))
    padded = np.zeros((count, *sizes), dtype=np.float32)
    padded[:, margin : margin + height, margin : margin + width] = maps.probabilities
    smooth = np.fft.irfft2(np.fft.rfft2(padded) * damping.astype(np.float32), s=sizes)
    origins = maps.origins_px - maps.cell_px @ np.full(2, float(margin))
    return HeatMaps(np.maximum(smooth, 0.0).astype(np.float32), origins, maps.cell_px)


def _smooth_size(size: int) -> int:
    """The next size that Fourier transforms are quick at: 2^a 3^b."""
    best = 1 << (size - 1).bit_length()
    three = 1
    while three < best:
        best = min(best, three << max((-(-size // three) - 1).bit_length(), 0))
        three *= 3
    return best


def mixture(
    drawn: Sequence[SampleMaps], *, points_px: NDArray[np.float64], side: int | None = None, finer: int = 2
) -> HeatMaps:
    """The mean of several samples' maps, its maps' middles at ``points_px`` (L, 2).

    The samples' maps are turned and scaled a little differently, as each sees the head: within a map that is
    less than a cell, so all take the mean turn and size. Each map's middle lies where it belongs, between
    cells by linear weights. The maps have ``side`` cells a side, each a ``finer``-th as long as the samples':
    by default a quarter more than these cover, as they do not lie in one place.
    """
    own = finer * drawn[0].probabilities.shape[1]
    if side is None:
        side = own + 2 * (own // 8) + 2
    cell_px = np.mean([sample.cell_px for sample in drawn], axis=0) / finer
    to_cells = np.linalg.inv(cell_px).T
    spread = _refining(drawn[0].probabilities.shape[1], finer)
    total = np.zeros((len(points_px), side, side), dtype=np.float32)
    for sample in drawn:
        fine = np.asarray(spread @ sample.probabilities @ spread.T, dtype=np.float32)
        within = (side - own) / 2
        corners = (sample.centres_px - points_px) @ to_cells + within  # (L, 2) of each map's first cell
        whole = np.floor(corners).astype(np.int64)
        between = _between_cells(fine, (corners - whole).astype(np.float32))
        for image, (column, row), target in zip(between, whole.tolist(), total, strict=True):
            _add_at(target, image, column, row)
    total /= np.float32(len(drawn))
    return HeatMaps(total, points_px - cell_px @ np.full(2, (side - 1) / 2), cell_px)


def _refining(side: int, finer: int) -> NDArray[np.float32]:
    """(finer side, side) weights that part each of ``side`` cells, linear between their centres.

    A column sums to one: no mass is lost.
    """
    places = (np.arange(finer * side) + 0.5) / finer - 0.5
    weights = np.maximum(1 - np.abs(places[:, None] - np.arange(side)), 0)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def _between_cells(images: NDArray[np.float32], parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images (L, Q, Q) moved right and down by parts (L, 2) of a cell, linearly: (L, Q + 1, Q + 1)."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    x, y = parts[:, :1, None], parts[:, 1:, None]
    rows = padded[:, 1:] * (1 - y) + padded[:, :-1] * y
    return np.asarray(rows[:, :, 1:] * (1 - x) + rows[:, :, :-1] * x, dtype=np.float32)


def _add_at(total: NDArray[np.float32], image: NDArray[np.float32], column: int, row: int) -> None:
    """Add an image, its first pixel at (column, row) of ``total``; what falls off is lost."""
    rows, columns = (
        slice(max(-first, 0), max(size - first, 0))
        for first, size in zip((row, column), total.shape, strict=True)
    )
    inner = image[rows, columns]
    place = total[max(row, 0) :, max(column, 0) :][: inner.shape[0], : inner.shape[1]]
    place += inner
