from __future__ import annotations

from dataclasses import replace

import pytest
from pydicom.sr._concepts_dict import concepts
from pydicom.sr.coding import Code

from cephsure.cephalometry import load_analyses
from cephsure.dicom import codes
from cephsure.landmarks import load_landmark_set, shipped_landmark_sets

LANDMARKS = [
    (landmark, load_landmark_set(name))
    for name in shipped_landmark_sets()
    for landmark in load_landmark_set(name).landmarks
]
MEASUREMENTS = [entry.measurement for analysis in load_analyses("all") for entry in analysis.entries]


def all_codes():
    of_landmarks = {codes.landmark_code(*one) for one in LANDMARKS}
    of_measurements = {codes.measurement_code(one.code, one.name) for one in MEASUREMENTS}
    return [*codes.own_concepts(), *of_landmarks, *of_measurements]


def test_every_code_of_ours_fits_and_is_used_once():
    found = all_codes()
    assert len(found) > 120
    assert all(len(code.value) <= 16 and code.value.isascii() for code in found)
    assert all(0 < len(code.meaning) <= 64 for code in found)
    assert {(code.scheme_designator, code.scheme_version) for code in found} == {("99CEPHSURE", "1")}
    assert len({code.value for code in found}) == len(found)


def test_standard_codes_stand_in_the_standards_tables():
    sites = {codes.finding_site(landmark) for landmark, _ in LANDMARKS}
    for site in sites:
        known = {value for named in concepts[site.scheme_designator].values() for value in named}
        assert site.value in known
    assert len(sites) > 10


def test_sella_and_nasion_have_standard_codes():
    isbi = load_landmark_set()
    found = [codes.finding_site(landmark) for landmark in isbi.landmarks[:2]]
    assert [(code.scheme_designator, code.value) for code in found] == [
        ("SCT", "42575006"),
        ("FMA", "264779"),
    ]


def test_code_of_another_set_is_a_digest_that_stays():
    isbi = load_landmark_set()
    others = replace(isbi, name="a set of somebody's")
    first, again = (codes.landmark_code(others.landmarks[0], others) for _ in range(2))
    assert first == again
    assert first.value.startswith("L-")
    assert first != codes.landmark_code(others.landmarks[1], others)
    added = replace(isbi.landmarks[0], code="XX")
    assert codes.landmark_code(added, isbi).value.startswith("L-")


@pytest.mark.parametrize("code", ["a-very-long-code", "Ü"])
def test_code_of_a_measurement_that_fits_no_code_value(code):
    assert codes.measurement_code(code, "x" * 80) == Code(
        codes.measurement_code(code, "").value, "99CEPHSURE", "x" * 63 + "…", "1"
    )
    assert codes.measurement_code(code, "").value.startswith("M-")
    assert codes.measurement_code("SNA", "").value == "M-SNA"
