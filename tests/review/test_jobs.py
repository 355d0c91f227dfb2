from __future__ import annotations

import json
import shutil

import pytest

from cephsure.errors import BundleError, FilmError, InputError
from cephsure.review.jobs import AskReader, CalibrateSite, ModelDesk, PredictFilm, WriteProfile, doubt
from cephsure.text_files import sha256_of


@pytest.fixture
def model_desk(model):
    desk = ModelDesk("default-baseline")
    desk.__dict__["model"] = model
    return desk


def nothing(*_):
    pass


def test_model_is_loaded_when_it_is_needed():
    assert ModelDesk("default-baseline").model.name == "default-baseline"
    with pytest.raises(BundleError):
        _ = ModelDesk("no such model").model


def test_another_film_at_the_place_is_refused(model_desk, film_folder):
    with pytest.raises(FilmError, match="is another film"):
        PredictFilm(film_folder / "a.png", "0" * 64).run(model_desk, nothing)


def test_reader_that_is_none_is_no_films_fault(model_desk, film_folder):
    path = film_folder / "a.png"
    with pytest.raises(BundleError, match="no reader 'nobody'"):
        PredictFilm(path, sha256_of(path), reader="nobody").run(model_desk, nothing)


def test_doubt_is_the_largest_expected_error(model, film_folder, mm_per_px):
    found = model.predict(film_folder / "a.png", mm_per_px=mm_per_px)
    errors = [mark.stated.expected_error_mm for mark in found.landmarks]
    assert doubt(found) == max(errors)
    bare = model.uncalibrated().predict(film_folder / "a.png", mm_per_px=mm_per_px)
    assert doubt(bare) == max(mark.measures.raw_expected_error_mm for mark in bare.landmarks)
    without = model.predict(film_folder / "a.png")
    largest = max(mark.measures.raw_expected_error_px for mark in without.landmarks)
    assert doubt(without) == pytest.approx(240 / without.film.height_px * largest)


def test_film_without_a_scale_has_no_regions_but_maps(model_desk, film_folder):
    path = film_folder / "a.png"
    found = PredictFilm(path, sha256_of(path)).run(model_desk, nothing)
    assert json.loads(found.document)["film"]["mm_per_px"] is None
    assert found.details.regions == {}
    assert found.details.maps.any()
    assert found.thumbnail


def test_model_without_calibration(model, film_folder, mm_per_px):
    desk, path = ModelDesk("bare"), film_folder / "a.png"
    desk.__dict__["model"] = model.uncalibrated()
    found = PredictFilm(path, sha256_of(path), mm_per_px).run(desk, nothing)
    assert found.details.regions == {}
    assert json.loads(found.document)["verdict"] is None
    assert AskReader(path, mm_per_px).run(desk, nothing) == []


def test_profile_is_written(model_desk, tmp_path):
    out = tmp_path / "readers" / "anna.json"
    words = WriteProfile({"16": "senior"}, "anna", out).run(model_desk, nothing)
    assert "anna" in words
    assert json.loads(out.read_text())["name"] == "anna"
    with pytest.raises(InputError):
        WriteProfile({"16": "nobody"}, "anna", out).run(model_desk, nothing)


@pytest.mark.slow
def test_site_is_learned_from_a_project(model_desk, model, tmp_path, film_folder, mm_per_px):
    pytest.importorskip("cephsure.datasets.project")
    from cephsure.projects import PointEdit, Project

    project = Project.create(tmp_path / "project", model.landmark_set)
    paths = []
    for name in ("a.png", "b.png"):
        paths.append(tmp_path / name)
        shutil.copy(film_folder / name, paths[-1])
    for film_id, path in zip(project.add_films(paths).film_ids, paths, strict=True):
        found = model.predict(path, mm_per_px=mm_per_px)
        edits = [PointEdit(mark.number, "edit", mark.x_px, mark.y_px + 4) for mark in found.landmarks]
        project.record(film_id, edits, who="anna", request_id=f"request-{film_id}")
    told = []
    out = tmp_path / "anna.json"
    job = CalibrateSite(tmp_path / "project", "anna", out, mm_per_px=mm_per_px)
    found = job.run(model_desk, lambda *step: told.append(step))
    project.close()
    assert found["films"] == 2
    assert found["gains"][-1]["mre_mm"] < found["gains"][0]["mre_mm"]
    assert told[-1][1:] == (2, 2)
    assert json.loads(out.read_text())["truth_of"] == "one"
