from __future__ import annotations

import numpy as np
import pytest

import made_errors
from cephsure.evaluation.calibration_figures import document
from cephsure.landmarks import LandmarkSet
from cephsure.uncertainty.calibration.fitting import CrossFit, RegionFigures


@pytest.fixture
def figures(dots):
    dot_set = LandmarkSet.from_dict(dots._landmarks())
    data = made_errors.draw(np.random.default_rng(0), 4)
    covered = np.ones((4, 4))
    covered[0, 1] = covered[1, 1] = 0
    covered[3, 3] = np.nan
    areas = np.full((4, 4), 2.0)
    areas[:, 0] = np.inf
    areas[3, 3] = np.nan
    data.errors_mm[3, 3] = np.nan
    crossed = CrossFit(
        2, 0, data.radial_mm * 1.5, data.radial_mm, {("disc", 0.5): RegionFigures(covered, areas)}
    )
    return document(crossed, data, dot_set, resamples=50)
