from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.errors import InputError
from cephsure.projects import Conflict, PointEdit, Ruler, Value
from cephsure.projects.checking import check
from cephsure.projects.replay import mark_px, persons_films, replay
from made_projects import fresh, small_project

PEOPLE, LANDMARKS = ("anna", "bob"), (1, 2, 3)
STATES = {"edit": "edited", "accept": "accepted", "missing": "missing", "reset": "predicted"}


class Model:
    """What a project should do, in plain lists: the points, and what each person can undo and redo."""

    def __init__(self):
        self.points = dict.fromkeys(LANDMARKS, (0, ("predicted", None, None)))
        self.done = {who: [] for who in PEOPLE}
        self.undone = {who: [] for who in PEOPLE}
        self.marks = {who: [] for who in PEOPLE}

    def edit(self, who, edits):
        if any(self.points[number][0] != revision for number, _, _, revision in edits):
            return "conflict"
        request = []
        for number, action, x, _ in edits:
            shown = self.points[number][1]
            at = {"edit": x, "accept": shown[1] if shown[0] in ("edited", "accepted") else 10.0 * number}.get(
                action
            )
            new = (STATES[action], at, None if action == "reset" else who)
            request.append((number, shown, new))
            self.points[number] = (self.points[number][0] + 1, new)
        self.done[who].append(request)
        self.undone[who].clear()
        return "stored"

    def take_back(self, who, source, target, old, new):
        if not source[who]:
            return "nothing"
        request = source[who][-1]
        if any(self.points[change[0]][1] != change[old] for change in request):
            return "conflict"
        for change in request:
            self.points[change[0]] = (self.points[change[0]][0] + 1, change[new])
        target[who].append(source[who].pop())
        return "stored"

    def persons_marks(self, who):
        last = {}
        for request in self.done[who]:
            last |= {number: new for number, _, new in request}
        return {number: new[1] for number, new in last.items() if new[0] in ("edited", "accepted")}


actions = st.one_of(
    st.tuples(
        st.just("edit"),
        st.sampled_from(PEOPLE),
        st.lists(
            st.tuples(
                st.sampled_from(LANDMARKS),
                st.sampled_from(sorted(STATES)),
                st.integers(0, 40).map(float),
                st.integers(-1, 0),  # 0: the point as it is, -1: as it was before
            ),
            min_size=1,
            max_size=2,
            unique_by=lambda edit: edit[0],
        ),
    ),
    st.tuples(st.sampled_from(("undo", "redo")), st.sampled_from(PEOPLE)),
)


def answer(work):
    try:
        work()
    except Conflict:
        return "conflict"
    except InputError as error:
        return "nothing" if "there is nothing to" in str(error) else str(error)
    return "stored"


@settings(max_examples=25)
@given(st.lists(actions, max_size=25))
def test_two_persons_edits_do_what_a_plain_model_does(script):
    model = Model()
    with tempfile.TemporaryDirectory() as folder, small_project(Path(folder), films=1) as project:
        # Nothing here is about the disk: each of these projects would wait for it some hundred times.
        project._database._connection.execute("PRAGMA synchronous = OFF")
        for kind, who, *rest in script:
            if kind == "edit":
                edits = [
                    (number, action, x, max(model.points[number][0] + step, 0))
                    for number, action, x, step in rest[0]
                ]
                wanted = [
                    PointEdit(
                        number, action, *((x, x) if action == "edit" else (None, None)), base_revision=base
                    )
                    for number, action, x, base in edits
                ]
                expected = model.edit(who, edits)
                found = answer(lambda w=who, e=wanted: project.record(1, e, who=w, request_id=fresh()))
            elif kind == "undo":
                expected = model.take_back(who, model.done, model.undone, 2, 1)
                found = answer(lambda w=who: project.undo(1, who=w, request_id=fresh()))
            else:
                expected = model.take_back(who, model.undone, model.done, 1, 2)
                found = answer(lambda w=who: project.redo(1, who=w, request_id=fresh()))
            assert found == expected, (kind, who, rest)
            points = {
                p.landmark: (p.revision, (p.value.state, p.value.x_px, p.value.who))
                for p in project.film(1).points
            }
            assert points == {number: point for number, point in model.points.items() if point[0]}
        for who in PEOPLE:
            marks = [film.marks_px for film in project.annotations(who)]
            xs = {number: at[0] for number, at in (marks[0] if marks else {}).items()}
            assert xs == model.persons_marks(who)
        assert check(project.path) == []


@pytest.fixture
def project(tmp_path):
    with small_project(tmp_path) as made:
        made.record(1, [PointEdit(1, "edit", 5, 6), PointEdit(2, "accept")], who="anna", request_id=fresh())
        made.undo(1, who="anna", request_id=fresh())
        made.record_state(1, "reviewed", who="anna", request_id=fresh())
        made.record_scale(1, Ruler((0, 0), (300, 400), 50), who="anna", request_id=fresh())
        made.record_note(1, "a note", who="anna", request_id=fresh())
        yield made


def test_a_replay_gives_what_is_stored(project):
    replayed = replay(project.events_since(0))
    assert replayed.problems == []
    assert tuple(replayed.points.values()) == tuple(
        sorted(project.film(1).points, key=lambda point: point.landmark)
    )
    assert replayed.reviews == {1: project.review(1)}


def test_events_that_do_not_follow_from_each_other_are_named(project):
    events = list(project.events_since(0))
    events[2] = replace(events[2], before=Value("missing").to_json())
    events[4] = replace(events[4], before='{"state": "referred", "who": null}')
    events[5] = replace(events[5], after="{}")
    assert [problem.split(" ")[:3] for problem in replay(events).problems] == [
        ["event", "3", "does"],
        ["event", "5", "does"],
        ["event", "6", "cannot"],
    ]


def test_a_review_that_was_undone_or_taken_back_does_not_count(project):
    films = {film.film_id: film for film in project.films()}

    def reviewed():
        return [each.reviewed for each in persons_films(films, project.events_since(0))]

    assert reviewed() == [True]
    project.undo(1, who="anna", request_id=fresh())  # the ruler
    project.undo(1, who="anna", request_id=fresh())
    assert reviewed() == []
    project.redo(1, who="anna", request_id=fresh())
    assert reviewed() == [True]
    project.record_state(1, "open", who="anna", request_id=fresh())
    assert reviewed() == []


def test_only_what_somebody_vouches_for_is_a_mark():
    assert mark_px(Value("placed", 1.0, 2.0, "anna")) == (1.0, 2.0)
    assert mark_px(Value("referred", 1.0, 2.0, "anna")) is None
    assert mark_px(Value("missing", None, None, "anna")) is None
