from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest

from cephsure.cephalometry import LandmarkErrors, analyse, analyse_points, load_analyses
from cephsure.cephalometry.analysis_files import schema
from cephsure.landmarks import load_landmark_set

VALIDATOR = jsonschema.Draft202012Validator


@pytest.fixture
def errors():
    return LandmarkErrors("calibration", np.tile(25.0 * np.eye(2), (19, 1, 1)))


@pytest.mark.parametrize("mm_per_px", [(0.1, 0.2), None])
@pytest.mark.parametrize("calibrated", [True, False])
def test_json_validates_against_the_shipped_schema(make_prediction, head, errors, mm_per_px, calibrated):
    VALIDATOR.check_schema(schema())
    analysis = analyse(
        make_prediction(head, mm_per_px=mm_per_px),
        load_analyses("all"),
        errors=errors if calibrated else None,
    )
    document = json.loads(json.dumps(analysis.document(), allow_nan=False))
    VALIDATOR(schema()).validate(document)
    assert document["schema"] == "cephsure.analysis/2"


def test_the_schema_describes_every_field_and_demands_them(make_prediction, head, errors):
    document = analyse(make_prediction(head), errors=errors).document()
    described = schema()["properties"]
    assert set(document) == set(described)
    of_one = schema()["$defs"]["measurement"]
    assert set(document["measurements"][0]) == set(of_one["properties"]) == set(of_one["required"])
    del document["measurements"][0]["value"]
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR(schema()).validate(document)


def test_a_persons_points_validate_too(head):
    at = dict(zip(load_landmark_set().codes, head, strict=True))
    document = analyse_points(at, load_analyses("all")).document()
    VALIDATOR(schema()).validate(json.loads(json.dumps(document, allow_nan=False)))
    assert (document["model"], document["verdict"], document["errors_from"]) == (
        None,
        None,
        "a person's points",
    )
