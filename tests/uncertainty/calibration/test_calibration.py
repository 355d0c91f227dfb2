from __future__ import annotations

import json
import math

import numpy as np
import pytest

from cephsure.errors import BundleError, InputError
from cephsure.uncertainty.calibration.calibration import (
    LandmarkCalibration,
    Scores,
    calibrated,
    expected_errors_mm,
    film_errors,
    read_calibration,
)
from cephsure.uncertainty.calibration.fitting import fit_calibration
from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Measures, ModelInfo, Prediction


@pytest.fixture(scope="module")
def written(made_errors):
    return fit_calibration(made_errors.draw(np.random.default_rng(0), 30))


def test_reads_back_to_the_last_digit(written, tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(written.to_json(), encoding="utf-8")
    assert read_calibration(path) == written
    assert read_calibration(path, numbers=(1, 2, 3, 4)) == written


def test_scores_that_are_infinite_count():
    scores = Scores(films=9, values=tuple(float(k) for k in range(8)))
    assert scores.bound(0.8) == 7.0
    assert scores.bound(0.9) == math.inf
    assert Scores(films=9, values=tuple(float(k) for k in range(9))).bound(0.9) == 8.0


def test_other_landmarks_are_refused(written, tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(written.to_json(), encoding="utf-8")
    with pytest.raises(BundleError, match="other landmarks") as caught:
        read_calibration(path, numbers=(1, 2, 3))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda data: data.update(format="cephsure.calibration/9"),
            "version 'cephsure.calibration/9' is unknown",
        ),
        (lambda data: data.pop("regions"), "regions: Field required"),
        (lambda data: data["landmarks"][0].update(offset_mm=[1, "x"]), "landmarks.0.offset_mm.1"),
        (lambda data: data.update(more=1), "more: Extra inputs"),
    ],
)
def test_a_damaged_file_is_refused_by_name(written, tmp_path, change, complaint):
    data = json.loads(written.to_json())
    change(data)
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BundleError, match=complaint) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_what_is_none_is_refused(tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BundleError):
        read_calibration(path)


@pytest.fixture(scope="module")
def data(made_errors):
    return made_errors.draw(np.random.default_rng(0), 41, left=True, with_maps=True, side=31)


@pytest.fixture(scope="module")
def calibration(data):
    return fit_calibration(data.take(range(40)))


def prediction_of(data, index, *, scale=(0.1, 0.1)):
    """The data's film as a prediction."""
    marks = []
    for place, number in enumerate(data.numbers):
        values = {key: float(values[index, place]) for key, values in data.measures.items()}
        x, y = data.points_px[index, place].tolist()
        marks.append(
            LandmarkPrediction(
                number=number,
                code=f"L{number}",
                name="point",
                x_px=x,
                y_px=y,
                x_mm=None,
                y_mm=None,
                measures=Measures(
                    **values,
                    spread_px=values["spread_mm"] * 10,
                    expected_error_px=values["expected_error_mm"] * 10,
                ),
                samples_px=((x, y),),
            )
        )
    film = FilmInfo(
        path=None,
        width_px=2000,
        height_px=2000,
        mm_per_px=scale,
        spacing_source="user",
        facing="left" if data.upright_mm_per_px[index, 0] < 0 else "right",
        facing_source="found",
        polarity="positive",
        polarity_source="found",
    )
    model = ModelInfo(name="m", kind="ensemble", recipe="default", samples=5, seed=0, sha256="a" * 64)
    return Prediction(film=film, model=model, landmarks=tuple(marks))


@pytest.mark.parametrize("kind", ["hdr", "ellipse", "disc"])
def test_every_landmark_gains_error_covariance_and_region(data, calibration, kind):
    found = calibrated(prediction_of(data, 40), calibration, maps=data.maps[40], level=0.8, kind=kind)
    for mark in found.landmarks:
        assert mark.expected_error_mm > 0
        assert (np.linalg.eigvalsh(mark.error_covariance_mm2) > 0).all()
        # A Rayleigh-like error: its second moment is about 4 / pi of the squared mean.
        assert np.trace(mark.error_covariance_mm2) == pytest.approx(mark.expected_error_mm**2 * 1.3, rel=0.4)
        assert (mark.region.level, mark.region.kind, mark.region.whole_film) == (0.8, kind, False)
        assert mark.region.area_mm2 > 0
        assert (mark.region.outlines_px is None) == (kind != "hdr")
    assert Prediction.model_validate(found.model_dump()) == found


def test_points_and_measures_stay(data, calibration):
    before = prediction_of(data, 40)
    after = calibrated(before, calibration, maps=data.maps[40])
    for mark, other in zip(before.landmarks, after.landmarks, strict=True):
        assert (mark.x_px, mark.y_px, mark.measures) == (other.x_px, other.y_px, other.measures)


def test_without_a_scale_nothing_is_added(data, calibration):
    prediction = prediction_of(data, 40, scale=None)
    assert calibrated(prediction, calibration) == prediction


def test_too_few_films_for_a_level_give_all_of_the_film(data, calibration):
    found = calibrated(prediction_of(data, 40), calibration, level=0.96, kind="disc")
    for mark in found.landmarks:
        assert mark.region.whole_film
        assert (mark.region.centre_px, mark.region.half_axes_px, mark.region.area_mm2) == (None, None, None)
        assert mark.expected_error_mm is not None


def test_what_cannot_be_given_is_refused(data, calibration, made_errors):
    prediction = prediction_of(data, 40)
    with pytest.raises(InputError, match="between 0 and 1, not 95"):
        calibrated(prediction, calibration, level=95)
    without_maps = fit_calibration(made_errors.draw(np.random.default_rng(1), 30))
    with pytest.raises(InputError, match="no regions of the kind 'hdr'") as caught:
        calibrated(prediction, without_maps, kind="hdr")
    assert "ellipse, disc" in str(caught.value)


def parameters(number, intercept, **slopes):
    return LandmarkCalibration(
        number=number,
        films=10,
        log_intercept=intercept,
        slopes=slopes,
        offset_mm=(0.0, 0.0),
        relative_covariance=((1.0, 0.0), (0.0, 1.0)),
    )


def test_expected_errors_by_hand():
    landmarks = [
        parameters(1, 0.0, spread_mm=1.0),
        parameters(2, np.log(2.0), spread_mm=0.5, expected_error_mm=1.0),
    ]
    measures = {"spread_mm": np.array([[3.0, 4.0]]), "expected_error_mm": np.array([[9.0, 5.0]])}
    # exp(0) 3 = 3, and 2 x sqrt(4) x 5 = 20.
    assert expected_errors_mm(landmarks, measures) == pytest.approx(np.array([[3.0, 20.0]]))


def test_a_measure_of_zero_is_no_certainty_and_an_unknown_one_no_number():
    landmarks = [parameters(1, 0.0, spread_mm=1.0)]
    assert expected_errors_mm(landmarks, {"spread_mm": np.array([0.0])}) == pytest.approx([0.01])
    assert np.isnan(expected_errors_mm(landmarks, {"spread_mm": np.array([np.nan])})).all()


def test_without_measures_it_is_the_intercept():
    assert expected_errors_mm([parameters(1, np.log(1.5))], {}) == pytest.approx([1.5])


LANDMARK = LandmarkCalibration(
    number=1,
    films=10,
    log_intercept=np.log(2.0),
    slopes={},
    offset_mm=(0.3, -0.1),
    relative_covariance=((1.0, 0.25), (0.25, 0.5)),
)


def errors_of(*, left):
    scale = np.array([-0.1 if left else 0.1, 0.2])
    return film_errors([LANDMARK], {}, points_px=np.array([[50.0, 60.0]]), upright_mm_per_px=scale)


def test_film_errors_by_hand():
    film = errors_of(left=False)
    assert film.expected_mm == pytest.approx([2.0])
    assert film.covariances_mm2[0] == pytest.approx(np.array([[4.0, 1.0], [1.0, 2.0]]))
    # Found minus true is 0.3 mm to the right and 0.1 mm up: the truth lies 3 px left and half a px down.
    assert film.centres_px[0] == pytest.approx([47.0, 60.5])
    assert film.second_moments_mm2[0] == pytest.approx(np.array([[4.09, 0.97], [0.97, 2.01]]))


def test_on_a_film_that_faces_left_x_is_turned():
    film = errors_of(left=True)
    assert film.centres_px[0] == pytest.approx([53.0, 60.5])
    assert film.second_moments_mm2[0] == pytest.approx(np.array([[4.09, -0.97], [-0.97, 2.01]]))
