from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import BundleError
from cephsure.inference.samples import Samples
from cephsure.landmarks import Landmark, LandmarkSet
from cephsure.uncertainty import to_prediction
from cephsure.uncertainty.measures import MEASURES, Measure
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo, in_millimetres

TWO = LandmarkSet(
    name="two",
    title="two points",
    source="made for this test",
    landmarks=(
        Landmark(1, "S", "sella", "centre of the sella", "bone", "midline"),
        Landmark(2, "N", "nasion", "front of the suture", "bone", "midline"),
    ),
)
MODEL = ModelInfo(name="m", kind="ensemble", recipe="default", samples=2, seed=0, sha256="0" * 64)
SAMPLES = Samples(
    positions_px=np.array([[[10.0, 20.0], [0.0, 0.0]], [[16.0, 28.0], [0.0, 0.0]]]),
    activations=np.array([[1.0, 2.0], [3.0, 2.0]]),
    expected_errors_px=np.array([[12.0, 4.0], [12.0, 6.0]]),
    entropies=np.array([[1.0, 0.5], [2.0, 0.5]]),
)


def film(mm_per_px):
    return FilmInfo(
        path="film.png",
        width_px=100,
        height_px=80,
        mm_per_px=mm_per_px,
        spacing_source="none" if mm_per_px is None else "user",
        facing="right",
        facing_source="assumed",
        polarity="positive",
        polarity_source="assumed",
    )


def predict(samples=SAMPLES, mm_per_px=None):
    return to_prediction(samples, film_info=film(mm_per_px), model_info=MODEL, landmark_set=TWO)


def test_without_scale_everything_in_mm_is_none():
    sella = predict().landmarks[0]
    assert (sella.x_px, sella.y_px) == (13.0, 24.0)
    assert (sella.x_mm, sella.y_mm) == (None, None)
    assert sella.measures.spread_px == pytest.approx(5.0)
    assert sella.measures.raw_expected_error_px == pytest.approx(13.0)
    assert (sella.measures.spread_mm, sella.measures.raw_expected_error_mm) == (None, None)
    assert (sella.measures.activation, sella.measures.entropy) == (2.0, 1.5)
    assert sella.samples_px == ((10.0, 20.0), (16.0, 28.0))


def test_square_pixels_scale_lengths_and_nothing_else():
    sella = predict(mm_per_px=(0.1, 0.1)).landmarks[0]
    assert (sella.x_mm, sella.y_mm) == pytest.approx((1.3, 2.4))
    assert sella.measures.spread_mm == pytest.approx(0.5)
    assert sella.measures.raw_expected_error_mm == pytest.approx(1.3)
    assert (sella.measures.activation, sella.measures.entropy) == (2.0, 1.5)


def test_pixels_that_are_not_square():
    # 0.5 mm by 0.125 mm: the samples are 6 * 0.5 = 3 mm and 8 * 0.125 = 1 mm apart, half of sqrt(10) spread.
    sella = predict(mm_per_px=(0.5, 0.125)).landmarks[0]
    assert (sella.x_mm, sella.y_mm) == pytest.approx((6.5, 3.0))
    assert sella.measures.spread_mm == pytest.approx(np.sqrt(10) / 2)
    # The maps' 12 px scale by the geometric mean, 0.25 mm.
    assert sella.measures.raw_expected_error_mm == pytest.approx(np.hypot(3.0, np.sqrt(10) / 2))
    assert sella.measures.spread_px == pytest.approx(5.0)


def test_names_and_order_come_from_the_landmark_set():
    found = predict().landmarks
    assert [(mark.number, mark.code, mark.name) for mark in found] == [(1, "S", "sella"), (2, "N", "nasion")]


def test_json_keys_are_those_of_the_schema():
    document = json.loads(predict(mm_per_px=(0.1, 0.1)).model_dump_json())
    assert set(document["landmarks"][0]["measures"]) == {
        "activation",
        "spread_px",
        "spread_mm",
        "raw_expected_error_px",
        "raw_expected_error_mm",
        "entropy",
        "covariance_radius_px",
        "covariance_radius_mm",
    }
    assert predict().landmarks[1].model_dump()["measures"]["spread_mm"] is None


def test_a_new_measure_reaches_the_prediction_by_registration_alone(monkeypatch):
    widest = Measure(
        name="widest",
        unit="px",
        direction=1,
        title="widest step between samples along x",
        source="made for this test",
        compute=lambda samples: np.ptp(samples.positions_px[..., 0], axis=0),
    )
    monkeypatch.setitem(MEASURES, "widest", widest)
    measures = predict(mm_per_px=(0.5, 0.1)).landmarks[0].model_dump()["measures"]
    assert (measures["widest_px"], measures["widest_mm"]) == (6.0, 3.0)


@pytest.mark.parametrize("field", ["positions_px", "activations", "expected_errors_px", "entropies"])
def test_numbers_that_are_not_finite_are_refused_by_name(field):
    values = getattr(SAMPLES, field).copy()
    values[1, 1] = np.nan
    with pytest.raises(BundleError, match=r"^m: .* not finite for N \("):
        predict(replace(SAMPLES, **{field: values}))


def test_samples_of_another_landmark_set_are_refused():
    other = Samples(*(getattr(SAMPLES, name)[:, :1] for name in Samples.__slots__[:4]))
    with pytest.raises(BundleError, match="gives 1 landmarks, its set two has 2"):
        predict(other)


def test_millimetres_scale_the_coarse_positions_too():
    coarse = replace(SAMPLES, coarse_positions_px=SAMPLES.positions_px + 1)
    found = in_millimetres(coarse, mm_per_px=(0.5, 2.0))
    assert found.coarse_positions_px[0, 0] == pytest.approx([5.5, 42.0])
    assert in_millimetres(SAMPLES, mm_per_px=(1.0, 1.0)).coarse_positions_px is None


def test_what_cannot_be_said_of_a_point_is_none_and_strict_json():
    found = predict(replace(SAMPLES, shape_residuals=np.array([np.inf, 2.0])))
    assert [mark.measures.shape_residual for mark in found.landmarks] == [None, 2.0]
    json.dumps(found.model_dump(mode="json"), allow_nan=False)
