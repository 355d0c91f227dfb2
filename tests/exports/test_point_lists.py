from __future__ import annotations

import json
import re

import jsonschema
import pytest

from cephsure.exports.point_lists import render_labelme, render_slicer

# What Slicer's markups schema 1.0.3 asks of the fields used here, written down from its documentation.
POINT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "label": {"type": "string"},
        "description": {"type": "string"},
        "associatedNodeID": {"type": "string"},
        "position": {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3},
        "orientation": {"type": "array", "items": {"type": "number"}, "minItems": 9, "maxItems": 9},
        "selected": {"type": "boolean"},
        "locked": {"type": "boolean"},
        "visibility": {"type": "boolean"},
        "positionStatus": {"enum": ["undefined", "preview", "defined"]},
    },
    "additionalProperties": False,
}
MARKUP = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"enum": ["Fiducial", "Line", "Angle", "Curve", "ClosedCurve", "Plane", "ROI"]},
        "name": {"type": "string"},
        "coordinateSystem": {"enum": ["LPS", "RAS"]},
        "coordinateUnits": {"enum": ["mm", "um"]},
        "locked": {"type": "boolean"},
        "fixedNumberOfControlPoints": {"type": "boolean"},
        "labelFormat": {"type": "string"},
        "controlPoints": {"type": "array", "items": POINT},
        "display": {
            "properties": {
                "visibility": {"type": "boolean"},
                "pointLabelsVisibility": {"type": "boolean"},
                "glyphType": {
                    "enum": ["Vertex2D", "Dash2D", "Cross2D", "ThickCross2D", "Circle2D", "Sphere3D"]
                },
            },
            "additionalProperties": False,
        },
    },
}
MARKUPS = {
    "required": ["@schema", "markups"],
    "properties": {"markups": {"type": "array", "items": MARKUP, "minItems": 1}},
}


def load(prediction):
    document = json.loads(render_slicer(prediction))
    return document, document["markups"][0]


@pytest.mark.parametrize("mm_per_px", [(0.1, 0.2), None])
def test_fits_slicers_schema(make_prediction, mm_per_px):
    document, _ = load(make_prediction(mm_per_px=mm_per_px))
    jsonschema.validate(document, MARKUPS)
    # The expression by which Slicer accepts a file, on the lower-case text.
    assert re.search(r".*markups-schema-v1\.[0-9]+\.[0-9]+\.json#*$", document["@schema"].lower())


def test_points_stand_at_their_millimetres_in_lps(prediction):
    _, markup = load(prediction)
    assert markup["type"] == "Fiducial"
    assert markup["coordinateSystem"] == "LPS"
    assert markup["coordinateUnits"] == "mm"
    assert markup["name"] == "001"
    points = {point["label"]: point["position"] for point in markup["controlPoints"]}
    assert list(points) == ["S", "N", "Pog'"]
    assert points["S"] == pytest.approx([2.05, 6.05, 0.0])
    assert points["N"] == pytest.approx([8.0, 5.0, 0.0])
    assert points["Pog'"] == pytest.approx([9.0125, 24.15, 0.0])
    assert {point["positionStatus"] for point in markup["controlPoints"]} == {"defined"}
    assert "0.1 x 0.2 mm (source: user)" in markup["description"]


def test_without_a_scale_positions_are_pixels_and_said_to_be(make_prediction):
    _, markup = load(make_prediction(mm_per_px=None))
    assert markup["controlPoints"][0]["position"] == [20.5, 30.25, 0.0]
    assert "coordinateUnits" not in markup
    assert markup["name"] == "001 (pixels, scale unknown)"
    assert "not millimetres" in markup["description"]
    assert all(" mm" not in point["description"] for point in markup["controlPoints"])


@pytest.mark.parametrize("mm_per_px", [(0.1, 0.2), None])
def test_points_stand_on_the_films_pixels_as_itk_places_them(make_prediction, mm_per_px):
    prediction = make_prediction(mm_per_px=mm_per_px)
    _, markup = load(prediction)
    spacing = mm_per_px or (1.0, 1.0)
    for point, landmark in zip(markup["controlPoints"], prediction.landmarks, strict=True):
        index = [value / step for value, step in zip(point["position"], spacing, strict=False)]
        assert index == pytest.approx([landmark.x_px, landmark.y_px])


def test_each_point_says_how_far_to_trust_it(prediction, make_prediction):
    _, markup = load(prediction)
    assert markup["controlPoints"][0]["description"] == "sella; spread 0.20 mm; expected error 0.40 mm"
    _, markup = load(make_prediction(mm_per_px=None))
    assert markup["controlPoints"][0]["description"] == "sella; spread 2.0 px; expected error 4.0 px"


def test_one_film_by_hand(prediction, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = json.loads(render_labelme(prediction, tmp_path / "labelme_model"))
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
    shapes = json.loads(render_labelme(prediction, tmp_path))["shapes"]
    assert {shape["label"]: shape["points"] for shape in shapes} == {
        f"l{landmark.number}": [[landmark.x_px, landmark.y_px]] for landmark in prediction.landmarks
    }
