from __future__ import annotations

import pytest

from cephsure.errors import InputError
from cephsure.projects import Conflict, PointEdit, Ruler
from made_projects import fresh, small_project


@pytest.fixture
def project(tmp_path):
    with small_project(tmp_path) as made:
        yield made


def edit(project, *edits, who="anna"):
    return project.record(1, edits, who=who, request_id=fresh())


def undo(project, who="anna"):
    return project.undo(1, who=who, request_id=fresh())


def redo(project, who="anna"):
    return project.redo(1, who=who, request_id=fresh())


def places(project):
    return {point.landmark: (point.value.state, point.value.x_px) for point in project.film(1).points}


def test_a_request_is_undone_and_redone_as_a_whole(project):
    edit(project, PointEdit(1, "edit", 5, 6), PointEdit(2, "accept"))
    edit(project, PointEdit(1, "missing", base_revision=1))
    undo(project)
    assert places(project) == {1: ("edited", 5.0), 2: ("accepted", 20.0)}
    recorded = undo(project)
    assert places(project) == {1: ("predicted", None), 2: ("predicted", None)}
    assert [(event.kind, event.undoes) for event in recorded.events] == [("undo", 2), ("undo", 1)]
    redo(project)
    redo(project)
    assert places(project) == {1: ("missing", None), 2: ("accepted", 20.0)}
    with pytest.raises(InputError, match="there is nothing to redo"):
        redo(project)


def test_a_redone_request_can_be_undone_again(project):
    edit(project, PointEdit(1, "edit", 5, 6))
    for _ in range(3):
        undo(project)
        assert places(project) == {1: ("predicted", None)}
        redo(project)
        assert places(project) == {1: ("edited", 5.0)}
    assert project.film(1).points[0].revision == 7


def test_a_new_edit_ends_what_could_be_redone(project):
    edit(project, PointEdit(1, "edit", 5, 6))
    undo(project)
    edit(project, PointEdit(2, "accept"))
    with pytest.raises(InputError, match="there is nothing to redo"):
        redo(project)


def test_undo_is_each_persons_own_and_each_films(project):
    edit(project, PointEdit(1, "edit", 5, 6))
    edit(project, PointEdit(2, "edit", 7, 8), who="bob")
    undo(project)
    assert places(project) == {1: ("predicted", None), 2: ("edited", 7.0)}
    with pytest.raises(InputError, match="there is nothing to undo"):
        project.undo(2, who="anna", request_id=fresh())


def test_what_somebody_else_changed_since_is_not_undone(project):
    edit(project, PointEdit(1, "edit", 5, 6), PointEdit(2, "accept"))
    edit(project, PointEdit(1, "edit", 7, 8, 1), who="bob")
    with pytest.raises(Conflict, match="cannot be undone") as conflict:
        undo(project)
    assert [(p.landmark, p.value.who) for p in conflict.value.current] == [(1, "bob")]
    assert places(project) == {1: ("edited", 7.0), 2: ("accepted", 20.0)}  # not a half
    undo(project, "bob")  # what anna left is there again
    undo(project)
    edit(project, PointEdit(2, "missing", base_revision=2), who="bob")
    with pytest.raises(Conflict, match="cannot be redone"):
        redo(project)


def test_the_same_place_marked_by_another_is_another_mark(project):
    edit(project, PointEdit(1, "edit", 5, 6))
    edit(project, PointEdit(1, "edit", 5, 6, 1), who="bob")
    with pytest.raises(Conflict):
        undo(project)


def test_states_and_rulers_are_undone_too_but_notes_are_not(project):
    project.record_scale(1, Ruler((0, 0), (300, 400), 50), who="anna", request_id=fresh())
    project.record_scale(1, Ruler((0, 0), (300, 400), 100), who="anna", request_id=fresh())
    project.record_state(1, "reviewed", who="anna", request_id=fresh())
    project.record_note(1, "a note", who="anna", request_id=fresh())
    undo(project)
    assert project.film(1).state == "predicted"
    undo(project)
    assert project.review(1).ruler.mm_per_px == 0.1
    undo(project)
    assert project.review(1).ruler is None
    redo(project)
    redo(project)
    assert project.review(1).ruler.mm_per_px == 0.2
    project.record_scale(1, None, who="bob", request_id=fresh())
    with pytest.raises(Conflict):
        undo(project)


def test_the_page_knows_what_would_be_undone(project):
    edit(project, PointEdit(1, "edit", 5, 6))
    edit(project, PointEdit(2, "accept"))
    undo(project)
    view = project.film(1, who="anna")
    assert [event.landmark for event in view.undo] == [1]
    assert [(event.kind, event.landmark) for event in view.redo] == [("undo", 2)]
    assert project.film(1, who="bob").undo == project.film(1).redo == ()


def test_a_repeated_undo_is_done_once(project):
    edit(project, PointEdit(1, "edit", 5, 6))
    edit(project, PointEdit(1, "edit", 7, 8, 1))
    first = project.undo(1, who="anna", request_id="u")
    assert project.undo(1, who="anna", request_id="u") == first
    assert places(project) == {1: ("edited", 5.0)}
