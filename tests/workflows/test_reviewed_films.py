from __future__ import annotations

import shutil

import pytest

from cephsure import load_model
from cephsure.errors import InputError
from cephsure.exports import prediction_json
from cephsure.projects import PointEdit, Project, Ruler
from cephsure.sample_films import sample_film
from cephsure.workflows.reviewed_films import reviewed_films


@pytest.fixture(scope="module")
def model():
    return load_model("default-baseline")


@pytest.fixture(scope="module")
def document(model, tmp_path_factory):
    sample = sample_film("vhm_lateral_0deg")
    return prediction_json.render(
        model.predict(sample.path, mm_per_px=sample.mm_per_px), tmp_path_factory.mktemp("x")
    )


@pytest.fixture
def project(tmp_path, model, document):
    """Film 1 is predicted, film 2 is not."""
    for name in ("a.png", "b.png"):
        shutil.copy(sample_film("vhm_lateral_0deg").path, tmp_path / name)
    with (tmp_path / "b.png").open("ab") as file:
        file.write(b"other")
    with Project.create(tmp_path / "project", model.landmark_set) as made:
        made.add_films([tmp_path / "a.png", tmp_path / "b.png"])
        made.store_prediction(1, document, reader_sha256="definition", doubt=1.0)
        yield made


def film_of(project):
    (film,) = reviewed_films(project.path)
    return film


def points_of(project):
    return {point.number: point for point in film_of(project).reviewed.points}


def test_film_that_nobody_touched(project, tmp_path):
    film = film_of(project)
    assert (film.film_id, film.name, film.path) == (1, "a.png", tmp_path / "a.png")
    reviewed = film.reviewed
    assert (reviewed.observer, reviewed.decided_at, reviewed.is_complete) == (None, None, False)
    assert {point.origin for point in reviewed.points} == {"predicted"}
    assert [point.x_px for point in reviewed.points] == [mark.x_px for mark in reviewed.prediction.landmarks]


def test_what_people_decided(project):
    edits = [
        PointEdit(1, "accept"),
        PointEdit(2, "edit", 12.5, 7.25),
        PointEdit(3, "missing"),
        PointEdit(4, "refer"),
    ]
    project.record(1, edits, who="anna", request_id="request-1")
    found = points_of(project)
    assert [found[number].origin for number in range(1, 6)] == [
        "accepted",
        "edited",
        "missing",
        "referred",
        "predicted",
    ]
    assert (found[2].x_px, found[2].y_px, found[2].who) == (12.5, 7.25, "anna")
    assert (found[3].x_px, found[3].y_px) == (None, None)
    assert found[4].x_px is not None
    assert not film_of(project).reviewed.is_complete
    project.record_state(1, "reviewed", who="ben", request_id="request-2")
    reviewed = film_of(project).reviewed
    assert (reviewed.observer, reviewed.is_complete) == ("ben", True)
    assert reviewed.decided_at == project.history(1)[-1].at


def test_what_was_taken_back_is_nobodys(project):
    project.record(1, [PointEdit(2, "edit", 12.5, 7.25)], who="anna", request_id="request-1")
    project.undo(1, who="anna", request_id="request-2")
    reviewed = film_of(project).reviewed
    assert points_of(project)[2].origin == "predicted"
    assert (reviewed.observer, reviewed.decided_at) == (None, None)


def test_ruler_is_the_scale(project):
    project.record_scale(1, Ruler((0.0, 0.0), (100.0, 0.0), 30.0), who="anna", request_id="request-1")
    reviewed = film_of(project).reviewed
    assert reviewed.mm_per_px == pytest.approx((0.3, 0.3))
    assert reviewed.spacing_source == "ruler"
    assert reviewed.prediction.film.spacing_source == "user"


def test_film_that_is_nowhere_has_no_path(project, tmp_path):
    (tmp_path / "a.png").unlink()
    assert film_of(project).path is None


@pytest.mark.parametrize("name", ["a.png", "a", "1"])
def test_films_are_called_by_name_or_number(project, name):
    assert [film.film_id for film in reviewed_films(project.path, names=[name])] == [1]


@pytest.mark.parametrize(
    ("name", "what"), [("c.png", "no films of it are called 'c.png'"), ("b", "not predicted yet")]
)
def test_films_that_are_not_there(project, name, what):
    with pytest.raises(InputError, match=what):
        reviewed_films(project.path, names=[name])


def test_project_without_predictions(tmp_path, model):
    with (
        Project.create(tmp_path / "empty", model.landmark_set) as made,
        pytest.raises(InputError, match="no film of it"),
    ):
        reviewed_films(made.path)
