"""A film with points, errors and regions of every kind, and a DICOM object that it could come from."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.dicom.source import SourceObject
from cephsure.landmarks import load_landmark_set
from cephsure.uncertainty.prediction import (
    FilmInfo,
    LandmarkPrediction,
    Measures,
    ModelInfo,
    Prediction,
    ReaderInfo,
    Region,
)

WIDTH, HEIGHT = 400, 480
MADE_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ISBI = load_landmark_set()


def region_of(number, centre):
    """An ellipse that reaches beyond the film, outlines of two parts, all of the film, or an ellipse."""
    if number == 3:
        chains = tuple(
            tuple((float(x + away), float(y)) for x, y in np.add(centre, [(0, 0), (8, 0), (8, 6)]))
            for away in (0, 20)
        )
        return Region(level=0.9, kind="hdr", outlines_px=chains, area_mm2=0.48)
    if number == 4:
        return Region(level=0.9, kind="hdr", whole_film=True)
    half_axes = ((300.0, 0.0), (0.0, 5.0)) if number == 2 else ((6.0, 8.0), (-4.0, 3.0))
    return Region(
        level=0.9, kind="ellipse", centre_px=tuple(centre), half_axes_px=half_axes, area_mm2=np.pi * 50 / 100
    )


def landmark_prediction(landmark, *, scaled=True):
    number = landmark.number
    centre = (40.25 + 15 * number, 23.75 + 17 * number + 37 * number % 50)
    measures = Measures(
        activation=0.5,
        spread_px=1.0,
        spread_mm=None,
        raw_expected_error_px=5.0,
        raw_expected_error_mm=None,
        entropy=2.0,
    )
    known = {
        "expected_error_mm": 1.25,
        "error_covariance_mm2": ((0.25, 0.06), (0.06, 0.36)),
        "region": region_of(landmark.number, centre),
    }
    return LandmarkPrediction(
        number=landmark.number,
        code=landmark.code,
        name=landmark.name,
        x_px=centre[0],
        y_px=centre[1],
        x_mm=None,
        y_mm=None,
        measures=measures,
        samples_px=(centre,),
        verdict="review" if landmark.number == 5 else "accept",
        why="0.9 mm > 0.5 mm" if landmark.number == 5 else "0.3 mm <= 0.5 mm",
        note="outside its own region" if landmark.number == 6 else None,
        **(known if scaled else {}),
    )


def prediction_of(*, mm_per_px=(0.1, 0.1)):
    return Prediction(
        film=FilmInfo(
            path="films/Doe^Jane.dcm",
            width_px=WIDTH,
            height_px=HEIGHT,
            mm_per_px=mm_per_px,
            spacing_source="none" if mm_per_px is None else "user",
            facing="right",
            facing_source="found",
            polarity="positive",
            polarity_source="found",
            notes=("an alpha channel was dropped",),
        ),
        model=ModelInfo(
            name="test-ensemble", kind="ensemble", recipe="default", samples=3, seed=0, sha256="ab" * 32
        ),
        landmarks=tuple(landmark_prediction(mark, scaled=mm_per_px is not None) for mark in ISBI.landmarks),
        reader=ReaderInfo(
            name="definition", kind="definition", films=0, truth_of="one", for_whom="a reader not met before"
        ),
        verdict="fit",
        why="18 of 19 points accepted",
    )


def decided(film, code, **changes):
    """The film with a decision of one person on one point."""
    points = tuple(
        replace(point, who="山田 Müller", **changes) if point.code == code else point for point in film.points
    )
    return replace(film, points=points, observer="山田 Müller", decided_at="2026-02-03T04:05:06+00:00")


def image_dataset(character_set="ISO_IR 100", name="Müller^Jörg", **changes):
    """A small film of a patient who is made up."""
    values = (np.indices((HEIGHT, WIDTH)).sum(0) * 4).astype(np.uint16)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = character_set
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = (
        uid.DigitalXRayImageStorageForPresentation
    )
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.2"
    dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.3"
    dataset.PatientName, dataset.PatientID = name, "P-0815"
    dataset.PatientBirthDate, dataset.PatientSex = "19990101", "F"
    dataset.StudyDate, dataset.StudyTime = "20251224", "101112"
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "S1", "A1", "Doe^John"
    dataset.StudyDescription, dataset.IssuerOfPatientID = "Cephalogram", "CLINIC"
    dataset.InstitutionName, dataset.Modality = "A clinic", "DX"
    dataset.Rows, dataset.Columns = values.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation, dataset.PixelData = 0, values.tobytes()
    dataset.PixelSpacing = [0.1, 0.1]
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def errors_by_dciodvfy(path):
    """What dicom3tools' validator calls an error; the test is skipped where it is not installed."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    return [line for line in said.stderr.splitlines() if line.startswith(("Error", "Abort"))]


@pytest.fixture(scope="session")
def film():
    """Nobody has looked at it yet."""
    return ReviewedFilm.of(prediction_of(), ISBI)


@pytest.fixture(scope="session")
def source():
    return SourceObject.of_dataset(image_dataset())
