from __future__ import annotations

import pytest

from cephsure.uncertainty.missing import NO_GATE, NO_SCALE, say_what_is_missing, without_promise
from cephsure.uncertainty.prediction import LandmarkPrediction, Measures, Prediction, Region
from judged_films import film_info, model_info, reader_info

REGION = Region(level=0.8, kind="disc", centre_px=(1.0, 2.0), half_axes_px=((3.0, 0.0), (0.0, 3.0)))
COVARIANCE = ((1.0, 0.0), (0.0, 1.0))


def a_prediction(*, promised=True, verdict="fit", samples=15, reader=True):
    mark = LandmarkPrediction(
        number=1,
        code="S",
        name="Sella",
        x_px=1.0,
        y_px=2.0,
        x_mm=None,
        y_mm=None,
        measures=Measures(
            activation=0.5,
            spread_px=1.0,
            spread_mm=None,
            raw_expected_error_px=2.0,
            raw_expected_error_mm=None,
            entropy=1.0,
        ),
        samples_px=((1.0, 2.0),) * samples,
        expected_error_mm=1.5 if promised else None,
        error_covariance_mm2=COVARIANCE if promised else None,
        region=REGION if promised else None,
        note="outside its own 80 % region" if promised else None,
    )
    return Prediction(
        film=film_info(),
        model=model_info(name="mine", samples=samples),
        landmarks=(mark,),
        verdict=verdict,
        reader=reader_info() if reader else None,
    )


def test_what_is_promised_names_level_and_reader():
    found = a_prediction()
    assert found.for_whom == "a reader not met before"
    assert found.promise == "expected errors and 80 % regions hold for a reader not met before"


def test_on_a_film_to_be_reviewed_the_promise_has_a_condition():
    found = a_prediction(verdict="review")
    assert found.for_whom == "a reader not met before, if this film is like those calibrated on"
    assert found.for_whom in found.promise


def test_withheld_numbers_stand_apart_and_nothing_is_promised():
    found = without_promise(a_prediction(verdict="unfit"), "the film is unfit")
    (mark,) = found.landmarks
    assert (mark.expected_error_mm, mark.error_covariance_mm2, mark.region, mark.note) == (None,) * 4
    assert (mark.withheld.expected_error_mm, mark.withheld.region) == (1.5, REGION)
    assert mark.stated is mark.withheld
    assert (found.level, found.for_whom) == (None, None)
    assert found.promise == "no promise: the film is unfit"


def test_where_there_was_no_number_nothing_is_withheld():
    (mark,) = without_promise(a_prediction(promised=False), "because").landmarks
    assert mark.withheld is None
    assert mark.stated is mark


@pytest.mark.parametrize(
    ("calibrated_for", "samples", "why"),
    [
        (None, 15, "mine is not calibrated (see: cephsure calibrate)"),
        (15, 5, "5 samples drawn, films are calibrated with 15"),
        (15, 1, "1 sample drawn, films are calibrated with 15"),
        (15, 15, NO_SCALE),
    ],
)
def test_why_nothing_is_promised_is_said(calibrated_for, samples, why):
    before = a_prediction(promised=False, samples=samples)
    found = say_what_is_missing(before, calibrated_for=calibrated_for, judged_for=15)
    assert found.no_promise == why
    assert found.promise == f"no promise: {why}"
    assert (found.verdict, found.why) == ("fit", before.why)


@pytest.mark.parametrize(
    ("calibrated_for", "judged_for", "samples", "why"),
    [
        (None, None, 15, "no verdict: mine is not calibrated (see: cephsure calibrate)"),
        (15, None, 15, f"no verdict: {NO_GATE}"),
        (15, 15, 5, "no verdict: 5 samples drawn, films are judged with 15"),
    ],
)
def test_why_there_is_no_verdict_is_said(calibrated_for, judged_for, samples, why):
    before = a_prediction(verdict=None, samples=samples)
    assert say_what_is_missing(before, calibrated_for=calibrated_for, judged_for=judged_for).why == why


def test_where_nothing_is_missing_nothing_is_said():
    before = a_prediction()
    assert say_what_is_missing(before, calibrated_for=15, judged_for=15) is before


def test_without_a_reader_a_promise_is_for_whom_the_calibration_was():
    assert a_prediction(reader=False).for_whom is None
