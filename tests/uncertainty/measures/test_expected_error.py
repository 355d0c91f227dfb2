from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.inference.samples import Samples
from cephsure.uncertainty.measures.expected_error import EXPECTED_ERROR
from cephsure.uncertainty.measures.spread import SPREAD


def samples_with(positions_px, expected_errors_px):
    positions_px = np.asarray(positions_px, dtype=np.float64)
    blank = np.zeros(positions_px.shape[:2])
    return Samples(positions_px, blank, np.asarray(expected_errors_px, dtype=np.float64), blank)


def test_of_one_sample_it_is_the_maps_own():
    assert EXPECTED_ERROR.compute(samples_with([[[4, 5]]], [[2.75]])) == pytest.approx([2.75])


def test_two_samples_by_hand():
    # Maps expect 11 and 13: mean 12. Positions 10 apart: spread 5. sqrt(12^2 + 5^2) = 13.
    assert EXPECTED_ERROR.compute(samples_with([[[0, 0]], [[6, 8]]], [[11], [13]])) == pytest.approx([13.0])


@given(seed=st.integers(0, 2**16), samples=st.integers(1, 8))
def test_lies_within_the_bounds_of_the_triangle_inequality(seed, samples):
    generator = np.random.default_rng(seed)
    given_samples = samples_with(
        generator.normal(0, 3, (samples, 4, 2)), generator.exponential(3, (samples, 4))
    )
    within = given_samples.expected_errors_px.mean(axis=0)
    spread = SPREAD.compute(given_samples)
    found = EXPECTED_ERROR.compute(given_samples)
    assert (found <= within + spread + 1e-9).all()
    assert (found >= np.maximum(within, spread) - 1e-9).all()


@pytest.mark.parametrize(("width", "apart"), [(3.0, 0.5), (3.0, 3.0), (1.0, 4.0)])
def test_agrees_with_the_true_expectation_for_gaussian_maps(width, apart):
    """Simulated: draw landmarks from the mixture, take their mean distance from the mean point."""
    generator = np.random.default_rng(5)
    positions = generator.normal(0, apart, (400, 1, 2))
    expected_of_one = width * np.sqrt(np.pi / 2)  # mean of a Rayleigh distribution
    drawn = positions + generator.normal(0, width, (400, 500, 2))
    truth = np.linalg.norm(drawn - positions.mean(axis=0), axis=-1).mean()
    found = EXPECTED_ERROR.compute(samples_with(positions, np.full((400, 1), expected_of_one)))
    assert found == pytest.approx([truth], rel=0.02)
