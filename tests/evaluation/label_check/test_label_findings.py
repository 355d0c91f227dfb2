from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.evaluation.label_check.annotator_distances import annotator_pairs
from cephsure.evaluation.label_check.label_findings import (
    Judged,
    Labels,
    apart_findings,
    point_findings,
    whole_finding,
)
from cephsure.evaluation.label_check.shapes import facing_one_side

FILM, EXTENT = 6, 50.0


@pytest.fixture
def labels_of(judge):
    """Give ``labels_of(films, name="ann", *, pictures=True)``."""

    def make(films, name="ann", *, pictures=True):
        lengths = {each: films.lengths(each) for each in films.points}
        labels = Labels.of(films, name, facing_one_side(lengths), Judged(judge, pairs_of(films)))
        return labels if pictures else replace(labels, pictures=None)

    return make


def pairs_of(films):
    return tuple(annotator_pairs({each: films.lengths(each) for each in films.points}, EXTENT))


def mirrored(films, name, film=FILM):
    films.points[name][film, :, 0] = films.looks[film].size_px[0] - 1 - films.points[name][film, :, 0]


def halved(films, name, film=FILM):
    films.points[name][film] /= 2


def test_true_labels_say_nothing(films, labels_of):
    labels = labels_of(films)
    assert whole_finding(films, labels, FILM) is None
    assert list(point_findings(films, labels, FILM)) == []
    assert list(apart_findings(films, pairs_of(films)[0], FILM, EXTENT, {})) == []


def test_shifted_labels_are_told_which_way_they_belong(films, labels_of):
    films.points["ann"][FILM] += (20, -12)
    found = whole_finding(films, labels_of(films), FILM)
    assert (found.kind, found.film, found.annotator, found.serious) == ("not on film", "006", "ann", True)
    assert "to the left" in found.said
    assert "down" in found.said
    assert len(found.marks) == 19


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (halved, "not on film", "image of about 0.5"),
        (mirrored, "mirrored", "mirror image of what the film shows"),
    ],
)
def test_what_happened_to_the_labels_of_a_film(films, labels_of, change, kind, words):
    change(films, "ann")
    found = whole_finding(films, labels_of(films), FILM)
    assert found.kind == kind
    assert words in found.said


def test_mirrored_labels_without_pictures_are_asked_about(films, labels_of):
    mirrored(films, "ann")
    found = whole_finding(films, labels_of(films, pictures=False), FILM)
    assert (found.kind, found.serious) == ("mirrored", True)
    assert "does the film?" in found.said


def test_an_odd_point_is_told_with_where_it_is_expected_on_the_film(films, labels_of):
    truth = films.points["ann"][FILM, 9].copy()
    films.points["ann"][FILM, 9] += (14, 6)
    (found,) = point_findings(films, labels_of(films), FILM)
    assert (found.kind, found.codes, found.serious) == ("odd point", ("Go",), True)
    assert "the other annotator marks it elsewhere" in found.said
    marks = {mark.role: np.array(mark.at_px) for mark in found.marks}
    np.testing.assert_allclose(marks["marked"] - truth, (14, 6))
    assert np.hypot(*(marks["expected"] - truth)) < 6
    assert np.hypot(*(marks["other"] - truth)) < 4


def test_a_point_expected_on_a_mirrored_film_is_told_in_its_own_px(films, labels_of):
    for name in films.points:
        films.points[name][FILM, 9] += (14, 6)
        mirrored(films, name)
    (found,) = point_findings(films, labels_of(films, pictures=False), FILM)
    marks = {mark.role: np.array(mark.at_px) for mark in found.marks}
    assert 8 < np.hypot(*(marks["expected"] - marks["marked"])) < 23


def test_what_both_mark_is_good_to_know(films, labels_of):
    for name in films.points:
        films.points[name][FILM, 9] += (13, 6)
    (found,) = point_findings(films, labels_of(films), FILM)
    assert not found.serious
    assert "marks it there too" in found.said


def test_exchanged_labels(films, labels_of):
    films.points["ann"][FILM, [0, 9]] = films.points["ann"][FILM, [9, 0]]
    (found,) = point_findings(films, labels_of(films), FILM)
    assert (found.kind, set(found.codes)) == ("swapped", {"S", "Go"})


def test_many_odd_points_are_one_finding(films, labels_of):
    films.points["ann"][FILM, :8] = np.random.default_rng(0).uniform(0, 200, (8, 2))
    found = list(point_findings(films, labels_of(films), FILM))
    assert [one.kind for one in found] == ["odd point"]
    assert "of the points do not fit" in found[0].said


def test_annotators_far_apart_at_a_point_unless_it_was_told(films):
    films.points["bob"][FILM, 9] += (11, 6)
    pair = pairs_of(films)[0]
    (found,) = apart_findings(films, pair, FILM, EXTENT, {})
    assert (found.codes, found.annotator) == (("Go",), "ann, bob")
    assert {mark.role for mark in found.marks} == {"marked", "other"}
    assert list(apart_findings(films, pair, FILM, EXTENT, {"bob": {"Go"}})) == []


def test_annotators_far_apart_throughout(films):
    films.points["bob"][FILM] += (5, 3)
    (found,) = apart_findings(films, pairs_of(films)[0], FILM, EXTENT, {})
    assert found.codes == ()
    assert "half of the points" in found.said
    assert list(apart_findings(films, pairs_of(films)[0], FILM, EXTENT, {"ann": {""}})) == []
