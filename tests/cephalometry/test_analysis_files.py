from __future__ import annotations

import csv
import io
import json

import jsonschema
import numpy as np
import pytest

from cephsure.cephalometry import LandmarkErrors, analyse, analyse_points, load_analyses
from cephsure.cephalometry.analysis_files import COLUMNS, analyses_csv, schema
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


def test_csv_has_one_row_a_measurement(make_prediction, head, errors):
    analysis = analyse(make_prediction(head), errors=errors)
    rows = list(csv.DictReader(io.StringIO(analyses_csv([analysis, analysis]))))
    assert len(rows) == 18
    first, sna = rows[0], rows[2]
    assert tuple(first) == COLUMNS
    measured = analysis.measurements[2]
    assert (sna["film"], sna["analysis"], sna["code"], sna["unit"]) == ("films/001.png", "isbi", "SNA", "deg")
    assert (sna["film_verdict"], sna["film_why"]) == ("", "")
    assert sna["promise"] == analysis.promise
    assert float(sna["value"]) == pytest.approx(measured.value, rel=1e-5)
    assert float(sna["interval_90_high"]) == pytest.approx(measured.interval_90[1], rel=1e-5)
    assert sna["decision"] == (measured.decision or "")
    assert float(sna["decision_probability"]) == max(
        share.probability for share in measured.class_probabilities
    )
    assert (sna["errors_from"], sna["points_from"]) == ("calibration", "test-ensemble")
    assert sna["remark"] == (f"not decided: {measured.not_decided}" if measured.not_decided else "")
    assert sna["classes_source"].startswith("ISBI 2015")
    odi = rows[3]
    assert odi["norms"] == "74.5 ± 6.07 (Kim 1974, Am J Orthod 65, 586-611)"


def test_csv_says_why_something_is_empty(make_prediction, head):
    rows = list(csv.DictReader(io.StringIO(analyses_csv([analyse(make_prediction(head, mm_per_px=None))]))))
    by_code = {row["code"]: row for row in rows}
    assert (by_code["MW"]["value"], by_code["MW"]["remark"]) == ("", "no scale in the film")
    assert by_code["SNA"]["value"] != ""
    reason = "no scale in the film: calibrated errors are in mm"
    assert by_code["SNA"]["sd"] == ""
    assert by_code["SNA"]["remark"] == f"no interval: {reason}; not decided: {reason}"


def test_csv_says_the_verdict_and_whom_a_norm_is_of(make_prediction, head, judge):
    unfit = judge(make_prediction(head), "unfit")
    rows = list(csv.DictReader(io.StringIO(analyses_csv([analyse(unfit, load_analyses("mcnamara"))]))))
    assert {row["film_verdict"] for row in rows} == {"unfit"}
    assert {row["film_why"] for row in rows} == {unfit.why}
    assert {row["promise"] for row in rows} == {unfit.promise}
    assert rows[0]["norms"] == (
        "0.4 ± 2.3 (women, Ann Arbor adults, McNamara 1984, Am J Orthod 86, 449-469); "
        "1.1 ± 2.7 (men, Ann Arbor adults, McNamara 1984, Am J Orthod 86, 449-469)"
    )


def test_a_persons_points_validate_too(head):
    at = dict(zip(load_landmark_set().codes, head, strict=True))
    document = analyse_points(at, load_analyses("all")).document()
    VALIDATOR(schema()).validate(json.loads(json.dumps(document, allow_nan=False)))
    assert (document["model"], document["verdict"], document["errors_from"]) == (
        None,
        None,
        "a person's points",
    )
