from __future__ import annotations

import shutil

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from tests.label_files import POINTS, write_film

from cephsure.datasets import open_dataset, read_marked_points
from cephsure.datasets.dicom_sr import ReportedPoint, chosen_label, looks_like_report, read_points
from cephsure.datasets.label_file import LabelFile
from cephsure.errors import AnnotationError, InputError
from cephsure.landmarks import load_landmark_set
from cephsure.workflows.measure_points import analyze_points

ISBI = load_landmark_set()


def item(value_type, code, meaning, **changes):
    name = Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = code, "DCM", meaning
    made = Dataset()
    made.ValueType, made.RelationshipType, made.ConceptNameCodeSequence = value_type, "CONTAINS", [name]
    for keyword, value in changes.items():
        setattr(made, keyword, value)
    return made


def coded(code, meaning, value):
    said = Dataset()
    said.CodeValue, said.CodingSchemeDesignator, said.CodeMeaning = "1", "99OTHER", value
    return item("CODE", code, meaning, ConceptCodeSequence=[said])


def point(x, y):
    return item("SCOORD", "111030", "Image Region", GraphicType="POINT", GraphicData=[x + 0.5, y + 0.5])


def number(code, value):
    measured = Dataset()
    measured.NumericValue = value
    return item("NUM", code, "a number", MeasuredValueSequence=[measured])


def report(path, *groups, modality="SR", syntax=uid.ExplicitVRLittleEndian):
    """Somebody else's report, with the items of its measurement groups."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = uid.EnhancedSRStorage
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = "1.2.3"
    made.Modality = modality
    containers = [item("CONTAINER", "125007", "Measurement Group", ContentSequence=list(of)) for of in groups]
    made.ContentSequence = [
        item("CONTAINER", "126010", "Imaging Measurements", ContentSequence=containers),
    ]
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture(params=[uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian])
def foreign(tmp_path, request):
    """S by its tracking identifier, N by its finding, soft pogonion by the site of a number's point."""
    (s, n, pog) = POINTS
    return report(
        tmp_path / "a.sr.dcm",
        [item("TEXT", "112039", "Tracking Identifier", TextValue="Sella"), point(*s)],
        [
            item("TEXT", "112039", "Tracking Identifier", TextValue="point 12"),
            coded("121071", "Finding", "nasion"),
            point(*n),
        ],
        [
            coded("363698007", "Finding Site", "soft tissue pogonion"),
            item("NUM", "1", "a number", ContentSequence=[point(*pog)]),
        ],
        [coded("121071", "Finding", "a lesion"), point(1, 2), point(3, 4)],
        [number("111026", 0.1), number("111066", 0.2)],
        syntax=request.param,
    )


def test_foreign_points_by_their_names(foreign):
    (film,) = read_marked_points(foreign, landmark_set=ISBI)
    assert (film.name, film.path, film.mm_per_px) == ("a", None, (0.1, 0.2))
    found = film.points_px()
    for code, place in zip(("S", "N", "Pog'"), POINTS, strict=True):
        assert found[ISBI.codes.index(code)] == pytest.approx(place, abs=1e-3)
    assert np.isfinite(found).all(1).sum() == 3


def test_folder_of_reports_beside_their_films_is_a_data_set(foreign, tmp_path):
    film = write_film(tmp_path / "a.png")
    shutil.copy(foreign, tmp_path / "b.SR.dcm")
    write_film(tmp_path / "b.png", seed=1)
    found = open_dataset(tmp_path, landmark_set=ISBI)
    assert [each.path.name for each in found.films] == [film.name, "b.png"]
    with pytest.raises(InputError):
        open_dataset(foreign.parent / "none", landmark_set=ISBI)


def test_report_called_as_a_film_is_not_the_film(foreign, tmp_path):
    own = tmp_path / "own" / "c.dcm"
    own.parent.mkdir()
    shutil.copy(foreign, own)
    (film,) = read_marked_points(own, landmark_set=ISBI)
    assert film.path is None


def test_points_of_a_report_are_measured(foreign):
    (done,) = analyze_points(foreign).results
    assert {found.code for found in done.analysis.points} == {"S", "N", "Pog'"}
    assert done.analysis.film.mm_per_px == (0.1, 0.2)


@pytest.mark.parametrize(
    ("labels", "chosen"),
    [
        (("a lesion", "Menton"), "Menton"),
        (("7", "Point 7", "Me"), "Me"),
        (("a lesion",), "a lesion"),
        (("P",), "P"),
        ((), "unnamed"),
    ],
)
def test_label_that_is_a_landmarks_name(labels, chosen):
    assert chosen_label(ReportedPoint(labels, 0, 0), ISBI) == chosen


def test_what_is_no_report(tmp_path, foreign):
    image = report(tmp_path / "image.dcm", modality="CR")
    assert not looks_like_report(LabelFile(image))
    assert looks_like_report(LabelFile(foreign))
    assert not looks_like_report(LabelFile(tmp_path / "absent.dcm"))
    with pytest.raises(AnnotationError, match=r"image\.dcm: is no structured report"):
        read_points(image)
    for cut in range(300, foreign.stat().st_size, 67):
        (tmp_path / "cut.dcm").write_bytes(foreign.read_bytes()[:cut])
        with pytest.raises(InputError):
            read_points(tmp_path / "cut.dcm")


def test_number_of_a_graphic_that_is_none(tmp_path):
    odd = point(1, 2)
    odd.GraphicData = [1.0, 2.0, 3.0]
    with pytest.raises(AnnotationError, match=r"o\.dcm: cannot be read as a structured report"):
        read_points(report(tmp_path / "o.dcm", [odd]))
