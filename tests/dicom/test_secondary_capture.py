from __future__ import annotations

import numpy as np
import pydicom
import pytest
from tests.dicom.conftest import MADE_AT, errors_by_dciodvfy

from cephsure.dicom.secondary_capture import make_sc
from cephsure.dicom.source import SourceObject

PICTURE = np.random.default_rng(0).integers(0, 256, (33, 21, 3), dtype=np.uint8)


@pytest.mark.parametrize("is_dicom", [True, False])
def test_picture_comes_back_in_the_films_study(source, tmp_path, is_dicom):
    source = source if is_dicom else SourceObject.made_up("ab" * 32)
    path = tmp_path / "picture.dcm"
    make_sc(PICTURE, source, made_at=MADE_AT).save_as(path, enforce_file_format=True)
    again = pydicom.dcmread(path)
    assert (again.pixel_array == PICTURE).all()
    assert again.StudyInstanceUID == source.header.StudyInstanceUID
    assert "Research use only" in again.DerivationDescription
    assert "PixelSpacing" not in again
    assert errors_by_dciodvfy(path) == []


def test_the_same_picture_is_the_same_object(source):
    assert make_sc(PICTURE, source).SOPInstanceUID == make_sc(PICTURE, source).SOPInstanceUID
    assert make_sc(PICTURE[::-1], source).SOPInstanceUID != make_sc(PICTURE, source).SOPInstanceUID
