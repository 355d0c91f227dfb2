from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.landmarks import Landmark, LandmarkSet, load_landmark_set
from cephsure.uncertainty.readers.definitions import definitions_of


def set_of(*extremes):
    return LandmarkSet(
        name="made",
        title="made",
        source="made for this test",
        landmarks=tuple(
            Landmark(k, f"P{k}", f"point {k}", "where it is", "bone", "midline", extreme=extreme)
            for k, extreme in enumerate(extremes, start=1)
        ),
    )


@pytest.mark.parametrize(
    ("extreme", "towards", "words"),
    [
        ("anterior", (1, 0), "more anterior"),
        ("posterior", (-1, 0), "more posterior"),
        ("superior", (0, -1), "higher"),
        ("inferior", (0, 1), "lower"),
    ],
)
def test_the_share_of_films_on_which_the_second_goes_further(extreme, towards, words):
    marks = np.zeros((6, 2, 1, 2))
    # On three of four films the second annotator's mark lies further that way; across it means nothing.
    marks[:, 1, 0] = np.array([1, 1, 1, -1, 1, 1])[:, None] * np.array(towards) + 5 * np.array(towards[::-1])
    marks[4, 0], marks[5, 1, 0, 0] = np.nan, np.nan  # a film that one of them has not marked tells nothing
    found = definitions_of(set_of(extreme), marks)
    assert found[0].share == 0.75
    assert words in found[0].words


@pytest.mark.parametrize("order", ["behind P2 P3", "behind P3 P2"])
def test_behind_a_chord_is_away_from_the_face_whichever_end_comes_first(order):
    marks = np.zeros((2, 2, 3, 2))
    marks[:, :, 1], marks[:, :, 2] = (0.0, 0.0), (1.0, 10.0)  # downwards, and a little to the face
    marks[:, 1, 0] = [(-2.0, 0.0), (0.5, 8.0)]  # to the back; down along the chord, across it to the back
    found = definitions_of(set_of(order, "", ""), marks)
    assert set(found) == {0}
    assert found[0].share == 1.0
    assert found[0].words == f"the deeper {order.replace(' P', '-P').replace('-', ' ', 1)}"


def test_a_shipped_sets_extremes_are_known_though_an_older_bundle_does_not_say_them():
    shipped = load_landmark_set("isbi-19")
    plain = tuple(replace(landmark, extreme="") for landmark in shipped.landmarks)
    marks = np.random.default_rng(0).normal(0, 50, (5, 2, 19, 2))
    expected = {k for k, landmark in enumerate(shipped.landmarks) if landmark.extreme}
    assert expected
    assert set(definitions_of(replace(shipped, landmarks=plain), marks)) == expected
    other = (replace(plain[0], code="other"), *plain[1:])
    assert definitions_of(replace(shipped, landmarks=other), marks) == {}


def test_no_extreme_or_a_chord_of_unknown_landmarks_tells_nothing():
    assert definitions_of(set_of("", "behind X P1"), np.zeros((3, 2, 2, 2))) == {}
    assert definitions_of(set_of("inferior"), np.full((3, 2, 1, 2), np.nan)) == {}
