from __future__ import annotations

import numpy as np

from cephsure.films import Film, SpacingSource


def test_a_film_knows_its_size_by_columns_and_rows() -> None:
    film = Film(np.zeros((96, 80), np.float32))
    assert (film.width_px, film.height_px) == (80, 96)
    assert film.spacing is None
    assert film.notes == ()


def test_sources_of_scale_are_ordered_by_trust() -> None:
    names = [source.name for source in SpacingSource]
    assert names == [
        "CALIBRATED",
        "IMAGER_MAGNIFICATION",
        "IMAGER",
        "NOMINAL_SCANNED",
        "UNVERIFIED",
        "DATASET",
        "USER",
        "NONE",
    ]
