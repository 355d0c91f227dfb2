from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from tests.dicom.conftest import ISBI, MADE_AT, decided, image_dataset

from cephsure.datasets import read_marked_points
from cephsure.dicom.read_sr import read_sr
from cephsure.dicom.structured_report import make_sr
from cephsure.errors import InputError


@pytest.fixture(scope="module")
def reviewed(film):
    film = decided(film, "A", origin="edited", x_px=200.123, y_px=100.0)
    film = decided(film, "B", origin="missing", x_px=None, y_px=None)
    return replace(decided(film, "Gn", origin="accepted"), is_complete=True)


@pytest.fixture(scope="module")
def path(reviewed, source, tmp_path_factory):
    path = tmp_path_factory.mktemp("reports") / "a.sr.dcm"
    made = make_sr(reviewed, source, analysis=reviewed.analysis(), made_at=MADE_AT)
    made.save_as(path, enforce_file_format=True)
    return path


def test_all_comes_back(path, reviewed):
    found = read_sr(path)
    assert (found.landmark_set, found.verdict, found.is_complete) == ("isbi-19", "fit", True)
    assert (found.observer, found.image_uid) == ("山田 Müller^", image_dataset().SOPInstanceUID)
    marks = reviewed.prediction.landmarks
    for read, point, mark in zip(found.points, reviewed.points, marks, strict=True):
        assert (read.code, read.origin) == (point.code, point.origin)
        if point.x_px is None:
            assert (read.x_px, read.y_px) == (None, None)
        else:
            assert abs(read.x_px - point.x_px) <= 1e-3
            assert abs(read.y_px - point.y_px) <= 1e-3
        model = (mark.verdict, mark.why, mark.expected_error_mm)
        is_models = point.origin in ("predicted", "accepted")
        assert (read.verdict, read.why, read.expected_error_mm) == (model if is_models else (None,) * 3)
    measured = {f"{one.analysis} {one.code}": one.value for one in reviewed.analysis().measurements}
    assert found.measured == {name: value for name, value in measured.items() if value is not None}


def test_points_are_read_as_a_persons(path, reviewed):
    (film,) = read_marked_points(path, landmark_set=ISBI)
    places = [(np.nan, np.nan) if one.x_px is None else (one.x_px, one.y_px) for one in reviewed.points]
    assert np.allclose(film.points_px(), places, atol=1e-3, equal_nan=True)
    assert film.mm_per_px == (0.1, 0.1)


def test_what_is_none_of_ours(path, tmp_path):
    report = pydicom.dcmread(path)
    del report.CodingSchemeIdentificationSequence
    report.save_as(tmp_path / "other.dcm")
    with pytest.raises(InputError, match="is no report of cephsure's"):
        read_sr(tmp_path / "other.dcm")
    with pytest.raises(InputError, match=r"absent\.dcm"):
        read_sr(tmp_path / "absent.dcm")
    report = pydicom.dcmread(path)
    del report.ContentSequence[-1].ContentSequence[0]
    report.save_as(tmp_path / "odd.dcm")
    with pytest.raises(InputError, match=r"odd\.dcm: cannot be read as a structured report"):
        read_sr(tmp_path / "odd.dcm")
