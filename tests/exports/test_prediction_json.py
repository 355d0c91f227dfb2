from __future__ import annotations

import json

import jsonschema
import pytest

from cephsure.errors import InputError
from cephsure.exports import prediction_json
from cephsure.uncertainty.prediction import Prediction

VALIDATOR = jsonschema.Draft202012Validator


def test_holds_what_the_format_promises(prediction):
    document = json.loads(prediction_json.render(prediction))
    assert document["schema"] == "cephsure.prediction/1"
    assert document["film"]["path"] == "films/north/001.png"
    assert (document["film"]["width_px"], document["film"]["height_px"]) == (100, 150)
    assert document["film"]["mm_per_px"] == [0.1, 0.2]
    assert document["film"]["spacing_source"] == "user"
    assert {key: document["model"][key] for key in ("name", "kind", "samples", "sha256")} == {
        "name": "test-ensemble",
        "kind": "ensemble",
        "samples": 2,
        "sha256": "ab" * 32,
    }
    first = document["landmarks"][0]
    assert (first["number"], first["code"], first["name"]) == (1, "S", "sella")
    assert (first["x_px"], first["y_px"]) == (20.5, 30.25)
    assert first["x_mm"] == pytest.approx(2.05)
    assert first["y_mm"] == pytest.approx(6.05)
    assert first["measures"] == {
        "activation": 0.5,
        "spread_px": 2.0,
        "spread_mm": pytest.approx(0.2),
        "raw_expected_error_px": 4.0,
        "raw_expected_error_mm": pytest.approx(0.4),
        "entropy": 1.25,
    }
    assert document["disclaimer"] == "Research use only. Not a medical device."


def test_without_a_scale_every_millimetre_is_null(make_prediction):
    document = json.loads(prediction_json.render(make_prediction(mm_per_px=None)))
    assert document["film"]["mm_per_px"] is None
    for landmark in document["landmarks"]:
        in_mm = [landmark["x_mm"], landmark["y_mm"]]
        in_mm += [value for name, value in landmark["measures"].items() if name.endswith("_mm")]
        assert in_mm == [None] * 4


@pytest.mark.parametrize("mm_per_px", [(0.1, 0.2), None])
@pytest.mark.parametrize("path", ["001.png", None])
def test_output_validates_against_the_shipped_schema(make_prediction, mm_per_px, path):
    schema = prediction_json.schema()
    VALIDATOR.check_schema(schema)
    document = json.loads(prediction_json.render(make_prediction(mm_per_px=mm_per_px, path=path)))
    VALIDATOR(schema).validate(document)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda d: d.pop("schema"),
        lambda d: d.update(schema="cephsure.prediction/2"),
        lambda d: d["film"].pop("mm_per_px"),
        lambda d: d["film"].update(mm_per_px=[0.1]),
        lambda d: d["film"].update(mm_per_px=[0.0, 0.1]),
        lambda d: d["model"].update(kind="oracle"),
        lambda d: d["landmarks"][0].update(x_px="12"),
        lambda d: d["landmarks"][0].update(x_px=None),
        lambda d: d["landmarks"][0]["measures"].pop("entropy"),
        lambda d: d["landmarks"][0]["measures"].update(spread_px=-1),
        lambda d: d["landmarks"][0].update(samples_px=[[1, 2, 3]]),
    ],
)
def test_schema_refuses_what_is_no_prediction(prediction, break_it):
    document = json.loads(prediction_json.render(prediction))
    break_it(document)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR(prediction_json.schema()).validate(document)


def shape(node, definitions):
    """What a schema asks for, without titles, descriptions and bounds."""
    if "$ref" in node:
        node = definitions[node["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in node:
        return sorted((shape(option, definitions) for option in node["anyOf"]), key=str)
    kind = node.get("type")
    if isinstance(kind, list):
        return sorted(({"type": name} for name in kind), key=str)
    if kind == "object":
        return {name: shape(child, definitions) for name, child in node["properties"].items()}
    if kind == "array":
        items = [shape(child, definitions) for child in node.get("prefixItems", [])]
        rest = shape(node["items"], definitions) if "items" in node else None
        return {"items": items, "rest": rest, "count": (node.get("minItems"), node.get("maxItems"))}
    return {"type": kind, **({"enum": node["enum"]} if "enum" in node else {})}


def test_shipped_schema_is_the_models(prediction):
    ours = prediction_json.schema()
    models = Prediction.model_json_schema(mode="serialization")
    shipped = shape(ours, ours["$defs"])
    assert shipped.pop("schema") == {"type": None}
    assert ours["properties"]["schema"]["const"] == "cephsure.prediction/1"
    assert shipped == shape(models, models["$defs"])


def objects(node):
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for child in node.values():
            yield from objects(child)
    elif isinstance(node, list):
        for child in node:
            yield from objects(child)


# What came within version 1: files written before have not got it.
ADDED = {
    "expected_error_mm",
    "error_covariance_mm2",
    "region",
    "verdict",
    "reasons",
    "p_value",
    "evidence",
    "reader",
}


def test_every_field_of_the_first_release_is_required_and_every_field_described():
    schema = prediction_json.schema()
    for node in objects(schema):
        asked = set(node["required"])
        assert asked | ADDED >= set(node["properties"])
        assert asked <= set(node["properties"])
        for name, field in node["properties"].items():
            text = (schema["$defs"][field["$ref"].rsplit("/", 1)[-1]] if "$ref" in field else field)[
                "description"
            ]
            assert text
            if name.endswith("_px"):
                assert "pixel" in text, name
            if name.endswith("_mm"):
                assert "illimetre" in text, name


@pytest.mark.parametrize("mm_per_px", [(0.1, 0.2), None])
def test_reads_back_to_the_last_digit(make_prediction, tmp_path, mm_per_px):
    prediction = make_prediction(mm_per_px=mm_per_px, shift_px=1 / 3)
    path = tmp_path / "001.json"
    path.write_text(prediction_json.render(prediction), encoding="utf-8")
    assert prediction_json.read(path) == prediction


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "is not JSON"),
        ("[1, 2]", "not a prediction of schema"),
        ('{"schema": "other/1"}', "not a prediction of schema"),
        ('{"schema": "cephsure.prediction/1"}', "film: Field required"),
        ("\x00\xff", "is not JSON"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "bad.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=complaint) as caught:
        prediction_json.read(path)
    assert str(path) in str(caught.value)


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        prediction_json.read(tmp_path / "none.json")
