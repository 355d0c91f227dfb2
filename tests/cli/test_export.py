from __future__ import annotations

import pytest

from cephsure import load_model
from cephsure.exports import prediction_json
from cephsure.projects import PointEdit, Project
from cephsure.sample_films import sample_film

SAMPLE = sample_film("vhm_lateral_0deg")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    model = load_model("default-baseline")
    document = prediction_json.render(model.predict(SAMPLE.path, mm_per_px=0.25), folder)
    with Project.create(folder / "project", model.landmark_set) as made:
        made.add_films([SAMPLE.path])
        made.store_prediction(1, document, reader_sha256="definition", doubt=1.0)
        made.record(1, [PointEdit(2, "edit", 410.5, 307.25)], who="anna", request_id="request-1")
    return folder / "project"


def test_files_of_a_project(cephsure, project, tmp_path):
    done = cephsure("export", project, "--out", tmp_path / "out", "--format", "csv,dicom-sr")
    assert done.status == 0
    name = SAMPLE.path.name
    assert done.out.splitlines() == [
        f"{name}: not reviewed; {SAMPLE.path.stem}.csv, {SAMPLE.path.stem}.sr.dcm"
    ]
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        f"{SAMPLE.path.stem}.csv",
        f"{SAMPLE.path.stem}.sr.dcm",
    }


def test_what_is_no_project_and_no_film_of_it(cephsure, project, tmp_path):
    absent = cephsure("export", tmp_path / "absent", "--out", tmp_path / "out")
    assert absent.status == 2
    assert "absent" in absent.err
    other = cephsure("export", project, "--out", tmp_path / "out", "--film", "other")
    assert other.status == 2
    assert "no films of it are called 'other'" in other.err
