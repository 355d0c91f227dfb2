from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.inference.orientation import Orientation, find_orientation
from cephsure.preprocessing import orient

SIDE = 32
ALL = [(left, negative) for left in (False, True) for negative in (False, True)]


class RandomNetwork:
    """An orientation network that knows nothing: random functions of the image, not linear."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.weights, self.shift = rng.normal(size=(SIDE * SIDE, 2)), rng.normal(size=2)
        self.calls = 0

    def run(self, images):
        assert images.shape == (4, 1, SIDE, SIDE)
        assert images.dtype == np.float32
        self.calls += 1
        flat = images.reshape(4, -1)
        return (flat + 0.3 * flat**2) @ self.weights + self.shift


class NoNetwork:
    def run(self, images):
        raise AssertionError("nothing had to be found")


def film(seed, *, width=96, height=120):
    return np.random.default_rng(seed).uniform(size=(height, width)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_mirrored_or_inverted_film_gets_the_opposite_answer_from_any_network(seed):
    network, pixels = RandomNetwork(seed), film(seed)
    plain = find_orientation(pixels, network, SIDE)
    for left, negative in ALL:
        found = find_orientation(orient(pixels, left=left, negative=negative), network, SIDE)
        assert found.left == (plain.left != left)
        assert found.negative == (plain.negative != negative)
        assert (found.facing_source, found.polarity_source) == ("found", "found")


def test_random_networks_do_not_always_say_the_same():
    found = {
        (o.left, o.negative)
        for o in (find_orientation(film(0), RandomNetwork(seed), SIDE) for seed in range(40))
    }
    assert found == set(ALL)


@pytest.mark.parametrize(
    ("facing", "polarity"), list(itertools.product(("right", "left"), ("positive", "negative")))
)
def test_what_is_given_is_taken_and_nothing_asked(facing, polarity):
    found = find_orientation(film(0), NoNetwork(), SIDE, facing=facing, polarity=polarity)
    assert found == Orientation(facing, polarity, "given", "given")


def test_what_is_not_given_is_found():
    network = RandomNetwork(3)
    whole = find_orientation(film(0), network, SIDE)
    other = "right" if whole.left else "left"
    found = find_orientation(film(0), network, SIDE, facing=other)
    assert found == Orientation(other, whole.polarity, "given", "found")
    other = "positive" if whole.negative else "negative"
    assert find_orientation(film(0), network, SIDE, polarity=other) == (
        Orientation(whole.facing, other, "found", "given")
    )


def test_without_a_network_right_and_positive_are_assumed():
    assert find_orientation(film(0), None, 0) == Orientation("right", "positive", "assumed", "assumed")
    assert find_orientation(film(0), None, 0, facing="left") == (
        Orientation("left", "positive", "given", "assumed")
    )


@pytest.mark.parametrize("wrong", [{"facing": "up"}, {"facing": ""}, {"polarity": "grey"}])
def test_any_other_word_is_refused(wrong):
    with pytest.raises(InputError, match="is one of auto, "):
        find_orientation(film(0), None, 0, **wrong)


def test_each_of_the_four_turns_by_hand():
    # The stretch looks at every eighth pixel, and finds the two ends right here.
    pixels = np.full((9, 17), 0.5, dtype=np.float32)
    pixels[:, [0, 8, 16]] = 0.0, 0.25, 1.0
    upright = {
        ("right", "positive"): [0.0, 0.25, 1.0],
        ("left", "positive"): [1.0, 0.25, 0.0],
        ("right", "negative"): [1.0, 0.75, 0.0],
        ("left", "negative"): [0.0, 0.75, 1.0],
    }
    for (facing, polarity), expected in upright.items():
        found = Orientation(facing, polarity).upright(pixels)
        assert found[3, [0, 8, 16]].tolist() == expected
        assert found.flags.c_contiguous


@given(st.integers(0, 2**32 - 1), st.sampled_from(ALL))
def test_positions_lead_back_to_the_given_films_pixels(seed, turn):
    left, negative = turn
    pixels = film(seed, width=80, height=70)
    pixels[0], pixels[8] = 0, 1  # rows that the stretch looks at: it finds the two ends right here
    rng = np.random.default_rng(seed)
    orientation = Orientation("left" if left else "right", "negative" if negative else "positive")
    x, y = rng.integers(0, 80, 9), rng.integers(0, 70, 9)
    given_x, given_y = orientation.to_given(np.stack([x, y], axis=1).astype(np.float64), 80).T
    seen = orientation.upright(pixels)[y, x]
    there = pixels[given_y.astype(int), given_x.astype(int)]
    np.testing.assert_allclose(seen, 1 - there if negative else there, atol=1e-6)


def test_positions_of_many_samples_by_hand():
    positions = np.array([[[0.0, 5.0]], [[98.5, 6.0]]])
    assert Orientation("left").to_given(positions, 100).tolist() == [[[99.0, 5.0]], [[0.5, 6.0]]]
    assert Orientation("right").to_given(positions, 100) is positions
