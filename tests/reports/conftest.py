from __future__ import annotations

import numpy as np
import pytest

from cephsure.reports import font_files, letters
from cephsure.reports.band import lay_out_band
from cephsure.uncertainty.prediction import (
    FilmInfo,
    LandmarkPrediction,
    Measures,
    ModelInfo,
    Prediction,
    ReaderInfo,
    Region,
)

WIDTH, HEIGHT = 400, 500


@pytest.fixture
def film_pixels():
    """A grey ramp from left to right, 400 x 500."""
    return np.tile(np.linspace(0, 1, WIDTH, dtype=np.float32), (HEIGHT, 1))


@pytest.fixture
def judged():
    """A prediction with a film's verdict and one of each point; with a level also regions and a reader."""

    def judge(prediction, verdict, standings, *, why="the reason", level=None, no_promise=None):
        marks = [
            mark.model_copy(update={"verdict": standing})
            for mark, standing in zip(prediction.landmarks, standings, strict=True)
        ]
        said = {"verdict": verdict, "why": why, "no_promise": no_promise}
        if level is not None:
            marks = [mark.model_copy(update=_promised(mark, level)) for mark in marks]
            said["reader"] = ReaderInfo(
                name="definition",
                kind="definition",
                films=0,
                truth_of="one",
                for_whom="a reader not met before",
            )
        return prediction.model_copy(update={"landmarks": tuple(marks), **said})

    return judge


def _promised(mark, level):
    region = Region(
        level=level,
        kind="ellipse",
        centre_px=(mark.x_px, mark.y_px),
        half_axes_px=((30.0, 0.0), (0.0, 20.0)),
        area_mm2=75.4,
    )
    return {"region": region, "expected_error_mm": 1.5}


@pytest.fixture
def of_film():
    """The part of an overlay that shows the film, (height, width, 3) whole numbers."""

    def part(picture, prediction):
        height = round(prediction.film.height_px * picture.width / prediction.film.width_px)
        unit = max(float(np.sqrt(picture.width * height)) / 1000, 0.6)
        band = lay_out_band(prediction, width=picture.width, size=max(10, round(13.5 * unit)))
        return np.asarray(picture).astype(int)[band.height : band.height + height]

    return part


@pytest.fixture
def no_fonts(monkeypatch):
    """A machine without font files."""
    monkeypatch.setattr(font_files, "font_folders", lambda: ())
    forget()
    yield
    forget()


def forget():
    font_files.system_fonts.cache_clear()
    letters.runs.cache_clear()


@pytest.fixture
def make_prediction():
    """Landmarks at given points (x, y) of a 400 x 500 film, each with a cross of four samples.

    The samples lie at a distance of ``spread_px`` from the point, so that this is the spread.
    """

    def make(points, spreads_px, *, mm_per_px=(0.2, 0.2), kind="ensemble", samples=4, path="films/001.png"):
        cross = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])[:samples]

        def mm(value):
            return None if mm_per_px is None else value * mm_per_px[0]

        landmarks = tuple(
            LandmarkPrediction(
                number=number,
                code=f"P{number}",
                name=f"point {number}",
                x_px=x,
                y_px=y,
                x_mm=mm(x),
                y_mm=mm(y),
                measures=Measures(
                    activation=1.0,
                    spread_px=spread if samples > 1 else 0.0,
                    spread_mm=mm(spread if samples > 1 else 0.0),
                    raw_expected_error_px=2 * spread,
                    raw_expected_error_mm=mm(2 * spread),
                    entropy=1.0,
                ),
                samples_px=tuple((x + spread * dx, y + spread * dy) for dx, dy in cross)
                if samples > 1
                else ((x, y),),
            )
            for number, ((x, y), spread) in enumerate(zip(points, spreads_px, strict=True), start=1)
        )
        film = FilmInfo(
            path=path,
            width_px=WIDTH,
            height_px=HEIGHT,
            mm_per_px=mm_per_px,
            spacing_source="none" if mm_per_px is None else "user",
            facing="right",
            facing_source="found",
            polarity="positive",
            polarity_source="found",
        )
        model = ModelInfo(
            name=f"test-{kind}", kind=kind, recipe="default", samples=samples, seed=0, sha256="0" * 64
        )
        return Prediction(film=film, model=model, landmarks=landmarks)

    return make
