from __future__ import annotations

import numpy as np
import pytest

from cephsure.films.grey_range import useful_range

KINDS = [np.uint16, np.int16, np.int32, np.float32]


def film(kind: type, low: int = 0, high: int = 4000) -> np.ndarray:
    return np.linspace(low, high, 10_000).round().astype(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_an_ordinary_film_keeps_its_whole_range(kind: type) -> None:
    assert useful_range(film(kind)) == (0, 4000, ())


@pytest.mark.parametrize("share", [0.005, 0.02, 0.3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_burnt_in_mark_far_above_is_left_out(kind: type, share: float) -> None:
    values = film(kind)
    values[: int(share * len(values))] = 32_000
    low, high, notes = useful_range(values)
    assert (round(low), round(high)) == (round(float(values[values < 32_000].min())), 4000)
    assert len(notes) == 1
    assert notes[0].startswith(f"{share:.1%} of the pixels have values far above all others")
    assert "burnt-in marks or a border" in notes[0]


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float32])
def test_undeclared_padding_far_below_is_left_out(kind: type) -> None:
    values = film(kind)
    values[:3000] = -32_000
    low, high, notes = useful_range(values)
    assert 1195 <= low <= 1205
    assert round(high) == 4000
    assert "30.0% of the pixels have values far below all others" in notes[0]
    assert "padding" in notes[0]


def test_marks_above_and_padding_below_at_once() -> None:
    values = film(np.int16)
    values[:500], values[-500:] = -32_768, 32_767
    low, high, notes = useful_range(values)
    assert 150 < low < 250
    assert 3750 < high < 3850
    assert len(notes) == 2


def test_a_film_on_a_large_black_border_is_not_taken_for_a_mark() -> None:
    # Seven tenths are border; the film itself is wide, not narrow.
    values = film(np.uint16, 10_000, 60_000)
    values[:7000] = np.arange(7000) % 20
    assert useful_range(values) == (0, 60_000, ())


def test_a_bright_part_near_the_others_stays() -> None:
    values = film(np.uint16)
    values[:500] = 6000  # nearer than the rest is wide
    assert useful_range(values) == (200, 6000, ()) or useful_range(values)[1] == 6000
    assert useful_range(values)[2] == ()


def test_few_shades_are_no_bulk() -> None:
    values = np.array([0, 1, 2] * 100 + [60_000] * 20, dtype=np.uint16)
    assert useful_range(values) == (0, 60_000, ())


def test_a_film_of_one_value_has_no_range() -> None:
    assert useful_range(np.full(100, 7, np.uint16)) == (7, 7, ())


@pytest.mark.parametrize("kind", KINDS)
def test_padding_of_one_value_may_be_most_of_the_film(kind: type) -> None:
    values = film(kind, 20_000, 24_000)
    values[:7000] = 0
    low, high, notes = useful_range(values)
    assert (round(low), round(high)) == (22_800, 24_000)
    assert "70.0% of the pixels have values far below all others" in notes[0]
    values[:7000] = np.arange(7000) % 2  # two values might be a picture
    assert useful_range(values)[0] == 0
