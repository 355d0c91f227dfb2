from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.inference.samples import HeatMaps, tempered
from cephsure.uncertainty.calibration.error_fits import (
    LOG_TEMPERATURES,
    curve_mm,
    fit_error_curves,
    fit_relative_covariances,
    fit_temperatures,
    shrink,
    tempered_errors_mm,
)


def predicted(curves, measures):
    return curve_mm(curves.intercepts, curves.slopes, measures)


def drawn(rng, films, landmarks=6, slope=1.0):
    """Errors with a mean of base x measure^slope, from a Rayleigh law."""
    base = np.exp(0.3 * rng.standard_normal(landmarks))
    measure = np.exp(0.5 * rng.standard_normal((films, landmarks)))
    mean = base * measure**slope
    return mean, rng.rayleigh(mean / np.sqrt(np.pi / 2)), {"raw_expected_error_mm": measure}


def test_it_finds_the_law():
    rng = np.random.default_rng(1)
    mean, errors, measures = drawn(rng, 400)
    curves = fit_error_curves(errors, measures)
    assert curves.slopes["raw_expected_error_mm"] == pytest.approx(np.ones(6), abs=0.15)
    assert predicted(curves, measures) == pytest.approx(mean, rel=0.25)


def test_predicted_errors_sum_to_the_actual_ones():
    mean, errors, measures = drawn(np.random.default_rng(2), 300)
    assert mean.sum() == pytest.approx(errors.sum(), rel=0.05)
    assert predicted(fit_error_curves(errors, measures), measures).sum() == pytest.approx(
        errors.sum(), rel=0.01
    )


def test_a_measure_that_falls_with_the_error_is_not_used():
    _, errors, measures = drawn(np.random.default_rng(3), 200)
    curves = fit_error_curves(errors, {"raw_expected_error_mm": 1 / measures["raw_expected_error_mm"]})
    assert (curves.slopes["raw_expected_error_mm"] == 0).all()


def test_monotone_in_both_measures():
    rng = np.random.default_rng(4)
    _, errors, measures = drawn(rng, 100)
    measures["spread_mm"] = measures["raw_expected_error_mm"] * np.exp(
        0.3 * rng.standard_normal(errors.shape)
    )
    curves = fit_error_curves(errors, measures)
    for slopes in curves.slopes.values():
        assert (slopes >= 0).all()
    wider = {key: 1.5 * values for key, values in measures.items()}
    assert (predicted(curves, wider) >= predicted(curves, measures)).all()


def test_a_spread_of_zero_everywhere_is_left_out():
    _, errors, measures = drawn(np.random.default_rng(5), 50)
    curves = fit_error_curves(errors, measures | {"spread_mm": np.zeros(errors.shape)})
    assert set(curves.slopes) == {"raw_expected_error_mm"}


def test_few_films_borrow_from_the_pool():
    """On five films a landmark's own slope is chance: the fitted one lies near the true, common one."""
    apart, own = [], []
    for seed in range(20):
        _, errors, measures = drawn(np.random.default_rng(seed), 5, landmarks=19)
        slopes = fit_error_curves(errors, measures).slopes["raw_expected_error_mm"]
        apart.append(np.abs(slopes - 1).mean())
        logs = np.log(measures["raw_expected_error_mm"]) - np.log(measures["raw_expected_error_mm"]).mean(
            axis=0
        )
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


def test_covariances_are_the_relative_errors_second_moments():
    rng = np.random.default_rng(2)
    shape = np.array([[1.2, 0.4], [0.4, 0.5]])
    expected = np.exp(0.5 * rng.standard_normal((4000, 3)))
    errors = expected[..., None] * (rng.standard_normal((4000, 3, 2)) @ np.linalg.cholesky(shape).T)
    found = fit_relative_covariances(errors, expected)
    assert found == pytest.approx(np.broadcast_to(shape, (3, 2, 2)), abs=0.08)


def test_few_films_give_rounder_shapes_than_they_show():
    rng = np.random.default_rng(3)
    errors = rng.standard_normal((6, 19, 2))
    found = fit_relative_covariances(errors, np.ones((6, 19)))
    plain = np.einsum("fli,flj->lij", errors, errors) / 6

    def longest(matrices):
        values = np.linalg.eigvalsh(matrices)
        return (values[:, 1] / values[:, 0]).mean()

    assert longest(found) - 1 < 0.5 * (longest(plain) - 1)
    assert (np.linalg.eigvalsh(found) > 0).all()


def test_a_line_of_errors_still_gives_an_area():
    errors = np.stack([np.linspace(-1, 1, 50), np.linspace(-2, 2, 50)], axis=-1)[:, None]
    found = fit_relative_covariances(errors, np.ones((50, 1)))
    assert (np.linalg.eigvalsh(found) > 0).all()


def test_unknown_errors_take_the_pool():
    rng = np.random.default_rng(4)
    errors = rng.standard_normal((50, 5, 2))
    errors[:, 1] = np.nan
    found = fit_relative_covariances(errors, np.ones((50, 5)))
    assert found[1, 0, 1] == 0
    assert found[1, 0, 0] == pytest.approx(1.0, abs=0.2)


def test_by_hand():
    # Squared and scaled: 9 : 1 : 0; by the root: 3 : 1 : 0.
    image = np.array([[0.75, 0.25, 0.0]], dtype=np.float32)
    assert tempered(image, 0.5) == pytest.approx(np.array([[0.9, 0.1, 0.0]]))
    assert tempered(np.array([[0.9, 0.1]], dtype=np.float32), 2.0) == pytest.approx(np.array([[0.75, 0.25]]))
    assert tempered(np.array([[0.5, 0.25]], dtype=np.float32), 1.0) == pytest.approx(
        np.array([[2 / 3, 1 / 3]])
    )
    assert tempered(np.zeros((2, 2), dtype=np.float32), 2.0).tolist() == [[0, 0], [0, 0]]


@given(st.floats(0.3, 6.0), st.integers(0, 1000))
def test_order_of_cells_stays_and_all_sums_to_one(temperature, seed):
    image = np.random.default_rng(seed).random((5, 7)).astype(np.float32)
    at = tempered(image / image.sum(), temperature)
    assert at.sum() == pytest.approx(1.0, abs=1e-5)
    order = np.argsort(image.ravel(), kind="stable")
    assert (np.diff(at.ravel()[order]) >= -1e-7).all()


def gaussian_maps(sigma_px, *, cell_px=2.0, side=81):
    """One map of a Gaussian about (100, 200), its rows turned by 30 degrees."""
    axis = (np.arange(side) - (side - 1) / 2) * cell_px
    x, y = np.meshgrid(axis, axis)
    image = np.exp(-0.5 * (x**2 + y**2) / sigma_px**2)
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]) * cell_px
    origin = np.array([[100.0, 200.0]]) - turn @ np.full(2, (side - 1) / 2)
    return HeatMaps((image / image.sum())[None].astype(np.float32), origin, turn)


def test_expected_errors_of_a_gaussian():
    """E|u| of an isotropic Gaussian is sigma sqrt(pi/2); at temperature T sigma is sqrt(T) times as large."""
    errors = tempered_errors_mm(gaussian_maps(10.0), np.array([[100.0, 200.0]]), np.array([-0.1, 0.1]))[0]
    temperatures = np.exp(LOG_TEMPERATURES)
    chosen = temperatures < 3  # wider ones do not fit the map
    assert errors[chosen] == pytest.approx(np.sqrt(np.pi / 2 * temperatures[chosen]), rel=0.01)
    assert (np.diff(errors) > 0).all()


def test_the_fitted_temperature_expects_the_actual_errors():
    rng = np.random.default_rng(0)
    sizes = rng.uniform(6, 14, 300)
    tempered_mm = np.array(
        [
            tempered_errors_mm(gaussian_maps(s), np.array([[100.0, 200.0]]), np.array([0.1, 0.1]))
            for s in sizes[:60]
        ]
    )
    errors = rng.rayleigh(np.sqrt(2.0) * 0.1 * sizes[:60])[:, None]  # of maps twice as wide in variance
    errors *= np.sqrt(np.pi / 2) * np.sqrt(2.0) * 0.1 * sizes[:60].mean() / errors.mean()
    found = fit_temperatures(errors, tempered_mm)
    assert found == pytest.approx([2.0], rel=0.03)


def test_few_films_take_the_pools_temperature():
    rng = np.random.default_rng(1)
    tempered_mm = np.broadcast_to(np.exp(0.5 * LOG_TEMPERATURES), (40, 3, len(LOG_TEMPERATURES)))
    errors = rng.rayleigh(np.sqrt(2 / np.pi) * np.sqrt(3.0), (40, 3))
    errors[1:, 2] = np.nan
    found = fit_temperatures(errors, np.array(tempered_mm))
    assert found[:2] == pytest.approx([3.0, 3.0], rel=0.35)
    assert min(found[:2]) <= found[2] <= max(found[:2])


def test_shrinking_by_hand():
    # Weights 1, mean 5; excess 25 + 25 = 50, one degree of freedom; scale 2 - 2/2 = 1: t = (50 - 1) / 1 = 49.
    found = shrink(np.array([0.0, 10.0, np.nan]), np.array([1.0, 1.0, 1.0]))
    assert found == pytest.approx([5 - 5 * 49 / 50, 5 + 5 * 49 / 50, 5.0])


def test_about_a_known_centre_by_hand():
    # Weights 1 and 1/4; excess 9 + 4 = 13, expected 2, scale 1.25: t = 8.8.
    found = shrink(np.array([3.0, -4.0]), np.array([1.0, 4.0]), centre=0.0)
    assert found == pytest.approx([3 * 8.8 / 9.8, -4 * 8.8 / 12.8])


def test_what_noise_explains_is_pooled():
    found = shrink(np.array([1.0, 1.2, 0.8]), np.array([1.0, 1.0, 1.0]))
    assert found == pytest.approx([1.0, 1.0, 1.0])


def test_what_is_not_known_takes_the_pool():
    found = shrink(np.array([0.0, 10.0, np.nan, 3.0]), np.array([1.0, 1.0, 1.0, np.inf]))
    assert found[2:] == pytest.approx([5.0, 5.0])
    assert shrink(np.array([np.nan]), np.array([1.0])).tolist() == [0.0]
    assert shrink(np.array([np.nan]), np.array([1.0]), centre=2.0).tolist() == [2.0]


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(0.01, 100)), min_size=1, max_size=20),
    st.none() | st.floats(-10, 10),
)
def test_never_past_the_centre_nor_away_from_it(pairs, centre):
    x, v = np.array(pairs).T
    # An estimate that is not known is put into the centre.
    *found, middle = shrink(np.append(x, np.nan), np.append(v, 1.0), centre=centre)
    moved, away = np.array(found) - middle, x - middle
    assert (np.abs(moved) <= np.abs(away) + 1e-9).all()
    assert (moved * away >= -1e-9).all()


def test_it_beats_the_raw_estimates_and_the_pool():
    rng = np.random.default_rng(0)
    raw = pooled = shrunk = 0.0
    for _ in range(200):
        truth = rng.normal(3.0, 1.0, 19)
        variances = rng.uniform(0.3, 3.0, 19)
        seen = rng.normal(truth, np.sqrt(variances))
        raw += ((seen - truth) ** 2).sum()
        pooled += ((seen.mean() - truth) ** 2).sum()
        shrunk += ((shrink(seen, variances) - truth) ** 2).sum()
    assert shrunk < 0.75 * min(raw, pooled)
