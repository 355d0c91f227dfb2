from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.inference.samples import HeatMaps, Samples
from cephsure.uncertainty.measures import (
    ALWAYS,
    MEASURES,
    activation,
    augmentation_spread,
    covariance_radius,
    entropy,
    feature_distance,
    mean_position,
    mixture_activation,
    mixture_expected_error,
    raw_expected_error,
    shape_residual,
    spread,
)
from cephsure.uncertainty.prediction import in_millimetres

BLANK = np.zeros((1, 3))
PLAIN = Samples(np.zeros((1, 3, 2)), BLANK, BLANK, BLANK)


def test_registry_holds_the_measures_in_the_order_of_the_tables():
    always = ["activation", "spread", "raw_expected_error", "entropy", "covariance_radius"]
    assert [measure.name for measure in ALWAYS] == always
    assert list(MEASURES) == [
        *always,
        *("mixture_activation", "mixture_expected_error"),
        *("augmentation_spread", "shape_residual", "feature_distance"),
    ]
    assert all(measure.name == name for name, measure in MEASURES.items())


def test_every_measure_states_unit_direction_title_and_source():
    assert {name: (measure.unit, measure.direction) for name, measure in MEASURES.items()} == {
        "activation": ("none", -1),
        "spread": ("px", 1),
        "raw_expected_error": ("px", 1),
        "entropy": ("nats", 1),
        "covariance_radius": ("px", 1),
        "mixture_activation": ("none", -1),
        "mixture_expected_error": ("px", 1),
        "augmentation_spread": ("px", 1),
        "shape_residual": ("none", 1),
        "feature_distance": ("none", 1),
    }
    assert all(measure.title and measure.source for measure in MEASURES.values())


def test_only_lengths_carry_their_unit_in_the_key():
    assert MEASURES["spread"].key(in_mm=False) == "spread_px"
    assert MEASURES["raw_expected_error"].key(in_mm=True) == "raw_expected_error_mm"
    assert MEASURES["activation"].key(in_mm=True) == "activation"
    assert MEASURES["entropy"].key(in_mm=False) == "entropy"


def samples_at(positions_px):
    positions_px = np.asarray(positions_px, dtype=np.float64)
    blank = np.zeros(positions_px.shape[:2])
    return Samples(positions_px, blank, blank, blank)


def test_mean_and_spread_by_hand():
    # Corners of a 3-4-5 rectangle about (1.5, 2): each corner is 2.5 from the centre.
    samples = samples_at([[[0, 0]], [[3, 0]], [[3, 4]], [[0, 4]]])
    assert mean_position(samples) == pytest.approx(np.array([[1.5, 2.0]]))
    assert spread(samples) == pytest.approx([2.5])


def test_spread_is_the_mean_distance_and_not_the_root_mean_square():
    # Positions 0, 0, 3 on a line: mean 1, distances 1, 1, 2. The root mean square would be sqrt(2).
    samples = samples_at([[[0, 0]], [[0, 0]], [[3, 0]]])
    assert spread(samples) == pytest.approx([4 / 3])


def test_one_sample_does_not_spread():
    samples = samples_at([[[12.25, 7.5], [3.0, 4.0]]])
    assert mean_position(samples) == pytest.approx(np.array([[12.25, 7.5], [3.0, 4.0]]))
    assert np.array_equal(spread(samples), [0.0, 0.0])


@given(
    angle=st.floats(-np.pi, np.pi),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    scale=st.floats(0.01, 100),
    seed=st.integers(0, 2**16),
)
def test_moves_with_the_film_and_scales_with_it(angle, shift, scale, seed):
    positions = np.random.default_rng(seed).normal(0, 10, (5, 3, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = samples_at(scale * positions @ turn.T + np.array(shift))
    still = samples_at(positions)
    assert spread(moved) == pytest.approx(scale * spread(still), rel=1e-6, abs=1e-9)
    assert mean_position(moved) == pytest.approx(
        scale * mean_position(still) @ turn.T + np.array(shift), rel=1e-6, abs=1e-6
    )


def test_activation_is_the_mean_over_the_samples():
    blank = np.zeros((2, 3))
    samples = Samples(np.zeros((2, 3, 2)), np.array([[1.0, 2.0, 30.0], [3.0, 2.0, 10.0]]), blank, blank)
    assert activation(samples) == pytest.approx([2.0, 2.0, 20.0])


def test_spread_is_the_mean_distance_to_the_mean():
    blank = np.zeros((2, 2))
    samples = Samples(np.array([[[0.0, 0.0], [1.0, 1.0]], [[6.0, 8.0], [1.0, 1.0]]]), blank, blank, blank)
    assert spread(samples) == pytest.approx([5.0, 0.0])


def samples_with(positions_px, expected_errors_px):
    positions_px = np.asarray(positions_px, dtype=np.float64)
    blank = np.zeros(positions_px.shape[:2])
    return Samples(positions_px, blank, np.asarray(expected_errors_px, dtype=np.float64), blank)


def test_expected_error_of_one_sample_is_the_maps_own():
    assert raw_expected_error(samples_with([[[4, 5]]], [[2.75]])) == pytest.approx([2.75])


def test_expected_error_of_two_samples_by_hand():
    # Maps expect 11 and 13: mean 12. Positions 10 apart: spread 5. sqrt(12^2 + 5^2) = 13.
    assert raw_expected_error(samples_with([[[0, 0]], [[6, 8]]], [[11], [13]])) == pytest.approx([13.0])


@given(seed=st.integers(0, 2**16), samples=st.integers(1, 8))
def test_lies_within_the_bounds_of_the_triangle_inequality(seed, samples):
    generator = np.random.default_rng(seed)
    given_samples = samples_with(
        generator.normal(0, 3, (samples, 4, 2)), generator.exponential(3, (samples, 4))
    )
    within = given_samples.expected_errors_px.mean(axis=0)
    apart = spread(given_samples)
    found = raw_expected_error(given_samples)
    assert (found <= within + apart + 1e-9).all()
    assert (found >= np.maximum(within, apart) - 1e-9).all()


@pytest.mark.parametrize(("width", "apart"), [(3.0, 0.5), (3.0, 3.0), (1.0, 4.0)])
def test_agrees_with_the_true_expectation_for_gaussian_maps(width, apart):
    """Simulated: draw landmarks from the mixture, take their mean distance from the mean point."""
    generator = np.random.default_rng(5)
    positions = generator.normal(0, apart, (400, 1, 2))
    expected_of_one = width * np.sqrt(np.pi / 2)  # mean of a Rayleigh distribution
    drawn = positions + generator.normal(0, width, (400, 500, 2))
    truth = np.linalg.norm(drawn - positions.mean(axis=0), axis=-1).mean()
    found = raw_expected_error(samples_with(positions, np.full((400, 1), expected_of_one)))
    assert found == pytest.approx([truth], rel=0.02)


def test_entropy_is_the_mean_over_the_samples():
    blank = np.zeros((2, 2))
    # A map uniform over 4 pixels has ln 4 nats, one over 16 pixels ln 16; a single pixel none.
    samples = Samples(np.zeros((2, 2, 2)), blank, blank, np.array([[np.log(4), 0.0], [np.log(16), 0.0]]))
    assert entropy(samples) == pytest.approx([np.log(8), 0.0])


def samples_of_clouds(*clouds_px):
    """Samples of as many landmarks as there are clouds (T, 2)."""
    positions = np.stack([np.asarray(cloud, dtype=np.float64) for cloud in clouds_px], axis=1)
    blank = np.zeros(positions.shape[:2])
    return Samples(positions, blank, blank, blank)


def test_covariance_radius_of_a_cross_by_hand():
    # About (5, 7): variances (16 + 16) / 4 = 8 and (1 + 1) / 4 = 1/2, product 4, fourth root of it sqrt 2.
    cross = [[9, 7], [1, 7], [5, 8], [5, 6]]
    assert covariance_radius(samples_of_clouds(cross)) == pytest.approx([np.sqrt(2)])


def test_a_triangle_by_hand_with_correlated_axes():
    # About (1, 1): variances 6/3 = 2 each, covariance -3/3 = -1; determinant 4 - 1 = 3.
    triangle = [[0, 3], [0, 0], [3, 0]]
    assert covariance_radius(samples_of_clouds(triangle)) == pytest.approx([3**0.25])


def test_of_a_round_cloud_it_is_the_standard_deviation_along_an_axis():
    drawn = np.random.default_rng(2).normal(0, 3.0, (20_000, 2))
    assert covariance_radius(samples_of_clouds(drawn)) == pytest.approx([3.0], rel=0.02)


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_samples_have_no_area(count):
    # Of two samples the determinant is 0 but for rounding, whose fourth root would show.
    cloud = np.random.default_rng(0).normal(1000, 300, (count, 2))
    found = covariance_radius(samples_of_clouds(cloud, cloud + 7))
    assert found.tolist() == [0.0, 0.0]


def test_samples_on_a_line_have_next_to_none():
    line = 900.0 + np.arange(5)[:, np.newaxis] * [3.0, 1.0]
    samples = samples_of_clouds(line)
    assert covariance_radius(samples) < 1e-2 * spread(samples)


@given(
    seed=st.integers(0, 2**16),
    count=st.integers(3, 15),
    angle=st.floats(-np.pi, np.pi),
    shift=st.floats(-500, 500),
)
def test_turning_and_moving_the_film_changes_nothing(seed, count, angle, shift):
    cloud = np.random.default_rng(seed).normal(0, [5.0, 2.0], (count, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    given_one, turned = covariance_radius(samples_of_clouds(cloud, cloud @ turn.T + shift))
    assert turned == pytest.approx(given_one, rel=1e-5, abs=1e-4)


@given(seed=st.integers(0, 2**16), along_x=st.floats(0.05, 20), along_y=st.floats(0.05, 20))
def test_scales_with_the_root_of_the_area(seed, along_x, along_y):
    """A length: pixels to mm by one scale, and by the geometric mean where pixels are not square."""
    cloud = np.random.default_rng(seed).normal(0, 4.0, (6, 2))
    given_one, scaled = covariance_radius(samples_of_clouds(cloud, cloud * [along_x, along_y]))
    assert scaled == pytest.approx(given_one * np.sqrt(along_x * along_y))


def test_each_landmark_is_on_its_own():
    rng = np.random.default_rng(1)
    clouds = [rng.normal(0, size, (7, 2)) for size in (1.0, 4.0, 9.0)]
    alone = [float(covariance_radius(samples_of_clouds(cloud))[0]) for cloud in clouds]
    assert covariance_radius(samples_of_clouds(*clouds)) == pytest.approx(alone)


def test_mixture_activation_is_the_most_probable_cell_of_the_mixture():
    images = np.zeros((2, 3, 3), dtype=np.float32)
    images[0, 1, 1], images[0, 0, 0] = 0.75, 0.25
    images[1] = 1 / 9
    blank = np.zeros((1, 2))
    maps = HeatMaps(images, np.zeros((2, 2)), np.eye(2))
    samples = Samples(np.zeros((1, 2, 2)), blank, blank, blank, maps=(maps,))
    assert mixture_activation(samples) == pytest.approx([0.75, 1 / 9])


def test_without_maps_there_is_no_mixture_activation():
    blank = np.zeros((1, 2))
    assert mixture_activation(Samples(np.zeros((1, 2, 2)), blank, blank, blank)) is None


def at(positions, image, *, origin=(0.0, 0.0), cell=((1.0, 0.0), (0.0, 1.0))):
    """Samples (T, 1, 2) of one landmark with a map."""
    given = np.asarray(positions, dtype=np.float64)[:, None]
    blank = np.zeros(given.shape[:2])
    maps = HeatMaps(np.asarray(image, np.float32)[None], np.array([origin]), np.array(cell))
    return Samples(given, blank, blank, blank, maps=(maps,))


def test_mixture_expected_error_of_two_places_by_hand():
    # Three quarters lie on the mean point (12, 10), a quarter 3 columns of 2 px and 2 rows of 4 px away.
    image = np.zeros((3, 4))
    image[0, 0], image[2, 3] = 0.75, 0.25
    samples = at([[11, 10], [13, 10]], image, origin=(12.0, 10.0), cell=((2.0, 0.0), (0.0, 4.0)))
    assert mixture_expected_error(samples) == pytest.approx([0.25 * 10])
    # In mm, of pixels that are 0.5 wide and 0.25 high: 3 mm across and 2 mm down.
    in_mm = in_millimetres(samples, mm_per_px=(0.5, 0.25))
    assert mixture_expected_error(in_mm) == pytest.approx([0.25 * np.hypot(3, 2)])


def test_two_annotators_maps_are_laid_together_at_the_point():
    """Each is sure of the own mark; that these lie apart is the readers' difference, no uncertainty."""
    sure, broad = np.zeros((1, 1, 3), np.float32), np.zeros((1, 1, 3), np.float32)
    sure[0, 0, 1], broad[0, 0] = 1.0, (0.5, 0.0, 0.5)
    marks = np.array([[[[0.0, 0.0]], [[40.0, 10.0]]]])  # (T, K, L, 2)
    maps = tuple(
        HeatMaps(image, mark - np.array([1.0, 0.0]), np.eye(2))
        for image, mark in zip((sure, broad), marks[0], strict=True)
    )
    blank = np.zeros((1, 1))
    samples = Samples(marks.mean(axis=1), blank, blank, blank, maps=maps, marks_px=marks)
    assert mixture_activation(samples) == pytest.approx([0.5])
    assert mixture_expected_error(samples) == pytest.approx([0.5])
    in_mm = in_millimetres(samples, mm_per_px=(0.5, 0.25))
    assert mixture_expected_error(in_mm) == pytest.approx([0.25])
    assert in_mm.marks_px[0, 1, 0] == pytest.approx([20.0, 2.5])


def test_mass_off_the_map_does_not_count_and_an_empty_map_tells_nothing():
    image = np.zeros((1, 3))
    image[0, 2] = 0.25
    assert mixture_expected_error(at([[0, 0]], image)) == pytest.approx([2.0])
    assert mixture_expected_error(at([[0, 0]], np.zeros((1, 3)))) == pytest.approx([np.inf])


def test_of_a_gaussian_it_is_sqrt_half_pi_standard_deviations():
    axis = np.arange(61) - 30
    image = np.exp(-0.5 * (axis[:, None] ** 2 + axis**2) / 16)
    found = mixture_expected_error(at([[30, 30]], image / image.sum()))
    assert found == pytest.approx([np.sqrt(np.pi / 2) * 4], rel=1e-3)


def test_without_maps_there_is_no_mixture_expected_error():
    blank = np.zeros((1, 1))
    assert mixture_expected_error(Samples(np.zeros((1, 1, 2)), blank, blank, blank)) is None
    assert raw_expected_error(Samples(np.zeros((1, 1, 2)), blank, blank, blank)) == [0.0]


def test_augmentation_spread_is_the_mean_distance_of_the_augmented_copies_points_from_their_mean():
    views = np.array([[[0, 0], [5, 5]], [[8, 0], [5, 5]], [[4, 6], [5, 5]], [[4, -6], [5, 5]]], dtype=float)
    samples = replace(PLAIN, augmented_positions_px=views)
    assert augmentation_spread(samples) == pytest.approx([5.0, 0.0])  # (4 + 4 + 6 + 6) / 4
    in_mm = in_millimetres(samples, mm_per_px=(0.5, 0.25))
    assert augmentation_spread(in_mm) == pytest.approx([(2 + 2 + 1.5 + 1.5) / 4, 0.0])


def test_without_augmented_copies_there_is_none():
    assert augmentation_spread(PLAIN) is None


def test_shape_residual_is_what_the_shape_says():
    residuals = np.array([0.5, 4.0, 1.0])
    assert shape_residual(replace(PLAIN, shape_residuals=residuals)).tolist() == [0.5, 4.0, 1.0]


def test_without_a_shape_there_is_none():
    assert shape_residual(PLAIN) is None


def test_feature_distance_is_the_films_for_every_landmark():
    assert feature_distance(replace(PLAIN, feature_distance=1.5)).tolist() == [1.5, 1.5, 1.5]


def test_without_features_there_is_none():
    assert feature_distance(PLAIN) is None
