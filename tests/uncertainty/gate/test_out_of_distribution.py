from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from cephsure.errors import InputError
from cephsure.films import Film
from cephsure.uncertainty.gate.out_of_distribution import (
    SIGN_WEIGHTS,
    SIGNS,
    film_signs,
    narrowing,
    out_of_distribution,
    sharpness,
)


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
    for other in (unscaled, wrong, turned):
        np.testing.assert_allclose(other.signs, plain.signs, atol=1e-3)
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


def test_weights_are_positive_and_name_the_signs():
    assert tuple(SIGN_WEIGHTS) == SIGNS
    assert min(SIGN_WEIGHTS.values()) > 0


def test_no_bilateral_landmarks_say_nothing(gate_films, predicted, heads, head_model):
    rng = np.random.default_rng(5)
    head = replace(head_model, bilateral=(False,) * 8)
    assert by_name(film_signs(predicted(heads(rng)), gate_films(rng), head=head))["bilateral"] == 0.0


BOX = np.array([[30.0, 30.0], [370.0, 370.0]])


def textured(seed=0):
    """1/f texture: the same contrast in every band."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(400)[:, None], np.fft.rfftfreq(400)[None, :])
    spectrum = np.fft.rfft2(rng.normal(size=(400, 400))) / np.maximum(frequency, 1 / 400)
    image = np.fft.irfft2(spectrum, s=(400, 400))
    image = (image - image.min()) / np.ptp(image)
    return image.astype(np.float32)


def blurred(image, radius):
    shown = Image.fromarray(image)
    pixels = np.asarray(shown.resize((400, 400)), dtype=np.float32)
    bytes_ = Image.fromarray((pixels * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(bytes_, dtype=np.float32) / 255


def test_contrast_and_brightness_do_not_matter():
    image = textured()
    plain = sharpness(image, BOX, pitch_px=1.0)
    other = sharpness(0.3 * image + 0.5, BOX, pitch_px=1.0)
    assert (other.detail, other.grain) == pytest.approx((plain.detail, plain.grain), abs=0.01)


def test_blur_takes_detail_and_noise_adds_grain():
    image = textured()
    plain = sharpness(image, BOX, pitch_px=1.0)
    assert sharpness(blurred(image, 3), BOX, pitch_px=1.0).detail < plain.detail - 0.5
    noisy = image + np.random.default_rng(1).normal(0, 0.1, image.shape).astype(np.float32)
    assert sharpness(noisy, BOX, pitch_px=1.0).grain > plain.grain + 0.5


def test_a_film_of_twice_the_resolution_is_as_sharp():
    image = textured()
    double = np.asarray(Image.fromarray(image).resize((800, 800), Image.Resampling.BICUBIC))
    plain, finer = sharpness(image, BOX, pitch_px=2.0), sharpness(double, 2 * BOX, pitch_px=4.0)
    assert finer.detail == pytest.approx(plain.detail, abs=0.1)


@pytest.mark.parametrize(
    ("points", "pitch"),
    [(np.array([[5.0, 5.0], [9.0, 9.0]]), 1.0), (BOX + 1000, 1.0), (BOX, 300.0), (BOX, np.nan), (BOX, 0.0)],
)
def test_what_cannot_be_measured_is_zero(points, pitch):
    found = sharpness(textured(), points, pitch_px=pitch)
    assert (found.detail, found.grain) == (0.0, 0.0)


def test_a_film_without_contrast_is_zero():
    found = sharpness(np.full((400, 400), 0.5, dtype=np.float32), BOX, pitch_px=1.0)
    assert (found.detail, found.grain) == (0.0, 0.0)


WEIGHTS = np.array([1.0, 0.5, 0.7, 1.0])


def draw(rng, count):
    """Dependent, skewed signs, one of them constant."""
    common = rng.exponential(size=(count, 1))
    signs = np.hstack([common + rng.normal(size=(count, 1)), rng.exponential(size=(count, 2)) * common])
    return np.hstack([signs, np.zeros((count, 1))])


@pytest.mark.parametrize("n_films", [5, 19, 20, 60])
@pytest.mark.parametrize("level", [0.05, 0.2])
def test_false_alarms_keep_their_rate_for_any_number_of_films(n_films, level):
    rng = np.random.default_rng(n_films)
    repeats = 500
    alarms = 0
    for _ in range(repeats):
        films = draw(rng, n_films + 1)
        alarms += out_of_distribution(films[-1], films[:-1], WEIGHTS).p_value <= level
    assert alarms / repeats <= level + 3 * np.sqrt(level / repeats)
    if (n_films + 1) * level < 1:
        assert alarms == 0


@given(st.integers(1, 40), st.integers(0, 10_000))
def test_p_values_are_counts_of_films(n_films, seed):
    films = draw(np.random.default_rng(seed), n_films + 1)
    found = out_of_distribution(films[-1], films[:-1], WEIGHTS)
    count = found.p_value * (n_films + 1)
    assert count == pytest.approx(round(count))
    assert 1 <= round(count) <= n_films + 1


def test_one_extreme_sign_is_enough_and_infinite_or_missing_ones_are_extreme():
    known = draw(np.random.default_rng(0), 99)
    for value in (50.0, np.inf, np.nan):
        found = out_of_distribution(np.array([0.0, value, 0.0, 0.0]), known, WEIGHTS)
        assert found.p_value == pytest.approx(0.01)
        assert found.strengths.argmax() == 1


def test_a_sign_that_never_varies_says_nothing():
    known = np.zeros((50, 4))
    known[:, 0] = np.arange(50)
    found = out_of_distribution(np.array([25.0, 0.0, 0.0, 0.0]), known, WEIGHTS)
    assert np.isneginf(found.strengths[1:]).all()
    assert found.p_value > 0.3


def test_weights_decide_between_signs():
    known = np.random.default_rng(1).normal(size=(199, 2))
    new = np.array([1.0, 4.0])
    even = out_of_distribution(new, known, np.array([1.0, 1.0])).p_value
    assert even < out_of_distribution(new, known, np.array([1.0, 0.2])).p_value


def test_without_films_nothing_is_out_of_distribution():
    assert out_of_distribution(np.ones(4), np.empty((0, 4)), WEIGHTS).p_value == 1.0
