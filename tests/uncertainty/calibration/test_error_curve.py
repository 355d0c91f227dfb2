from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.calibration.error_curve import fit_error_curves


def predicted(curves, measures):
    total = curves.intercepts
    for key, slopes in curves.slopes.items():
        total = total + slopes * np.log(np.maximum(measures[key], 0.01))
    return np.exp(total)


def drawn(rng, films, landmarks=6, slope=1.0):
    """Errors with a mean of base x measure^slope, from a Rayleigh law."""
    base = np.exp(0.3 * rng.standard_normal(landmarks))
    measure = np.exp(0.5 * rng.standard_normal((films, landmarks)))
    mean = base * measure**slope
    return mean, rng.rayleigh(mean / np.sqrt(np.pi / 2)), {"expected_error_mm": measure}


def test_it_finds_the_law():
    rng = np.random.default_rng(1)
    mean, errors, measures = drawn(rng, 400)
    curves = fit_error_curves(errors, measures)
    assert curves.slopes["expected_error_mm"] == pytest.approx(np.ones(6), abs=0.15)
    assert predicted(curves, measures) == pytest.approx(mean, rel=0.25)


def test_predicted_errors_sum_to_the_actual_ones():
    mean, errors, measures = drawn(np.random.default_rng(2), 300)
    assert mean.sum() == pytest.approx(errors.sum(), rel=0.05)
    assert predicted(fit_error_curves(errors, measures), measures).sum() == pytest.approx(
        errors.sum(), rel=0.01
    )


def test_a_measure_that_falls_with_the_error_is_not_used():
    _, errors, measures = drawn(np.random.default_rng(3), 200)
    curves = fit_error_curves(errors, {"expected_error_mm": 1 / measures["expected_error_mm"]})
    assert (curves.slopes["expected_error_mm"] == 0).all()


def test_monotone_in_both_measures():
    rng = np.random.default_rng(4)
    _, errors, measures = drawn(rng, 100)
    measures["spread_mm"] = measures["expected_error_mm"] * np.exp(0.3 * rng.standard_normal(errors.shape))
    curves = fit_error_curves(errors, measures)
    for slopes in curves.slopes.values():
        assert (slopes >= 0).all()
    wider = {key: 1.5 * values for key, values in measures.items()}
    assert (predicted(curves, wider) >= predicted(curves, measures)).all()


def test_a_spread_of_zero_everywhere_is_left_out():
    _, errors, measures = drawn(np.random.default_rng(5), 50)
    curves = fit_error_curves(errors, measures | {"spread_mm": np.zeros(errors.shape)})
    assert set(curves.slopes) == {"expected_error_mm"}


def test_few_films_borrow_from_the_pool():
    """On five films a landmark's own slope is chance: the fitted one lies near the true, common one."""
    apart, own = [], []
    for seed in range(20):
        _, errors, measures = drawn(np.random.default_rng(seed), 5, landmarks=19)
        slopes = fit_error_curves(errors, measures).slopes["expected_error_mm"]
        apart.append(np.abs(slopes - 1).mean())
        logs = np.log(measures["expected_error_mm"]) - np.log(measures["expected_error_mm"]).mean(axis=0)
        own.append(np.abs((np.log(errors) * logs).sum(axis=0) / (logs**2).sum(axis=0) - 1).mean())
    assert np.mean(apart) < 0.5 * np.mean(own)


def test_missing_errors_and_landmarks_nobody_marked():
    rng = np.random.default_rng(6)
    mean, errors, measures = drawn(rng, 200)
    errors[rng.random(errors.shape) < 0.3] = np.nan
    errors[:, 2] = np.nan
    curves = fit_error_curves(errors, measures)
    found = predicted(curves, measures)
    known = [0, 1, 3, 4, 5]
    assert found[:, known] == pytest.approx(mean[:, known], rel=0.4)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("films", [1, 2])
def test_one_or_two_films_give_finite_curves(films):
    _, errors, measures = drawn(np.random.default_rng(7), films)
    curves = fit_error_curves(errors, measures)
    assert np.isfinite(predicted(curves, measures)).all()
