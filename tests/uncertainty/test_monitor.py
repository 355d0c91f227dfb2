from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.uncertainty.monitor import DriftMonitor, watch


def shares(rng, n_films, outside, *, n_points=19, together=0.5):
    """Shares outside of films whose points fail together: a beta-binomial of the given mean."""
    rate = rng.beta(outside / together, (1 - outside) / together, n_films) if together else outside
    return rng.binomial(n_points, rate, n_films) / n_points


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("together", [0.05, 1.0])
def test_false_alarms_ever_keep_their_rate(level, together):
    rng = np.random.default_rng(1)
    repeats = 300
    alarms = sum(
        watch(shares(rng, 150, 1 - level, together=together), level=level, false_alarm_rate=0.1)[-1].alarm
        for _ in range(repeats)
    )
    assert alarms / repeats <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / repeats)


@pytest.mark.slow
def test_worst_case_of_all_or_nothing_films_keeps_the_rate_too():
    rng = np.random.default_rng(2)
    draws = (rng.random((300, 150)) < 0.1).astype(float)
    alarms = np.mean([watch(film, level=0.9, false_alarm_rate=0.1)[-1].alarm for film in draws])
    assert alarms <= 0.1 + 3 * np.sqrt(0.09 / 300)


@pytest.mark.parametrize("before", [0, 30, 100])
def test_a_shift_is_found_whenever_it_comes(before):
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(40):
        course = np.concatenate([shares(rng, before, 0.1), shares(rng, 60, 0.3)])
        readings = watch(course, level=0.9)
        found += readings[-1].alarm and not readings[max(before - 1, 0)].alarm
    assert found >= 34


def test_wealth_by_hand():
    monitor = DriftMonitor(level=0.5)
    # Film 1: the first bettor's half of the stake, parted among bets of 1/16 .. 1/2 of 1 / 0.5.
    factors = [1 + share / 0.5 * 0.5 for share in (1 / 16, 1 / 8, 1 / 4, 1 / 2)]
    assert monitor.add(1.0).wealth == pytest.approx(np.mean(factors) / 2 + 1 / 2)
    second = [f * f / 2 + f / 6 for f in factors]
    assert monitor.add(1.0).wealth == pytest.approx(np.mean(second) + 1 / 3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.5, 0.99))
def test_films_on_the_mark_leave_the_wealth_and_fewer_outside_lessen_it(given_shares, level):
    monitor = DriftMonitor(level)
    for _ in range(20):
        reading = monitor.add(1 - level)
    assert reading.wealth == pytest.approx(1.0)
    more = watch(given_shares, level=level)
    fewer = watch([share / 2 for share in given_shares], level=level)
    assert fewer[-1].wealth <= more[-1].wealth * (1 + 1e-9)
    assert more[-1].mean_outside == pytest.approx(np.mean(given_shares))


def test_an_alarm_stays():
    readings = watch([1.0] * 20 + [0.0] * 300, level=0.9)
    assert readings[-1].wealth < 20
    assert readings[-1].alarm


def test_a_margin_tolerates_a_little_less():
    rng = np.random.default_rng(4)
    course = shares(rng, 400, 0.13, together=0.05)
    assert watch(course, level=0.9)[-1].alarm
    assert not watch(course, level=0.9, margin=0.05)[-1].alarm


@pytest.mark.parametrize(
    "wrong", [{"level": 1.0}, {"level": 0.9, "margin": -0.1}, {"level": 0.9, "margin": 0.9}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        DriftMonitor(**wrong)


def test_a_share_out_of_range_is_refused():
    with pytest.raises(InputError):
        DriftMonitor(0.9).add(1.2)


def test_evidence_that_is_just_enough_is_an_alarm():
    # One film all outside, at level 0.5: a wealth that the computer holds exactly.
    wealth = DriftMonitor(level=0.5).add(1.0).wealth
    assert 1.0 / (1.0 / wealth) == wealth == 1.1171875
    assert DriftMonitor(level=0.5, false_alarm_rate=1.0 / wealth).add(1.0).alarm
    assert not DriftMonitor(level=0.5, false_alarm_rate=0.999 / wealth).add(1.0).alarm
