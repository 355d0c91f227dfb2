from __future__ import annotations

import io
import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from cephsure import films
from cephsure.dicom.deidentify import deidentify, new_uid
from cephsure.errors import FilmError
from marked_file import Markers, marked_file

KEY = b"a key of a clinic"
MARK = "SCHMIDT"
GREY = np.clip(np.add.outer(np.arange(96), 2 * np.arange(80)), 0, 4000).astype(np.uint16) * 10
TEXTS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "UR"}


def film(**attributes):
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = uid.ComputedRadiographyImageStorage
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.3", "1.2.3.1"
    made.PatientName, made.PatientID = f"{MARK}^Anna", f"{MARK}1"
    made.Modality, made.ImageType = "CR", ["ORIGINAL", "PRIMARY", MARK]
    made.Rows, made.Columns = GREY.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME1"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.PixelSpacing = [0.1, 0.1]
    made.WindowCenter, made.WindowWidth = "1200", "2400"
    made.PixelData = GREY.tobytes()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def content_of(dataset, *, preamble=b"\0" * 128, behind=b""):
    stream = io.BytesIO()
    dataset.preamble = preamble
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue() + behind


def read(made):
    return pydicom.dcmread(io.BytesIO(made.content))


def full_of_names():
    """A film with a name in every kind of place where text can stand."""
    made = film()
    for keyword in (entry[4] for entry in pydicom.datadict.DicomDictionary.values() if entry[4]):
        vr = pydicom.datadict.dictionary_VR(keyword)
        tag = pydicom.datadict.tag_for_keyword(keyword)
        if vr in TEXTS and tag >> 16 > 2 and keyword not in made and (tag >> 16) & 0xFF00 != 0x5000:
            made.add_new(tag, vr, MARK)
    made.StudyInstanceUID = "1.2.3"
    inner = Dataset()
    inner.PatientName, inner.TextValue = MARK, MARK
    inner.add_new(0x00091001, "LO", MARK)
    outer = Dataset()
    outer.ContentSequence = [inner]
    made.RequestAttributesSequence = [outer]
    made.VOILUTSequence = [table(MARK)]
    for group in (0x0009, 0x0011, 0x7FE1):
        made.private_block(group, MARK, create=True).add_new(1, "UN", MARK.encode())
    made.add_new(0x60000010, "US", 96)
    made.add_new(0x60000011, "US", 80)
    made.add_new(0x60001500, "LO", MARK)
    made.add_new(0x60003000, "OW", (MARK.encode() * 200)[:960])
    made.add_new(0x50003000, "OW", MARK.encode() * 2)
    made.add_new(0xFFFCFFFC, "OB", MARK.encode() + b" ")
    made.SpecificCharacterSet = "ISO_IR 100"
    made.ImageType = ["ORIGINAL", "PRIMARY", MARK]
    made.PixelSpacingCalibrationDescription = MARK
    made.AnatomicRegionSequence = [coded("69536005", MARK), coded(MARK, MARK)]
    made.file_meta.SourceApplicationEntityTitle = MARK
    made.file_meta.ImplementationVersionName = MARK
    made.PhotometricInterpretation = "MONOCHROME1"
    made.Modality = "CR"
    made.VOILUTFunction = MARK
    return made


def table(words):
    item = Dataset()
    item.LUTDescriptor = [2, 0, 16]
    item.add_new("LUTData", "OW", b"\0\0\xff\xff")
    item.LUTExplanation = words
    return item


def coded(value, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def test_nothing_of_a_name_is_left():
    content = content_of(
        full_of_names(), preamble=(MARK.encode() * 20)[:128], behind=b"\xfc\xff\xfc\xff" + MARK.encode()
    )
    assert content.count(MARK.encode()) > 500
    made = deidentify(content, KEY)
    assert MARK.encode() not in made.content
    assert MARK.encode("utf-16-le") not in made.content
    assert made.content[:128] == bytes(128)
    for kept in (b"1.2.3.4", b"1.2.3.1"):
        assert kept not in made.content


def test_nothing_of_a_file_of_which_every_attribute_is_an_identifier_is_left():
    """Each attribute that the standard has, of every value representation, overlays, curves, private ones."""
    markers = Markers()
    content = marked_file(GREY // 16, markers)
    assert sum(marker in content for marker in markers.given) > 6000
    made = deidentify(content, KEY)
    assert [
        marker for marker in markers.given if marker in made.content or marker.decode() in made.name
    ] == []
    tags = [element.tag for element in read(made).iterall()]
    assert not any(tag.is_private or tag.group >> 8 in (0x50, 0x60) for tag in tags)


def test_tables_have_nothing_behind_their_entries():
    grey = table(MARK)
    grey.LUTDescriptor = [4096, 0, 12]
    grey["LUTData"].value = np.arange(4096, dtype="<u2").tobytes() + MARK.encode() + b" "
    short, halved = table(MARK), table(MARK)
    short["LUTData"].value, halved.LUTDescriptor = b"", [2, 0]
    content = content_of(film(VOILUTSequence=[short, halved, grey]))
    made = read(deidentify(content, KEY))
    assert [len(item.LUTData) for item in made.VOILUTSequence] == [8192]


def test_colour_tables_stay_only_where_colours_are():
    tables = {f"{colour}PaletteColorLookupTableDescriptor": [2, 0, 16] for colour in ("Red", "Green", "Blue")}
    assert "RedPaletteColorLookupTableDescriptor" not in read(deidentify(content_of(film(**tables)), KEY))


def test_malformed_attributes_do_not_keep_the_film():
    dataset = film()
    dataset.add_new(0x00189305, "FD", 1.0)
    dataset.add_new("SmallestImagePixelValue", "US", 7)
    content = content_of(dataset).replace(b"US\x02\x00\x07\x00", b"FL\x02\x00\x07\x00")
    assert "SmallestImagePixelValue" not in read(deidentify(content, KEY))


def test_letters_at_the_edge_are_warned_of_whatever_the_header_says(monkeypatch):
    monkeypatch.setattr("cephsure.dicom.deidentify.where_letters_seem", lambda _: ("top",))
    found = deidentify(content_of(film(BurnedInAnnotation="NO")), KEY)
    assert found.warning == "letters seem to stand at the edge of the picture"


def test_pixels_scale_and_grey_stay():
    before, after = film(), read(deidentify(content_of(film()), KEY))
    one, other = films.read(content_of(before)), films.read(content_of(after))
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.spacing == other.spacing
    assert (after.WindowCenter, after.BitsStored, after.PhotometricInterpretation) == (
        1200,
        12,
        "MONOCHROME1",
    )
    assert after.ImageType == ["ORIGINAL", "PRIMARY"]


def test_bits_beside_the_pixels_are_cleared():
    hidden = GREY | 0xF000 & np.random.default_rng(1).integers(0, 2**16, GREY.shape).astype(np.uint16)
    made = read(deidentify(content_of(film(PixelData=hidden.tobytes())), KEY))
    assert not (made.pixel_array & 0xF000).any()


def test_compressed_pixels_lose_what_their_stream_says():
    picture = io.BytesIO()
    grey = (GREY >> 4).astype(np.uint8)
    films_image = pytest.importorskip("PIL.Image").fromarray(grey)
    films_image.save(picture, "JPEG", comment=MARK.encode())
    compressed = film(BitsAllocated=8, BitsStored=8, HighBit=7, LossyImageCompression="01")
    compressed.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    compressed.PixelData = encapsulate([picture.getvalue()])
    compressed["PixelData"].VR = "OB"
    compressed["PixelData"].is_undefined_length = True
    content = content_of(compressed)
    assert MARK.encode() in content
    made = deidentify(content, KEY)
    assert MARK.encode() not in made.content
    np.testing.assert_array_equal(films.read(content).pixels, films.read(made.content).pixels)
    assert read(made).LossyImageCompression == "01"


def test_identifiers_are_exchanged_alike_under_one_key():
    first, again = deidentify(content_of(film()), KEY), deidentify(content_of(film()), KEY)
    assert (first.name, first.content) == (again.name, again.content)
    other = read(deidentify(content_of(film(SOPInstanceUID="1.2.3.5")), KEY))
    one = read(first)
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert (one.StudyInstanceUID, one.PatientID) == (other.StudyInstanceUID, other.PatientID)
    elsewhere = read(deidentify(content_of(film()), b"another key, long enough"))
    assert elsewhere.PatientID != one.PatientID
    assert uid.UID(one.SOPInstanceUID).is_valid
    assert new_uid(KEY, "1.2.3") == new_uid(KEY, "1.2.3")


def test_it_says_what_was_done():
    made = read(deidentify(content_of(film(PatientBirthDate="19700101", StudyDate="20240101")), KEY))
    assert (made.PatientIdentityRemoved, made.StudyDate, made.PatientBirthDate) == ("YES", "", "")
    assert made.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert made.DeidentificationMethod


def test_codes_keep_the_standards_own_meaning():
    made = read(deidentify(content_of(film(AnatomicRegionSequence=[coded("69536005", MARK)])), KEY))
    assert [item.CodeMeaning for item in made.AnatomicRegionSequence] == ["Head"]


def test_numbers_that_are_none_go():
    dataset = film()
    dataset.add_new("KVP", "DS", "70")
    content = content_of(dataset).replace(b"DS\x02\x0070", b"DS\x02\x00AB")
    made = read(deidentify(content, KEY))
    assert "KVP" not in made


@pytest.mark.parametrize(
    ("stated", "warning"), [("YES", "text stands"), ("NO", None), ("", "not stated"), (None, "not stated")]
)
def test_text_in_the_picture_is_warned_of(stated, warning):
    attributes = {} if stated is None else {"BurnedInAnnotation": stated}
    found = deidentify(content_of(film(**attributes)), KEY).warning
    assert found is None if warning is None else warning in found


def test_image_of_an_unknown_kind_becomes_a_secondary_capture():
    made = read(deidentify(content_of(film(SOPClassUID="1.2.826.0.1.99999.1")), KEY))
    assert made.SOPClassUID == uid.SecondaryCaptureImageStorage


def test_film_without_identifiers_gets_its_own():
    bare = film()
    del bare.StudyInstanceUID, bare.SeriesInstanceUID
    made = read(deidentify(content_of(bare), KEY))
    assert uid.UID(made.StudyInstanceUID).is_valid
    assert made.StudyInstanceUID != made.SeriesInstanceUID


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "no DICOM film"),
        (content_of(film())[:2000], "cut off"),
    ],
)
def test_what_is_no_film_is_refused(content, words):
    with pytest.raises(FilmError, match=words):
        deidentify(content, KEY)


def test_dicom_without_pixels_is_refused():
    bare = film()
    del bare.PixelData
    with pytest.raises(FilmError, match="no pixel data"):
        deidentify(content_of(bare), KEY)


def test_short_key_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        deidentify(content_of(film()), b"short")


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools' dciodvfy is not installed")
def test_what_the_standard_demands_is_there(tmp_path):
    file = tmp_path / "film.dcm"
    file.write_bytes(deidentify(content_of(film(ViewPosition="LL", BodyPartExamined="SKULL")), KEY).content)
    said = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False).stderr
    assert not [line for line in said.splitlines() if line.startswith("Error")]
