from __future__ import annotations

import numpy as np
import pytest

import made_errors as made
from cephsure.evaluation.calibration_figures import document
from cephsure.landmarks import LandmarkSet
from cephsure.uncertainty.calibration.calibration import GRID_LEVELS, Bounds
from cephsure.uncertainty.calibration.fitting import ReadFilms
from cephsure.uncertainty.calibration.rehearsal import CONTENTS, Rehearsed


def _rehearsed(case, name, *, unmarked=()):
    """Four films whose errors are two thirds of what is expected; two points of the second landmark missed.

    The last point of the last film is not marked; areas are 2 mm^2 whatever the content.
    """
    data = made.draw(np.random.default_rng(0), 4)
    data.errors_mm[3, 3] = data.errors_mm[:, unmarked] = np.nan
    contents = np.full((4, 4), 0.3)
    contents[:2, 1], contents[3, 3], contents[:, unmarked] = 0.6, np.nan, np.nan
    areas = np.full((4, 4, len(CONTENTS)), 2.0)
    return Rehearsed(
        case,
        ReadFilms(name, name, data),
        np.arange(4),
        data.radial_mm * 1.5,
        data.radial_mm,
        {"disc": contents},
        {"disc": areas},
    )


@pytest.fixture
def figures(dots):
    """Figures of two readers not met before, and of one that is known, where one landmark has no bound."""
    usual = tuple(level - 0.01 for level in GRID_LEVELS)
    bounds = {
        "0": {"disc": Bounds(contents=((1.0,) * 16, usual, usual, usual))},
        "known": {"disc": Bounds(contents=(usual,))},
    }
    rehearsed = [_rehearsed("0", "a"), _rehearsed("0", "b"), _rehearsed("known", "c", unmarked=[2])]
    calibration = made.calibration().model_copy(update={"bounds": bounds, "default": "disc"})
    dot_set = LandmarkSet.from_dict(dots._landmarks())
    return document(rehearsed, calibration, made.SOURCE, dot_set, resamples=50)
