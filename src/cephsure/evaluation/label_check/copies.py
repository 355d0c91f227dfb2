"""Films that are in a data set twice: the same file, or the same exposure resized, cut or turned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.evaluation.label_check.films import FilmLook

    Array = NDArray[np.float64]
    Picture = NDArray[np.float32]

ALIKE = 0.90
"""Two films are of the same exposure from this correlation of their small pictures' details.

Of the 150 training films of ISBI 2015, other pairs reach 0.823 at most; films that were resized, encoded
anew, brightened, darkened or made negatives 0.979 or more: the limit lies in the middle.
"""
ALIKE_BY_LABELS = 0.80
"""The same for the parts round the labels, which are compared in the labels' frame.

Of the same films, other pairs reach 0.73 at most; films that were cut by 10 % at each edge or turned by 8
degrees, and marked once more, 0.78 or more and half of them 0.86 or more.
"""
_SIDE, _BLUR = 64, 3.0
_ROWS = 256  # compared at a time


@dataclass(frozen=True, slots=True)
class Copy:
    """Two films, by their places, that are one.

    Attributes:
        correlation: of their details; 1 for the same file.
        same_file: byte for byte.
        mirrored: the one is the mirror image of the other.
        by_labels: they are alike only where their labels are laid on each other: one was cut or turned.
    """

    first: int
    second: int
    correlation: float
    same_file: bool = False
    mirrored: bool = False
    by_labels: bool = False


def find_copies(looks: Sequence[FilmLook | None], views: Sequence[Mapping[int, Picture]] = ()) -> list[Copy]:
    """Pairs of films that show the same exposure, in the films' order; a negative counts as well.

    ``views`` has, an annotator each, the parts of films that their labels see, (k, k) in one frame, by the
    films' places.
    """
    found = {(copy.first, copy.second): copy for copy in _of_whole_films(looks)}
    for own in views:
        for copy in _by_labels(own):
            found.setdefault((copy.first, copy.second), copy)
    return [found[pair] for pair in sorted(found)]


def _of_whole_films(looks: Sequence[FilmLook | None]) -> Iterator[Copy]:
    """Copies that show as much as the other film."""
    seen = [(place, look) for place, look in enumerate(looks) if look is not None]
    if not seen:
        return
    details = np.stack([_details(look.small) for _, look in seen])
    flat = details.reshape(len(seen), -1)
    as_is = _alike(flat, flat, ALIKE)
    mirrored = _alike(flat, details[:, :, ::-1].reshape(len(seen), -1), ALIKE)
    for one, other in as_is | mirrored:
        straight, turned_over = as_is.get((one, other), 0.0), mirrored.get((one, other), 0.0)
        (first, its), (second, others) = seen[one], seen[other]
        if its.sha256 is not None and its.sha256 == others.sha256:
            yield Copy(first, second, 1.0, same_file=True)
        else:
            yield Copy(first, second, max(straight, turned_over), mirrored=turned_over > straight)


def _by_labels(views: Mapping[int, Picture]) -> Iterator[Copy]:
    """Copies that show another part of the head, or it turned."""
    if not views:
        return
    places = list(views)
    parts = np.stack([views[place].ravel() for place in places]).astype(np.float64)
    parts -= parts.mean(axis=0)  # what all heads have in common
    lengths = np.linalg.norm(parts, axis=1, keepdims=True)
    parts = np.divide(parts, lengths, out=np.zeros_like(parts), where=lengths > 0)
    for (one, other), correlation in _alike(parts, parts, ALIKE_BY_LABELS).items():
        first, second = sorted((places[one], places[other]))
        yield Copy(first, second, correlation, by_labels=True)


def _alike(some: Array, others: Array, limit: float) -> dict[tuple[int, int], float]:
    """Pairs of rows, each once, whose correlation reaches the limit, negative or positive."""
    found = {}
    for start in range(0, len(some), _ROWS):
        values = np.abs(some[start : start + _ROWS] @ others.T)
        for row, other in np.argwhere(values >= limit).tolist():
            if start + row < other:
                found[start + row, other] = float(values[row, other])
    return found


def _details(small: NDArray[np.uint8]) -> Array:
    """(64, 64) a small picture without what changes slowly across it, of mean 0 and length 1."""
    picture = Image.fromarray(small).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    smooth = picture.filter(ImageFilter.GaussianBlur(_BLUR))
    details = np.asarray(picture, dtype=np.float64) - np.asarray(smooth, dtype=np.float64)
    details -= details.mean()
    length = float(np.linalg.norm(details))
    return details / length if length > 0 else details
