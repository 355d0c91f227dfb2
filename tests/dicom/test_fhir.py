from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset
from tests.dicom.conftest import ISBI, image_dataset, prediction_of

from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.dicom.fhir import make_fhir
from cephsure.dicom.source import SourceObject
from cephsure.dicom.structured_report import make_sr
from cephsure.errors import InputError

FOR_R5 = "fhir.resources (R5) is not installed"


def bundle_of(film, source, **options):
    return make_fhir(make_sr(film, source, **options))


def resources(bundle, kind):
    return [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]


def observation(bundle, text):
    return next(each for each in resources(bundle, "Observation") if each["code"]["text"] == text)


def component(found, code):
    return next(each for each in found["component"] if each["code"]["coding"][0]["code"] == code)


def referred(bundle, reference):
    return next(each["resource"] for each in bundle["entry"] if each["fullUrl"] == reference["reference"])


@pytest.fixture(scope="module")
def bundle(film, source):
    return bundle_of(film, source, analysis=film.analysis("steiner"))


@pytest.fixture(scope="module")
def reviewed(film):
    return replace(film, observer="山田 Müller", decided_at="2026-02-03T04:05:06+00:00", is_complete=True)


def test_it_is_valid_r5(bundle):
    r5 = pytest.importorskip("fhir.resources.bundle", reason=FOR_R5)
    r5.Bundle.model_validate_json(json.dumps(bundle))
    kinds = {each["resource"]["resourceType"] for each in bundle["entry"]}
    assert kinds == {"Patient", "Observation", "ImagingSelection", "Device", "BodyStructure"}


def test_every_reference_leads_to_a_resource_of_the_bundle(bundle):
    there = {each["fullUrl"] for each in bundle["entry"]}
    assert len(there) == len(bundle["entry"])

    def references(value):
        if isinstance(value, dict):
            yield from [value["reference"]] if "reference" in value else []
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    assert set(references(bundle)) <= there


def test_a_landmark_has_its_point_region_errors_and_verdict(bundle, film):
    sella = observation(bundle, "S")
    assert sella["code"]["coding"][0]["code"] == "ISBI19-S"
    assert sella["status"] == "preliminary"
    point, region = (referred(bundle, each) for each in sella["derivedFrom"])
    (drawn,) = point["instance"][0]["imageRegion2D"]
    mark = film.points[0]
    assert drawn == {"regionType": "point", "coordinate": [mark.x_px + 0.5, mark.y_px + 0.5]}
    assert region["instance"][0]["imageRegion2D"][0]["regionType"] == "ellipse"
    assert component(sella, "EXPERR")["valueQuantity"] == {
        "value": 1.25,
        "unit": "mm",
        "system": "http://unitsofmeasure.org",
        "code": "mm",
    }
    assert component(sella, "VERDICT")["valueCodeableConcept"]["coding"][0]["code"] == "ACCEPT"
    assert component(sella, "REASON")["valueString"] == "0.3 mm <= 0.5 mm"
    assert component(sella, "LEVEL")["valueQuantity"]["value"] == pytest.approx(90)
    site = referred(bundle, sella["bodyStructure"])["includedStructure"][0]["structure"]["coding"][0]
    assert (site["system"], site["code"]) == ("http://snomed.info/sct", "42575006")
    assert sella["note"] == [{"text": "Research use only. Not a medical device."}]


def test_selections_name_the_image(bundle, source):
    selection = resources(bundle, "ImagingSelection")[0]
    assert selection["studyUid"] == source.header.StudyInstanceUID
    assert selection["seriesUid"] == source.header.SeriesInstanceUID
    assert selection["instance"][0]["uid"] == source.sop_instance_uid
    assert selection["instance"][0]["sopClass"]["code"] == f"urn:oid:{source.sop_class_uid}"


def test_the_algorithm_is_a_device_with_the_models_hash(bundle):
    (device,) = resources(bundle, "Device")
    assert device["identifier"] == [{"type": {"text": "SHA-256 of the model"}, "value": "ab" * 32}]
    assert device["name"][0]["value"] == "cephsure, model test-ensemble"
    assert device["note"][-1]["text"].startswith("Research use only")


def test_a_measurement_has_its_value_and_interval(bundle, film):
    measured = next(each for each in film.analysis("steiner").measurements if each.interval_90 is not None)
    found = observation(bundle, f"steiner {measured.code}")
    assert found["valueQuantity"]["value"] == pytest.approx(measured.value)
    assert found["valueQuantity"]["code"] in ("deg", "mm")
    assert component(found, "LOW90")["valueQuantity"]["value"] == pytest.approx(measured.interval_90[0])
    assert component(found, "MEASSD")["valueQuantity"]["value"] == pytest.approx(measured.sd)
    assert "derivedFrom" not in found


def test_the_film_comes_first_and_has_the_others_as_members(bundle):
    first, *others = resources(bundle, "Observation")
    assert first["code"]["coding"][0]["code"] == "FILM"
    assert component(first, "FILMVERDICT")["valueCodeableConcept"]["coding"][0]["code"] == "FIT"
    assert [referred(bundle, each) for each in first["hasMember"]] == others
    assert "valueQuantity" not in first


def test_what_a_person_finished_is_final(reviewed, source):
    found = resources(bundle_of(reviewed, source), "Observation")
    assert {each["status"] for each in found} == {"final"}
    assert {each["performer"][0]["display"] for each in found} == {"山田 Müller"}


def test_the_same_report_gives_the_same_bundle(film, source):
    report = make_sr(film, source)
    assert make_fhir(report) == make_fhir(report)


def test_points_that_are_missing_have_no_place(film, source):
    points = tuple(
        replace(point, origin="missing", x_px=None, y_px=None, who="Doe") if point.code == "N" else point
        for point in film.points
    )
    nasion = observation(bundle_of(replace(film, points=points, observer="Doe"), source), "N")
    assert "derivedFrom" not in nasion
    assert component(nasion, "ORIGIN")["valueCodeableConcept"]["coding"][0]["code"] == "MISSING"
    assert nasion["performer"] == [{"display": "Doe"}]


def test_without_a_scale_there_are_no_millimetres(source):
    film = ReviewedFilm.of(prediction_of(mm_per_px=None), ISBI)
    codes = {
        part.get("valueQuantity", {}).get("code")
        for found in resources(bundle_of(film, source), "Observation")
        for part in found.get("component", ())
    }
    assert "mm" not in codes


def test_a_report_of_the_film_alone_has_no_members(film, source):
    report = make_sr(film, source)
    report.ContentSequence[-1].ContentSequence = report.ContentSequence[-1].ContentSequence[:1]
    (alone,) = resources(make_fhir(report), "Observation")
    assert "hasMember" not in alone


def test_what_the_guide_has_no_place_for_is_left_out(film, source):
    report = make_sr(film, source)
    group = report.ContentSequence[-1].ContentSequence[1]
    for item in group.ContentSequence:
        if item.ValueType == "SCOORD":
            item.GraphicType = "MULTIPOINT"
    (only,) = observation(make_fhir(report), "S")["derivedFrom"]
    assert referred(make_fhir(report), only)["instance"][0]["imageRegion2D"][0]["regionType"] == "ellipse"


def test_a_frame_is_named(film):
    multi = SourceObject.of_dataset(image_dataset(NumberOfFrames=1))
    selection = resources(bundle_of(film, multi), "ImagingSelection")[0]
    assert selection["instance"][0]["subset"] == ["1"]


def test_what_is_no_report_is_refused():
    with pytest.raises(InputError, match="no structured report with measurement groups"):
        make_fhir(Dataset())
