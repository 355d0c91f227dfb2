from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset as DicomDataset
from pydicom.dataset import FileMetaDataset

from cephsure import films
from cephsure.datasets import AnnotatedFilm, KnownFilms, data_sha256, film_of, open_dataset, spacing_of
from cephsure.films import FilmFacts, Spacing, SpacingSource

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
