from __future__ import annotations

import csv
import io
import json

import jsonschema
import numpy as np
import pytest

from cephsure.cephalometry import LandmarkErrors, analyse, load_analyses
from cephsure.cephalometry.analysis_files import COLUMNS, analyses_csv, schema

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
    assert document["schema"] == "cephsure.analysis/1"


def test_the_schema_describes_every_field_and_demands_them(make_prediction, head, errors):
    document = analyse(make_prediction(head), errors=errors).document()
    described = schema()["properties"]
    assert set(document) == set(described)
    of_one = schema()["$defs"]["measurement"]
    assert set(document["measurements"][0]) == set(of_one["properties"]) == set(of_one["required"])
    del document["measurements"][0]["value"]
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR(schema()).validate(document)


def test_csv_has_one_row_a_measurement(make_prediction, head, errors):
    analysis = analyse(make_prediction(head), errors=errors)
    rows = list(csv.DictReader(io.StringIO(analyses_csv([analysis, analysis]))))
    assert len(rows) == 18
    first, sna = rows[0], rows[2]
    assert tuple(first) == COLUMNS
    measured = analysis.measurements[2]
    assert (sna["film"], sna["analysis"], sna["code"], sna["unit"]) == ("films/001.png", "isbi", "SNA", "deg")
    assert float(sna["value"]) == pytest.approx(measured.value, rel=1e-5)
    assert float(sna["interval_90_high"]) == pytest.approx(measured.interval_90[1], rel=1e-5)
    assert sna["decision"] == measured.decision
    assert float(sna["decision_probability"]) == max(one.probability for one in measured.class_probabilities)
    assert (sna["errors_from"], sna["remark"]) == ("calibration", "")


def test_csv_says_why_something_is_empty(make_prediction, head):
    rows = list(csv.DictReader(io.StringIO(analyses_csv([analyse(make_prediction(head, mm_per_px=None))]))))
    by_code = {row["code"]: row for row in rows}
    assert (by_code["MW"]["value"], by_code["MW"]["remark"]) == ("", "no scale in the film")
    assert by_code["SNA"]["value"] != ""
    assert (by_code["SNA"]["sd"], by_code["SNA"]["remark"]) == (
        "",
        "no scale in the film: calibrated errors are in mm",
    )
