from __future__ import annotations

import numpy as np
import pytest

from cephsure.landmarks import LandmarkSet, load_landmark_set
from cephsure.reports.reader_questions import in_words, questions
from reader_population import made_population

# Place 1 lies 20 px up and 10 px to the right of place 2 at the first landmark, and so on.
FIRST = np.array([[110.0, 100.0], [50.0, 50.0], [80.0, 80.0], [10.0, 10.0]])
SECOND = np.array([[100.0, 120.0], [50.0, 55.0], [80.0, 80.0], [20.0, 10.0]])


@pytest.fixture
def ask(dots):
    def asked(*, mm_per_px=(0.5, 0.5), faces_left=False, extreme="", samples=1, against=0, **options):
        """``against`` samples have the two annotators' marks exchanged."""
        facts = dots._landmarks()
        facts["landmarks"][0]["extreme"] = extreme
        marks = [np.stack([FIRST, SECOND])] * (samples - against) + [np.stack([SECOND, FIRST])] * against
        return questions(
            made_population(**options),
            LandmarkSet.from_dict(facts),
            np.array(marks),
            mm_per_px=mm_per_px,
            faces_left=faces_left,
        )

    return asked


def test_only_landmarks_whose_places_part_by_over_a_millimetre_are_asked_about(ask):
    assert [question.landmark.code for question in ask()] == ["UL", "UR", "LL"]
    assert ask(annotators=()) == []


def test_each_place_is_told_from_the_other(ask):
    first, second, together = ask()
    assert first.answers == ("junior", "senior")
    assert first.places_px.tolist() == [[110, 100], [100, 120]]
    assert first.ways == (
        "10.0 mm further up and 5.0 mm further forward",
        "10.0 mm further down and 5.0 mm further back",
    )
    assert second.ways == ("2.5 mm further up", "2.5 mm further down")
    assert together.ways == ("in the same place on this film",) * 2


def test_forward_is_where_the_head_faces(ask):
    assert ask(faces_left=True)[0].ways[0] == "10.0 mm further up and 5.0 mm further back"


def test_without_a_scale_there_are_directions_alone(ask):
    assert ask(mm_per_px=None)[0].ways[1] == "further down and further back"


def test_each_axis_has_its_own_scale(ask):
    assert ask(mm_per_px=(1.0, 0.5))[0].ways[0] == "10.0 mm further up and 10.0 mm further forward"


@pytest.mark.parametrize(
    ("extreme", "faces_left", "place", "words"),
    [
        ("anterior", False, 0, "the more anterior"),
        ("anterior", True, 1, "the more anterior"),
        ("inferior", False, 1, "the lower"),
    ],
)
def test_the_place_that_the_definition_means_is_told(ask, extreme, faces_left, place, words):
    ways = ask(extreme=extreme, faces_left=faces_left)[0].ways
    assert ways[place].endswith(f"; here {words}, as the definition says")
    assert ";" not in ways[1 - place]


def test_it_is_not_told_where_samples_disagree(ask):
    assert "definition" in " ".join(ask(extreme="anterior", samples=5, against=1)[0].ways)
    assert "definition" not in " ".join(ask(extreme="anterior", samples=5, against=2)[0].ways)
    assert "definition" not in " ".join(ask()[0].ways)


def test_sets_of_older_bundles_take_their_extremes_from_the_shipped_set():
    facts = load_landmark_set("isbi-19").to_dict()
    for mark in facts["landmarks"]:
        del mark["extreme"]
    places = np.zeros((1, 2, 19, 2))
    places[0, 1, 2, 1] = 4.0  # orbitale, the lowest point of the orbit's rim
    asked = questions(
        made_population(), LandmarkSet.from_dict(facts), places, mm_per_px=None, faces_left=False
    )
    assert [question.landmark.code for question in asked] == ["S", "N", "Or"]
    assert asked[2].ways == ("further up", "further down; here the lower, as the definition says")
    assert "definition" not in " ".join(asked[1].ways)  # an extreme too, but both places are one here


def test_what_no_answer_means_follows_the_centre_of_readers(ask):
    assert [question.usual for question in ask()] == [
        "at place 1",
        "between the two, nearer to place 2",
        "about halfway",
    ]


def test_a_small_part_of_the_way_is_not_named():
    assert in_words(np.array([0.5, 5.0]), in_mm=True) == "5.0 mm further down"
    assert in_words(np.array([-5.0, 2.0]), in_mm=True) == "2.0 mm further down and 5.0 mm further back"
