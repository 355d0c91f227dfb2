"""Errors of a model at a site, drawn: offsets, noise that follows the expected error."""

from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.calibration import CalibrationData, CalibrationSource

SOURCE = CalibrationSource("site", "0" * 64, "all", "mean", "m", "baseline", "a" * 64, 1, 0)


@pytest.fixture(scope="session")
def site_data():
    """Give ``site_data(n_films, offset_mm, seed, groups) -> CalibrationData`` of six landmarks."""

    def make(n_films=30, offset_mm=2.0, seed=0, groups=None):
        rng = np.random.default_rng(seed)
        expected = rng.uniform(0.8, 2.0, (n_films, 6))
        offsets = np.zeros((6, 2))
        offsets[1:3, 1] = offset_mm
        errors = offsets + rng.normal(0, 1, (n_films, 6, 2)) * expected[..., None] / np.sqrt(np.pi / 2)
        return CalibrationData(
            film_ids=tuple(f"{i:03d}" for i in range(n_films)),
            groups=groups or tuple(f"film {i}" for i in range(n_films)),
            numbers=(1, 2, 3, 4, 5, 6),
            errors_mm=errors,
            measures={"expected_error_mm": expected},
            points_px=np.zeros((n_films, 6, 2)),
            upright_mm_per_px=np.full((n_films, 2), 0.1),
            source=SOURCE,
        )

    return make
