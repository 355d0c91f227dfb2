from __future__ import annotations

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.fileset import FileSet

from cephsure.errors import FilmError
from cephsure.films.dicomdir import films_of_dicomdir, is_dicomdir


def film(number):
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = uid.ComputedRadiographyImageStorage
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"2.25.{number}"
    made.PatientName, made.PatientID = "Muster^Erika", "made up"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.Modality = "2.25.100", "2.25.200", "CR"
    made.StudyDate, made.StudyTime, made.StudyID = "20260102", "030405", "1"
    made.SeriesNumber = made.InstanceNumber = number
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 90, 70, 8, 8, 7
    made.PixelRepresentation, made.SamplesPerPixel, made.PhotometricInterpretation = 0, 1, "MONOCHROME2"
    made.PixelData = np.zeros((90, 70), np.uint8).tobytes()
    return made


@pytest.fixture
def disc(tmp_path):
    fileset = FileSet()
    for number in (1, 2):
        fileset.add(film(number))
    fileset.write(tmp_path / "disc")
    return tmp_path / "disc"


def write(path, *records):
    """A directory of records: (type, File ID)."""
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = uid.MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = "2.25.9"
    directory.DirectoryRecordSequence = []
    for kind, parts in records:
        record = Dataset()
        record.DirectoryRecordType = kind
        record.ReferencedFileID = parts
        directory.DirectoryRecordSequence.append(record)
    directory.save_as(path, enforce_file_format=True)
    return path


def test_films_are_found_by_their_records(disc):
    found = films_of_dicomdir(disc / "DICOMDIR")
    assert len(found) == 2
    assert all(path.is_file() and disc in path.parents and path.parent != disc for path in found)


def test_a_disc_that_was_copied_in_small_letters(disc):
    (first,) = {path.relative_to(disc).parts[0] for path in films_of_dicomdir(disc / "DICOMDIR")}
    (disc / first).rename(disc / first.lower())
    assert all(path.is_file() for path in films_of_dicomdir(disc / "DICOMDIR"))


def test_only_images_each_once_and_what_is_absent_too(tmp_path):
    path = write(
        tmp_path / "DICOMDIR",
        ("IMAGE", ["A", "I1"]),
        ("SR DOCUMENT", "SR1"),
        ("IMAGE", "I2"),
        ("IMAGE", "I2"),
    )
    assert films_of_dicomdir(path) == [tmp_path / "A" / "I1", tmp_path / "I2"]


@pytest.mark.parametrize("parts", ["..", ["..", "I1"], "A/I1", ["A", "..", "I1"]])
def test_a_file_outside_the_disc_is_refused(tmp_path, parts):
    path = write(tmp_path / "DICOMDIR", ("IMAGE", parts))
    with pytest.raises(FilmError, match="outside its folder"):
        films_of_dicomdir(path)


def test_a_damaged_one_and_one_without_images(tmp_path, disc):
    assert films_of_dicomdir(write(tmp_path / "DICOMDIR", ("SR DOCUMENT", "SR1"))) == []
    whole = (disc / "DICOMDIR").read_bytes()
    (tmp_path / "DICOMDIR").write_bytes(whole[: len(whole) - 20])
    with pytest.raises(FilmError, match=r"DICOMDIR: .*(cut off|damaged)"):
        films_of_dicomdir(tmp_path / "DICOMDIR")
    with pytest.raises(FilmError):
        films_of_dicomdir(tmp_path / "absent")


def test_which_file_is_one(tmp_path, disc):
    assert is_dicomdir(disc / "DICOMDIR")
    assert not is_dicomdir(films_of_dicomdir(disc / "DICOMDIR")[0])
    assert not is_dicomdir(tmp_path / "absent")
