from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cephsure.errors import FilmError
from cephsure.films import Film, Spacing, SpacingSource
from cephsure.studies.shifts import corruptions
from cephsure.studies.shifts.corruptions import CORRUPTIONS

WIDTH, HEIGHT = 120, 90
MM_PER_PX = (0.4, 0.5)
GEOMETRIC = [
    name for name in CORRUPTIONS if name.startswith(("rotated", "turned", "upside", "mirr", "crop", "co"))
]


def film_of(pixels: np.ndarray, mm_per_px: tuple[float, float] = MM_PER_PX) -> Film:
    return Film(pixels.astype(np.float32), Spacing(*mm_per_px, SpacingSource.USER))


def blob(x: float, y: float) -> Film:
    """One smooth bright spot, so that its centroid is known to a fraction of a pixel."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return film_of(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 3.0**2)))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", GEOMETRIC)
@given(x=st.floats(45, 52), y=st.floats(36, 54))
@settings(max_examples=4, deadline=None)
def test_points_move_with_what_is_seen_there(name, x, y):
    given_film = blob(x, y)
    pixels = CORRUPTIONS[name].apply(given_film, rng()).pixels
    row, column = ndimage.center_of_mass(np.where(pixels > 0.02, pixels, 0))
    expected = CORRUPTIONS[name].moved(given_film).apply(np.array([x, y]))
    np.testing.assert_allclose([column, row], expected, atol=0.35)


@pytest.mark.parametrize("name", GEOMETRIC)
def test_distances_in_mm_stay_what_they_are(name):
    """Spacing follows the pixels: of a turned film its axes are exchanged, of a coarse one it grows."""
    given_film = blob(50, 40)
    moved = CORRUPTIONS[name].moved(given_film)
    points = np.array([[10.0, 20], [70, 20], [30, 80]])
    before = points * MM_PER_PX
    spacing = CORRUPTIONS[name].apply(given_film, rng()).spacing
    after = moved.apply(points) * [spacing.x_mm_per_px, spacing.y_mm_per_px]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        length = np.linalg.norm(before[first] - before[second])
        assert np.linalg.norm(after[first] - after[second]) == pytest.approx(length, rel=0.01)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_film_stays_a_film_and_the_given_one_is_left_alone(name, phantom):
    given_film, _ = phantom
    kept = given_film.pixels.copy()
    film = CORRUPTIONS[name].apply(given_film, rng())
    assert film.pixels.dtype == np.float32
    assert film.pixels.flags.c_contiguous
    assert 0 <= film.pixels.min() <= film.pixels.max() <= 1
    assert (film.pixels.shape != kept.shape) or np.abs(film.pixels - kept).max() > 0.02
    assert film.spacing.source is given_film.spacing.source
    assert "experiment" in film.notes[-1]
    np.testing.assert_array_equal(given_film.pixels, kept)


def test_rotation_is_clockwise_as_seen_and_in_mm():
    # Straight up from the centre by 10 mm: a quarter turn brings it to the right, by 10 mm again.
    film = film_of(np.zeros((101, 101)))
    moved = corruptions.rotation(film, angle_deg=90).apply(np.array([50.0, 50 - 10 / 0.5]))
    np.testing.assert_allclose(moved, [50 + 10 / 0.4, 50], atol=1e-9)
    turned = corruptions.quarter_turns(film, quarters=1).apply(np.array([50.0, 30.0]))
    np.testing.assert_allclose(turned, [70, 50])


def test_quarter_turns_are_exact_and_four_are_none():
    film = film_of(rng().uniform(0, 1, (HEIGHT, WIDTH)))
    turned = film
    for _ in range(4):
        turned = corruptions.turn(turned, rng(), quarters=1)
    np.testing.assert_array_equal(turned.pixels, film.pixels)
    once = corruptions.turn(film, rng(), quarters=1)
    x, y = corruptions.quarter_turns(film, quarters=1).apply(np.array([7.0, 11.0]))
    assert once.pixels[round(y), round(x)] == film.pixels[11, 7]
    assert (once.spacing.x_mm_per_px, once.spacing.y_mm_per_px) == MM_PER_PX[::-1]


def test_blur_has_its_width_in_mm_along_both_axes():
    for mm_per_px, sigma_mm in (((0.4, 0.5), 2.0), ((0.05, 0.1), 1.5)):
        pixels = np.zeros((301, 401))
        pixels[150, 200] = 1.0
        blurred = corruptions.blur(film_of(pixels, mm_per_px), rng(), sigma_mm=sigma_mm).pixels
        rows, columns = np.mgrid[:301, :401]
        share = blurred / blurred.sum()
        for axis, places, middle in ((0, columns, 200), (1, rows, 150)):
            sigma = np.sqrt((share * (places - middle) ** 2).sum()) * mm_per_px[axis]
            assert sigma == pytest.approx(sigma_mm, rel=0.05)


def test_noise_has_its_standard_deviation_and_grain():
    film = film_of(np.full((600, 700), 0.5), (0.1, 0.1))
    noise = corruptions.add_noise(film, rng(3), sd=0.1).pixels - 0.5
    assert noise.std() == pytest.approx(0.1, rel=0.1)
    neighbours = np.corrcoef(noise[:, :-5].ravel(), noise[:, 5:].ravel())[0, 1]  # 0.5 mm apart
    far = np.corrcoef(noise[:, :-40].ravel(), noise[:, 40:].ravel())[0, 1]
    assert neighbours > 0.6
    assert abs(far) < 0.1
    again = corruptions.add_noise(film, rng(3), sd=0.1).pixels - 0.5
    np.testing.assert_array_equal(noise, again)


def test_crops_keep_the_part_that_is_named():
    pixels = np.zeros((90, 120))
    pixels[:, 60:] = 1
    pixels[45:] += 0.5
    film = film_of(pixels / 2)
    right = corruptions.crop(film, rng(), side="right", share=0.5).pixels
    assert right.shape == (90, 60)
    assert right.max() == pytest.approx(0.25)
    top = corruptions.crop(film, rng(), side="top", share=1 / 3)
    assert top.pixels.shape == (60, 120)
    moved = corruptions.cropping(film, side="top", share=1 / 3).apply(np.array([5.0, 40.0]))
    np.testing.assert_array_equal(moved, [5, 10])


def test_grey_curves_and_negative_by_hand():
    film = film_of(np.array([[0.0, 0.25], [0.5, 1.0]]))
    np.testing.assert_allclose(corruptions.bend_greys(film, rng(), gain=2).pixels, [[0, 0.5], [1, 1]])
    np.testing.assert_allclose(corruptions.bend_greys(film, rng(), gamma=2).pixels, [[0, 0.0625], [0.25, 1]])
    np.testing.assert_allclose(corruptions.invert(film, rng()).pixels, [[1, 0.75], [0.5, 0]])


def test_coarse_film_has_the_pixels_it_says():
    film = film_of(np.full((500, 400), 0.3), (0.1, 0.1))
    coarse = corruptions.coarsen(film, rng(), mm_per_px=2.0)
    assert coarse.pixels.shape == (25, 20)
    assert coarse.spacing.x_mm_per_px == pytest.approx(2.0)
    already = corruptions.coarsen(coarse, rng(), mm_per_px=1.0)
    assert already.pixels.shape == (25, 20)


def test_film_without_scale_is_refused_where_mm_are_needed():
    film = Film(np.zeros((20, 20), dtype=np.float32))
    for name in ("rotated-5", "blurred-1", "noisy-5", "coarse-1"):
        with pytest.raises(FilmError, match="no scale"):
            CORRUPTIONS[name].apply(film, rng())
    for name in ("turned-90", "mirrored", "inverted", "cropped-front-third", "darker"):
        assert CORRUPTIONS[name].apply(film, rng()).spacing is None


def test_names_are_unique_and_families_stand_together():
    names = [entry.name for entry in CORRUPTIONS.values()]
    assert names == list(CORRUPTIONS)
    families = [entry.family for entry in CORRUPTIONS.values()]
    changes = sum(a != b for a, b in pairwise(families))
    assert changes + 1 == len(set(families))
