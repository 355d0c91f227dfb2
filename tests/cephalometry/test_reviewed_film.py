from __future__ import annotations

from dataclasses import replace

import pytest

from cephsure.cephalometry import analyse
from cephsure.cephalometry.own_points import NO_INTERVAL
from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.landmarks import load_landmark_set


@pytest.fixture
def film(head, make_prediction):
    covariances = [[[0.5, 0.0], [0.0, 0.5]]] * 19
    return ReviewedFilm.of(make_prediction(head, covariances_mm2=covariances), load_landmark_set())


def decided(film, code, **changes):
    points = tuple(
        replace(point, who="anna", **changes) if point.code == code else point for point in film.points
    )
    return replace(film, points=points, observer="anna")


def measured(film, code="SNA"):
    return next(value for value in film.analysis("isbi").measurements if value.code == code)


def test_film_that_nobody_touched_is_measured_as_predicted(film):
    ours, usual = film.analysis(), analyse(film.prediction)
    assert ours.measurements == usual.measurements
    assert (ours.points, ours.points_from, ours.errors_from) == (
        usual.points,
        usual.points_from,
        usual.errors_from,
    )
    assert (film.observer, film.is_complete) == (None, False)


def test_measurements_follow_a_point_that_was_moved(film):
    moved = decided(film, "A", origin="edited", x_px=1500.0, y_px=1480.0)
    before, after = measured(film), measured(moved)
    assert after.value != before.value
    assert 0 < after.sd < before.sd
    point = next(point for point in moved.analysis().points if point.code == "A")
    assert (point.x_px, point.verdict, point.why) == (1500.0, None, "edited by anna")
    assert moved.points_from.endswith(", 1 edited by anna")


def test_points_by_hand_alone_have_no_interval(film):
    for code, x_px in (("S", 821.0), ("N", 1501.0), ("A", 1451.0)):
        film = decided(film, code, origin="edited", x_px=x_px)
    assert (measured(film).interval_90, measured(film).no_interval) == (None, NO_INTERVAL)


def test_missing_point_is_not_measured(film):
    without = decided(film, "A", origin="missing", x_px=None, y_px=None)
    assert measured(without).missing == "no point for A"
    assert "A" not in {point.code for point in without.analysis().points}


def test_referred_point_is_nobodys_word(film):
    referred = decided(film, "A", origin="referred")
    assert measured(referred) == measured(film)
    point = next(point for point in referred.points if point.code == "A")
    assert not point.is_settled
    assert not point.is_by_hand


def test_a_ruler_goes_before_the_predictions_scale(film):
    twice = replace(film, mm_per_px=(0.2, 0.2), spacing_source="ruler")
    length = next(value for value in film.analysis("all").measurements if value.unit == "mm" and value.value)
    same = next(value for value in twice.analysis("all").measurements if value.code == length.code)
    assert same.value == pytest.approx(2 * length.value)
    assert (twice.film.spacing_source, twice.film.mm_per_px) == ("ruler", (0.2, 0.2))
