from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest

from cephsure import films, sample_films
from cephsure.errors import FilmError
from cephsure.pacs import predicting
from cephsure.pacs.predicting import ModelPredictor, PredictStored, StoppedError
from cephsure.review.child import LostError
from cephsure.review.model_process import QuietModel


@pytest.fixture(scope="module")
def desk():
    return QuietModel("default-baseline", "cpu")


def test_a_stored_film_gets_a_report_that_refers_to_it(desk, made_film, tmp_path, as_bytes):
    grey = films.read(sample_films.sample_film("vhm_lateral_0deg").path).pixels
    pixels = (grey * 255).round().astype(np.uint8)
    film = made_film(Rows=pixels.shape[0], Columns=pixels.shape[1], PixelData=pixels.tobytes())
    path = tmp_path / "film.dcm"
    path.write_bytes(as_bytes(film))
    made = PredictStored(path, 0.2).run(desk, None)
    report, state = (pydicom.dcmread(io.BytesIO(each.content)) for each in made)
    assert [each.kind for each in made] == ["sr", "gsps"]
    assert [each.instance_uid for each in made] == [report.SOPInstanceUID, state.SOPInstanceUID]
    assert report.PatientName == film.PatientName
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == film.SOPInstanceUID


def test_what_is_no_film_is_said(desk, tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(b"no film")
    with pytest.raises(FilmError):
        PredictStored(path).run(desk, None)


def test_a_process_that_was_ended_is_not_the_films_fault(tmp_path, monkeypatch):
    class Child:
        def __init__(self, *_, name):
            self.ended = False

        def do(self, job, *, seconds):
            if job.film.name == "good":
                return ["result"]
            raise LostError("x")

        def end(self):
            self.ended = True

    monkeypatch.setattr(predicting, "Child", Child)
    predictor = ModelPredictor("m", "cpu")
    assert predictor.results(tmp_path / "good") == ["result"]
    with pytest.raises(LostError):
        predictor.results(tmp_path)
    predictor.end()
    with pytest.raises(StoppedError):
        predictor.results(tmp_path)
