from __future__ import annotations

import pytest

from cephsure.projects import PointEdit, Project, QueueFilter
from made_projects import SET, document, film_files, fresh


@pytest.fixture
def project(tmp_path):
    """Films 1 to 7: fit, unfit, review, without a verdict, waiting, unread, fit and doubtful."""
    with Project.create(tmp_path / "p", SET) as made:
        made.add_films(film_files(tmp_path, 7))
        for film_id, verdict, error_mm in [
            (1, "fit", 1.0),
            (2, "unfit", 2.0),
            (3, "review", 9.0),
            (7, "fit", 3.0),
        ]:
            made.store_prediction(film_id, document(verdict=verdict, error_mm=error_mm))
        made.store_prediction(4, document(verdict=None, error_mm=None))
        made.set_film_facts(6, width_px=None, height_px=None, unread="the film is cut off")
        yield made


def ids(project, **wanted):
    return [row.film_id for row in project.queue(QueueFilter(**wanted))]


def test_the_most_doubtful_film_comes_first_and_those_without_prediction_last(project):
    assert ids(project) == [2, 3, 7, 1, 4, 5, 6]


def test_the_newest_prediction_decides(project):
    project.store_prediction(1, document(verdict="unfit", error_mm=5.0))
    assert ids(project)[:3] == [1, 2, 3]


def test_rows_say_what_a_film_waits_for(project):
    project.record(1, [PointEdit(1, "accept"), PointEdit(2, "missing")], who="anna", request_id=fresh())
    project.record(1, [PointEdit(3, "accept"), PointEdit(4, "accept")], who="anna", request_id=fresh())
    project.record(1, [PointEdit(4, "reset", base_revision=1)], who="anna", request_id=fresh())
    project.record_state(2, "referred", who="anna", request_id=fresh())
    project.record_state(3, "reviewed", who="anna", request_id=fresh())
    by_id = {row.film_id: row for row in project.queue()}
    states = ["predicted", "referred", "reviewed", "predicted", "waiting", "unread", "predicted"]
    assert [by_id[film_id].state for film_id in range(1, 8)] == states
    assert by_id[1].counts == {"accepted": 2, "missing": 1}
    assert (by_id[2].why, by_id[2].reasons) == ("it is unfit", ("a reason for unfit",))
    assert by_id[6].unread == "the film is cut off"
    assert by_id[5].reasons == ()


def test_filters_hold_together(project):
    project.record_state(7, "reviewed", who="anna", request_id=fresh())
    assert ids(project, verdict="fit") == [7, 1]
    assert ids(project, verdict="fit", state="predicted") == [1]
    assert ids(project, reason="FOR REV") == [3]
    assert ids(project, text="Film5") == [5]
    assert ids(project, text="film", reason="for review", verdict="fit") == []
