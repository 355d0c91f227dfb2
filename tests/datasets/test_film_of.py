from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset as DicomDataset
from pydicom.dataset import FileMetaDataset

from cephsure import films
from cephsure.datasets import AnnotatedFilm, film_of, spacing_of
from cephsure.films import Spacing, SpacingSource

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
    (trained,) = load_films([annotated], "me", coarse_side=32, layout=None, shape=None)
    assert trained.mm_per_px.tolist() == [predicted.spacing.x_mm_per_px, predicted.spacing.y_mm_per_px]
    assert trained.mm_per_px.tolist() == [0.2, 0.2]
    said = "the given 0.2 mm per pixel is used: the file states 0.1 x 0.1 (dicom_calibrated)"
    assert predicted.notes[-1] == said
    assert [record.getMessage() for record in caplog.records] == [f"{stating}: {said}"]


def test_a_scale_of_the_user_that_differs_along_the_axes_is_taken_as_it_is(stating):
    oblong = Spacing(0.2, 0.4, SpacingSource.USER)
    assert film_of(AnnotatedFilm("a", stating, {}, spacing=oblong)).spacing == oblong
