from __future__ import annotations

import json
import shutil

import numpy as np
import pydicom
import pytest
from tests.dicom.conftest import image_dataset

from cephsure import films, load_model
from cephsure.errors import InputError
from cephsure.exports import prediction_json
from cephsure.projects import PointEdit, Project
from cephsure.sample_films import sample_film
from cephsure.workflows.export_project import PROJECT_FORMATS, export_project
from cephsure.workflows.predict import OutputFiles

SAMPLE = sample_film("vhm_lateral_0deg")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Two films: a DICOM object with a moved point, reviewed by anna, and a file that is none."""
    folder = tmp_path_factory.mktemp("project")
    pixels = (films.read(SAMPLE.path).pixels * 4095).astype(np.uint16)
    rows, columns = pixels.shape
    dataset = image_dataset(Rows=rows, Columns=columns, PixelData=pixels.tobytes())
    dataset.save_as(folder / "a.dcm", enforce_file_format=True)
    shutil.copy(SAMPLE.path, folder / "b.png")
    model = load_model("default-baseline")
    document = prediction_json.render(model.predict(SAMPLE.path, mm_per_px=0.25), folder)
    with Project.create(folder / "project", model.landmark_set) as made:
        made.add_films([folder / "a.dcm", folder / "b.png"])
        for number in (1, 2):
            made.store_prediction(number, document, reader_sha256="definition", doubt=1.0)
        made.record(1, [PointEdit(2, "edit", 410.5, 307.25)], who="anna", request_id="request-1")
        made.record(1, [PointEdit(3, "missing")], who="anna", request_id="request-2")
        made.record_state(1, "reviewed", who="anna", request_id="request-3")
    return folder / "project"


def test_points_as_people_left_them_in_every_format(project, tmp_path):
    done = export_project(project, OutputFiles(tmp_path, PROJECT_FORMATS), names=["a"])
    (found,) = done.results
    assert (found.is_complete, found.observer, len(found.files)) == (True, "anna", len(PROJECT_FORMATS))
    report = pydicom.dcmread(tmp_path / "a.sr.dcm")
    assert (report.CompletionFlag, report.VerificationFlag) == ("COMPLETE", "VERIFIED")
    assert str(report.VerifyingObserverSequence[0].VerifyingObserverName) == "anna^"
    measured = json.loads((tmp_path / "a.analysis.json").read_text("utf-8"))
    points = {point["code"]: (point["x_px"], point["y_px"]) for point in measured["points"]}
    assert points["N"] == (410.5, 307.25)
    assert "Or" not in points
    marked = json.loads((tmp_path / "a.labelme.json").read_text("utf-8"))
    labels = {shape["label"]: shape["points"][0] for shape in marked["shapes"]}
    assert labels == {"N": [410.5, 307.25]}  # what nobody decided is the model's: these formats cannot say so


def test_film_that_nobody_reviewed(project, tmp_path):
    done = export_project(
        project, OutputFiles(tmp_path, ("dicom-sr", "tps")), names=["b"], analysis="steiner"
    )
    assert [film.is_complete for film in done.results] == [False]
    assert pydicom.dcmread(tmp_path / "b.sr.dcm").VerificationFlag == "UNVERIFIED"


def test_film_that_is_gone_is_told_and_the_other_goes_on(project, tmp_path):
    done = export_project(project, OutputFiles(tmp_path, ("dicom-gsps",)))
    assert [film.name for film in done.results] == ["a.dcm"]
    assert [path.name for path in done.errors] == ["b.png"]


def test_format_that_is_none(project, tmp_path):
    with pytest.raises(InputError, match="no format is called 'xml'"):
        export_project(project, OutputFiles(tmp_path, ("xml",)))
