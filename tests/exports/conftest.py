from __future__ import annotations

import pytest

from cephsure.uncertainty.prediction import (
    FilmInfo,
    LandmarkPrediction,
    Measures,
    ModelInfo,
    Prediction,
)

# code, name, x_px, y_px, spread_px, raw_expected_error_px
LANDMARKS = (
    ("S", "sella", 20.5, 30.25, 2.0, 4.0),
    ("N", "nasion", 80.0, 25.0, 1.0, 3.0),
    ("Pog'", "soft tissue pogonion, “chin”", 90.125, 120.75, 6.0, 12.0),
)


@pytest.fixture
def make_prediction():
    """A prediction of three landmarks on a 100 x 150 film of 0.1 x 0.2 mm a pixel, or of no scale."""

    def make(*, path="films/north/001.png", mm_per_px=(0.1, 0.2), shift_px=0.0):
        def mm(value, axis):
            return None if mm_per_px is None else value * mm_per_px[axis]

        landmarks = [
            LandmarkPrediction(
                number=number,
                code=code,
                name=name,
                x_px=x + shift_px,
                y_px=y,
                x_mm=mm(x + shift_px, 0),
                y_mm=mm(y, 1),
                measures=Measures(
                    activation=0.5,
                    spread_px=spread,
                    spread_mm=mm(spread, 0),
                    raw_expected_error_px=expected,
                    raw_expected_error_mm=mm(expected, 0),
                    entropy=1.25,
                ),
                samples_px=((x + shift_px - 1, y), (x + shift_px + 1, y)),
            )
            for number, (code, name, x, y, spread, expected) in enumerate(LANDMARKS, start=1)
        ]
        film = FilmInfo(
            path=path,
            width_px=100,
            height_px=150,
            mm_per_px=mm_per_px,
            spacing_source="none" if mm_per_px is None else "user",
            facing="right",
            facing_source="found",
            polarity="positive",
            polarity_source="assumed",
            notes=("resolution tag ignored",),
        )
        model = ModelInfo(
            name="test-ensemble", kind="ensemble", recipe="default", samples=2, seed=0, sha256="ab" * 32
        )
        return Prediction(film=film, model=model, landmarks=tuple(landmarks))

    return make


@pytest.fixture
def prediction(make_prediction):
    return make_prediction()
