from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, map_coordinates

from cephsure.errors import FilmError
from cephsure.films import Film, Spacing, SpacingSource
from cephsure.studies.shifts.distortion import CELL_MM, ElasticField

# The extent of an ISBI film, five times coarser.
WIDTH, HEIGHT, MM_PER_PX = 387, 480, 0.5
MAGNITUDES = st.floats(0, 200)
SEEDS = st.integers(0, 2**31)


def film_of(pixels: np.ndarray, mm_per_px: tuple[float, float] | None = (MM_PER_PX, MM_PER_PX)) -> Film:
    spacing = None if mm_per_px is None else Spacing(*mm_per_px, SpacingSource.USER)
    return Film(pixels=pixels.astype(np.float32), spacing=spacing)


def blank(width: int = WIDTH, height: int = HEIGHT, mm_per_px: float = MM_PER_PX) -> Film:
    return film_of(np.zeros((height, width)), (mm_per_px, mm_per_px))


def field(seed: int = 0, film: Film | None = None, film_id: str = "151") -> ElasticField:
    return ElasticField.of_film(film or blank(), seed=seed, film_id=film_id)


def draw_dot(point: np.ndarray) -> np.ndarray:
    x, y = np.arange(WIDTH), np.arange(HEIGHT)[:, None]
    return np.exp(-0.5 * ((x - point[0]) ** 2 + (y - point[1]) ** 2) / 1.5**2)


def find_dot(pixels: np.ndarray) -> np.ndarray:
    top, left = np.maximum(np.array(np.unravel_index(pixels.argmax(), pixels.shape)) - 12, 0)
    part = pixels[top : top + 25, left : left + 25].astype(np.float64)
    y, x = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
    return np.array([(x * part).sum(), (y * part).sum()]) / part.sum()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0, 120), st.floats(100, 287), st.floats(100, 380))
def test_image_and_points_go_through_one_transform(seed, magnitude, x, y):
    film = film_of(draw_dot(np.array([x, y])))
    elastic = field(seed, film)
    moved = elastic.move(np.array([x, y]), magnitude)
    pixels = elastic.distort(film, magnitude).pixels
    # A dot is sheared too, which moves its centre of mass a little, and it is drawn in whole px.
    np.testing.assert_allclose(find_dot(pixels), moved, atol=0.4)


def test_the_dots_of_a_film_are_found_where_its_points_go():
    # Without the resampling's own blur: the point's new place is looked up where the point was.
    ramp_x, ramp_y = np.meshgrid(np.arange(WIDTH) / WIDTH, np.arange(HEIGHT) / HEIGHT)
    elastic = field(3)
    points = np.random.default_rng(0).uniform((80, 80), (300, 400), (30, 2))
    moved = elastic.move(points, 60)
    for ramp, axis, size in ((ramp_x, 0, WIDTH), (ramp_y, 1, HEIGHT)):
        pixels = elastic.distort(film_of(ramp), 60).pixels
        shown = map_coordinates(pixels.astype(np.float64), moved.T[::-1], order=3) * size
        np.testing.assert_allclose(shown, points[:, axis], atol=0.02)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(SEEDS, MAGNITUDES)
def test_what_is_moved_is_looked_up_where_it_was(seed, magnitude):
    elastic = field(seed)
    points = np.random.default_rng(seed).uniform((0, 0), (WIDTH - 1, HEIGHT - 1), (25, 2))
    moved = elastic.move(points, magnitude)
    there = np.isfinite(moved).all(axis=1)
    back = moved[there] + elastic.displacement_px(moved[there], magnitude)
    np.testing.assert_allclose(back, points[there], atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(1, 40))
def test_a_gentle_distortion_can_be_undone_everywhere_inside(seed, magnitude):
    elastic = field(seed)
    places = np.random.default_rng(seed).uniform((60, 60), (WIDTH - 60, HEIGHT - 60), (25, 2))
    sources = places + elastic.displacement_px(places, magnitude)
    np.testing.assert_allclose(elastic.move(sources, magnitude), places, atol=1e-3)


def test_magnitude_zero_changes_nothing():
    film = film_of(np.random.default_rng(0).random((HEIGHT, WIDTH)))
    assert field().distort(film, 0).pixels is film.pixels
    points = np.array([[0.0, 0.0], [100.25, 300.5], [np.nan, np.nan]])
    np.testing.assert_array_equal(field().move(points, 0), points)
    np.testing.assert_allclose(field().distort(film, 1e-6).pixels, film.pixels, atol=1e-4)


def test_size_scale_and_a_note_are_kept():
    film = film_of(np.ones((48, 40)), (0.3, 0.7))
    distorted = ElasticField.of_film(film, seed=0, film_id="a").distort(film, 70)
    assert distorted.pixels.shape == film.pixels.shape
    assert distorted.pixels.dtype == np.float32
    assert distorted.spacing == film.spacing
    assert "magnitude 70" in distorted.notes[-1]
    np.testing.assert_array_equal(distorted.pixels, 1.0)  # the edge goes on: no black comes in


def test_on_an_isbi_film_it_is_the_references_field():
    elastic = field(seed=7, film_id="151")
    noise = np.random.default_rng([7, *b"151"]).uniform(-1, 1, (2, 128, 128))
    np.testing.assert_array_equal(elastic.cells[0], gaussian_filter(noise[0], 8))
    # Squeezed to 128 x 128 px the reference samples px (column, row) at (column, row) + magnitude * field.
    film = film_of(np.random.default_rng(1).random((128, 128)), CELL_MM)
    reference_field = ElasticField.of_film(film, seed=7, film_id="151")
    rows, columns = np.mgrid[:128, :128].astype(np.float64)
    along_x, along_y = 150 * reference_field.cells
    expected = map_coordinates(film.pixels, [rows + along_y, columns + along_x], order=1, mode="nearest")
    np.testing.assert_allclose(reference_field.distort(film, 150).pixels, expected, atol=1e-4)


@settings(max_examples=10, deadline=None)
@given(SEEDS, MAGNITUDES, st.integers(2, 5))
def test_a_magnitude_means_the_same_at_any_resolution(seed, magnitude, factor):
    coarse, fine = field(seed), field(seed, blank(WIDTH * factor, HEIGHT * factor, MM_PER_PX / factor))
    places = np.random.default_rng(seed).uniform((0, 0), (WIDTH, HEIGHT), (20, 2))  # from the film's corner
    shift_mm = coarse.displacement_px(places - 0.5, magnitude) * MM_PER_PX
    fine_mm = fine.displacement_px(places * factor - 0.5, magnitude) * MM_PER_PX / factor
    np.testing.assert_allclose(fine_mm, shift_mm, atol=1e-9)


def test_the_blur_leaves_the_noise_of_its_kernel():
    # Var of uniform noise is 1/3; a Gaussian of sigma s averages over 4 pi s^2 independent px.
    big = ElasticField.of_film(blank(2000, 2000, 1.0), seed=0, film_id="big").cells[:, 100:-100, 100:-100]
    assert big.std() == pytest.approx(np.sqrt(1 / 3 / (4 * np.pi * 8**2)), rel=0.05)


def test_its_size_in_mm():
    elastic = field()
    lengths = np.hypot(elastic.cells[0] * 1.51171875, elastic.cells[1] * 1.875) * 100
    assert elastic.size_mm(100) == pytest.approx((np.sqrt((lengths**2).mean()), lengths.max()))
    assert elastic.size_mm(0) == (0, 0)


def test_same_seed_same_field_and_another_film_another_field():
    np.testing.assert_array_equal(field(1).cells, field(1).cells)
    assert not np.allclose(field(1).cells, field(2).cells)
    assert not np.allclose(field(1).cells, field(1, film_id="152").cells)


def folding() -> ElasticField:
    """Along x a wave so steep that the middle of the film is shown three times; nothing along y."""
    cells = np.zeros((2, 128, 128))
    cells[0] = -np.sin((np.arange(128) - 63.5) / 8.0)
    return ElasticField(cells, WIDTH, HEIGHT, (MM_PER_PX, MM_PER_PX))


def test_a_point_that_a_fold_shows_several_times_has_no_place():
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    turning = 8.0  # v - m sin(v / 8) = 0 has one root up to m = 8, three beyond
    gentle, steep = folding().move(middle, turning * 0.95), folding().move(middle, turning * 1.5)
    np.testing.assert_allclose(gentle, middle, atol=1e-3)
    assert np.isnan(steep).all()
    assert folding().folded_share(turning * 0.95) == 0
    assert folding().folded_share(turning * 1.5) > 0.1


def test_every_copy_a_fold_makes_is_found():
    elastic, magnitude = folding(), 12.0
    target = np.array([[63.5, 63.5]])
    _, found = elastic._solutions(target, magnitude)
    waves = np.linspace(-63, 63, 200_000)  # no exact zero
    crossings = (np.diff(np.sign(waves - magnitude * np.sin(waves / 8.0))) != 0).sum()
    assert len(np.unique(found.round(4), axis=0)) == crossings


def test_a_point_moved_off_the_film_has_no_place():
    cells = np.zeros((2, 128, 128))
    cells[0] = 1.0  # all is looked up one cell further right: what was at the left edge is gone
    elastic = ElasticField(cells, WIDTH, HEIGHT, (MM_PER_PX, MM_PER_PX))
    moved = elastic.move(np.array([[0.0, 50.0], [200.0, 50.0]]), 10)
    assert np.isnan(moved[0]).all()
    np.testing.assert_allclose(moved[1], (200 - 10 * CELL_MM[0] / MM_PER_PX, 50))


def test_missing_points_stay_missing_and_shapes_are_kept():
    points = np.full((3, 4, 2), np.nan)
    points[1, 2] = (100, 100)
    moved = field().move(points, 50)
    assert moved.shape == points.shape
    assert np.isfinite(moved).all(axis=-1).sum() == 1


def test_a_film_without_a_scale_is_refused():
    with pytest.raises(FilmError, match=r"151: .*no scale.*mm per px"):
        field(film=film_of(np.zeros((20, 20)), None))


def test_a_field_is_for_films_of_its_size():
    with pytest.raises(ValueError, match="387 x 480"):
        field().distort(blank(100, 100), 70)
