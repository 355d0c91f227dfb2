from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.exports import coco_keypoints


def test_one_film_by_hand(prediction, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = json.loads(coco_keypoints.render(prediction, tmp_path / "out"))
    (image,) = document["images"]
    about = {"id": 1, "file_name": "../films/north/001.png", "width": 100, "height": 150}
    assert {key: image[key] for key in about} == about
    assert document["categories"] == [
        {
            "id": 1,
            "name": "head",
            "supercategory": "cephalogram",
            "keypoints": ["S", "N", "Pog'"],
            "skeleton": [],
        }
    ]
    (annotation,) = document["annotations"]
    assert annotation["keypoints"] == [20.5, 30.25, 2, 80.0, 25.0, 2, 90.125, 120.75, 2]
    assert annotation["num_keypoints"] == 3
    assert annotation["bbox"] == [20.5, 25.0, 69.625, 95.75]
    assert annotation["area"] == pytest.approx(69.625 * 95.75)
    assert (annotation["image_id"], annotation["category_id"], annotation["iscrowd"]) == (1, 1, 0)
    assert annotation["measures"]["spread_px"] == [2.0, 1.0, 6.0]
    assert annotation["measures"]["raw_expected_error_mm"] == pytest.approx([0.4, 0.3, 1.2])
    assert "Research use only" in document["info"]["description"]


@pytest.mark.parametrize("case", ["fit", "review", "unfit", "no scale", "no gate"])
def test_verdicts_reasons_and_promise_are_the_predictions(judged, tmp_path, case):
    prediction = judged(case)
    document = json.loads(coco_keypoints.render(prediction, tmp_path))
    (image,), (annotation,) = document["images"], document["annotations"]
    for key in ("verdict", "why", "promise", "for_whom"):
        assert image[key] == getattr(prediction, key)
    marks = prediction.landmarks
    assert annotation["verdicts"] == [mark.verdict for mark in marks]
    assert annotation["whys"] == [mark.why for mark in marks]
    assert annotation["notes"] == [mark.note for mark in marks]
    promised = [0.75, 1.75, 2.75] if case in {"fit", "review"} else [None] * 3
    assert annotation["expected_errors_mm"] == promised
    assert "expected_error_mm" not in annotation["measures"]


def test_positions_come_back_without_a_shift(make_prediction, tmp_path):
    prediction = make_prediction(shift_px=1 / 3)
    document = json.loads(coco_keypoints.render(prediction, tmp_path))
    read = np.reshape(document["annotations"][0]["keypoints"], (-1, 3))
    np.testing.assert_array_equal(read[:, :2], [[p.x_px, p.y_px] for p in prediction.landmarks])
    assert set(read[:, 2]) == {2}


def test_many_films_in_one_file(make_prediction, tmp_path):
    fewer = make_prediction(path="c/001.png")
    fewer = fewer.model_copy(update={"landmarks": fewer.landmarks[:2]})
    batch = [
        make_prediction(path=f"{tmp_path}/a/001.png"),
        fewer,
        make_prediction(path=f"{tmp_path}/b/001.png", shift_px=5.0),
    ]
    document = json.loads(coco_keypoints.render_many(batch, tmp_path))
    assert [image["id"] for image in document["images"]] == [1, 2, 3]
    assert document["images"][0]["file_name"] == "a/001.png"
    assert document["images"][2]["file_name"] == "b/001.png"
    assert [a["image_id"] for a in document["annotations"]] == [1, 2, 3]
    assert [a["category_id"] for a in document["annotations"]] == [1, 2, 1]
    assert [len(category["keypoints"]) for category in document["categories"]] == [3, 2]
    assert document["annotations"][2]["keypoints"][0] == 25.5
