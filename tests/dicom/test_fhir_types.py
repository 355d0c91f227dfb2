from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from cephsure.dicom.fhir_types import concept, human_names, moment, patient, person_text


def code(value, scheme, meaning="What it means", **more):
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, scheme, meaning
    for keyword, each in more.items():
        setattr(made, keyword, each)
    return made


@pytest.mark.parametrize(
    ("scheme", "system"),
    [
        ("SCT", "http://snomed.info/sct"),
        ("DCM", "http://dicom.nema.org/resources/ontology/DCM"),
        ("LN", "http://loinc.org"),
    ],
)
def test_standard_codes_have_their_systems(scheme, system):
    assert concept(code("1", scheme))["coding"][0]["system"] == system


def test_private_codes_have_one_of_their_own():
    ours, others = (concept(code("1", scheme))["coding"][0]["system"] for scheme in ("99CEPHSURE", "99OTHER"))
    assert ours.startswith("urn:oid:2.25.")
    assert others.startswith("urn:oid:2.25.")
    assert ours != others
    assert concept(code("1", "99CEPHSURE", CodingSchemeVersion="1"))["coding"][0]["version"] == "1"


def test_a_name_keeps_its_three_groups():
    name = PersonName("Yamada^Tarou=山田^太郎=やまだ^たろう")
    latin, signs, sounds = human_names(name)
    assert (latin["family"], latin["given"]) == ("Yamada", ["Tarou"])
    assert (signs["family"], signs["given"]) == ("山田", ["太郎"])
    assert [each["extension"][0]["valueCode"] for each in (latin, signs, sounds)] == ["ABC", "IDE", "SYL"]
    assert person_text(name) == "Tarou Yamada / 太郎 山田 / たろう やまだ"


def test_all_parts_of_a_name_are_kept():
    (found,) = human_names(PersonName("Müller^Jörg^B.^Dr.^Jr."))
    assert (found["prefix"], found["suffix"]) == (["Dr."], ["Jr."])
    assert found["text"] == "Dr. Jörg B. Müller Jr."


def header(**attributes):
    made = Dataset()
    made.StudyInstanceUID = "1.2.3"
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def test_a_patient_is_as_the_report_has_them():
    found = patient(
        header(PatientID="P-1", IssuerOfPatientID="CLINIC", PatientBirthDate="19990102", PatientSex="F")
    )
    assert found["identifier"] == [{"value": "P-1", "assigner": {"display": "CLINIC"}}]
    assert (found["birthDate"], found["gender"]) == ("1999-01-02", "female")


def test_of_an_unknown_patient_nothing_is_said():
    found = patient(header(PatientID="", PatientName="", PatientBirthDate="", PatientSex=""))
    assert found.keys() == {"resourceType", "id"}


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ("", "2026-01-02T03:04:05+00:00"),
        ("+0130", "2026-01-02T03:04:05+01:30"),
        ("-0500", "2026-01-02T03:04:05-05:00"),
    ],
)
def test_a_moment_has_a_time_zone(offset, expected):
    made = header(ContentDate="20260102", ContentTime="030405.123", TimezoneOffsetFromUTC=offset)
    assert moment(made) == expected
