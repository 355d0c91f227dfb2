from __future__ import annotations

import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from cephsure import films
from cephsure.review.film_pictures import THUMBNAIL_SIDE
from cephsure.workflows.measure import AnalyzeOptions, analyze
from cephsure.workflows.predict import PredictOptions


def test_pixels_are_the_films(client, film_a, film_folder):
    answer = client.get(f"/v1/films/{film_a}/pixels")
    film = films.read(film_folder / "a.png")
    assert answer.headers["x-cephsure-bits"] == "8"
    size = int(answer.headers["x-cephsure-height"]), int(answer.headers["x-cephsure-width"])
    assert size == film.pixels.shape
    grey = np.frombuffer(answer.content, dtype=np.uint8).reshape(size)
    assert np.array_equal(grey, np.round(film.pixels * 255))


@pytest.mark.parametrize("path", ["pixels", "thumbnail"])
def test_pictures_are_sent_once(client, film_a, inline, path):
    first = client.get(f"/v1/films/{film_a}/{path}")
    again = client.get(f"/v1/films/{film_a}/{path}", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "private, no-cache"


def test_pixels_of_no_film(client, film_ids):
    answer = client.get(f"/v1/films/{film_ids['c.png']}/pixels")
    assert answer.status_code == 422
    assert "c.png" in answer.json()["error"]


def test_thumbnail_is_small(client, film_a):
    answer = client.get(f"/v1/films/{film_a}/thumbnail")
    assert answer.headers["content-type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(answer.content)).size) == THUMBNAIL_SIDE


def test_heat_map_lies_round_its_point(client, film_a):
    mark = client.get(f"/v1/films/{film_a}").json()["prediction"]["landmarks"][0]
    found = client.get(f"/v1/films/{film_a}/heatmap/1").json()
    left, upper, right, lower = found["box_px"]
    assert left < mark["x_px"] < right
    assert upper < mark["y_px"] < lower
    kind, data = found["png"].split(",")
    assert kind == "data:image/png;base64"
    rgba = np.asarray(Image.open(io.BytesIO(b64decode(data))))
    opacity = rgba[..., 3]
    assert opacity.max() == 255
    row, column = np.unravel_index(np.argmax(opacity), opacity.shape)
    x = left + (column + 0.5) / opacity.shape[1] * (right - left)
    y = upper + (row + 0.5) / opacity.shape[0] * (lower - upper)
    assert np.hypot(x - mark["x_px"], y - mark["y_px"]) < 0.35 * (right - left)


@pytest.mark.parametrize("number", ["0", "20", "-1"])
def test_there_is_no_such_heat_map(client, film_a, number):
    assert client.get(f"/v1/films/{film_a}/heatmap/{number}").status_code == 404


@pytest.mark.parametrize("analysis", ["isbi", "steiner,downs", "all"])
def test_measurements_of_untouched_points_are_those_of_analyze(  # noqa: PLR0917
    client, film_a, film_folder, mm_per_px, model, analysis
):
    options = AnalyzeOptions(analysis=analysis, predict=PredictOptions(mm_per_px=mm_per_px))
    (found,) = analyze([film_folder / "a.png"], model, options=options).results
    body = {"analysis": analysis, "points": {}}
    rows = client.post(f"/v1/films/{film_a}/measure", json=body).json()["measurements"]
    for row in rows:
        del row["deviation"]
    assert rows == found.analysis.document()["measurements"]


def test_measurements_follow_a_point(client, film_a):
    def anb(points):
        body = {"analysis": "isbi", "points": points}
        rows = client.post(f"/v1/films/{film_a}/measure", json=body).json()["measurements"]
        return next(row for row in rows if row["code"] == "ANB")

    mark = client.get(f"/v1/films/{film_a}").json()["prediction"]["landmarks"][4]
    assert mark["code"] == "A"
    moved = anb({5: [mark["x_px"] + 20, mark["y_px"]]})
    assert abs(moved["value"] - anb({})["value"]) > 0.5
    missing = anb({5: None})
    assert (missing["value"], missing["missing"]) == (None, "no point for A")
    assert anb({}) == anb({5: [mark["x_px"], mark["y_px"]]}) | {
        key: anb({})[key] for key in ("sd", "interval_90", "class_probabilities", "decision", "not_decided")
    }


@pytest.mark.parametrize(
    "body",
    [
        {"analysis": "none"},
        {"analysis": "isbi", "points": {"0": [1, 1]}},
        {"analysis": "isbi", "points": {"20": [1, 1]}},
        {"analysis": "isbi", "points": {"x": [1, 1]}},
        {"analysis": "isbi", "points": {"1": [1]}},
        {"analysis": "isbi", "points": {"1": [1, "x"]}},
        {"analysis": "isbi" * 100},
    ],
)
def test_nonsense_is_not_measured(client, film_a, body):
    answer = client.post(f"/v1/films/{film_a}/measure", json=body)
    assert answer.status_code in {400, 422}
    assert answer.json()["error"]


def test_points_at_the_end_of_the_world_are_measured_without_a_failure(client, film_a):
    for far in (1e300, -1e300, 1e308):
        body = {"analysis": "all", "points": {str(number): [far, far] for number in range(1, 20)}}
        assert client.post(f"/v1/films/{film_a}/measure", json=body).status_code in {200, 400}
