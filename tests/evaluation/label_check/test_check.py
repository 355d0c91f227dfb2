from __future__ import annotations

from dataclasses import replace

import numpy as np

from cephsure.evaluation.label_check import KINDS, Finding, check_labels
from cephsure.evaluation.label_check.annotator_distances import annotator_pairs
from cephsure.evaluation.label_check.check import (
    habit_findings,
    missing_findings,
    same_points_findings,
)


def test_true_labels_need_no_look_and_every_film_is_counted(films):
    told = []
    check = check_labels(films, lambda done, total: told.append((done, total)))
    assert check.findings == ()
    assert not check.serious
    assert (check.unit, check.notes, len(check.pairs)) == ("mm", (), 1)
    assert told == [(done, 80) for done in range(1, 81)]


def test_faults_are_found_each_once_and_the_gravest_first(films):
    films.points["ann"][1, 9] += (15, 10)
    films.points["ann"][2, [0, 9]] = films.points["ann"][2, [9, 0]]
    films.points["bob"][3] += (22, 0)
    films.points["bob"][4, 7] = np.nan
    films.points["ann"][5, 16] = (300, 20)
    check = check_labels(films)
    assert [(one.kind, one.film, one.annotator) for one in check.findings if one.serious] == [
        ("missing", "004", "bob"),
        ("outside", "005", "ann"),
        ("swapped", "002", "ann"),
        ("not on film", "003", "bob"),
        ("odd point", "005", "ann"),
        ("odd point", "001", "ann"),
    ]


def test_few_films_are_said_to_be_few(films):
    few = replace(
        films,
        film_ids=films.film_ids[:4],
        looks=films.looks[:4],
        points={"ann": films.points["ann"][:4]},
        groups=films.groups[:4],
        splits=films.splits[:4],
    )
    check = check_labels(few)
    assert check.findings == ()
    assert "fewer than 10 films" in check.notes[0]


def test_films_without_a_point_or_picture_are_no_failure(films):
    bare = replace(films, looks=(None,) * 40)
    bare.points["ann"][:] = np.nan
    check = check_labels(bare)
    assert any("the films are too few" in note for note in check.notes)


def test_landmarks_that_are_marked_on_few_films_are_named_as_not_judged(films):
    films.points["ann"][4:, 4] = np.nan
    notes = check_labels(films).notes
    assert notes == ("ann: not judged by the others, because marked on too few films: A",)


def test_a_landmark_that_is_marked_on_nearly_all_films_looks_forgotten(films):
    films.points["ann"][[3, 8], 4] = np.nan
    films.points["ann"][:20, 5] = np.nan
    forgotten = [(one.film, one.codes) for one in missing_findings(films) if one.serious]
    assert forgotten == [("003", ("A",)), ("008", ("A",))]
    (often,) = (one for one in missing_findings(films) if not one.serious)
    assert often.codes == ("B",)
    assert "of 40 films these are not marked: B on 20" in often.said


def test_a_film_that_an_annotator_did_not_see_misses_nothing(films):
    films.points["ann"][3] = np.nan
    assert list(missing_findings(films)) == []


def test_points_copied_from_another_film(films):
    films.points["ann"][12] = films.points["ann"][5]
    (found,) = same_points_findings(films)
    assert (found.film, found.others, found.annotator) == ("005", ("012",), "ann")


def test_habits_and_one_file_under_two_names(films):
    films.points["bob"][:, 15] += (0, 7)
    films.points["cat"] = films.points["ann"].copy()
    pairs = annotator_pairs({name: films.lengths(name) for name in films.points}, 50.0)
    found = [(one.kind, one.annotator, one.codes, one.serious) for one in habit_findings(films, pairs, 50.0)]
    assert found == [
        ("habit", "ann, bob", ("Pog'",), False),
        ("same points", "ann, cat", (), True),
        ("habit", "bob, cat", ("Pog'",), False),
    ]


def test_findings_from_elsewhere_take_their_place(films):
    check = check_labels(films).with_findings(
        [Finding(kind="film size", said="x"), Finding(kind="unreadable", said="y", film="001")]
    )
    assert [one.kind for one in check.findings] == ["unreadable", "film size"]
    assert next(iter(KINDS)) == "unreadable"
