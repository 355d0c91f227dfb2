from __future__ import annotations

import numpy as np
import pytest

from cephsure.films import Film, Spacing, SpacingSource
from cephsure.inference.square_pixels import square_film


def blob(  # noqa: PLR0917 - a size, a place, a spread
    width: int, height: int, x: float, y: float, x_sigma: float, y_sigma: float
) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    squares = ((columns - x) / x_sigma) ** 2 + ((rows - y) / y_sigma) ** 2
    return np.exp(-squares / 2).astype(np.float32)


def centre_of(pixels: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]]
    return np.array([(columns * pixels).sum(), (rows * pixels).sum()]) / pixels.sum()


def test_a_film_with_square_pixels_or_without_a_scale_is_itself() -> None:
    pixels = blob(120, 100, 50, 40, 8, 8)
    for spacing in (None, Spacing(0.2, 0.2, SpacingSource.USER), Spacing(0.2, 0.2005, SpacingSource.USER)):
        film = Film(pixels, spacing)
        square = square_film(film)
        assert square.film is film
        assert square.to_given is None


@pytest.mark.parametrize("aspect", [0.125, 0.4, 0.8, 1.25, 2.0, 3.0, 8.0])
@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_round_in_mm_is_round_in_px_and_leads_back(aspect: float, is_known: bool) -> None:
    # A round blob on a film whose pixels are ``aspect`` times as high as wide.
    sigma, wide, high = 12.0, max(aspect, 1.0), max(1 / aspect, 1.0)
    x, y = 60.3 * wide, 50.7 * high
    pixels = blob(round(130 * wide), round(110 * high), x, y, sigma * wide, sigma * high)
    spacing = Spacing(0.1 / wide, 0.1 / high, SpacingSource.USER) if is_known else None
    square = square_film(Film(pixels, spacing, stated_aspect=wide / high))
    assert square.to_given is not None
    seen = square.film.pixels
    assert seen.dtype == np.float32
    np.testing.assert_allclose(square.to_given.apply(centre_of(seen)), (x, y), atol=0.05)
    rows, columns = np.mgrid[0 : seen.shape[0], 0 : seen.shape[1]]
    away = centre_of(seen)
    spread = [((axis - mid) ** 2 * seen).sum() for axis, mid in ((columns, away[0]), (rows, away[1]))]
    assert spread[0] / spread[1] == pytest.approx(1.0, abs=0.05)
    assert square.film.pixel_aspect == pytest.approx(1.0, abs=0.01)
    assert (square.film.spacing is not None) is is_known
    assert seen.size <= 4.1 * pixels.size
