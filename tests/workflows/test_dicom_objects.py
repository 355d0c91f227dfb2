from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest
from pydicom import uid
from tests.dicom.conftest import image_dataset

from cephsure import films, load_model
from cephsure.dicom.fhir import make_fhir
from cephsure.errors import FilmError, InputError
from cephsure.sample_films import sample_film
from cephsure.workflows import dicom_objects, measure, predict
from cephsure.workflows.dicom_objects import DICOM_FORMATS, check_dicom, source_of

ALL = tuple(DICOM_FORMATS)
SAMPLE = sample_film("vhm_lateral_0deg")


@pytest.fixture(scope="module")
def model():
    return load_model("default-baseline")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """The sample film as a DICOM object of a patient who is made up."""
    pixels = (films.read(SAMPLE.path).pixels * 4095).astype(np.uint16)
    path = tmp_path_factory.mktemp("films") / "a.dcm"
    rows, columns = pixels.shape
    dataset = image_dataset(Rows=rows, Columns=columns, PixelData=pixels.tobytes(), PixelSpacing=[0.25, 0.25])
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_predicted_film_as_dicom_objects(model, film, tmp_path):
    files = predict.OutputFiles(tmp_path, ("json", *ALL))
    done = predict.predict_films([film], model, files=files)
    assert not done.errors
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.fhir.json",
        "a.gsps.dcm",
        "a.json",
        "a.sc.dcm",
        "a.sr.dcm",
    ]
    objects = [suffix for suffix in DICOM_FORMATS.values() if suffix.endswith(".dcm")]
    found = [pydicom.dcmread(tmp_path / f"a{suffix}") for suffix in objects]
    assert [one.SOPClassUID for one in found] == [
        uid.Comprehensive3DSRStorage,
        uid.GrayscaleSoftcopyPresentationStateStorage,
        uid.SecondaryCaptureImageStorage,
    ]
    assert {str(one.PatientName) for one in found} == {"Müller^Jörg"}
    assert len(found[0].ContentSequence[-1].ContentSequence) == 1 + 19
    bundle = json.loads((tmp_path / "a.fhir.json").read_text())
    assert bundle == make_fhir(found[0])


def test_analyzed_film_has_its_measurements(model, film, tmp_path):
    files = predict.OutputFiles(tmp_path, ("csv", "dicom-sr", "dicom-sc"))
    done = measure.analyze([film], model, files=files)
    assert not done.errors
    report = pydicom.dcmread(tmp_path / "a.sr.dcm")
    assert len(report.ContentSequence[-1].ContentSequence) == 1 + 19 + 9
    assert {path.name for path in tmp_path.iterdir()} == {"a.analysis.csv", "a.sr.dcm", "a.sc.dcm"}


def test_film_that_is_no_dicom_object_has_a_report_but_no_presentation_state(model, tmp_path):
    files = predict.OutputFiles(tmp_path, ("dicom-sr", "dicom-gsps"))
    done = predict.predict_films([SAMPLE.path], model, files=files)
    (error,) = done.errors.values()
    assert "this film is none" in str(error)
    assert not pydicom.dcmread(tmp_path / f"{SAMPLE.path.stem}.sr.dcm").PatientName


def test_film_in_memory_and_film_that_changed(film, tmp_path):
    assert not source_of(films.Film(np.zeros((70, 80), np.float32))).is_dicom
    copied = tmp_path / "b.dcm"
    copied.write_bytes(film.read_bytes())
    read = films.read(copied)
    assert source_of(read).is_dicom
    copied.write_bytes(film.read_bytes() + b"\0\0")
    with pytest.raises(FilmError, match="changed while"):
        source_of(read)


def test_missing_package_is_said_before_any_work(monkeypatch, model, tmp_path):
    monkeypatch.setattr("cephsure.workflows.batch.find_spec", lambda name: None)
    check_dicom(("json",))
    files = predict.OutputFiles(tmp_path, ("dicom-sr",))
    with pytest.raises(InputError, match=r'highdicom \(pip install "cephsure\[dicom\]"'):
        predict.predict_films([SAMPLE.path], model, files=files)


def test_other_formats_are_passed_over(tmp_path):
    assert dicom_objects.write_dicom_objects(None, None, ("json",), tmp_path, stem="a") == []
