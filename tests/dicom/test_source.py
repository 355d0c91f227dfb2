from __future__ import annotations

import io
import logging

import pydicom
import pytest
from pydicom import uid
from tests.dicom.conftest import image_dataset

from cephsure.dicom.discretion import discreetly
from cephsure.dicom.source import SourceObject, derived_uid
from cephsure.errors import FilmError, InputError
from cephsure.sample_films import sample_film

NAMES = [
    ("ISO_IR 100", "Müller^Jörg"),
    ("ISO_IR 192", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
    ("", "Doe^Jane"),
]


def written(dataset):
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize(("character_set", "name"), NAMES)
def test_name_is_equal_and_in_its_own_characters(character_set, name):
    source = SourceObject.of(written(image_dataset(character_set, name)))
    assert str(source.header.PatientName) == name
    out = pydicom.Dataset()
    out.PatientName = source.header.PatientName
    source.set_characters(out)
    assert out.get("SpecificCharacterSet", "") == character_set
    again = pydicom.dcmread(io.BytesIO(written(with_meta(out))))
    assert str(again.PatientName) == name


def with_meta(out):
    out.file_meta = image_dataset().file_meta
    out.SOPClassUID, out.SOPInstanceUID = "1.2", "1.3"
    return out


@pytest.mark.parametrize("character_set", ["ISO_IR 100", "", ["", "ISO 2022 IR 149"], "ISO_IR 999"])
def test_what_a_character_set_lacks_is_written_in_unicode(character_set):
    source = SourceObject.of_dataset(image_dataset("ISO_IR 192"))
    source.header.SpecificCharacterSet = character_set
    out = pydicom.Dataset()
    out.PatientName, out.PatientComments = "Doe^Jane", "ä ≤ ё Ż"
    source.set_characters(out)
    assert out.SpecificCharacterSet == "ISO_IR 192"


def test_patient_and_study_are_carried_over(source):
    values = {keyword: str(source.header[keyword].value) for keyword in source.carried}
    assert (values["PatientID"], values["PatientBirthDate"], values["IssuerOfPatientID"]) == (
        "P-0815",
        "19990101",
        "CLINIC",
    )
    assert values["StudyInstanceUID"] == "1.2.826.0.1.3680043.8.498.2"
    assert (source.is_dicom, source.notes, source.frames) == (True, (), None)


def test_what_is_malformed_is_left_out_and_its_value_told_nobody(caplog):
    with discreetly():
        dataset = image_dataset(PatientSex="secret", NumberOfFrames=1)
        dataset.PatientBirthDate = "a secret"
        dataset.PatientID = "secret" * 20
        data = written_leniently(dataset)
    caplog.set_level(logging.DEBUG)
    source = SourceObject.of(data)
    assert source.notes == tuple(
        f"{keyword} is malformed in the film's header: left out"
        for keyword in ("PatientID", "PatientBirthDate", "PatientSex")
    )
    assert source.header.PatientBirthDate is None
    assert source.frames == [1]
    assert "secret" not in caplog.text + "".join(source.notes)


def written_leniently(dataset):
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    try:
        return written(dataset)
    finally:
        pydicom.config.settings.writing_validation_mode = None


@pytest.mark.parametrize(
    ("offset", "hours"), [("+0900", 9), ("-0330", -3.5), ("9", None), (None, None), ("x0900", None)]
)
def test_time_zone_of_the_source(offset, hours):
    source = SourceObject.made_up("a")
    if offset is not None:
        source.header.TimezoneOffsetFromUTC = offset
    zone = source.time_zone
    assert (None if zone is None else zone.utcoffset(None).total_seconds() / 3600) == hours


def test_film_that_is_no_dicom_object_gets_uids_by_its_content():
    path = sample_film("vhm_lateral_0deg").path
    first, again, other = SourceObject.of(path), SourceObject.of(path), SourceObject.made_up("b" * 64)
    assert not first.is_dicom
    assert first.sop_instance_uid == again.sop_instance_uid != other.sop_instance_uid
    assert first.sop_class_uid == uid.SecondaryCaptureImageStorage
    assert (first.header.PatientName, first.header.PatientID) == (None, None)
    assert SourceObject.of(path, sha256="b" * 64).sop_instance_uid == other.sop_instance_uid
    assert derived_uid("a").is_valid


def test_object_without_uids_cannot_be_referred_to():
    with pytest.raises(FilmError, match="no valid StudyInstanceUID"):
        SourceObject.of_dataset(image_dataset(StudyInstanceUID=None))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"absent\.dcm"):
        SourceObject.of(tmp_path / "absent.dcm")
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(written(image_dataset())[:-100])
    with pytest.raises(FilmError, match=r"cut\.dcm: the DICOM file is cut off"):
        SourceObject.of(cut)
