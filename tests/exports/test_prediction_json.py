from __future__ import annotations

import json
from importlib import resources

import jsonschema
import pytest

from cephsure.errors import InputError
from cephsure.exports import prediction_json
from cephsure.uncertainty.prediction import Prediction

VALIDATOR = jsonschema.Draft202012Validator


def test_holds_what_the_format_promises(prediction):
    document = json.loads(prediction_json.render(prediction))
    assert list(document)[:5] == ["schema", "verdict", "why", "promise", "for_whom"]
    assert document["schema"] == "cephsure.prediction/2"
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
        lambda d: d.update(schema="cephsure.prediction/1"),
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
    assert ours["properties"]["schema"]["const"] == "cephsure.prediction/2"
    # Sentences that follow from the other fields.
    assert shipped.pop("promise") == {"type": "string"}
    assert shipped.pop("for_whom") == [{"type": "null"}, {"type": "string"}]
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


def test_every_field_is_required_and_described():
    schema = prediction_json.schema()
    for node in objects(schema):
        assert sorted(node["required"]) == sorted(node["properties"])
        for name, field in node["properties"].items():
            text = (schema["$defs"][field["$ref"].rsplit("/", 1)[-1]] if "$ref" in field else field)[
                "description"
            ]
            assert text
            if name.endswith("_px"):
                assert "pixel" in text, name
            if name.endswith("_mm"):
                assert "illimetre" in text, name


def test_nothing_stands_twice_in_the_schema():
    def once(pairs):
        names = [name for name, _ in pairs]
        assert sorted(set(names)) == sorted(names)
        return dict(pairs)

    path = resources.files("cephsure.exports").joinpath("schema/prediction-2.schema.json")
    json.loads(path.read_text("utf-8"), object_pairs_hook=once)


def test_the_schema_says_which_expected_error_is_the_promised_one():
    definitions = prediction_json.schema()["$defs"]
    fields = definitions["landmark"]["properties"]
    assert "calibrated" in fields["expected_error_mm"]["description"]
    assert "nobody vouches" in fields["withheld"]["description"]
    raw = definitions["measures"]["properties"]
    assert "expected_error_mm" not in raw
    assert all("not calibrated" in raw[f"raw_expected_error_{unit}"]["description"] for unit in ("px", "mm"))


@pytest.mark.parametrize("case", ["fit", "review", "unfit", "no scale", "no gate"])
def test_a_judged_film_fits_the_schema_and_reads_back(judged, tmp_path, case):
    text = prediction_json.render(judged(case))
    VALIDATOR(prediction_json.schema()).validate(json.loads(text))
    path = tmp_path / "001.json"
    path.write_text(text, encoding="utf-8")
    assert prediction_json.read(path) == judged(case)


def test_an_unfit_film_promises_nothing_and_says_so(judged):
    document = json.loads(prediction_json.render(judged("unfit")))
    assert (document["verdict"], document["for_whom"]) == ("unfit", None)
    assert document["promise"] == "no promise: the film is unfit for automatic evaluation"
    for mark in document["landmarks"]:
        assert [mark[key] for key in ("expected_error_mm", "error_covariance_mm2", "region")] == [None] * 3
        assert mark["withheld"]["region"]["level"] == 0.9


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
        ('{"schema": "cephsure.prediction/2"}', "film: Field required"),
        ('{"schema": "cephsure.prediction/1"}', "film: Field required"),
        ('{"schema": "cephsure.prediction/1", "landmarks": [3]}', "film: Field required"),
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


# A file as release 0.1 wrote it, of one landmark.
OLD_REGION = {
    "level": 0.9,
    "kind": "disc",
    "whole_film": False,
    "centre_px": [20.5, 30.25],
    "half_axes_px": [[9.0, 0.0], [0.0, 9.0]],
    "outlines_px": None,
    "area_mm2": 2.5,
}
OLD_LANDMARK = {
    "number": 1,
    "code": "S",
    "name": "sella",
    "x_px": 20.5,
    "y_px": 30.25,
    "x_mm": 2.05,
    "y_mm": 3.025,
    "measures": {
        "activation": 0.5,
        "spread_px": 2.0,
        "spread_mm": 0.2,
        "expected_error_px": 4.0,
        "expected_error_mm": 0.4,
        "entropy": 1.25,
    },
    "samples_px": [[19.5, 30.25], [21.5, 30.25]],
    "expected_error_mm": 0.75,
    "error_covariance_mm2": [[0.4, 0.0], [0.0, 0.3]],
    "region": OLD_REGION,
    "verdict": "review",
}
OLD_FILE = {
    "schema": "cephsure.prediction/1",
    "film": {
        "path": "001.png",
        "width_px": 100,
        "height_px": 150,
        "mm_per_px": [0.1, 0.1],
        "spacing_source": "user",
        "facing": "right",
        "facing_source": "found",
        "polarity": "positive",
        "polarity_source": "found",
        "notes": [],
    },
    "model": {
        "name": "m",
        "kind": "ensemble",
        "recipe": "default",
        "samples": 2,
        "seed": 0,
        "sha256": "ab" * 32,
    },
    "landmarks": [OLD_LANDMARK],
    "reader": {
        "name": "definition",
        "kind": "definition",
        "films": 0,
        "truth_of": "one",
        "for_whom": "a reader not met before",
    },
    "verdict": "review",
    "reasons": ["the head is tilted", "blurred"],
    "p_value": 0.01,
    "evidence": [],
    "disclaimer": "Research use only. Not a medical device.",
}


def read_old(path, **changed):
    path.write_text(json.dumps({**OLD_FILE, **changed}), encoding="utf-8")
    return prediction_json.read(path)


def test_a_file_of_version_1_is_read_with_its_measures_under_their_new_names(tmp_path):
    prediction = read_old(tmp_path / "old.json")
    (mark,) = prediction.landmarks
    assert (mark.measures.raw_expected_error_px, mark.measures.raw_expected_error_mm) == (4.0, 0.4)
    assert (mark.expected_error_mm, mark.region.area_mm2) == (0.75, 2.5)
    assert (prediction.verdict, prediction.why) == ("review", "the head is tilted; blurred")
    assert "90 % regions hold for a reader not met before" in prediction.promise


def test_what_an_unfit_film_of_version_1_promised_is_withheld(tmp_path):
    prediction = read_old(tmp_path / "old.json", verdict="unfit")
    (mark,) = prediction.landmarks
    assert (mark.expected_error_mm, mark.error_covariance_mm2, mark.region) == (None, None, None)
    assert mark.withheld.expected_error_mm == 0.75
    assert prediction.promise == "no promise: the film is unfit for automatic evaluation"


@pytest.mark.parametrize(
    ("mm_per_px", "why"),
    [
        (None, "the film's scale is unknown"),
        ([0.1, 0.1], "a file of cephsure.prediction/1 does not say why"),
    ],
)
def test_what_version_1_does_not_say_is_not_made_up(tmp_path, mm_per_px, why):
    bare = {**OLD_LANDMARK, "expected_error_mm": None, "error_covariance_mm2": None, "region": None}
    film = {**OLD_FILE["film"], "mm_per_px": mm_per_px}
    prediction = read_old(tmp_path / "old.json", film=film, landmarks=[bare], verdict=None, reasons=[])
    assert prediction.promise == f"no promise: {why}"
    assert prediction.why == "a file of cephsure.prediction/1 does not say why"


def test_the_first_drafts_of_version_1_are_read(tmp_path):
    """Before there were calibrations and readers."""
    later = {"expected_error_mm", "error_covariance_mm2", "region", "verdict"}
    mark = {key: value for key, value in OLD_LANDMARK.items() if key not in later}
    path = tmp_path / "old.json"
    kept = {key: OLD_FILE[key] for key in ("schema", "film", "model", "disclaimer")}
    path.write_text(json.dumps({**kept, "landmarks": [mark]}), encoding="utf-8")
    assert prediction_json.read(path).landmarks[0].measures.raw_expected_error_px == 4.0
