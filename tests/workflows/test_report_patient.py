from __future__ import annotations

import pytest
from PIL import Image

from cephsure.reports.film_report import Patient
from cephsure.workflows.report_patient import read_patient
from report_films import write_dicom


@pytest.mark.parametrize(
    ("charset", "stated", "shown"),
    [
        (["ISO_IR 100"], "Müller^Jörg^^Dr.", "Müller, Jörg Dr."),
        (["ISO_IR 192"], "Łoś^Anna", "Łoś, Anna"),
        (
            ["", "ISO 2022 IR 87"],
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "Yamada, Tarou · 山田 太郎 · やまだ たろう",
        ),
        (["", "ISO 2022 IR 149"], "Kim^Huijung=金^희중=김^희중", "Kim, Huijung · 金 희중 · 김 희중"),
    ],
)
def test_name_in_its_own_letters(charset, stated, shown, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", charset=charset, PatientName=stated)
    assert read_patient(path) == Patient(name=shown)


def test_what_else_is_stated(tmp_path):
    path = write_dicom(
        tmp_path / "a.dcm",
        PatientID=" 4711 ",
        PatientBirthDate="20090331",
        PatientSex="F",
        StudyDate="20261124",
        AcquisitionDate="20261123",
    )
    assert read_patient(path) == Patient(None, "4711", "2009-03-31", "F", "2026-11-23")


def test_what_is_no_date_is_left_out(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", StudyDate="20261124")
    content = path.read_bytes().replace(b"20261124", b"soon    ")
    path.write_bytes(content)
    assert read_patient(path) == Patient()


def test_films_that_state_nothing(tmp_path):
    picture = tmp_path / "a.png"
    Image.new("L", (70, 70)).save(picture)
    text = tmp_path / "a.txt"
    text.write_text("no film at all")
    damaged = tmp_path / "b.dcm"
    damaged.write_bytes(bytes(128) + b"DICM" + b"\xff" * 40)
    for path in (None, picture, text, damaged, tmp_path / "absent.dcm"):
        assert read_patient(path) == Patient()
