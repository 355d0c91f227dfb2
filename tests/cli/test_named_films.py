from __future__ import annotations

import os
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import (
    BasicTextSRStorage,
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    MediaStorageDirectoryStorage,
    generate_uid,
)

from cephsure.cli.named_films import find_films
from cephsure.cli.streams import STANDARD
from cephsure.exports.output_files import shortened
from cephsure.workflows.predict import OVERLAY_SUFFIX


@pytest.fixture
def folder(tmp_path, write_film):
    for name in ("b.png", "a.PNG", "1.2.840.99", ".hidden.png", f"a{OVERLAY_SUFFIX}"):
        write_film(name)
    (tmp_path / "notes.txt").write_text("not a film")
    (tmp_path / "text.png").write_text("not a film either, but it says it is")
    write_film("deep.png", tmp_path / "inner")
    return tmp_path


def names(films):
    return [film.name for film in films]


def test_a_folder_stands_for_the_films_directly_in_it(folder):
    films, problems = find_films([str(folder)])
    assert names(films) == ["1.2.840.99", "a.PNG", "b.png", "text.png"]
    assert problems == []


def test_what_a_folder_has_besides_films_is_said_in_a_line(tmp_path, write_film, capsys):
    for name in ("a.png", "b.png", ".hidden.txt", f"a{OVERLAY_SUFFIX}"):
        write_film(name)
    for name in ("notes.txt", "report.pdf", "x.csv", "y.csv", "a.json", "b.analysis.csv"):
        (tmp_path / name).write_text("no film")
    (tmp_path / "old").mkdir()
    find_films([str(tmp_path)])
    assert capsys.readouterr().err == (
        f"passed over in {tmp_path}: 3 files that cephsure wrote (a.json, a.overlay.png, b.analysis.csv), "
        "4 files that are no films (notes.txt, report.pdf, x.csv, ...), 1 folder (old)\n"
    )
    find_films([str(write_film("only.png", tmp_path / "films").parent)])
    assert capsys.readouterr().err == ""


def test_a_dicom_file_without_suffix_is_found_in_a_folder(tmp_path):
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM" + bytes(50))
    films, _ = find_films([str(tmp_path)])
    assert names(films) == ["IM0001"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.png", ["b.png", "text.png"]),
        ("?.png", ["b.png"]),
        ("**/deep.png", ["deep.png"]),
        ("i*r", ["deep.png"]),
    ],
)
def test_a_quoted_pattern_is_expanded(folder, pattern, found):
    films, problems = find_films([str(folder / pattern)])
    assert set(found) <= set(names(films))
    assert names(films) == sorted(names(films))
    assert problems == []


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path, write_film):
    film = write_film("scan[1].png")
    write_film("scan1.png")
    assert find_films([str(film)]) == ([film], [])


def test_a_file_named_outright_is_left_to_the_reader(tmp_path):
    missing = tmp_path / "missing.png"
    assert find_films([str(missing)]) == ([missing], [])


def test_each_film_comes_once_in_the_order_given(folder):
    films, _ = find_films([str(folder / "b.png"), str(folder / "?.png"), str(folder / "a.PNG")])
    assert names(films) == ["b.png", "a.PNG"]


def test_what_stands_for_no_film_is_one_problem_each(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    films, problems = find_films([str(empty), str(tmp_path / "*.dcm")])
    assert films == []
    assert [Path(problem.where).name for problem in problems] == ["empty", "*.dcm"]
    assert "folders inside it are not searched" in str(problems[0])


def dicom(path, *, kind, modality, with_rows=False):
    """A DICOM file of a class, without pixels."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = kind, generate_uid(), modality
    if with_rows:
        dataset.Rows = dataset.Columns = 64
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = kind
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)


def test_what_a_dicom_disc_holds_beside_films_is_passed_over_in_one_line(tmp_path, write_film, capsys):
    film = write_film()
    dicom(tmp_path / "DICOMDIR", kind=MediaStorageDirectoryStorage, modality="")
    dicom(tmp_path / "SR0001", kind=BasicTextSRStorage, modality="SR")
    dicom(tmp_path / "PR0001.dcm", kind=GrayscaleSoftcopyPresentationStateStorage, modality="PR")
    dicom(tmp_path / "KO.dcm", kind=KeyObjectSelectionDocumentStorage, modality="KO")
    dicom(tmp_path / "PDF.dcm", kind=EncapsulatedPDFStorage, modality="DOC")
    assert find_films([str(tmp_path)]) == ([film], [])
    assert capsys.readouterr().err == (
        f"passed over in {tmp_path}: 5 DICOM files without a picture (DICOMDIR, KO.dcm, PDF.dcm, ...)\n"
    )


def test_a_damaged_dicom_image_is_not_passed_over(tmp_path):
    image = DigitalXRayImageStorageForPresentation
    dicom(tmp_path / "a.dcm", kind=image, modality="DX", with_rows=True)
    dicom(tmp_path / "b.dcm", kind=image, modality="DX")
    dicom(tmp_path / "c.dcm", kind="1.2.3.4", modality="DX")
    (tmp_path / "d.dcm").write_bytes(b"no DICOM at all")
    assert names(find_films([str(tmp_path)])[0]) == ["a.dcm", "b.dcm", "c.dcm", "d.dcm"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_that_leads_nowhere_is_passed_over(tmp_path, write_film, capsys):
    film = write_film()
    (tmp_path / "lost.png").symlink_to("nowhere.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "alias.png").symlink_to("film.png")
    assert find_films([str(tmp_path)]) == ([tmp_path / "alias.png", film], [])
    assert "2 links that lead nowhere (loop.png, lost.png)" in capsys.readouterr().err


def test_a_folder_without_films_says_what_it_has(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    _, (problem,) = find_films([str(tmp_path)])
    assert "no films in this folder, only 1 file that is no film (notes.txt)" in str(problem)


def test_a_file_that_may_not_be_read_is_said_to_be_so(tmp_path, write_film, monkeypatch, capsys):
    write_film("a.png")
    write_film("IM0001")
    refused = type(tmp_path).open

    def refuse(path, *arguments, **options):
        if path.name == "IM0001":
            raise PermissionError(13, "Permission denied")
        return refused(path, *arguments, **options)

    monkeypatch.setattr(type(tmp_path), "open", refuse)
    assert names(find_films([str(tmp_path)])[0]) == ["a.png"]
    assert "1 file that cannot be read (IM0001)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 300 + ".png", "x\0.png"])
def test_a_name_that_cannot_be_is_left_to_the_reader(name):
    assert find_films([name]) == ([Path(name)], [])


def test_files_of_films_with_odd_names_are_known_as_ours(tmp_path, write_film, capsys):
    write_film("a\nb.png")
    write_film(f"{'x' * 230}.png")
    for stem in ("a%0Ab", shortened("x" * 230)):
        (tmp_path / f"{stem}.analysis.csv").write_text("")
    find_films([str(tmp_path)])
    err = capsys.readouterr().err
    assert "2 files that cephsure wrote (a%0Ab.analysis.csv" in err
    assert err.count("\n") == 1


def test_dash_is_standard_input_and_a_file_called_so_can_be_named(tmp_path, write_film, monkeypatch):
    write_film("-")
    monkeypatch.chdir(tmp_path)
    assert find_films(["-", "-"]) == ([STANDARD], [])
    (film,), _ = find_films(["./-"])
    assert film != STANDARD
    assert film.samefile(tmp_path / "-")


def disc(folder, *names):
    """A folder with a DICOM disc's directory that lists these images."""
    from pydicom.uid import MediaStorageDirectoryStorage

    directory = pydicom.Dataset()
    directory.file_meta = pydicom.dataset.FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    directory.DirectoryRecordSequence = []
    for name in names:
        record = pydicom.Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", name
        directory.DirectoryRecordSequence.append(record)
    folder.mkdir()
    directory.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder


def test_films_of_a_disc_are_found_by_its_directory(tmp_path):
    folder = disc(tmp_path / "disc", ["A", "I1"], ["A", "I2"])
    listed = [folder / "A" / "I1", folder / "A" / "I2"]
    assert find_films([str(folder / "DICOMDIR")]) == (listed, [])
    assert find_films([str(folder)]) == (listed, [])


def test_a_damaged_directory_does_not_hide_other_films(tmp_path, write_film, capsys):
    folder = disc(tmp_path / "disc", [".."])
    write_film("disc/a.png")
    films, problems = find_films([str(folder)])
    assert (names(films), problems) == (["a.png"], [])
    assert "outside its folder" in capsys.readouterr().err
