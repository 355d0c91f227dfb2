from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.films import Film
from cephsure.uncertainty.gate.signs import FILM_SIGNS, SIGNS, film_signs, narrowing
from cephsure.uncertainty.reference import FeatureModel


def by_name(seen):
    return dict(zip(SIGNS, seen.signs.tolist(), strict=True))


def test_neither_scale_nor_mirror_image_matters(gate_films, predicted, heads, head_model):
    rng = np.random.default_rng(0)
    film, points = gate_films(rng), heads(rng)
    expected = rng.uniform(1, 3, len(points))
    plain = film_signs(predicted(points, expected_px=expected), film, head=head_model)
    unscaled = film_signs(predicted(points, expected_px=expected, mm_per_px=None), film, head=head_model)
    wrong = film_signs(predicted(points, expected_px=expected, mm_per_px=5.0), film, head=head_model)
    mirrored = points * [-1, 1] + [film.width_px - 1, 0]
    turned = film_signs(
        predicted(mirrored, expected_px=expected, facing="left"),
        Film(pixels=film.pixels[:, ::-1]),
        head=head_model,
    )
    others = np.array(SIGNS) != "size"
    for other in (unscaled, wrong, turned):
        np.testing.assert_allclose(other.signs[others], plain.signs[others], atol=1e-3)
        np.testing.assert_allclose(other.misfits, plain.misfits, atol=1e-6)


def test_each_sign_answers_to_what_it_is_named_after(gate_films, predicted, heads, head_model):
    rng = np.random.default_rng(1)
    film, points = gate_films(rng), heads(rng)
    plain = by_name(film_signs(predicted(points), film, head=head_model))
    two_sided = np.where(head_model.bilateral, 8.0, 2.0)
    assert by_name(film_signs(predicted(points, expected_px=4.0), film, head=head_model))[
        "uncertain"
    ] == pytest.approx(plain["uncertain"] + np.log(2))
    assert by_name(film_signs(predicted(points, expected_px=two_sided), film, head=head_model))[
        "bilateral"
    ] == pytest.approx(np.log(4))
    assert by_name(film_signs(predicted(points, spread_px=3.0), film, head=head_model))[
        "disagreement"
    ] == pytest.approx(plain["disagreement"] + np.log(3))
    off = points.copy()
    off[5] += [40, 0]
    seen = film_signs(predicted(off), film, head=head_model)
    assert seen.misfits.argmax() == 5
    assert by_name(seen)["misfit"] > plain["misfit"] + 1
    assert by_name(seen)["shape"] > plain["shape"] + 1


def test_a_single_sample_has_no_disagreement(gate_films, predicted, heads, head_model):
    rng = np.random.default_rng(2)
    signs = by_name(film_signs(predicted(heads(rng), samples=1), gate_films(rng), head=head_model))
    assert signs["disagreement"] == signs["worst_disagreement"] == 0.0


def test_points_in_one_spot_are_infinitely_far_out_of_distribution(gate_films, predicted, head_model):
    seen = film_signs(predicted(np.full((8, 2), 50.0)), gate_films(np.random.default_rng(0)), head=head_model)
    assert np.isposinf(seen.signs).all()


def test_other_landmarks_are_refused(gate_films, predicted, heads, head_model):
    rng = np.random.default_rng(3)
    with pytest.raises(InputError, match="shape model of 8"):
        film_signs(predicted(heads(rng)[:5]), gate_films(rng), head=head_model)


@given(st.floats(0, 45), st.floats(-20, 20), st.floats(0.2, 5.0))
def test_a_head_turned_about_the_vertical_axis_is_narrower(angle_deg, roll_deg, scale):
    rng = np.random.default_rng(4)
    mean = rng.normal(0, 50, (19, 2))
    roll = np.deg2rad(roll_deg)
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    seen = scale * (mean * [np.cos(np.deg2rad(angle_deg)), 1.0]) @ turn.T + [300.0, 200.0]
    assert narrowing(seen, mean) == pytest.approx(-np.log(np.cos(np.deg2rad(angle_deg))), abs=1e-6)


def test_weights_are_positive():
    assert min(sign.weight for sign in FILM_SIGNS.values()) > 0


def test_the_heads_size_is_told_by_the_scale_alone(gate_films, predicted, heads, head_model):
    rng = np.random.default_rng(6)
    film, points = gate_films(rng), heads(rng)
    seen = {
        scale: by_name(film_signs(predicted(points, mm_per_px=scale), film, head=head_model))["size"]
        for scale in (0.5, 1.5, None)
    }
    assert abs(seen[0.5]) < 0.1
    assert seen[1.5] - seen[0.5] == pytest.approx(np.log(3))
    assert np.isnan(seen[None])


@pytest.mark.parametrize("angle_deg", [0, 30, 90])
def test_a_squeezed_head_is_stretched_whichever_way(predicted, heads, head_model, gate_films, angle_deg):
    rng = np.random.default_rng(7)
    turn = np.array([[np.cos(a := np.deg2rad(angle_deg)), -np.sin(a)], [np.sin(a), np.cos(a)]])
    film, points = gate_films(rng), np.mean([heads(rng) for _ in range(30)], axis=0)
    squeezed = points @ turn @ np.diag([0.8, 1.0]) @ turn.T
    plain, strange = (
        by_name(film_signs(predicted(each), film, head=head_model))["stretched"]
        for each in (points, squeezed)
    )
    assert strange > plain + 1.5


def test_a_squeezed_film_has_another_format(predicted, heads, head_model, gate_films):
    rng = np.random.default_rng(8)
    film, points = gate_films(rng), heads(rng)
    narrow = Film(pixels=film.pixels[:, ::2].copy())
    plain, strange = (
        by_name(film_signs(predicted(points), each, head=head_model))["format"] for each in (film, narrow)
    )
    assert plain == pytest.approx(np.log(260 / 280))
    assert strange == pytest.approx(plain - np.log(2))


def test_features_are_measured_where_film_and_model_have_them(gate_films, predicted, heads, head_model):
    rng = np.random.default_rng(9)
    known = rng.normal(size=(50, 6))
    head = replace(head_model, features=FeatureModel.fit(known))
    film, prediction = gate_films(rng), predicted(heads(rng))
    far = prediction.model_copy(update={"features": (9.0,) * 6})
    near = film_signs(prediction.model_copy(update={"features": (0.0,) * 6}), film, head=head)
    assert by_name(film_signs(far, film, head=head))["unfamiliar"] > by_name(near)["unfamiliar"] + 1
    for missing in (film_signs(prediction, film, head=head), film_signs(far, film, head=head_model)):
        assert np.isnan(by_name(missing)["unfamiliar"])
    other = FeatureModel.fit(known + 9.0)
    assert by_name(near.beside(other))["unfamiliar"] > by_name(near)["unfamiliar"] + 1
    np.testing.assert_array_equal(near.beside(other).signs[:-1], near.signs[:-1])


def test_no_bilateral_landmarks_say_nothing(gate_films, predicted, heads, head_model):
    rng = np.random.default_rng(5)
    head = replace(head_model, bilateral=(False,) * 8)
    assert by_name(film_signs(predicted(heads(rng)), gate_films(rng), head=head))["bilateral"] == 0.0
