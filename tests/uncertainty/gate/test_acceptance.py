from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.gate import GateTarget, acceptance
from cephsure.uncertainty.gate.acceptance import AcceptanceCase, PointRule, learn_rules
from cephsure.uncertainty.gate.risk_control import AcceptanceRule, film_losses

TARGET = GateTarget(max_missed_rate=0.1, confidence=0.9)


def drawn(rng, films, *, true_to_expected=1.0, persons=("one",)):
    """Errors are Rayleigh, of so many times the mean that is expected; each film is read by every person."""
    expected = np.repeat(rng.uniform(0.3, 4.0, (films, 10)), len(persons), axis=0)
    factor = np.tile(np.broadcast_to(true_to_expected, len(persons)), films)[:, None]
    errors = rng.rayleigh(factor * expected / np.sqrt(np.pi / 2))
    groups = [f"film {k}" for k in range(films) for _ in persons]
    return AcceptanceCase(expected, errors, np.ones(expected.shape), groups, list(persons) * films)


def test_points_are_accepted_up_to_the_threshold_unless_they_do_not_fit_the_others():
    figures = dict.fromkeys(
        ("accepted_share", "missed_share", "caught_share", "mean_loss", "worst_person"), 0
    )
    rule = PointRule(threshold_mm=1.5, units=1, persons=1, **figures)
    expected = np.array([[1.5, 1.6, 1.0, 1.0, np.nan]])
    assert rule.accepts(expected, np.array([[0, 0, 2.9, 3.1, 0]])).tolist() == [
        [True, False, True, False, False]
    ]
    none = rule.model_copy(update={"threshold_mm": None})
    assert not none.accepts(expected, np.zeros((1, 5))).any()


def test_the_promise_is_kept_on_new_films():
    rng = np.random.default_rng(0)
    kept, shares = [], []
    for _ in range(40):
        rule = learn_rules({"0": drawn(rng, 100)}, TARGET)["0"]
        new = drawn(rng, 300)
        accepted = rule.accepts(new.expected_mm, new.misfits)
        kept.append(film_losses(new.errors_mm > 2.0, accepted).mean() <= 0.1)
        shares.append(accepted.mean())
    assert np.mean(kept) >= 0.85
    assert np.mean(shares) > 0.2


def test_figures_by_hand():
    case = AcceptanceCase(
        np.tile([[1.0, 1.0, 9.0]], (80, 1)),
        np.tile([[0.5, np.nan, 5.0]], (80, 1)),
        np.zeros((80, 3)),
        [f"film {k}" for k in range(80)],
        ["one", "two"] * 40,
    )
    case.errors_mm[1, 0] = 3.0  # one of the second person's forty accepted points is wrong
    rule = learn_rules({"0": case}, TARGET)["0"]
    assert 1.0 <= rule.threshold_mm < 9.0
    assert (rule.accepted_share, rule.units, rule.persons) == (0.5, 80, 2)
    assert rule.missed_share == rule.mean_loss == pytest.approx(1 / 80)
    assert rule.worst_person == pytest.approx(1 / 40)
    assert rule.caught_share == pytest.approx(80 / 81)


def test_the_mean_loss_is_that_of_the_promise():
    # Ten of a hundred films are read by ten persons each, who are wrong at half of the accepted points.
    often = [f"film {k}" for k in range(10) for _ in range(10)]
    groups = [*often, *(f"film {k}" for k in range(10, 100))]
    errors = np.full((len(groups), 2), 0.5)
    errors[: len(often), 1] = 3.0
    shape = np.ones_like(errors)
    nobody_told = [f"person {k}" for k in range(len(groups))]
    case = AcceptanceCase(shape, errors, 0 * shape, groups, nobody_told)
    rule = learn_rules({"0": case}, TARGET)["0"]
    assert rule.mean_loss == pytest.approx(0.05)
    assert rule.missed_share == pytest.approx(100 / 380)


def test_persons_weigh_alike_however_few_films_they_read():
    rng = np.random.default_rng(4)
    alike, rough = drawn(rng, 200), drawn(rng, 20, true_to_expected=2.5)
    both = AcceptanceCase(
        *(np.concatenate(parts) for parts in zip(alike[:3], rough[:3], strict=True)),
        [f"film {k}" for k in range(220)],
        ["one"] * 200 + ["another"] * 20,
    )
    rule = learn_rules({"0": both}, TARGET)["0"]
    alone = learn_rules({"0": both._replace(persons=["one"] * 220)}, TARGET)["0"]
    assert rule.mean_over_persons <= TARGET.max_missed_rate
    assert rule.threshold_mm < alone.threshold_mm


def test_a_film_counts_once_however_many_read_it():
    case = drawn(np.random.default_rng(1), 20, persons=("a", "b", "c", "d"))
    rule = learn_rules({"0": case}, TARGET)["0"]
    assert rule.units == 20
    assert rule.threshold_mm is None  # eighty rows would be enough, twenty films are not
    apart = case._replace(groups=[str(k) for k in range(80)])
    assert learn_rules({"0": apart}, TARGET)["0"].threshold_mm is not None


def test_cases_have_thresholds_of_their_own():
    rng = np.random.default_rng(2)
    rules = learn_rules({"0": drawn(rng, 100, true_to_expected=2.0), "10": drawn(rng, 100)}, TARGET)
    assert rules["0"].threshold_mm < rules["10"].threshold_mm


def test_more_films_of_a_reader_need_no_stricter_threshold_unless_rehearsal_says_so():
    rng = np.random.default_rng(3)
    many, few = drawn(rng, 150), drawn(rng, 12)
    rules = learn_rules({"0": few, "1": many, "3": few}, TARGET)
    assert rules["0"].threshold_mm is None  # what is shown after a film says nothing of none
    assert rules["3"].threshold_mm == rules["1"].threshold_mm is not None
    rough = drawn(rng, 12, true_to_expected=3.0)
    assert learn_rules({"1": many, "3": rough}, TARGET)["3"].threshold_mm is None


def test_the_worst_person_is_the_one_whose_points_err_most():
    case = drawn(np.random.default_rng(3), 100, true_to_expected=(0.7, 1.4), persons=("a", "b"))
    rule = learn_rules({"0": case}, TARGET)["0"]
    assert rule.worst_person > 1.5 * rule.missed_share


def test_films_are_taken_with_all_that_is_known_of_them():
    case = drawn(np.random.default_rng(4), 4, persons=("a", "b"))
    taken = case.take(np.array([5, 0]))
    assert (taken.groups, taken.persons) == (["film 2", "film 0"], ["b", "a"])
    assert (taken.expected_mm == case.expected_mm[[5, 0]]).all()
    assert (taken.errors_mm == case.errors_mm[[5, 0]]).all()


def test_a_mean_over_persons_of_just_the_rate_is_kept(monkeypatch):
    """Two of twenty points are wrong, where a tenth may be."""
    errors = np.ones((2, 10))
    errors[:, 0] = 3.0
    case = AcceptanceCase(np.ones((2, 10)), errors, np.zeros((2, 10)), ["a", "b"], ["one", "one"])
    own = AcceptanceRule(1.5, 1.0, 0.1, 0.0, 0.1, 2)
    monkeypatch.setattr(acceptance, "learn_rule", lambda *_, **__: own)
    rule = learn_rules({"0": case}, TARGET)["0"]
    assert rule.mean_over_persons == TARGET.max_missed_rate
    assert rule.threshold_mm == pytest.approx(1.5, abs=0.1)
    strict = GateTarget(max_missed_rate=0.0999, confidence=0.9)
    assert learn_rules({"0": case}, strict)["0"].threshold_mm is None
