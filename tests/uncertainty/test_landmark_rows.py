from __future__ import annotations

import sys

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.uncertainty.landmark_rows import COLUMNS, TEXT, landmark_rows
from cephsure.uncertainty.missing import without_promise
from cephsure.uncertainty.prediction import LandmarkPrediction, Measures, Prediction, Region
from judged_films import film_info, model_info, reader_info


def measures(**more):
    raw = {"raw_expected_error_px": 4.0, "raw_expected_error_mm": 0.4}
    return Measures(activation=0.5, spread_px=2.0, spread_mm=0.2, **raw, entropy=1.25, **more)


def prediction(**changed):
    """Two points of a fit film; the region of the second is all of the film."""
    film = film_info(width_px=100, height_px=150, mm_per_px=(0.1, 0.2))
    disc = Region(level=0.9, kind="disc", centre_px=(2, 3), half_axes_px=((9, 0), (0, 9)), area_mm2=2.5)
    everywhere = Region(level=0.9, kind="hdr", whole_film=True)
    said = {"samples_px": ((1.0, 2.0),), "measures": measures(), "x_mm": 0.1, "y_mm": 0.4}
    marks = (
        LandmarkPrediction(
            **{"number": 1, "code": "S", "name": "sella", "x_px": 1.0, "y_px": 2.0, **said},
            expected_error_mm=0.75,
            region=disc,
            verdict="accept",
            why="expected 0.75 <= 1.08 mm",
        ),
        LandmarkPrediction(
            **{"number": 2, "code": "N", "name": "nasion", "x_px": 1.0, "y_px": 2.0, **said},
            expected_error_mm=1.75,
            region=everywhere,
            verdict="review",
            why="expected 1.75 > 1.08 mm",
        ),
    )
    model, reader = model_info(name="m", samples=1), reader_info(name="r", for_whom="a new reader")
    found = Prediction(film=film, model=model, landmarks=marks, reader=reader, verdict="fit", why="1 of 2")
    return found.model_copy(update=changed)


def test_a_row_of_a_point_by_hand():
    first, second = landmark_rows(prediction())
    assert list(first) == [*COLUMNS, *measures().model_dump()]
    assert first == {
        "film": "films/001.png",
        "number": 1,
        "code": "S",
        "name": "sella",
        "x_px": 1.0,
        "y_px": 2.0,
        "x_mm": 0.1,
        "y_mm": 0.4,
        "expected_error_mm": 0.75,
        "verdict": "accept",
        "why": "expected 0.75 <= 1.08 mm",
        "note": None,
        "region_kind": "disc",
        "region_level": 0.9,
        "region_area_mm2": 2.5,
        "film_verdict": "fit",
        "film_why": "1 of 2",
        "for_whom": "a new reader",
        "promise": "expected errors and 90 % regions hold for a new reader",
        "mm_per_px_x": 0.1,
        "mm_per_px_y": 0.2,
        "spacing_source": "user",
        "model": "m",
        **measures().model_dump(),
    }
    assert (second["region_kind"], second["region_area_mm2"]) == ("hdr", np.inf)


def test_an_unfit_film_has_neither_expected_error_nor_region():
    for row in landmark_rows(without_promise(prediction(verdict="unfit"), "the film is unfit")):
        promised = ("expected_error_mm", "region_kind", "region_level", "region_area_mm2", "for_whom")
        assert [row[name] for name in promised] == [None] * 5
        assert row["promise"] == "no promise: the film is unfit"
        assert row["raw_expected_error_mm"] == 0.4


def test_a_frame_has_the_rows_with_real_types():
    pandas = pytest.importorskip("pandas")
    found = prediction()
    frame = found.to_frame()
    assert list(frame.columns) == list(landmark_rows(found)[0])
    assert frame["expected_error_mm"].tolist() == [0.75, 1.75]
    assert frame["note"].tolist() == [None, None]
    assert frame["number"].dtype == np.int64
    for name in set(frame.columns) - {"number"}:
        assert frame[name].dtype == (object if name in TEXT else np.float64), name
    assert frame.query("verdict == 'accept'")["code"].tolist() == ["S"]
    assert isinstance(frame, pandas.DataFrame)


def test_what_is_not_promised_is_nan_in_a_frame():
    pytest.importorskip("pandas")
    frame = without_promise(prediction(verdict="unfit"), "the film is unfit").to_frame()
    assert frame["expected_error_mm"].isna().all()
    assert frame["expected_error_mm"].dtype == np.float64
    assert frame["for_whom"].tolist() == [None, None]


def test_without_pandas_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"needs pandas, .* \(pip install 'cephsure\[studies\]'\)"):
        prediction().to_frame()
