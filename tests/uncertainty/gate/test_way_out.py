from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.gate import GateTarget
from cephsure.uncertainty.gate.risk_control import learn_rule
from cephsure.uncertainty.gate.way_out import films_needed, way_out

TARGET = GateTarget()  # 5 % wrong at 2 mm, confidence 0.9: 54 films at least


def asked(target=TARGET):
    return target.model_dump(exclude={"false_alarm_rate"})


def films(n_films, wrong_every):
    """Films of ten points that the model is equally sure of, one of them wrong on every so many-th film."""
    errors = np.full((n_films, 10), 1.0)
    if wrong_every:
        errors[::wrong_every, 0] = 3.0
    return errors, np.full((n_films, 10), 0.5), [f"film {number}" for number in range(n_films)]


def test_without_a_wrong_point_the_fewest_films_are_enough():
    assert films_needed(*films(12, 0), TARGET) == 54


@pytest.mark.parametrize("wrong_every", [3, 5, 10])
def test_so_many_films_like_these_give_a_gate_and_one_repeat_less_does_not(wrong_every):
    need = films_needed(*films(30, wrong_every), TARGET)
    assert need > 54
    below, above = ((need // 30 + more) * 30 for more in (0, 1))
    for count, is_learned in ((below, False), (above, True)):
        errors, scores, groups = films(count, wrong_every)
        rule = learn_rule(errors, scores, groups=groups, **asked())
        assert (rule.threshold is not None) == is_learned


def test_no_number_of_films_helps_where_too_many_are_wrong():
    assert films_needed(*films(30, 1), TARGET) == np.inf  # a tenth of each film's points
    errors, scores, groups = films(30, 1)
    assert films_needed(errors, scores, groups, GateTarget(max_missed_rate=0.2)) < 100


def test_films_of_one_group_count_once():
    errors, scores, _ = films(30, 0)
    assert films_needed(errors, scores, ["a"] * 15 + ["b"] * 15, TARGET) == 54


def test_scores_that_accept_nothing_have_no_number():
    errors, scores, groups = films(30, 0)
    assert films_needed(errors, np.full_like(scores, np.inf), groups, TARGET) == np.inf


@pytest.mark.parametrize(
    ("units", "as_now", "words"),
    [
        (
            12,
            54,
            "way out: 54 independent films are enough if none of the points accepted is wrong, there are 12",
        ),
        (12, 210, "there are 12; with as many wrong as here, about 210 are"),
        (
            1,
            np.inf,
            "there is 1; with as many wrong among the surest points as here, more films will not help",
        ),
        (95, None, "there are 95"),
    ],
)
def test_the_way_out_is_said_in_two_lines(units, as_now, words):
    first, second = way_out(units, TARGET, as_now=as_now)
    assert first.endswith(words)
    assert second == "or correct ten films of this site and run: cephsure site-calibrate"
    assert way_out(units, TARGET, as_now=as_now, at_site=True) == (first,)
    assert f"{units} besides the 20 that gave" in way_out(units, TARGET, as_now=as_now, for_shape=20)[0]
