from __future__ import annotations

import json
import math

import numpy as np
import pytest

from cephsure.errors import BundleError
from cephsure.uncertainty.calibration import fit_calibration, read_calibration
from cephsure.uncertainty.calibration.calibration import Scores


@pytest.fixture(scope="module")
def calibration(made_errors):
    return fit_calibration(made_errors.draw(np.random.default_rng(0), 30))


def test_reads_back_to_the_last_digit(calibration, tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(calibration.to_json(), encoding="utf-8")
    assert read_calibration(path) == calibration
    assert read_calibration(path, numbers=(1, 2, 3, 4)) == calibration


def test_scores_that_are_infinite_count():
    scores = Scores(films=9, values=tuple(float(k) for k in range(8)))
    assert scores.bound(0.8) == 7.0
    assert scores.bound(0.9) == math.inf
    assert Scores(films=9, values=tuple(float(k) for k in range(9))).bound(0.9) == 8.0


def test_other_landmarks_are_refused(calibration, tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(calibration.to_json(), encoding="utf-8")
    with pytest.raises(BundleError, match="other landmarks") as caught:
        read_calibration(path, numbers=(1, 2, 3))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda data: data.update(format="cephsure.calibration/9"),
            "version 'cephsure.calibration/9' is unknown",
        ),
        (lambda data: data.pop("regions"), "regions: Field required"),
        (lambda data: data["landmarks"][0].update(offset_mm=[1, "x"]), "landmarks.0.offset_mm.1"),
        (lambda data: data.update(more=1), "more: Extra inputs"),
    ],
)
def test_a_damaged_file_is_refused_by_name(calibration, tmp_path, change, complaint):
    data = json.loads(calibration.to_json())
    change(data)
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BundleError, match=complaint) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_what_is_none_is_refused(tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BundleError):
        read_calibration(path)
