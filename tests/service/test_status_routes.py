from __future__ import annotations

import jsonschema
import pytest

from cephsure import __version__


def test_health(client):
    expected = {"ready": True, "live": True, "requests_in_progress": 0, "places": 4}
    assert client.get("/v1/health").json() == expected
    client.service.queue.ready = False
    assert client.get("/v1/health").status_code == 503
    assert client.get("/v1/health/live").status_code == 200


def test_version_and_model(client, facts):
    version = client.get("/v1/version").json()
    assert version["cephsure"] == __version__
    assert version["model_sha256"] == facts.bundle.sha256
    (model,) = client.get("/v1/models").json()["models"]
    assert model["name"] == "default-baseline"
    assert [mark["code"] for mark in model["landmarks"]][:2] == ["S", "N"]
    assert set(model["readers"]) >= {"definition", "senior", "junior"}
    assert "steiner" in model["analyses"]


def test_metrics_count(client, small_film):
    client.post("/v1/predict", files={"film": small_film})
    client.get("/v1/health")
    text = client.get("/metrics").text
    assert 'cephsure_requests_total{method="POST",route="/v1/predict",status="200"} 1.0' in text
    assert 'cephsure_films_total{verdict="unfit"} 1.0' in text
    assert "cephsure_film_seconds_count 1.0" in text
    assert "cephsure_ready 1.0" in text
    assert "cephsure_requests_in_progress 0.0" in text
    assert "_created" not in text


def test_openapi_describes_everything(client, sample):
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) >= {"/v1/predict", "/v1/analyze", "/v1/models", "/v1/version", "/metrics"}
    body = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    assert body["multipart/form-data"]["schema"]["properties"]["film"]["format"] == "binary"
    assert body["application/json"]["schema"]["required"] == ["path"]
    answers = document["paths"]["/v1/predict"]["post"]["responses"]
    assert {"200", "400", "401", "413", "422", "429", "503"} <= set(answers)
    assert answers["429"]["content"]["application/json"]["schema"]["$ref"].endswith("/Problem")
    assert "security" not in document


@pytest.mark.parametrize("where", ["predict", "analyze"])
def test_the_answers_are_as_openapi_says(client, sample, where):
    document = client.get("/openapi.json").json()
    answer = document["paths"][f"/v1/{where}"]["post"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"] | {"components": document["components"]}
    found = client.post(f"/v1/{where}", files={"film": sample.path.read_bytes()}).json()
    jsonschema.Draft202012Validator(schema).validate(found)


def test_openapi_tells_of_the_token(make_client):
    document = make_client(token_sha256=b"x" * 32).get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
