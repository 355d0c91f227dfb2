from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from PIL import Image
from tests.dicom.conftest import ISBI, MADE_AT, decided, errors_by_dciodvfy, image_dataset, prediction_of
from tests.dicom.test_source import NAMES

from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.dicom.presentation_state import make_gsps
from cephsure.dicom.source import SourceObject
from cephsure.errors import FilmError


def layers(state):
    return {
        annotation.GraphicLayer: annotation.get("GraphicObjectSequence") or annotation.TextObjectSequence
        for annotation in state.GraphicAnnotationSequence
    }


@pytest.fixture(scope="module")
def state(film, source):
    return make_gsps(film, source, made_at=MADE_AT)


def test_points_regions_and_names(state):
    drawn = layers(state)
    points = [item for item in drawn["LANDMARKS"] if item.GraphicType == "POINT"]
    assert len(points) == 19
    assert list(points[0].GraphicData) == [55.75, 78.25]
    kinds = [item.GraphicType for item in drawn["REGIONS"]]
    assert (kinds.count("ELLIPSE"), kinds.count("POLYLINE")) == (16, 3)
    words = [item.UnformattedTextValue for item in drawn["NAMES"]]
    assert words[:5] == ["S", "N", "Or", "Po", "A?"]
    assert words[-1] == "Research use only. Not a medical device."


def test_everything_lies_on_the_film(film, source):
    away = decided(film, "Gn", origin="edited", x_px=399.0, y_px=479.0)
    for item in [*layers(make_gsps(away, source))["LANDMARKS"], *layers(make_gsps(away, source))["REGIONS"]]:
        positions = np.array(item.GraphicData).reshape(-1, 2)
        assert (positions >= 0).all()
        assert (positions <= [400, 480]).all()
    for named in layers(make_gsps(away, source))["NAMES"][:-1]:
        assert max(named.BoundingBoxBottomRightHandCorner) <= 480
        assert named.BoundingBoxBottomRightHandCorner[0] <= 400


def test_missing_point_is_not_drawn_and_a_persons_has_no_region(film, source):
    without = decided(film, "S", origin="missing", x_px=None, y_px=None)
    moved = decided(without, "A", origin="edited", x_px=10.0, y_px=10.0)
    drawn = layers(make_gsps(moved, source))
    words = [item.UnformattedTextValue for item in drawn["NAMES"]]
    assert "S" not in words
    assert "A" in words
    assert len([item for item in drawn["REGIONS"] if item.GraphicType == "ELLIPSE"]) == 14
    assert str(make_gsps(moved, source).ContentCreatorName) == "山田 Müller^"


def test_greys_are_those_that_the_film_states(film):
    changes = {
        "WindowCenter": 2000,
        "WindowWidth": 4000,
        "VOILUTFunction": "SIGMOID",
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "NumberOfFrames": 1,
        "PhotometricInterpretation": "MONOCHROME1",
    }
    state = make_gsps(film, SourceObject.of_dataset(image_dataset(**changes)))
    window = state.SoftcopyVOILUTSequence[0]
    assert (window.WindowCenter, window.WindowWidth, window.VOILUTFunction) == (2000, 4000, "SIGMOID")
    assert (state.PresentationLUTShape, state.RescaleType) == ("INVERSE", "US")
    image = state.ReferencedSeriesSequence[0].ReferencedImageSequence[0]
    assert image.ReferencedFrameNumber == 1
    area = state.DisplayedAreaSelectionSequence[0]
    assert area.PresentationPixelSpacing == [0.1, 0.1]
    assert area.DisplayedAreaBottomRightHandCorner == [400, 480]


def test_lookup_table_of_the_film_and_unknown_scale(source):
    table = pydicom.Dataset()
    table.LUTDescriptor, table.LUTData = [2, 0, 8], [0, 255]
    bare = ReviewedFilm.of(prediction_of(mm_per_px=None), ISBI)
    state = make_gsps(bare, SourceObject.of_dataset(image_dataset(VOILUTSequence=[table])))
    assert state.SoftcopyVOILUTSequence[0].VOILUTSequence[0].LUTData == [0, 255]
    assert state.DisplayedAreaSelectionSequence[0].PresentationPixelAspectRatio == [1, 1]
    assert "REGIONS" not in layers(state)


def test_film_that_is_no_grey_dicom_image(film):
    with pytest.raises(FilmError, match="this film is none"):
        make_gsps(film, SourceObject.made_up("a"))
    colour = SourceObject.of_dataset(image_dataset(SamplesPerPixel=3))
    with pytest.raises(FilmError, match="coloured"):
        make_gsps(film, colour)


@pytest.mark.parametrize(("character_set", "name"), NAMES)
def test_names_and_dciodvfy(film, tmp_path, character_set, name):
    source = SourceObject.of_dataset(image_dataset(character_set, name))
    path = tmp_path / "state.dcm"
    make_gsps(film, source, made_at=MADE_AT).save_as(path, enforce_file_format=True)
    again = pydicom.dcmread(path)
    assert (str(again.PatientName), again.get("SpecificCharacterSet", "")) == (name, character_set)
    assert errors_by_dciodvfy(path) == []


def test_dcmtk_shows_the_film_in_it(film, source, tmp_path):
    if shutil.which("dcmp2pgm") is None:
        pytest.skip("dcmp2pgm is not installed (Debian: dcmtk)")
    image_dataset().save_as(tmp_path / "film.dcm", enforce_file_format=True)
    make_gsps(replace(film, mm_per_px=None), source).save_as(tmp_path / "s.dcm", enforce_file_format=True)
    command = ["dcmp2pgm", "--pstate", tmp_path / "s.dcm", tmp_path / "film.dcm", tmp_path / "shown.pgm"]
    subprocess.run(command, check=True, capture_output=True)
    assert Image.open(tmp_path / "shown.pgm").size == (400, 480)
