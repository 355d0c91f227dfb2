from __future__ import annotations

import numpy as np
import pytest

from cephsure.errors import FilmError, InputError
from cephsure.films import Film, ReadLimits, SpacingSource
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
