from __future__ import annotations

import json

from cephsure.exports import labelme_points


def test_one_film_by_hand(prediction, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = json.loads(labelme_points.render(prediction, tmp_path / "labelme_model"))
    assert list(document) == [
        "version",
        "flags",
        "shapes",
        "imagePath",
        "imageData",
        "imageHeight",
        "imageWidth",
    ]
    assert document["imagePath"] == "../films/north/001.png"
    assert document["imageData"] is None
    assert (document["imageHeight"], document["imageWidth"]) == (150, 100)
    assert document["shapes"][0] == {
        "label": "l1",
        "points": [[20.5, 30.25]],
        "group_id": None,
        "description": "S: sella; spread 0.20 mm; expected error 0.40 mm",
        "shape_type": "point",
        "flags": {},
    }


def test_positions_come_back_without_a_shift(make_prediction, tmp_path):
    prediction = make_prediction(shift_px=1 / 3, mm_per_px=None)
    shapes = json.loads(labelme_points.render(prediction, tmp_path))["shapes"]
    assert {shape["label"]: shape["points"] for shape in shapes} == {
        f"l{landmark.number}": [[landmark.x_px, landmark.y_px]] for landmark in prediction.landmarks
    }
