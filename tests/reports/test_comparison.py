from __future__ import annotations

import numpy as np
import pytest

from cephsure.reports.comparison import Comparison
from cephsure.uncertainty.prediction import (
    FilmInfo,
    LandmarkPrediction,
    Measures,
    ModelInfo,
    Prediction,
    Region,
)

NAN = float("nan")
FOUND = [(10.0, 10.0), (50.0, 50.0), (90.0, 10.0), (10.0, 90.0)]
# 5 px, 0 px, unknown, and 10 px away.
TRUE = [(13.0, 14.0), (50.0, 50.0), (NAN, NAN), (20.0, 90.0)]


def compare(
    *, mm_per_px=(0.5, 0.5), verdicts=("accept", "review", "accept", "accept"), true=TRUE, radius=6.0
):
    measures = Measures(
        activation=1,
        spread_px=1,
        spread_mm=None,
        raw_expected_error_px=1,
        raw_expected_error_mm=None,
        entropy=1,
    )
    marks = tuple(
        LandmarkPrediction(
            number=number,
            code=f"P{number}",
            name="",
            x_px=x,
            y_px=y,
            x_mm=None,
            y_mm=None,
            measures=measures,
            samples_px=((x, y),),
            verdict=verdict,
            region=radius
            and Region(
                level=0.9,
                kind="disc",
                centre_px=(x, y),
                half_axes_px=((radius, 0.0), (0.0, radius)),
                area_mm2=1.0,
            ),
        )
        for number, ((x, y), verdict) in enumerate(zip(FOUND, verdicts, strict=True), start=1)
    )
    film = FilmInfo(
        path=None,
        width_px=100,
        height_px=100,
        mm_per_px=mm_per_px,
        spacing_source="user",
        facing="right",
        facing_source="found",
        polarity="positive",
        polarity_source="found",
    )
    model = ModelInfo(name="m", kind="baseline", recipe="default", samples=1, seed=0, sha256="0" * 64)
    return Comparison(Prediction(film=film, model=model, landmarks=marks), np.array(true), "ann")


def test_errors_are_in_mm_where_the_scale_is_known():
    compared = compare()
    np.testing.assert_allclose(compared.errors, [2.5, 0.0, NAN, 5.0])
    assert compared.unit == "mm"
    # Pixels of 1 mm along x and 0.5 mm along y: 3 and 2 mm make root 13.
    np.testing.assert_allclose(compare(mm_per_px=(1.0, 0.5)).errors[0], np.sqrt(13))


def test_else_in_px():
    compared = compare(mm_per_px=None)
    np.testing.assert_allclose(compared.errors, [5.0, 0.0, NAN, 10.0])
    assert compared.sentences[0] == "mean radial error 5.00 px of 3 points, 7.50 px of the 2 accepted"


def test_says_which_regions_hold_the_true_point():
    assert compare().in_regions == (True, True, None, False)
    assert compare(radius=None).in_regions == (None,) * 4


def test_the_worst_come_first_and_the_unknown_never():
    assert compare().worst(2) == (3, 0)
    assert compare().worst(9) == (3, 0, 1)


def test_says_the_mean_of_all_and_of_the_accepted_and_what_is_missing():
    assert compare().sentences == (
        "mean radial error 2.50 mm of 3 points, 3.75 mm of the 2 accepted",
        "no true point: P3",
    )
    assert compare(verdicts=("review",) * 4, true=FOUND).sentences == (
        "mean radial error 0.00 mm of 4 points",
    )
    one = [(NAN, NAN)] * 3 + [(10.0, 90.0)]
    assert compare(true=one).sentences[0] == "mean radial error 0.00 mm of 1 point, 0.00 mm of the 1 accepted"


def test_says_so_where_nothing_is_known():
    compared = compare(true=[(NAN, NAN)] * 4)
    assert compared.sentences == (
        "mean radial error: no true point is known",
        "no true point: P1, P2, P3, P4",
    )


@pytest.mark.parametrize("half", [(NAN, 10.0), (10.0, NAN)])
def test_half_a_true_point_is_none(half):
    compared = compare(true=[half, *TRUE[1:]])
    assert compared.missing == ("P1", "P3")
    assert compared.in_regions[0] is None
