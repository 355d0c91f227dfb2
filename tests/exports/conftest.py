from __future__ import annotations

import pytest

from cephsure.uncertainty.missing import say_what_is_missing, without_promise
from cephsure.uncertainty.prediction import (
    FilmInfo,
    LandmarkPrediction,
    Measures,
    ModelInfo,
    Prediction,
    ReaderInfo,
    Region,
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


@pytest.fixture
def judged(make_prediction):
    """A prediction with what calibration and gate say of a film of each kind, as a model gives it."""

    def make(case, **film):
        scale = {"mm_per_px": None} if case == "no scale" else {}
        prediction = make_prediction(**{**scale, **film})
        if case == "no gate":
            return say_what_is_missing(prediction, calibrated_for=None, judged_for=None)
        verdict, whys, why = CASES[case]
        reader = ReaderInfo(
            name="definition", kind="definition", films=0, truth_of="one", for_whom="a reader not met before"
        )
        marks = [
            mark.model_copy(
                update={
                    "verdict": "accept" if verdict == "fit" and mark.code == "S" else "review",
                    "why": whys[index],
                    **({} if case == "no scale" else promised(mark, 0.75 + index)),
                }
            )
            for index, mark in enumerate(prediction.landmarks)
        ]
        reasons = () if verdict == "fit" else tuple(why.split("; "))
        said = {"landmarks": tuple(marks), "reader": reader, "verdict": verdict, "why": why}
        prediction = prediction.model_copy(update={**said, "reasons": reasons, "p_value": 0.5})
        if case == "unfit":
            prediction = without_promise(prediction, "the film is unfit for automatic evaluation")
        return say_what_is_missing(prediction, calibrated_for=2, judged_for=2)

    return make


CASES = {
    "fit": (
        "fit",
        ("expected 0.75 <= 1.08 mm", "expected 1.75 > 1.08 mm", "expected 2.75 > 1.08 mm"),
        "1 of 3 points accepted (expected error up to 1.08 mm)",
    ),
    "review": ("review", ("film for review",) * 3, "another scanner?; the model's samples disagree"),
    "unfit": ("unfit", ("film unfit",) * 3, "a second head; blurred"),
    "no scale": ("review", ("scale unknown",) * 3, "scale unknown: errors in mm cannot be judged"),
}


def promised(mark, error_mm):
    """What a calibration says of a point: a disc about it, but for the last point, which lies outside."""
    beside = 30.0 if mark.code == "Pog'" else 0.0
    region = Region(
        level=0.9,
        kind="disc",
        centre_px=(mark.x_px - beside, mark.y_px),
        half_axes_px=((9.0, 0.0), (0.0, 4.5)),
        area_mm2=2.5,
    )
    return {
        "expected_error_mm": error_mm,
        "error_covariance_mm2": ((0.5, 0.0), (0.0, 0.25)),
        "region": region,
        "note": "outside its own 90 % region" if beside else None,
    }
