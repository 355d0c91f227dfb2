"""Which of two annotators marks as the written definition says, where that is an extreme of an outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.landmarks import load_landmark_set, shipped_landmark_sets
from cephsure.uncertainty.readers.population import Definition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.landmarks import LandmarkSet

_TOWARDS = {"anterior": (1.0, 0.0), "posterior": (-1.0, 0.0), "superior": (0.0, -1.0), "inferior": (0.0, 1.0)}
_WORDS = {
    "anterior": "the more anterior",
    "posterior": "the more posterior",
    "superior": "the higher",
    "inferior": "the lower",
}


def definitions_of(landmark_set: LandmarkSet, marks_mm: NDArray[np.float64]) -> dict[int, Definition]:
    """By landmark (an index), where its definition is an extreme: on how many films whose mark fits it.

    Args:
        landmark_set: says which extremes.
        marks_mm: (F, 2, L, 2) what the two annotators marked on upright films, the face to the right; NaN
            where one did not.
    """
    landmark_set = _with_extremes(landmark_set)
    found: dict[int, Definition] = {}
    apart = marks_mm[:, 1] - marks_mm[:, 0]  # (F, L, 2) from the first annotator's mark to the second's
    middle = marks_mm.mean(axis=1)
    for index, landmark in enumerate(landmark_set.landmarks):
        if landmark.extreme in _TOWARDS:
            towards = np.broadcast_to(_TOWARDS[landmark.extreme], (len(marks_mm), 2))
            words = _WORDS[landmark.extreme]
        elif landmark.extreme:
            ends = [landmark_set.index(code) for code in landmark.extreme.split()[1:]]
            if None in ends:
                continue
            chord = middle[:, ends[1]] - middle[:, ends[0]]
            across = np.stack([-chord[:, 1], chord[:, 0]], axis=1)
            # Away from the face, which is to the right.
            towards = across * -np.sign(across[:, :1])
            words = f"the deeper behind {'-'.join(landmark.extreme.split()[1:])}"
        else:
            continue
        along = (apart[:, index] * towards).sum(axis=1)
        along = along[np.isfinite(along)]
        if len(along):
            found[index] = Definition(float((along > 0).mean()), words)
    return found


def _with_extremes(landmark_set: LandmarkSet) -> LandmarkSet:
    """The shipped set of this name, if it is the same: older bundles' sets do not say what is an extreme."""
    if landmark_set.name in shipped_landmark_sets():
        shipped = load_landmark_set(landmark_set.name)
        if shipped.codes == landmark_set.codes:
            return shipped
    return landmark_set
