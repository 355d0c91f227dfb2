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
COLOUR = {
    "type": "array",
    "items": {"type": "number", "minimum": 0.0, "maximum": 1.0},
    "minItems": 3,
    "maxItems": 3,
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
                "color": COLOUR,
                "selectedColor": COLOUR,
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


CASES = ["fit", "review", "unfit", "no scale", "no gate"]


@pytest.mark.parametrize("case", CASES)
def test_fits_slicers_schema(judged, case):
    document, _ = load(judged(case))
    jsonschema.validate(document, MARKUPS)
    # The expression by which Slicer accepts a file, on the lower-case text.
    assert re.search(r".*markups-schema-v1\.[0-9]+\.[0-9]+\.json#*$", document["@schema"].lower())


def test_points_stand_at_their_millimetres_in_lps(prediction):
    _, markup = load(prediction)
    assert markup["type"] == "Fiducial"
    assert markup["coordinateSystem"] == "LPS"
    assert markup["coordinateUnits"] == "mm"
    assert markup["name"] == "001 (no verdict)"
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
    assert markup["name"] == "001 (no verdict) (pixels, scale unknown)"
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


NO_SCALE = "scale unknown: errors in mm cannot be judged"
UNCALIBRATED = "test-ensemble is not calibrated (see: cephsure calibrate)"
FOR_NEW = "(a reader not met before)"
FOR_NEW_PERHAPS = "(a reader not met before, if this film is like those calibrated on)"
SAID = {
    ("fit", "S"): ["sella", f"expected error 0.75 mm {FOR_NEW}", "accept: expected 0.75 <= 1.08 mm"],
    ("fit", "N"): ["nasion", f"expected error 1.75 mm {FOR_NEW}", "review: expected 1.75 > 1.08 mm"],
    ("fit", "Pog'"): [
        *("soft tissue pogonion, “chin”", f"expected error 2.75 mm {FOR_NEW}"),
        *("review: expected 2.75 > 1.08 mm", "outside its own 90 % region"),
    ],
    ("review", "N"): [
        *("nasion", f"expected error 1.75 mm {FOR_NEW_PERHAPS}", "review: film for review"),
        *("film review: another scanner?", "the model's samples disagree"),
    ],
    ("unfit", "S"): [
        *("sella", "no promise: the film is unfit for automatic evaluation"),
        *("review: film unfit", "film unfit: a second head", "blurred"),
    ],
    ("no scale", "S"): [
        *("sella", "no promise: the film's scale is unknown"),
        *("review: scale unknown", f"film review: {NO_SCALE}"),
    ],
    ("no gate", "S"): ["sella", f"no promise: {UNCALIBRATED}", f"no verdict: {UNCALIBRATED}"],
}


@pytest.mark.parametrize(("case", "code"), list(SAID))
def test_each_point_says_how_far_to_trust_it(judged, tmp_path, case, code):
    prediction, description = judged(case), "; ".join(SAID[case, code])
    _, markup = load(prediction)
    said = {point["label"]: point["description"] for point in markup["controlPoints"]}
    assert said[code] == description
    shapes = json.loads(render_labelme(prediction, tmp_path))["shapes"]
    assert f"{code}: {description}" in [shape["description"] for shape in shapes]


def test_a_raw_number_is_never_called_an_expected_error(make_prediction):
    """Not even where a bundle is not calibrated, and nothing else is there to be said."""
    _, markup = load(make_prediction())
    described = [point["description"] for point in markup["controlPoints"]]
    assert described[0] == "sella; no promise: the model is not calibrated; no verdict"
    assert not any("mm" in text for text in described)


@pytest.mark.parametrize("case", CASES)
def test_slicer_shows_the_verdicts(judged, case):
    """What Slicer shows: the list's name, its two colours, the points' descriptions."""
    prediction = judged(case)
    _, markup = load(prediction)
    film = "no verdict" if case == "no gate" else f"film {prediction.verdict}"
    assert markup["name"].startswith(f"001 ({film})")
    selected = [point["label"] for point in markup["controlPoints"] if point["selected"]]
    assert selected == (["S"] if case == "fit" else [])
    assert markup["display"]["color"] != markup["display"]["selectedColor"]
    assert f"{prediction.why}. {prediction.promise}. " in markup["description"]


def test_one_film_by_hand(judged, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = json.loads(render_labelme(judged("fit"), tmp_path / "labelme_model"))
    assert list(document) == [
        "version",
        "flags",
        "shapes",
        "imagePath",
        "imageData",
        "imageHeight",
        "imageWidth",
        "cephsure",
    ]
    assert document["imagePath"] == "../films/north/001.png"
    assert document["imageData"] is None
    assert (document["imageHeight"], document["imageWidth"]) == (150, 100)
    assert document["flags"] == {"fit": True, "review": False, "unfit": False}
    assert document["shapes"][0] == {
        "label": "l1",
        "points": [[20.5, 30.25]],
        "group_id": None,
        "description": "S: sella; expected error 0.75 mm (a reader not met before); "
        "accept: expected 0.75 <= 1.08 mm",
        "shape_type": "point",
        "flags": {"accept": True, "review": False},
    }
    assert document["shapes"][1]["flags"] == {"accept": False, "review": True}
    assert document["cephsure"] == {
        "verdict": "fit",
        "why": "1 of 3 points accepted (expected error up to 1.08 mm)",
        "promise": "expected errors and 90 % regions hold for a reader not met before",
        "for_whom": "a reader not met before",
        "model": "test-ensemble",
        "disclaimer": "Research use only. Not a medical device.",
    }


def test_labelme_says_that_there_is_no_verdict(judged, tmp_path):
    document = json.loads(render_labelme(judged("no gate"), tmp_path))
    assert document["flags"] == {"no verdict": True}
    assert document["shapes"][0]["flags"] == {"no verdict": True}
    assert document["cephsure"]["verdict"] is None


def test_positions_come_back_without_a_shift(make_prediction, tmp_path):
    prediction = make_prediction(shift_px=1 / 3, mm_per_px=None)
    shapes = json.loads(render_labelme(prediction, tmp_path))["shapes"]
    assert {shape["label"]: shape["points"] for shape in shapes} == {
        f"l{landmark.number}": [[landmark.x_px, landmark.y_px]] for landmark in prediction.landmarks
    }
