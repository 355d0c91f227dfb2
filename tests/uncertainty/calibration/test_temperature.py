from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.inference.heat_maps import HeatMaps, tempered
from cephsure.uncertainty.calibration.temperature import (
    LOG_TEMPERATURES,
    fit_temperatures,
    tempered_errors_mm,
)


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
