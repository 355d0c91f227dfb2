from __future__ import annotations

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.inference.samples import HeatMaps
from cephsure.uncertainty.calibration.data import (
    CalibrationSource,
    calibration_data,
    comparable_measures,
    half_lines,
)
from cephsure.uncertainty.calibration.error_fits import LOG_TEMPERATURES
from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Measures, ModelInfo, Prediction

SOURCE = CalibrationSource("made", "d" * 64, "all", "mean", "m", "baseline", "a" * 64, 1, 0)


def predicted(points, *, mm_per_px=(0.1, 0.2), facing="right", samples=1):
    marks = tuple(
        LandmarkPrediction(
            number=number,
            code=f"L{number}",
            name="point",
            x_px=x,
            y_px=y,
            x_mm=None,
            y_mm=None,
            measures=Measures(
                activation=0.5,
                spread_px=2.0,
                spread_mm=None if mm_per_px is None else 0.3,
                raw_expected_error_px=10.0,
                raw_expected_error_mm=None if mm_per_px is None else 1.5,
                entropy=3.0,
            ),
            samples_px=((x, y),),
        )
        for number, (x, y) in enumerate(points, start=1)
    )
    film = FilmInfo(
        path=None,
        width_px=100,
        height_px=100,
        mm_per_px=mm_per_px,
        spacing_source="user",
        facing=facing,
        facing_source="found",
        polarity="positive",
        polarity_source="found",
    )
    model = ModelInfo(name="m", kind="baseline", recipe="default", samples=samples, seed=0, sha256="a" * 64)
    return Prediction(film=film, model=model, landmarks=marks)


def built(predictions, truths, *, ids=None, groups=None, **more):
    return calibration_data(
        predictions,
        np.array(truths, dtype=float),
        film_ids=ids or [str(k) for k in range(len(predictions))],
        groups=groups or [None] * len(predictions),
        source=SOURCE,
        **more,
    )


def test_errors_are_found_minus_true_in_mm_of_the_upright_film():
    points, truth = [(30.0, 40.0), (50.0, 60.0)], [(20.0, 45.0), (50.0, 60.0)]
    data = built([predicted(points), predicted(points, facing="left")], [truth, truth])
    # 10 px of 0.1 mm to the right, 5 px of 0.2 mm up; on the film that faces left, away from the face.
    assert data.errors_mm[0].tolist() == [[pytest.approx(1.0), pytest.approx(-1.0)], [0.0, 0.0]]
    assert data.errors_mm[1, 0] == pytest.approx([-1.0, -1.0])
    assert data.radial_mm[:, 0] == pytest.approx([np.sqrt(2)] * 2)
    assert data.points_px - data.errors_mm / data.upright_mm_per_px[:, None] == pytest.approx(
        np.array([truth, truth])
    )


def test_measures_are_taken_in_mm():
    data = built([predicted([(1.0, 2.0)])], [[(1.0, 2.0)]])
    wanted = {"activation": 0.5, "spread_mm": 0.3, "raw_expected_error_mm": 1.5, "entropy": 3.0}
    assert {key: data.measures[key].item() for key in wanted} == wanted


def test_films_without_scale_and_points_without_truth_are_not_known():
    plain = predicted([(1.0, 2.0), (3.0, 4.0)])
    unknown = predicted([(1.0, 2.0), (3.0, 4.0)], mm_per_px=None)
    data = built([plain, unknown], [[(1.0, np.nan), (3.0, 5.0)], [(1.0, 2.0), (3.0, 4.0)]])
    assert np.isnan(data.errors_mm).all(axis=2).tolist() == [[True, False], [True, True]]
    assert np.isnan(data.measures["spread_mm"][1]).all()


def test_groups_that_stand_alone_never_share_a_name():
    alone = predicted([(1.0, 2.0)])
    data = built([alone] * 4, [[(1.0, 2.0)]] * 4, ids=["1", "2", "3", "4"], groups=["1", None, "1", None])
    assert data.groups[0] == data.groups[2]
    assert len(set(data.groups)) == 3
    taken = data.take([2, 0])
    assert taken.film_ids == ("3", "1")
    assert taken.groups == (data.groups[2], data.groups[0])


def test_nothing_to_calibrate_on_is_refused():
    unknown = predicted([(1.0, 2.0)], mm_per_px=None)
    with pytest.raises(InputError, match="no film with a scale"):
        built([unknown], [[(1.0, 2.0)]])
    with pytest.raises(InputError, match="two films are called '1'"):
        built([predicted([(1.0, 2.0)])] * 2, [[(1.0, 2.0)]] * 2, ids=["1", "1"])


def test_measures_are_as_of_samples_without_end():
    """Two samples lie sqrt(1/2) as far from their own mean as from the mean of many."""
    found = comparable_measures(predicted([(1.0, 2.0)], samples=2))
    assert found["spread_mm"] == pytest.approx([0.3 * np.sqrt(2)])
    # The maps' own part of the expected error, 1.5^2 - 0.3^2, stays.
    assert found["raw_expected_error_mm"] == pytest.approx([np.sqrt(1.5**2 + 0.3**2)])
    assert found["activation"] == [0.5]


def test_half_lines_run_from_the_first_annotators_mark_to_the_seconds():
    marks = np.array([[[0.0, 0.0]], [[4.0, -2.0]]])
    assert half_lines(marks).tolist() == [[2.0, -1.0]]
    assert half_lines(np.stack([marks, 2 * marks]))[1].tolist() == [[4.0, -2.0]]
    for count in (1, 3):  # no line that readers could lie on
        assert half_lines(np.ones((5, count, 7, 2))).tolist() == np.zeros((5, 7, 2)).tolist()


def test_marks_give_lines_in_mm_of_the_upright_film():
    points = [(30.0, 40.0)]
    films = [predicted(points), predicted(points, facing="left"), predicted(points, mm_per_px=None)]
    marks = [np.array([[[20.0, 40.0]], [[40.0, 40.0]]])] * 3
    data = built(films, [points] * 3, marks_px=marks)
    assert data.lines_mm[:2].tolist() == [[[1.0, 0.0]], [[-1.0, 0.0]]]
    assert np.isnan(data.lines_mm[2]).all()
    assert (data.take([1]).marks_px == data.marks_px[1:2]).all()
    assert not built(films[:1], [points]).lines_mm.any()


def test_the_same_films_beside_another_readers_marks():
    points = [(30.0, 40.0), (50.0, 60.0)]
    data = built([predicted(points)], [points])
    other = data.read_by(np.array([[(20.0, 40.0), (50.0, np.nan)]]))
    assert other.errors_mm[0, 0] == pytest.approx([1.0, 0.0])
    assert np.isnan(other.errors_mm[0, 1]).all()
    assert not data.errors_mm.any()
    assert other.points_px is data.points_px


def test_maps_are_tempered_each_about_the_own_mark():
    """Two annotators far apart, each sure to a pixel: the mean distance within a map, not between them."""
    image = np.zeros((1, 3, 3), dtype=np.float32)
    image[0, 1] = (0.25, 0.5, 0.25)
    maps = tuple(HeatMaps(image, np.array([[x, 20.0]]), np.eye(2)) for x in (0.0, 98.0))
    data = built([predicted([(50.0, 21.0)])], [[(50.0, 21.0)]], maps=[maps])
    # Half of the mass is 0.1 mm away, at temperature 1; hotter maps are more even, up to two thirds of it.
    at_one = np.interp(0.0, LOG_TEMPERATURES, data.tempered_mm[0, 0])
    assert at_one == pytest.approx(0.05, abs=0.002)
    assert data.tempered_mm[0, 0].max() < 0.1 * 2 / 3
    assert data.take([0]).maps == (maps,)
    one = built([predicted([(1.0, 21.0)])], [[(1.0, 21.0)]], maps=[maps[:1]])
    assert one.tempered_mm == pytest.approx(data.tempered_mm)


def test_true_points_come_back_from_errors_and_whole_groups_are_drawn():
    points, truth = [(30.0, 40.0), (50.0, 60.0)], [(20.0, 45.0), (np.nan, 60.0)]
    views = [predicted(points), predicted(points, facing="left"), predicted(points, mm_per_px=None)]
    data = built(views, [truth] * 3, groups=["a", "b", "a"])
    assert data.truths_px[:2, 0] == pytest.approx(np.array([truth[0]] * 2))
    assert np.isnan(data.truths_px[:2, 1]).all()
    assert np.isnan(data.truths_px[2]).all()
    rng = np.random.default_rng(0)
    assert not data.draw(0, rng).any()
    # One film is asked for: group a, of two films, or group b.
    assert {tuple(data.draw(1, rng).tolist()) for _ in range(20)} == {
        (True, False, True),
        (False, True, False),
    }
    assert data.draw(3, rng).all()
    assert {int(data.draw(3, rng, spare=1).sum()) for _ in range(20)} == {1, 2}
