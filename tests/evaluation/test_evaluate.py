from __future__ import annotations

import math

import numpy as np
import pytest

from cephsure.datasets import read_isbi, select, truth
from cephsure.errors import InputError
from cephsure.evaluation.evaluate import NO_POINT, NO_SCALE, NO_TRUTH, NOT_PREDICTED, evaluate
from cephsure.evaluation.result import About, LeftOut
from cephsure.landmarks import Landmark, LandmarkSet

NAN = float("nan")
TRUTH = np.zeros((3, 2, 2))
# Errors in px: 10, 20 / 30, 50 / 10, 24.
PREDICTED = np.array([[[10, 0], [12, 16]], [[0, 30], [30, 40]], [[6, 8], [24, 0]]], dtype=np.float64)
TENTH = np.full((3, 2), 0.1)
RISING = {"spread": np.array([[1, 2], [4, 5], [1.5, 3]])}
SET = LandmarkSet(
    name="two",
    title="two points",
    source="made for this test",
    landmarks=(
        Landmark(3, "Or", "orbitale", "lowest point of the orbit", "bone", "bilateral"),
        Landmark(16, "Pog'", "soft pogonion", "front of the chin", "soft", "midline"),
    ),
)


def run(predicted=PREDICTED, truth=TRUTH, mm_per_px=TENTH, measures=RISING, **more):
    directions = dict.fromkeys(measures, 1)
    return evaluate(predicted, truth, mm_per_px, measures, directions, **({"n_resamples": 100} | more))


def test_figures_by_hand():
    # In mm: 1, 2, 3, 5, 1, 2.4: mean 14.4 / 6 = 2.4; squared deviations 1.96 .16 .36 6.76 1.96 0 = 11.2, / 5.
    found = run()
    assert found.unit == "mm"
    assert (found.n_films, found.n_points) == (3, 6)
    assert found.mre_mm == pytest.approx(2.4)
    assert found.sd_mm == pytest.approx(math.sqrt(11.2 / 5))
    assert found.sdr == pytest.approx({"2.0": 50.0, "2.5": 400 / 6, "3.0": 500 / 6, "4.0": 500 / 6})
    assert (found.mre_px, found.sd_px, found.mre_ci95_px) == (None, None, None)
    low, high = found.mre_ci95_mm
    assert 1.5 <= low < 2.4 < high <= 4.0  # the films' own means are 1.5, 4 and 1.7
    # The measure orders the errors as they are, but for the tie of the two errors of 1 mm.
    assert found.measures["spread"].auc_2mm == 1.0
    assert found.measures["spread"].auc_4mm == 1.0


def test_each_landmark_and_the_rest_without_one():
    found = run(landmark_set=SET, without=(16,))
    orbitale, pogonion = found.per_landmark
    assert (orbitale.number, orbitale.code, orbitale.name) == (3, "Or", "orbitale")
    assert orbitale.mre_mm == pytest.approx(5 / 3)
    assert pogonion.mre_mm == pytest.approx(9.4 / 3)
    assert pogonion.sdr["2.0"] == pytest.approx(100 / 3)
    without = found.without["16"]
    assert (without.n_points, without.mre_mm) == (3, pytest.approx(5 / 3))
    assert without.measures["spread"].n_points == 3


def test_a_landmark_the_set_does_not_have_cannot_be_left_out():
    assert run(landmark_set=SET, without=(7,)).without == {}


def test_without_scale_there_are_pixels_and_nothing_in_mm():
    found = run(mm_per_px=np.full((3, 2), NAN), landmark_set=SET, without=(16,))
    assert found.unit == "px"
    assert found.mre_px == pytest.approx(24.0)
    assert found.sd_px == pytest.approx(math.sqrt(1120 / 5))
    assert found.mre_ci95_px is not None
    for part in (found, *found.per_landmark, found.without["16"]):
        assert (part.mre_mm, part.sd_mm, part.mre_ci95_mm, part.sdr) == (None, None, None, None)
        assert part.mre_px is not None
    quality = found.measures["spread"]
    assert quality.pearson is not None
    assert (quality.auc_2mm, quality.auc_4mm) == (None, None)


def test_films_without_scale_are_left_out_where_others_have_one():
    found = run(mm_per_px=[[0.1, 0.1], [NAN, NAN], [0.2, 0.2]])
    assert (found.n_films, found.mre_mm) == (2, pytest.approx((1 + 2 + 2 + 4.8) / 4))
    assert found.left_out.films == 1
    assert found.left_out.reasons == (LeftOut(reason=NO_SCALE, films=1),)


def test_what_is_missing_is_counted_and_named():
    truth, predicted = TRUTH.copy(), PREDICTED.copy()
    truth[0] = NAN
    truth[1, 1] = NAN
    predicted[2, 0] = NAN
    before = LeftOut(reason="cannot be read", films=1, names=("a.png",))
    found = run(predicted, truth, left_out=[before], landmark_set=SET)
    assert (found.n_films, found.n_points, found.mre_mm) == (2, 2, pytest.approx(2.7))
    assert {left.reason: (left.films, left.points) for left in found.left_out.reasons} == {
        "cannot be read": (1, 0),
        NO_POINT: (1, 0),
        NO_TRUTH: (0, 1),
        NOT_PREDICTED: (0, 1),
    }
    assert (found.left_out.films, found.left_out.points) == (2, 2)
    assert [mark.n_points for mark in found.per_landmark] == [1, 1]


def test_a_landmark_nobody_marked_has_no_figures():
    truth = TRUTH.copy()
    truth[:, 1] = NAN
    lost = run(truth=truth).per_landmark[1]
    assert (lost.n_films, lost.n_points, lost.mre_mm, lost.sd_mm, lost.sdr) == (0, 0, None, None, None)


def test_nothing_to_evaluate_is_said():
    with pytest.raises(InputError, match="no point to evaluate"):
        run(truth=np.full_like(TRUTH, NAN))
    empty = np.zeros((0, 2, 2))
    with pytest.raises(InputError, match="no point to evaluate"):
        run(empty, empty, np.zeros((0, 2)), {"spread": np.zeros((0, 2))})


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="measure spread has shape"):
        run(measures={"spread": np.zeros((3, 3))})
    with pytest.raises(ValueError, match="do not fit the set"):
        run(np.zeros((3, 4, 2)), np.zeros((3, 4, 2)), measures={}, landmark_set=SET)


def test_same_seed_same_numbers():
    assert run(seed=5) == run(seed=5)
    assert run().about == About()
    assert run(about=About(truth="senior")).about.truth == "senior"


@pytest.mark.shared
def test_the_two_annotators_of_the_challenge_differ_as_is_known(shared_data):
    """Test1, senior against junior, known to be 2.36 mm on the mean and 6.5 mm at landmark 16."""
    films = select(read_isbi(shared_data / "isbi2015"), "test1").films
    senior, junior = (np.stack([truth(film, name) for film in films]) for name in ("senior", "junior"))
    found = run(senior, junior, np.full((150, 2), 0.1), {}, without=(16,))
    assert (found.n_films, found.n_points) == (150, 2850)
    assert round(found.mre_mm, 2) == 2.36
    # The points are whole pixels, so successes can be counted without rounding: 10 errors are exactly 2 mm.
    squared = ((senior - junior) ** 2).sum(axis=-1)
    exact = [100 * (squared <= limit_px**2).mean() for limit_px in (20, 25, 30, 40)]
    assert list(found.sdr.values()) == pytest.approx(exact)
    assert found.without["16"].mre_mm < found.mre_mm  # landmark 16 alone differs by 6.5 mm
    assert found.per_landmark[15].mre_mm == pytest.approx(6.5, abs=0.05)
