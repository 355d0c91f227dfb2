"""Whether labels lie on the film's head: films brought to one pose by their labels should look alike.

Each film is sampled in the frame of its own points (the mean head's), and compared with the mean of all other
films in theirs. Where the labels are right the pictures agree; where they are not, the picture that would
agree lies elsewhere: beside it, at another size, mirrored or turned, and says what happened to the labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from cephsure.geometry import fit_similarity, sample_bilinear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.evaluation.label_check.films import FilmLook

    Array = NDArray[np.float64]
    Picture = NDArray[np.float32]

FEWEST_FILMS = 10
GAIN = 0.12
"""By which the agreement must rise for labels to be taken for misplaced.

Of the 150 training films of ISBI 2015, marked by two people, none gains more than 0.090 elsewhere: the limit
is a third more. Of labels moved by 10 mm 98 % gain as much, of those moved by 15 mm or more, resized by a
tenth or mirrored all.
"""
SHIFT_OF_HEAD = 0.14
"""The least shift that is told, of the head's extent (of ISBI's heads 6.2 mm)."""
UNLIKE = 0.40
"""A film agrees badly from so much below the usual agreement; true training films stay within 0.255."""
LEAST_USUAL = 0.3
"""Films whose usual agreement is less have too little in common; heads reach 0.74, spines 0.58."""

_CORE, _CELLS = 48, 96  # cells across the head, and across what is searched
_MARGIN = 0.45  # of the head's extent, around it
_FINE, _COARSE = 1.0, 12.0  # px of the small picture: details are kept, slow changes taken away
_SOFT = 8.0  # greys: strong edges count little more than weak ones
_SEARCHED_BELOW = 0.10  # under the usual agreement, all explanations are tried
_NEGATIVE = -0.3
_SIZES = tuple(float(1.12**step) for step in range(-12, 13) if step)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would make labels lie on the head.

    Attributes:
        turn: quarter turns, clockwise, of the labels.
        mirrored: whether they must be mirrored as well, before.
        size: by which they must be multiplied, counted from the film's first pixel.
    """

    turn: int = 0
    mirrored: bool = False
    size: float = 1.0

    def apply(self, points: Array, size_px: tuple[int, int]) -> Array:
        """The (L, 2) points put right, on the film of ``size_px`` for which they are wrong."""
        width, height = size_px
        # The film may have been turned after it was marked: then it was of the other shape.
        across, down = (height, width) if self.turn % 2 else (width, height)
        x, y = points[:, 0], points[:, 1]
        if self.mirrored:
            x = across - 1 - x
        for _ in range(self.turn):
            x, y, across, down = down - 1 - y, x, down, across
        return np.asarray(np.stack([x, y], axis=1) * self.size)


AS_GIVEN = Explanation()
EXPLANATIONS = (
    *(Explanation(turn, mirrored) for mirrored in (False, True) for turn in range(4) if turn or mirrored),
    *(Explanation(size=size) for size in _SIZES),
)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a film agrees with the others by its labels.

    Attributes:
        here: the agreement with the labels as they are, -1 to 1.
        best: the best that was found.
        by: what the labels must undergo for it.
        shift: (x, y) by which they must then be moved, in px of the film.
        shift_of_head: how far that is, of the head's extent.
    """

    here: float
    best: float
    by: Explanation
    shift: tuple[float, float]
    shift_of_head: float

    @property
    def misplaced(self) -> bool:
        """Whether the labels would agree much better elsewhere."""
        return self.best - self.here >= GAIN and (self.by != AS_GIVEN or self.shift_of_head >= SHIFT_OF_HEAD)


class HeadPictures:
    """The films of one annotator, as seen from the labels.

    Args:
        looks: of the films; None for those that cannot be read.
        points: (F, L, 2) in px, NaN where missing.
        other_side: (F,) which of them are mirror images of the rest.
        mean: (L, 2) the mean head, facing as the rest; NaN for landmarks that it lacks.

    Attributes:
        views: by film (k, k) what its labels see of it, in the mean head's frame, of mean 0 and length 1;
            negatives are turned to positives.
        agreements: by film its correlation with the mean of all others.
        usual: the median agreement.
    """

    def __init__(
        self, looks: Sequence[FilmLook | None], points: Array, other_side: NDArray[np.bool_], mean: Array
    ) -> None:
        known = np.isfinite(mean).all(axis=1)
        centre = mean[known].mean(axis=0)
        self._mean = (mean - centre) / np.sqrt(np.mean(np.sum((mean[known] - centre) ** 2, axis=1)))
        low, high = np.nanmin(self._mean, axis=0) - _MARGIN, np.nanmax(self._mean, axis=0) + _MARGIN
        self._cell = float((high - low).max()) / _CORE
        self._middle = (low + high) / 2
        self._points, self._other, self._looks = points, other_side, looks
        self._details: dict[int, Picture] = {}
        self.views: dict[int, Picture] = {}
        for film, look in enumerate(looks):
            if look is not None and self._place(film, points[film], other_side[film]) is not None:
                self._details[film] = _details(look.small)
                self.views[film] = _normalised(self._view(film, points[film], other_side[film], _CORE))
        self._sum = self._mean_view()
        self.agreements = {film: self._agreement(film) for film in self.views}
        self.usual = float(np.median(list(self.agreements.values()))) if self.agreements else math.nan

    @property
    def enough(self) -> bool:
        """Whether there are films enough, and alike enough, to tell what a head looks like."""
        return len(self.views) >= FEWEST_FILMS and self.usual >= LEAST_USUAL

    def fit(self, film: int) -> Fit | None:
        """How well the labels lie on a film's head; None where they are too few, or the film was not read."""
        if film not in self.views:
            return None
        here = self.agreements[film]
        best = self._best(film, AS_GIVEN, here)
        if here < self.usual - _SEARCHED_BELOW:
            fits = (self._best(film, by, here) for by in EXPLANATIONS)
            best = max(best, *fits, key=lambda fit: fit.best)
        return best

    def _mean_view(self) -> Picture:
        """The sum of all films as their labels see them, negatives turned to positives."""
        total = (
            np.sum(list(self.views.values()), axis=0) if self.views else np.zeros((_CORE, _CORE), np.float32)
        )
        for film, view in self.views.items():
            if float(np.sum(_normalised(total - view) * view)) < _NEGATIVE:
                self._details[film] = -self._details[film]
                self.views[film] = -view
        return np.asarray(np.sum(list(self.views.values()), axis=0), dtype=np.float32)

    def _others(self, film: int) -> Picture:
        return _normalised(self._sum - self.views[film])

    def _agreement(self, film: int) -> float:
        return float(np.sum(self._others(film) * self.views[film]))

    def _best(self, film: int, by: Explanation, here: float) -> Fit:
        """The best agreement of a film with labels that underwent something and may be moved."""
        look = self._looks[film]
        assert look is not None
        points = by.apply(self._points[film], look.size_px)
        other = bool(self._other[film]) != by.mirrored
        place = self._place(film, points, other)
        assert place is not None
        agreement = _sliding(self._view(film, points, other, _CELLS), self._others(film))
        row, column = np.unravel_index(int(np.argmax(agreement)), agreement.shape)
        off = (np.array([column, row]) - (_CELLS - _CORE) // 2) * self._cell  # in the head's frame
        ends = place(np.stack([np.zeros(2), off]))
        shift = (ends[1] - ends[0]) / _reduction(look)
        return Fit(
            here,
            float(agreement[row, column]),
            by,
            (float(shift[0]), float(shift[1])),
            float(np.hypot(*off)),
        )

    def _view(self, film: int, points: Array, other: bool, cells: int) -> Picture:
        """The film in the frame of (L, 2) points on it, ``cells`` across."""
        place = self._place(film, points, other)
        assert place is not None
        axis = (np.arange(cells) - (cells - 1) / 2) * self._cell
        grid = np.stack(np.meshgrid(axis, axis), axis=-1) + self._middle
        return sample_bilinear(self._details[film], place(grid.reshape(-1, 2)).reshape(grid.shape), fill=0.0)

    def _place(self, film: int, points: Array, other: bool) -> _Place | None:
        """Where positions in the head's frame lie on the film's small picture, by its points."""
        look = self._looks[film]
        assert look is not None
        mirror = np.array([-1.0, 1.0]) if other else np.ones(2)
        on_small = (points + 0.5) * _reduction(look) - 0.5
        if (np.isfinite(on_small) & np.isfinite(self._mean)).all(axis=1).sum() < 4:
            return None
        try:
            return _Place(self._mean, on_small * mirror, mirror)
        except ValueError:
            return None


class _Place:
    """From the head's frame to a film's small picture."""

    def __init__(self, mean: Array, points: Array, mirror: Array) -> None:
        self._map, self._mirror = fit_similarity(mean, points), mirror

    def __call__(self, positions: Array) -> Array:
        return np.asarray(self._map.apply(positions) * self._mirror)


def _reduction(look: FilmLook) -> Array:
    """(2,) px of the small picture for one of the film."""
    height, width = look.small.shape
    return np.array([width / look.size_px[0], height / look.size_px[1]])


def _details(small: NDArray[np.uint8]) -> Picture:
    """A small picture without what changes slowly across it."""
    picture = Image.fromarray(small)
    fine, coarse = (
        np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32)
        for radius in (_FINE, _COARSE)
    )
    return np.asarray(np.arcsinh((fine - coarse) / _SOFT), dtype=np.float32)


def _normalised(view: Picture) -> Picture:
    """A view of mean 0 and length 1."""
    view = view - view.mean()
    length = float(np.linalg.norm(view))
    return view / length if length > 0 else view


def _sliding(large: Picture, template: Picture) -> Array:
    """The correlation of a template (k, k), of mean 0 and length 1, with each part of a larger picture."""
    side, own = large.shape[0], template.shape[0]
    shape, kept = large.shape, slice(0, side - own + 1)

    def summed(picture: Picture, weights: Picture) -> Array:
        product = np.fft.rfft2(picture) * np.conj(np.fft.rfft2(weights, s=shape))
        return np.asarray(np.fft.irfft2(product, s=shape)[kept, kept])

    ones = np.ones_like(template)
    squares = summed(large**2, ones) - summed(large, ones) ** 2 / own**2
    least = 1e-3 * max(float(squares.max()), 1e-9)  # empty parts agree with nothing
    return np.asarray(summed(large, template) / np.sqrt(np.maximum(squares, least)))
