"""Films with predictions and decisions as reports show them, and DICOM files that name a made-up patient."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset

from cephsure.cephalometry import load_analyses
from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.films import Film
from cephsure.landmarks import load_landmark_set
from cephsure.reports.film_report import film_report
from cephsure.uncertainty.prediction import LandmarkPrediction, Measures, Prediction, Region
from judged_films import film_info, model_info, reader_info

SET = load_landmark_set()
WIDTH, HEIGHT = 400, 480
# A head that faces right, in px of 0.5 mm; nobody's, but in human proportions.
HEAD = dict(
    zip(
        SET.codes,
        [
            *[(164, 200), (300, 184), (276, 236), (130, 230), (290, 296), (280, 372), (278, 396), (262, 412)],
            *[(272, 408), (152, 352), (288, 334), (294, 338), (320, 328), (314, 358), (312, 300), (300, 400)],
            *[(196, 284), (298, 280), (140, 260)],
        ],
        strict=True,
    )
)
_NO_PROMISE = {
    "unfit": "the film is unfit for automatic evaluation",
    None: "fake is not calibrated (see: cephsure calibrate)",
}


def made_film(**changes):
    """A grey ramp from left to right."""
    pixels = np.tile(np.linspace(0, 1, WIDTH, dtype=np.float32), (HEIGHT, 1))
    return Film(pixels, **changes)


def prediction(verdict="fit", *, doubtful=(), error_mm=0.6, mm_per_px=(0.5, 0.5), facing="right", **changes):
    """A prediction of the head; ``doubtful`` codes have an expected error of 2.34 mm and are not accepted."""
    promised = verdict in ("fit", "review") and mm_per_px is not None
    why = {"fit": f"{19 - len(doubtful)} of 19 points accepted", "review": "an unusual head"}
    no_promise = _NO_PROMISE.get(verdict) or "the film's scale is unknown"
    said = why.get(verdict) or (f"no verdict: {no_promise}" if verdict is None else "this is no head")
    return Prediction(
        film=film_info(
            path="films/001.png",
            width_px=WIDTH,
            height_px=HEIGHT,
            mm_per_px=mm_per_px,
            spacing_source="none" if mm_per_px is None else "user",
            facing=facing,
            **changes,
        ),
        model=model_info(),
        landmarks=tuple(
            _mark(
                number, code, verdict, 2.34 if code in doubtful else error_mm,
                promised=promised, accepted=verdict == "fit" and code not in doubtful, facing=facing,
            )
            for number, code in enumerate(SET.codes, start=1)
        ),
        reader=reader_info(),
        verdict=verdict,
        why=said,
        no_promise=None if promised else no_promise,
    )  # fmt: skip


def _mark(number, code, verdict, error_mm, *, promised, accepted, facing):
    x, y = HEAD[code]
    x = WIDTH - 1 - x if facing == "left" else x
    variance = error_mm**2 / 2
    known = {
        "expected_error_mm": error_mm,
        "error_covariance_mm2": ((variance, 0.0), (0.0, variance)),
        "region": Region(
            level=0.9, kind="disc", centre_px=(x, y), half_axes_px=((4.0, 0.0), (0.0, 4.0)), area_mm2=12.6
        ),
    }
    whys = {"unfit": "film unfit", "review": "film for review", None: None}
    why = whys.get(verdict, f"expected {error_mm:.2f} {'<=' if accepted else '>'} 1.08 mm")
    return LandmarkPrediction(
        number=number,
        code=code,
        name=SET.landmarks[number - 1].name,
        x_px=x,
        y_px=y,
        x_mm=x / 2,
        y_mm=y / 2,
        measures=Measures(
            activation=0.5,
            spread_px=1.0,
            spread_mm=0.5,
            raw_expected_error_px=2.0,
            raw_expected_error_mm=1.0,
            entropy=2.0,
        ),
        samples_px=tuple((x + dx, float(y)) for dx in (-1.0, 0.0, 1.0)),
        verdict=None if verdict is None else "accept" if accepted else "review",
        why=why,
        **(known if promised else {}),
    )


def reviewed(found=None, *, complete=True, who="anna", **origins):
    """A film that a person reviewed: ``origins`` say what became of points, by code (N = "edited", ...)."""
    film = ReviewedFilm.of(found or prediction(), SET)
    points = []
    for point in film.points:
        origin = origins.get(point.code, "predicted")
        changed = {} if origin == "predicted" else {"origin": origin, "who": who}
        if origin in ("edited", "placed"):
            changed |= {"x_px": point.x_px + 5, "y_px": point.y_px + 3}
        if origin == "missing":
            changed |= {"x_px": None, "y_px": None}
        points.append(replace(point, **changed))
    return replace(
        film,
        points=tuple(points),
        observer=who,
        decided_at="2026-11-30T14:02:59Z",
        is_complete=complete,
    )


def made_report(film=None, review=None, *, analysis="isbi", **changes):
    """The report on a film."""
    review = review or ReviewedFilm.of(prediction(), SET)
    return film_report(film or made_film(), review, load_analyses(analysis), **changes)


_uids = itertools.count(1)


def write_dicom(path, *, charset=("ISO_IR 100",), **attributes):
    """A DICOM film of the grey ramp, in 0.5 mm, that states what is asked for."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.{next(_uids)}"
    data.SpecificCharacterSet = list(charset)
    data.Modality, data.Rows, data.Columns = "DX", HEIGHT, WIDTH
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.PixelSpacing, data.PixelSpacingCalibrationType = [0.5, 0.5], "GEOMETRY"
    data.PixelData = np.rint(255 * made_film().pixels).astype(np.uint8).tobytes()
    for name, value in attributes.items():
        setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path
