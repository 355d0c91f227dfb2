from __future__ import annotations

import io
from dataclasses import replace
from math import pi, sqrt

import numpy as np
import pydicom
import pytest
from tests.dicom.conftest import ISBI, MADE_AT, decided, errors_by_dciodvfy, image_dataset, prediction_of
from tests.dicom.test_source import NAMES

import cephsure
from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.dicom.source import SourceObject
from cephsure.dicom.structured_report import make_sr


def written(dataset):
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def groups(report):
    """Tracking identifier -> the items of its group, by the meaning of their names."""
    found = {}
    for group in report.ContentSequence[-1].ContentSequence:
        items = {}
        for item in group.ContentSequence:
            items.setdefault(item.ConceptNameCodeSequence[0].CodeMeaning, []).append(item)
        found[items["Tracking Identifier"][0].TextValue] = items
    return found


def value(items, name):
    measured = items[name][0].MeasuredValueSequence[0]
    return measured.FloatingPointValue, measured.MeasurementUnitsCodeSequence[0].CodeValue


def said(items, name):
    item = items[name][0]
    return item.ConceptCodeSequence[0].CodeValue if item.ValueType == "CODE" else item.TextValue


@pytest.fixture(scope="module")
def report(film, source):
    return make_sr(film, source, analysis=film.analysis(), made_at=MADE_AT)


def test_position_stands_at_the_pixels_centre(report):
    sella = groups(report)["S"]
    region = sella["Image Region"][0]
    assert (region.GraphicType, list(region.GraphicData)) == ("POINT", [55.75, 78.25])
    referred = region.ContentSequence[0].ReferencedSOPSequence[0]
    assert referred.ReferencedSOPInstanceUID == image_dataset().SOPInstanceUID
    assert said(sella, "Finding") == "ISBI19-S"
    assert said(sella, "Finding Site") == "42575006"


def test_errors_and_region_are_numbers_of_their_own(report):
    sella = groups(report)["S"]
    assert value(sella, "Expected distance from the true point") == (1.25, "mm")
    assert value(sella, "Standard deviation of the error along rows") == (0.5, "mm")
    assert value(sella, "Standard deviation of the error along columns") == (0.6, "mm")
    assert value(sella, "Correlation of the error's two parts") == (pytest.approx(0.2), "1")
    assert value(sella, "Area of the region of the true point") == (pytest.approx(pi / 2), "mm2")
    assert value(sella, "Longer half axis of the region") == (pytest.approx(1.0), "mm")
    assert value(sella, "Shorter half axis of the region") == (pytest.approx(0.5), "mm")
    under = sella["Area of the region of the true point"][0].ContentSequence
    assert under[0].MeasuredValueSequence[0].NumericValue == 90
    ends = np.array(under[1].GraphicData).reshape(4, 2)
    assert under[1].GraphicType == "ELLIPSE"
    assert np.hypot(*(ends[0] - ends[1])) == pytest.approx(20, abs=1e-4)
    assert np.allclose(ends.mean(0), [55.75, 78.25])


def test_regions_that_are_no_ellipse_on_the_film(report):
    def outlines(code):
        area = groups(report)[code]["Area of the region of the true point"][0]
        return [(item.GraphicType, len(item.GraphicData) // 2) for item in area.ContentSequence[1:]]

    assert outlines("N") == [("POLYLINE", 73)]
    assert outlines("Or") == [("POLYLINE", 4), ("POLYLINE", 4)]
    assert outlines("Po") == []
    assert value(groups(report)["Po"], "Area of the region of the true point")[0] == pytest.approx(40 * 48)
    beyond = groups(report)["N"]["Area of the region of the true point"][0].ContentSequence[1]
    columns = np.array(beyond.GraphicData)[::2]
    assert (columns.min(), columns.max()) == (0, 70.75 + 300)


def test_verdict_reason_note_and_algorithm(report):
    doubtful = groups(report)["A"]
    assert said(doubtful, "The model's verdict on the point") == "REVIEW"
    assert said(doubtful, "Reason of the verdict") == "0.9 mm > 0.5 mm"
    assert said(groups(report)["B"], "Note") == "outside its own region"
    assert said(doubtful, "What became of the point") == "PREDICTED"
    assert doubtful["Algorithm Parameters"][0].TextValue == f"model sha256 {'ab' * 32}"
    assert doubtful["Algorithm Version"][0].TextValue == cephsure.__version__


def test_film_group(report, film):
    about = groups(report)["film"]
    assert said(about, "The model's verdict on the film") == "FIT"
    assert said(about, "For whose marks errors and regions hold") == "a reader not met before"
    assert said(about, "What is promised, or why nothing is") == film.prediction.promise
    assert said(about, "Notice on use") == "Research use only. Not a medical device."
    assert value(about, "Horizontal Pixel Spacing") == (0.1, "mm")
    assert said(about, "Note") == "an alpha channel was dropped"


def test_measurements_with_interval_and_class(report, film):
    sna = next(measured for measured in film.analysis().measurements if measured.code == "SNA")
    items = groups(report)["isbi SNA"]
    assert value(items, sna.name) == (sna.value, "deg")
    numbers = {
        item.ConceptNameCodeSequence[0].CodeValue: item.MeasuredValueSequence[0].FloatingPointValue
        for item in items[sna.name][0].ContentSequence
    }
    assert (numbers["MEASSD"], numbers["LOW90"], numbers["HIGH90"]) == (sna.sd, *sna.interval_90)
    assert "CLASSPROB" in {
        item.ConceptNameCodeSequence[0].CodeValue
        for measured in groups(report).values()
        for number in measured.values()
        for item in number[0].get("ContentSequence", ())
    }


def test_nobody_has_looked_yet(report):
    assert (report.CompletionFlag, report.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    assert report.PreliminaryFlag == "PRELIMINARY"
    assert "VerifyingObserverSequence" not in report
    assert (report.ContentDate, report.SeriesDescription[-17:]) == ("20260102", "Research use only")


def test_accepted_film_is_complete_and_verified_by_its_observer(film, source):
    reviewed = replace(decided(film, "A", origin="edited", x_px=200.5, y_px=100.0), is_complete=True)
    found = make_sr(reviewed, source)
    assert (found.CompletionFlag, found.VerificationFlag) == ("COMPLETE", "VERIFIED")
    assert found.PreliminaryFlag == "FINAL"
    observer = found.VerifyingObserverSequence[0]
    assert (str(observer.VerifyingObserverName), observer.VerifyingOrganization) == (
        "山田 Müller^",
        "A clinic",
    )
    assert observer.VerificationDateTime == "20260203040506+0000"
    point = groups(found)["A"]
    assert list(point["Image Region"][0].GraphicData) == [201.0, 100.5]
    assert said(point, "What became of the point") == "EDITED"
    assert str(point["Person Observer Name"][0].PersonName) == "山田 Müller^"
    models = {"Algorithm Name", "Expected distance from the true point", "The model's verdict on the point"}
    assert not models & point.keys()
    assert "Area of the region of the true point" not in point


def test_partly_decided_film_names_the_person_but_is_not_verified(film, source):
    found = make_sr(decided(film, "A", origin="accepted"), source)
    assert (found.CompletionFlag, found.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    assert value(groups(found)["A"], "Expected distance from the true point") == (1.25, "mm")
    names = [item.get("PersonName") for item in found.ContentSequence]
    assert "山田 Müller^" in names


def test_missing_landmark_stays_missing(film, source):
    found = groups(make_sr(decided(film, "A", origin="missing", x_px=None, y_px=None), source))["A"]
    assert said(found, "What became of the point") == "MISSING"
    assert not {"Image Region", "Expected distance from the true point", "Algorithm Name"} & found.keys()


def test_without_scale_there_is_no_millimetre(source):
    bare = ReviewedFilm.of(prediction_of(mm_per_px=None), ISBI)
    found = make_sr(bare, source, analysis=bare.analysis("all"))
    units = {item.CodeValue for item in units_of(found)}
    assert units <= {"deg", "1", "%"}
    assert said(groups(found)["isbi MW"], "Why there is no value") == "no scale in the film"


def units_of(found):
    for element in found.iterall():
        if element.keyword == "MeasurementUnitsCodeSequence":
            yield element.value[0]


def test_a_ruler_changes_the_millimetres(film, source):
    twice = groups(make_sr(replace(film, mm_per_px=(0.2, 0.2), spacing_source="ruler"), source))
    assert value(twice["S"], "Expected distance from the true point") == (pytest.approx(2.5), "mm")
    assert value(twice["S"], "Standard deviation of the error along rows") == (pytest.approx(1.0), "mm")
    assert value(twice["S"], "Area of the region of the true point") == (pytest.approx(2 * pi), "mm2")
    assert value(twice["S"], "Longer half axis of the region") == (pytest.approx(2.0), "mm")
    none = groups(make_sr(replace(film, mm_per_px=None), source))
    assert "Expected distance from the true point" not in none["S"]


def test_pixels_that_are_not_square(source):
    tall = ReviewedFilm.of(prediction_of(mm_per_px=(0.1, 0.2)), ISBI)
    axes = [
        value(groups(make_sr(tall, source))["S"], f"{name} half axis of the region")[0]
        for name in ("Longer", "Shorter")
    ]
    assert np.prod(axes) == pytest.approx(50 * 0.1 * 0.2)
    assert axes[0] > sqrt(0.6**2 + 1.6**2)


def test_the_same_film_gives_the_same_bytes(film, source):
    first, again = (written(make_sr(film, source, analysis=film.analysis(), made_at=MADE_AT)) for _ in "ab")
    assert first == again
    moved = make_sr(decided(film, "A", origin="edited", x_px=1.0, y_px=1.0), source)
    assert moved.SOPInstanceUID != make_sr(film, source).SOPInstanceUID
    assert moved.SeriesInstanceUID == make_sr(film, source).SeriesInstanceUID


@pytest.mark.parametrize(("character_set", "name"), NAMES)
def test_patient_is_equal_after_the_round_trip(film, character_set, name, tmp_path):
    source = SourceObject.of_dataset(image_dataset(character_set, name, ReferringPhysicianName=name))
    path = tmp_path / "report.dcm"
    path.write_bytes(written(make_sr(film, source, made_at=MADE_AT)))
    again = pydicom.dcmread(path)
    assert (str(again.PatientName), str(again.ReferringPhysicianName)) == (name, name)
    assert (again.PatientID, again.IssuerOfPatientID, again.StudyDescription) == (
        "P-0815",
        "CLINIC",
        "Cephalogram",
    )
    assert again.get("SpecificCharacterSet", "") == character_set
    assert errors_by_dciodvfy(path) == []


@pytest.mark.parametrize("is_dicom", [True, False])
def test_dciodvfy_finds_no_error(film, source, tmp_path, is_dicom):
    reviewed = decided(film, "A", origin="edited", x_px=200.5, y_px=100.0)
    reviewed = replace(decided(reviewed, "B", origin="missing", x_px=None, y_px=None), is_complete=True)
    source = source if is_dicom else SourceObject.made_up("ab" * 32)
    found = make_sr(reviewed, source, analysis=reviewed.analysis("all"))
    assert found.get("SpecificCharacterSet") == "ISO_IR 192"
    path = tmp_path / "report.dcm"
    path.write_bytes(written(found))
    assert errors_by_dciodvfy(path) == []


def test_times_are_in_the_time_zone_of_the_source(film):
    source = SourceObject.of_dataset(image_dataset(TimezoneOffsetFromUTC="+0900"))
    found = make_sr(film, source, made_at=MADE_AT)
    assert (found.TimezoneOffsetFromUTC, found.ContentTime, found.StudyTime) == ("+0900", "120405", "101112")
