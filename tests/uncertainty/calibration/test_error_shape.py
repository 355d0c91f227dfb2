from __future__ import annotations

import numpy as np
import pytest

from cephsure.uncertainty.calibration.error_shape import fit_offsets, fit_relative_covariances


def test_offsets_that_are_there_are_found_and_chance_is_not():
    rng = np.random.default_rng(0)
    errors = rng.standard_normal((100, 8, 2))
    errors[:, 0] += (2.0, -1.0)
    offsets = fit_offsets(errors)
    assert offsets[0] == pytest.approx((2.0, -1.0), abs=0.3)
    assert np.abs(offsets[1:]).mean() < np.abs(errors[:, 1:].mean(axis=0)).mean()
    none = fit_offsets(rng.standard_normal((100, 8, 2)))
    assert np.abs(none).max() < 0.15


def test_offsets_of_landmarks_hardly_known_are_zero():
    errors = np.full((5, 3, 2), np.nan)
    errors[:, 0] = np.random.default_rng(1).normal(3.0, 0.5, (5, 2))
    errors[0, 1] = (4.0, 4.0)
    offsets = fit_offsets(errors)
    assert offsets[0] == pytest.approx((3.0, 3.0), abs=0.8)
    assert offsets[1:].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_covariances_are_the_relative_errors_second_moments():
    rng = np.random.default_rng(2)
    shape = np.array([[1.2, 0.4], [0.4, 0.5]])
    expected = np.exp(0.5 * rng.standard_normal((4000, 3)))
    errors = expected[..., None] * (rng.standard_normal((4000, 3, 2)) @ np.linalg.cholesky(shape).T)
    errors += (0.5, 0.0)
    found = fit_relative_covariances(errors, np.full((3, 2), (0.5, 0.0)), expected)
    assert found == pytest.approx(np.broadcast_to(shape, (3, 2, 2)), abs=0.08)


def test_few_films_give_rounder_shapes_than_they_show():
    rng = np.random.default_rng(3)
    errors = rng.standard_normal((6, 19, 2))
    found = fit_relative_covariances(errors, np.zeros((19, 2)), np.ones((6, 19)))
    plain = np.einsum("fli,flj->lij", errors, errors) / 6

    def longest(matrices):
        values = np.linalg.eigvalsh(matrices)
        return (values[:, 1] / values[:, 0]).mean()

    assert longest(found) - 1 < 0.5 * (longest(plain) - 1)
    assert (np.linalg.eigvalsh(found) > 0).all()


def test_a_line_of_errors_still_gives_an_area():
    errors = np.stack([np.linspace(-1, 1, 50), np.linspace(-2, 2, 50)], axis=-1)[:, None]
    found = fit_relative_covariances(errors, np.zeros((1, 2)), np.ones((50, 1)))
    assert (np.linalg.eigvalsh(found) > 0).all()


def test_unknown_errors_take_the_pool():
    rng = np.random.default_rng(4)
    errors = rng.standard_normal((50, 5, 2))
    errors[:, 1] = np.nan
    found = fit_relative_covariances(errors, np.zeros((5, 2)), np.ones((50, 5)))
    assert found[1, 0, 1] == 0
    assert found[1, 0, 0] == pytest.approx(1.0, abs=0.2)
