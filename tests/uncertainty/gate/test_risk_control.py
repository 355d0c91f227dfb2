from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.uncertainty.gate import risk_control as module
from cephsure.uncertainty.gate.risk_control import (
    BETS,
    MISFIT,
    acceptance_scores,
    accepted_points,
    candidate_thresholds,
    fewest_films,
    film_losses,
    learn_rule,
    unit_means,
    wealth,
)

TARGET = {"max_missed_rate": 0.05, "tolerance_mm": 2.0, "confidence": 0.9}


def draw(rng, n_films, *, n_points=19, film_effect=0.5):
    """Scores and errors: an error is Rayleigh round its score times a factor that a film's points share."""
    scores = rng.uniform(0.3, 2.5, (n_films, n_points))
    shared = np.exp(rng.normal(0, film_effect, (n_films, 1)))
    return rng.rayleigh(scores * shared / np.sqrt(np.pi / 2)), scores


def alone(n_films):
    return [f"film {i}" for i in range(n_films)]


def test_losses_by_hand():
    wrong = np.array([[True, False, True], [True, True, True], [False, False, False]])
    accepted = np.array([[True, True, False], [False, False, False], [True, True, True]])
    assert film_losses(wrong, accepted).tolist() == [0.5, 0.0, 0.0]
    assert unit_means(np.array([0.5, 0.0, 1.0]), np.array([1, 0, 1])).tolist() == [0.0, 0.75]


@pytest.mark.parametrize("film_effect", [0.0, 0.5, 1.0])
def test_promise_holds_with_points_that_depend_on_each_other(film_effect):
    # True mean losses of some thresholds first; then a tenth of many draws of 75 films may break the promise.
    rng = np.random.default_rng(11)
    candidates = candidate_thresholds(2.0)
    errors, scores = draw(rng, 5_000, film_effect=film_effect)
    asked = candidates[(candidates > 0.2) & (candidates < 3.0)][::8]
    true_losses = [
        film_losses(errors > 2.0, accepted_points(scores, threshold)).mean() for threshold in asked
    ]
    broken = useful = 0
    for _ in range(60):
        drawn = draw(rng, 75, film_effect=film_effect)
        rule = learn_rule(*drawn, groups=alone(75), **TARGET)
        if rule.threshold is not None:
            useful += 1
            broken += np.interp(rule.threshold, asked, true_losses) > 0.05
    assert broken <= 60 * 0.1
    assert useful > 45 or film_effect == 1.0


def test_too_few_films_accept_nothing_however_good_they_are():
    scores = np.full((53, 19), 0.5)
    rule = learn_rule(np.zeros((53, 19)), scores, groups=alone(53), **TARGET)
    assert rule.threshold is None
    assert (rule.accepted_share, rule.missed_share, rule.caught_share) == (0.0, 0.0, 1.0)
    more = learn_rule(np.zeros((54, 19)), np.full((54, 19), 0.5), groups=alone(54), **TARGET)
    assert more.threshold is not None
    assert more.accepted_share == 1.0


def test_a_target_out_of_reach_accepts_nothing():
    rng = np.random.default_rng(3)
    rule = learn_rule(rng.uniform(1.8, 2.4, (200, 19)), rng.random((200, 19)), groups=alone(200), **TARGET)
    assert rule.threshold is None


def test_copies_of_a_film_in_one_group_are_no_evidence():
    errors, scores = np.zeros((100, 19)), np.full((100, 19), 0.5)
    assert learn_rule(errors, scores, groups=alone(100), **TARGET).threshold is not None
    twins = [f"pair {i // 2}" for i in range(100)]
    assert learn_rule(errors, scores, groups=twins, **TARGET).threshold is None


def test_laxer_targets_accept_more():
    errors, scores = draw(np.random.default_rng(2), 150)
    shares = [
        learn_rule(errors, scores, groups=alone(150), **{**TARGET, "max_missed_rate": rate}).accepted_share
        for rate in (0.03, 0.05, 0.1, 0.3)
    ]
    assert shares == sorted(shares)
    assert shares[-1] > shares[0]


def test_points_without_truth_count_for_nothing():
    rng = np.random.default_rng(4)
    errors, scores = draw(rng, 150)
    plain = learn_rule(errors, scores, groups=alone(150), **TARGET)
    errors = np.hstack([errors, np.full((150, 1), np.nan)])
    wider = learn_rule(errors, np.hstack([scores, np.full((150, 1), np.inf)]), groups=alone(150), **TARGET)
    assert wider.missed_share == pytest.approx(plain.missed_share, abs=0.01)


def test_few_acceptable_points_are_not_accepted():
    scores = np.array([[0.1] * 1 + [9.0] * 18, [0.1] * 2 + [9.0] * 17])
    assert accepted_points(scores, 1.0).sum(axis=1).tolist() == [0, 2]
    assert not accepted_points(scores, None).any()
    assert not accepted_points(np.full((1, 3), np.nan), 1.0).any()


@pytest.mark.parametrize("wrong", [{"tolerance_mm": 0.0}, {"confidence": 1.0}, {"max_missed_rate": 0.0}])
def test_targets_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        learn_rule(np.zeros((3, 4)), np.ones((3, 4)), groups=alone(3), **{**TARGET, **wrong})


def test_shapes_must_fit():
    with pytest.raises(InputError, match="do not fit"):
        learn_rule(np.zeros((3, 4)), np.ones((3, 5)), groups=alone(3), **TARGET)


def test_wealth_by_hand():
    # bound 0.2: bets 0.5 / 0.8 = 0.625 and 1 / 0.8 = 1.25; films of loss 0 and 1
    first = (1 + 0.625 * 0.2) * (1 + 0.625 * -0.8)
    assert BETS == (0.5, 1.0)
    assert wealth([0.0, 1.0], 0.2) == pytest.approx((first + 1.25 * 0.0) / 2)
    assert wealth([0.0], 0.2) == pytest.approx((1.125 + 1.25) / 2)


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 0.5), st.randoms())
def test_order_does_not_matter_and_smaller_losses_never_lessen_it(losses, bound, random):
    value = wealth(losses, bound)
    shuffled = losses[:]
    random.shuffle(shuffled)
    assert wealth(shuffled, bound) == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert wealth([loss / 2 for loss in losses], bound) >= value * (1 - 1e-9)


@pytest.mark.parametrize("concentration", [0.2, 2.0, 20.0])
def test_mean_at_the_bound_is_rarely_refuted(concentration):
    # Beta losses of mean 0.1, from nearly all-or-nothing to nearly constant: valid for each.
    rng = np.random.default_rng(5)
    draws = rng.beta(0.1 * concentration, 0.9 * concentration, size=(1000, 60))
    for delta in (0.2, 0.1, 0.05):
        refuted = np.mean([wealth(losses, 0.1) >= 1 / delta for losses in draws])
        assert refuted <= delta + 3 * np.sqrt(delta / len(draws))


def test_a_film_that_loses_all_in_twenty_is_the_worst_case_and_kept_too():
    rng = np.random.default_rng(6)
    draws = (rng.random((1000, 150)) < 0.05).astype(float)
    assert np.mean([wealth(losses, 0.05) >= 10 for losses in draws]) <= 0.12


def test_power_where_losses_vary_little():
    rng = np.random.default_rng(7)
    refuted = [wealth(rng.beta(1, 79, 75), 0.05) >= 10 for _ in range(100)]  # mean 0.0125
    assert np.mean(refuted) > 0.2


@pytest.mark.parametrize(("bound", "confidence"), [(0.05, 0.9), (0.2, 0.5), (0.01, 0.99), (1e-4, 0.9)])
def test_fewest_films_is_the_first_that_suffices(bound, confidence):
    count = fewest_films(bound, confidence)
    assert wealth(np.zeros(count), bound) >= 1 / (1 - confidence) > wealth(np.zeros(count - 1), bound)


@pytest.mark.parametrize(("losses", "bound"), [([1.1], 0.1), ([-0.1], 0.1), ([0.5], 0.0), ([0.5], 1.0)])
def test_out_of_range_is_refused(losses, bound):
    with pytest.raises(InputError):
        wealth(losses, bound)
    with pytest.raises(InputError):
        fewest_films(0.05, 1.0)


def test_no_evidence_overflows():
    assert np.isfinite(wealth(np.zeros(100_000), 0.5))


def test_a_tenth_of_the_landmarks_is_enough_beside_and_fewer_are_not():
    scores = np.full((2, 20), 9.0)
    scores[0, :2] = scores[1, :1] = 1.0
    assert accepted_points(scores, 1.0).sum(axis=1).tolist() == [2, 0]


def test_a_misfit_at_the_limit_is_judged_by_its_measure():
    just_above = np.nextafter(MISFIT, np.inf)
    found = acceptance_scores(np.array([1.0, 1.0, np.nan]), np.array([MISFIT, just_above, 0.0]))
    assert found[0] == 1.0
    assert np.isinf(found[1:]).all()


def test_an_error_of_just_the_tolerance_is_not_wrong():
    scores = np.ones((80, 10))
    rule = learn_rule(np.full((80, 10), 2.0), scores, groups=alone(80), **TARGET)
    assert (rule.missed_share, rule.mean_loss, rule.accepted_share) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(("shown", "threshold"), [(10.0, True), (np.nextafter(10.0, 0), False)])
def test_evidence_that_is_just_enough_shows_a_threshold(monkeypatch, shown, threshold):
    assert pytest.approx(10.0) == 1.0 / (1.0 - 0.9)
    enough = 1.0 / (1.0 - 0.9)
    monkeypatch.setattr(module, "wealth", lambda *_: enough if shown == 10.0 else np.nextafter(enough, 0))
    rule = learn_rule(np.ones((9, 10)), np.ones((9, 10)), groups=alone(9), **TARGET)
    assert (rule.threshold is not None) == threshold
