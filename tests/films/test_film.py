from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cephsure.errors import FilmError, InputError
from cephsure.films import Film, ReadLimits, Spacing, SpacingSource
from cephsure.films.film import Picture
from cephsure.films.spacing import StatedScales


def test_a_film_knows_its_size_by_columns_and_rows() -> None:
    film = Film(np.zeros((96, 80), np.float32))
    assert (film.width_px, film.height_px) == (80, 96)
    assert film.spacing is None
    assert film.notes == ()


def test_sources_of_scale_are_ordered_by_trust() -> None:
    names = [source.name for source in SpacingSource]
    assert names == [
        "CALIBRATED",
        "IMAGER_MAGNIFICATION",
        "IMAGER",
        "NOMINAL_SCANNED",
        "UNVERIFIED",
        "DATASET",
        "USER",
        "NONE",
    ]


def test_a_picture_states_no_scale_unless_its_reader_found_one() -> None:
    picture = Picture(np.zeros((2, 3), np.float32))
    assert picture.stated == StatedScales()
    assert picture.notes == ()


def test_an_ordinary_cephalogram_is_within_the_limits() -> None:
    limits = ReadLimits()
    limits.check_file_size(4_700_000)
    limits.check_size(1935, 2400)


@pytest.mark.parametrize(("size", "words"), [(0, "empty"), (1025, "limit")])
def test_file_size(size: int, words: str) -> None:
    with pytest.raises(FilmError, match=words):
        ReadLimits(max_file_bytes=1024).check_file_size(size)
    ReadLimits(max_file_bytes=1024).check_file_size(1024)


@pytest.mark.parametrize("size", [(63, 1000), (1000, 63), (1, 1), (0, 0)])
def test_a_side_below_the_minimum_is_too_small(size: tuple[int, int]) -> None:
    with pytest.raises(FilmError, match=f"{size[0]} x {size[1]} pixels: too small"):
        ReadLimits().check_size(*size)
    ReadLimits().check_size(64, 64)


def test_number_of_pixels() -> None:
    limits = ReadLimits(max_pixels=10_000)
    limits.check_size(100, 100)
    with pytest.raises(FilmError, match="more than the limit of 10000"):
        limits.check_size(100, 101)


def test_limits_must_be_positive() -> None:
    with pytest.raises(InputError, match="positive"):
        ReadLimits(max_pixels=0)


GOOD = np.full((80, 70), 0.5, np.float32)


@pytest.mark.parametrize(
    "pixels",
    [
        GOOD[0],
        np.zeros((80, 70, 3), np.float32),
        np.zeros((0, 70), np.float32),
        GOOD.astype(np.float64),
        (GOOD * 255).astype(np.uint8),
        GOOD + 1,
        GOOD - 1,
        np.where(np.arange(70) == 3, np.nan, GOOD).astype(np.float32),
        np.where(np.arange(70) == 3, np.inf, GOOD).astype(np.float32),
        [[0.5]],
    ],
    ids=["1-d", "3-d", "empty", "float64", "uint8", "above", "below", "nan", "infinite", "a list"],
)
def test_pixels_that_are_no_film_are_refused(pixels: Any) -> None:
    with pytest.raises(FilmError, match="a film's pixels"):
        Film(pixels)


@pytest.mark.parametrize("spacing", [(0.0, 0.1), (-0.1, 0.1), (0.1, math.nan), (math.inf, 0.1)])
def test_a_spacing_is_positive_and_finite(spacing: tuple[float, float]) -> None:
    with pytest.raises(FilmError, match="positive and finite"):
        Film(GOOD, Spacing(*spacing, SpacingSource.USER))


def test_a_negative_zero_is_within_0_and_1() -> None:
    Film(np.where(np.arange(70) == 3, -0.0, GOOD).astype(np.float32))
    Film(GOOD[:, ::-1])
    Film(GOOD.astype(">f4"))


def test_the_pixels_shape_is_the_spacing_s_and_else_what_the_file_states() -> None:
    assert Film(GOOD).pixel_aspect == 1
    assert Film(GOOD, stated_aspect=2.0).pixel_aspect == 2
    spacing = Spacing(0.2, 0.3, SpacingSource.USER)
    assert Film(GOOD, spacing, stated_aspect=2.0).pixel_aspect == pytest.approx(1.5)
