from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

import made_errors
import phantom
from cephsure.errors import InputError
from cephsure.uncertainty.plausibility import check_plausible

CODES = list(phantom.TEMPLATE)
MM_PER_PX = 0.5


@pytest.fixture
def heads():
    """(12, 19, 2) points of drawn heads in px, at half a mm a pixel."""
    return np.stack([phantom.draw_head(np.random.default_rng(seed))[1] for seed in range(12)])


def calibration_data(found, true, *, mm_per_px=MM_PER_PX, left=()):
    scales = np.full((len(found), 2), mm_per_px)
    scales[list(left), 0] *= -1
    return replace(
        made_errors.draw(np.random.default_rng(0), len(found)),
        errors_mm=(found - true) * scales[:, None],
        points_px=found,
        upright_mm_per_px=scales,
        numbers=tuple(range(1, 20)),
    )


def found_near(true, *, sd_px=2.0):
    return true + np.random.default_rng(1).normal(0, sd_px, true.shape)


def refusal(data):
    with pytest.raises(InputError, match="cannot be those of these films") as caught:
        check_plausible(data, CODES)
    return str(caught.value)


def test_errors_as_large_as_readers_differ_are_let_through(heads, caplog):
    true = heads.copy()
    true[:, CODES.index("Pog'")] += (-3.7 / MM_PER_PX, 8.3 / MM_PER_PX)  # as senior and junior differ
    check_plausible(calibration_data(found_near(heads), true), CODES)
    assert caplog.text == ""


@pytest.mark.parametrize("films", [1, 12])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda true: true * (-1, 1) + (386, 0), "the points look mirrored"),
        (lambda true: true * 2.5, "given for images of 2.5 times the films' size"),
        (lambda true: true + np.array([40, -30]), "shifted as a whole, by 25 mm"),
        (lambda true: np.roll(true, 1, axis=1), "N lies where S is found"),
    ],
)
def test_what_a_mix_up_looks_like_is_said(heads, films, wrong, words):
    true = heads[:films]
    said = refusal(calibration_data(found_near(true), wrong(true)))
    assert words in said
    assert "half of the landmarks lie" in said
    assert "\n" not in said


def test_two_swapped_landmarks_are_named(heads):
    true = heads.copy()
    true[:, [0, 9]] = true[:, [9, 0]]
    said = refusal(calibration_data(found_near(heads), true))
    assert " lies 7" in said  # some 70 mm from sella to gonion
    assert said.endswith("(the landmarks look swapped: S lies where Go is found, Go lies where S is found)")


def test_films_that_face_left_are_judged_alike(heads):
    mirrored = heads * (-1, 1) + (386, 0)
    left = range(len(heads))
    check_plausible(calibration_data(found_near(mirrored), mirrored, left=left), CODES)
    assert "look mirrored" in refusal(calibration_data(found_near(mirrored), heads, left=left))


def test_an_impossible_scale_is_named(heads):
    with pytest.raises(InputError, match=r"the scale cannot be right: a film's landmarks lie up to [12]"):
        check_plausible(calibration_data(found_near(heads), heads, mm_per_px=5.0), CODES)
    # Where the points are found that well, what was marked may be that large: not every film is of a head.
    check_plausible(calibration_data(found_near(heads, sd_px=0.5), heads, mm_per_px=5.0), CODES)


def test_points_without_any_likeness_are_refused_all_the_same(heads):
    scattered = np.random.default_rng(2).uniform(0, 387, heads.shape)
    assert "other films, other landmarks" in refusal(calibration_data(found_near(heads), scattered))


def test_one_landmark_that_is_another_is_named(heads):
    true = heads.copy()
    true[:, 3, 1] += 60
    assert "Po lies 30 mm from where the model finds it" in refusal(calibration_data(found_near(heads), true))


def test_a_single_film_among_others_is_pointed_out(heads, caplog):
    true = heads.copy()
    true[4] += (60, 0)
    with caplog.at_level(logging.WARNING):
        check_plausible(calibration_data(found_near(heads), true), CODES)
    assert [record.getMessage()[:9] for record in caplog.records] == ["film 004:"]


def test_points_that_are_not_known_do_not_count(heads):
    true = heads.copy()
    true[:, 5], true[3] = np.nan, np.nan
    check_plausible(calibration_data(found_near(heads), true), CODES)
    true[:, [0, 9]] = true[:, [9, 0]]
    assert "S lies where Go is found" in refusal(calibration_data(found_near(heads), true))
