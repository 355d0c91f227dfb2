from __future__ import annotations

import json

import pytest

from cephsure.errors import InputError
from cephsure.projects import NoSuchFilm, PointEdit, Project, Ruler
from made_projects import SET, document, film_files, fresh, small_project


@pytest.fixture
def project(tmp_path):
    with small_project(tmp_path) as made:
        yield made


def value(project, edit, who="anna"):
    """What one edit makes of its point."""
    return project.record(1, [edit], who=who, request_id=fresh()).points[0].value


def test_each_action_gives_the_point_its_state_and_place(project):
    for landmark, (edit, expected) in enumerate(
        [
            (("edit", 5, 6), ("edited", 5.0, 6.0)),
            (("place", 7.5, 8), ("placed", 7.5, 8.0)),
            (("accept", None, None), ("accepted", 30.0, 60.0)),
            (("accept", 30.5, 61), ("accepted", 30.5, 61.0)),  # the prediction that the person saw
            (("missing", None, None), ("missing", None, None)),
            (("refer", None, None), ("referred", 60.0, 120.0)),
            (("reset", None, None), ("predicted", None, None)),
        ],
        start=1,
    ):
        found = value(project, PointEdit(landmark, *edit))
        assert (found.state, found.x_px, found.y_px) == expected
        assert (found.who, found.prediction_id) == ((None, None) if edit[0] == "reset" else ("anna", 1))


def test_who_accepts_or_refers_a_marked_point_does_so_where_it_is_marked(project):
    value(project, PointEdit(1, "edit", 5, 6))
    accepted = value(project, PointEdit(1, "accept", base_revision=1), who="bob")
    assert (accepted.state, accepted.x_px, accepted.who) == ("accepted", 5.0, "bob")
    referred = value(project, PointEdit(1, "refer", base_revision=2))
    assert (referred.state, referred.x_px) == ("referred", 5.0)
    assert value(project, PointEdit(1, "accept", base_revision=3)).x_px == 10.0


def test_a_reset_point_goes_on_counting_its_revisions(project):
    value(project, PointEdit(1, "edit", 5, 6))
    value(project, PointEdit(1, "reset", base_revision=1))
    assert project.film(1).points[0].revision == 2
    with pytest.raises(InputError, match="was changed since you saw it"):
        value(project, PointEdit(1, "edit", 9, 9, base_revision=0))


def test_without_a_prediction_a_point_is_placed(tmp_path):
    with Project.create(tmp_path / "p", SET) as project:
        project.add_films(film_files(tmp_path, 1))
        assert value(project, PointEdit(1, "place", 5, 6)).prediction_id is None
        assert value(project, PointEdit(2, "refer")).x_px is None
        with pytest.raises(InputError, match=r"cannot be accepted: .*\(place it, or call it missing\)"):
            value(project, PointEdit(3, "accept"))


@pytest.mark.parametrize(
    ("edits", "complaint"),
    [
        ([], "at least one edit"),
        ([PointEdit(20, "missing")], "there is no landmark 20: the set has 1 to 19"),
        ([PointEdit(0, "missing")], "there is no landmark 0"),
        ([PointEdit(1, "missing"), PointEdit(1, "reset")], "each point only once"),
        ([PointEdit(1, "guess")], "there is no action 'guess'"),
        ([PointEdit(1, "edit")], "edit needs a position"),
        ([PointEdit(1, "edit", 5)], "needs both"),
        ([PointEdit(1, "place", float("nan"), 5)], "a position or length is no number"),
        ([PointEdit(1, "edit", 500, 5)], r"lies outside the film, at \(500, 5\)"),
        ([PointEdit(1, "edit", 5, -1)], "lies outside the film"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_nothing_stored(project, edits, complaint):
    good = [PointEdit(7, "accept")] if edits else []
    with pytest.raises(ValueError, match=complaint):
        project.record(1, [*good, *edits], who="anna", request_id=fresh())
    assert project.last_event() == 0


@pytest.mark.parametrize("who", ["", "  ", "a\nb", "x" * 201, "Mean"])
def test_a_person_needs_a_name(project, who):
    with pytest.raises(InputError, match="name"):
        value(project, PointEdit(1, "accept"), who=who)


def test_there_must_be_such_a_film(project):
    with pytest.raises(NoSuchFilm):
        project.record(9, [PointEdit(1, "accept")], who="anna", request_id="r")
    with pytest.raises(NoSuchFilm):
        project.film(9)
    with pytest.raises(NoSuchFilm):
        project.history(9)


@pytest.mark.parametrize(
    ("ruler", "complaint"),
    [
        (Ruler((0, 0), (0.5, 0), 50), "at the same place"),
        (Ruler((0, 0), (900, 0), 50), "the ruler's end lies outside"),
        (Ruler((0, 0), (300, 0), -50), "mm per pixel"),
        (Ruler((0, 0), (300, 0), 5000), "films have 0.01 to 2"),
        (Ruler((0, 0), (300, 0), float("nan")), "is no number"),
    ],
)
def test_a_ruler_that_cannot_be_is_refused(project, ruler, complaint):
    with pytest.raises(ValueError, match=complaint):
        project.record_scale(1, ruler, who="anna", request_id=fresh())
    assert project.review(1).ruler is None


def test_a_film_has_three_states(project):
    with pytest.raises(InputError, match="there is no state 'done'"):
        project.record_state(1, "done", who="anna", request_id=fresh())
    project.record_state(1, "referred", who="anna", request_id=fresh())
    project.record_state(1, "open", who="anna", request_id=fresh())
    assert (project.film(1).state, project.review(1).who) == ("predicted", None)


def test_a_note_is_kept_as_it_is(project):
    (event,) = project.record_note(1, "línea\n2", who="anna", request_id=fresh()).events
    assert json.loads(event.after) == "línea\n2"


def test_a_prediction_made_since_is_what_is_accepted(project):
    project.store_prediction(
        1, document(landmarks=[{**mark, "x_px": 1.5} for mark in json.loads(document())["landmarks"]])
    )
    found = value(project, PointEdit(2, "accept"))
    assert (found.x_px, found.prediction_id) == (1.5, 3)
