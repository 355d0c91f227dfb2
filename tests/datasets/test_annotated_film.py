"""Annotated films: their truth, their scale and checksum, worked out by hand."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset as DicomDataset
from pydicom.dataset import FileMetaDataset

from cephsure import films
from cephsure.datasets import (
    AnnotatedFilm,
    KnownFilms,
    annotators,
    data_sha256,
    film_of,
    open_dataset,
    read_isbi,
    select,
    spacing_of,
    truth,
)
from cephsure.errors import InputError
from cephsure.films import FilmFacts, Spacing, SpacingSource

NAN = float("nan")


def _film(**annotations):
    arrays = {name: np.array(points, dtype=np.float64) for name, points in annotations.items()}
    return AnnotatedFilm(film_id="1", path=Path("1.png"), annotations=arrays)


def test_mean_averages_those_who_have_the_point():
    film = _film(
        senior=[[0, 10], [NAN, NAN], [5, 5], [NAN, NAN]],
        junior=[[4, 20], [7, 8], [NAN, NAN], [NAN, NAN]],
        third=[[2, 0], [9, 2], [NAN, 3], [NAN, NAN]],
    )
    np.testing.assert_array_equal(truth(film), [[2, 10], [8, 5], [5, 5], [NAN, NAN]])


def test_a_name_picks_one_annotator_and_gives_a_copy():
    film = _film(senior=[[0, 1]], junior=[[2, 3]])
    points = truth(film, "junior")
    np.testing.assert_array_equal(points, [[2, 3]])
    points[:] = 99
    np.testing.assert_array_equal(truth(film, "junior"), [[2, 3]])


def test_an_unknown_annotator_lists_those_there_are():
    with pytest.raises(
        InputError, match=r"1\.png: there is no annotator 'chief' \(known: mean, senior, junior\)"
    ):
        truth(_film(senior=[[0, 1]], junior=[[2, 3]]), "chief")


def test_a_film_without_annotations_has_no_mean():
    with pytest.raises(InputError, match="nobody annotated"):
        truth(_film())


def test_annotators_are_named_once_in_order():
    films = [_film(senior=[[0, 1]]), _film(junior=[[0, 1]], senior=[[0, 1]])]
    assert annotators(films) == ("senior", "junior")


OF_DATASET = Spacing(0.3, 0.3, SpacingSource.DATASET)
OF_USER = Spacing(0.2, 0.2, SpacingSource.USER)


@pytest.fixture
def stating(tmp_path):
    """A DICOM film that states a calibrated 0.1 mm a pixel."""
    values = np.arange(80 * 64, dtype=np.uint16).reshape(80, 64) % 251
    film = DicomDataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID = uid.ComputedRadiographyImageStorage
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID = "1.2.3"
    film.Rows, film.Columns = values.shape
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 16, 12, 11, 0
    film.PixelData = values.tobytes()
    film.PixelSpacing, film.PixelSpacingCalibrationType = [0.1, 0.1], "FIDUCIAL"
    path = tmp_path / "film.dcm"
    pydicom.dcmwrite(path, film, enforce_file_format=True)
    return path


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        (None, Spacing(0.1, 0.1, SpacingSource.CALIBRATED)),
        (OF_DATASET, Spacing(0.1, 0.1, SpacingSource.CALIBRATED)),
        (OF_USER, OF_USER),
    ],
)
def test_the_users_scale_before_the_files_before_the_data_sets(stating, spacing, expected):
    annotated = AnnotatedFilm("a", stating, {}, spacing=spacing)
    assert film_of(annotated).spacing == expected
    assert spacing_of(annotated) == expected


def test_training_and_prediction_agree_where_user_and_file_do_not(stating, caplog):
    from cephsure.training.material import load_films

    annotated = AnnotatedFilm("a", stating, {"me": np.array([[5.0, 5.0], [20.0, 30.0]])}, spacing=OF_USER)
    predicted = films.read(stating, mm_per_px=0.2)
    ((trained, _),) = load_films([annotated], "me", side=32, shape=None)
    assert trained.mm_per_px.tolist() == [predicted.spacing.x_mm_per_px, predicted.spacing.y_mm_per_px]
    assert trained.mm_per_px.tolist() == [0.2, 0.2]
    said = "the given 0.2 mm per pixel is used: the file states 0.1 x 0.1 (dicom_calibrated)"
    assert predicted.notes[-1] == said
    assert [record.getMessage() for record in caplog.records] == [f"{stating}: {said}"]


def test_a_scale_that_differs_is_said_when_a_run_begins(stating, caplog):
    annotated = AnnotatedFilm("a", stating, {"me": np.zeros((2, 2))}, spacing=OF_USER)
    data_sha256([annotated], "me")
    film_of(annotated)
    said = "the given 0.2 mm per pixel is used: the file states 0.1 x 0.1 (dicom_calibrated)"
    assert [record.getMessage() for record in caplog.records] == [f"{stating}: {said}"]


def test_a_scale_of_the_user_that_differs_along_the_axes_is_taken_as_it_is(stating):
    oblong = Spacing(0.2, 0.4, SpacingSource.USER)
    assert film_of(AnnotatedFilm("a", stating, {}, spacing=oblong)).spacing == oblong


def test_the_hash_is_over_names_images_and_points(phantom_isbi, tmp_path):
    films = phantom_isbi(4, 0, width_px=97, height_px=120)
    root = tmp_path / "copy"
    shutil.copytree(films, root)
    items = open_dataset(root).films
    whole = data_sha256(items, "mean")
    assert data_sha256(open_dataset(films).films, "mean") == whole
    assert len({whole, data_sha256(items, "senior"), data_sha256(items[1:], "mean")}) == 3
    renamed = [replace(items[0], film_id="x"), *items[1:]]
    assert data_sha256(renamed, "mean") != whole
    image = root / "RawImage" / "TrainingData" / "003.png"
    image.write_bytes(image.read_bytes() + b"\0")
    changed = data_sha256(items, "mean")
    assert changed != whole
    points = root / "AnnotationsByMD" / "400_senior" / "003.txt"
    points.write_text(points.read_text().replace(".", ".1", 1))
    assert data_sha256(open_dataset(root).films, "mean") not in {whole, changed}


def test_known_films_are_opened_once(stating, monkeypatch):
    opened = []
    real = type(stating).read_bytes
    monkeypatch.setattr(type(stating), "read_bytes", lambda path: opened.append(path) or real(path))
    annotated = AnnotatedFilm("a", stating, {"me": np.zeros((2, 2))}, spacing=OF_DATASET)
    known = KnownFilms()
    film = film_of(annotated)
    known.keep(annotated, FilmFacts(film.spacing, film.sha256))
    assert known.facts(annotated).spacing == film_of(annotated).spacing
    assert data_sha256([annotated], "me", known) == data_sha256([annotated], "me")
    assert len(opened) == 3


@pytest.mark.shared
@pytest.mark.parametrize(("split", "mean_mm"), [("train", 2.35), ("test1", 2.36)])
def test_the_challenges_annotators(shared_data, split, mean_mm):
    annotated = select(read_isbi(shared_data / "isbi2015"), split).films
    senior, junior = (np.stack([truth(film, name) for film in annotated]) for name in ("senior", "junior"))
    assert senior.shape == (150, 19, 2)
    assert np.isfinite(senior).all()
    assert np.linalg.norm((senior - junior) * 0.1, axis=2).mean() == pytest.approx(mean_mm, abs=0.005)
