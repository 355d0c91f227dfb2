from __future__ import annotations

import numpy as np
import pytest


def compare(client, film_ids, **more):
    asked = {"first": film_ids["a.png"], "second": film_ids["b.png"], **more}
    return client.get("/v1/superimpose", params=asked)


def test_film_that_was_shifted_is_laid_back(client, film_ids, mm_per_px):
    said = compare(client, film_ids).json()
    assert (said["on"], said["reference"], said["mm"]) == ("sn", ["S", "N"], True)
    assert (said["first"]["name"], said["second"]["name"]) == ("a.png", "b.png")
    assert len(said["points"]) == 19
    matrix = np.array(said["matrix"])
    films = [client.get(f"/v1/films/{film_ids[name]}").json() for name in ("a.png", "b.png")]
    for point in said["points"]:
        mark = films[1]["prediction"]["landmarks"][point["number"] - 1]
        assert matrix @ (mark["x_px"], mark["y_px"], 1) == pytest.approx(point["second"])
        away = np.subtract(point["second"], point["first"]) * mm_per_px
        assert np.hypot(*away) == pytest.approx(point["distance_mm"])
    by_code = {point["code"]: point for point in said["points"]}
    assert by_code["S"]["distance_mm"] == pytest.approx(0, abs=1e-9)
    assert said["words"].startswith("laid on S-N at S")
    assert "of 18 points moved" in said["words"]  # S is laid on itself


def test_errors_of_a_persons_point_are_not_known(client, film_ids):
    before = {point["code"]: point for point in compare(client, film_ids).json()["points"]}
    client.edit(film_ids["b.png"], {"number": 8, "action": "edit", "x_px": 300, "y_px": 700})
    after = {point["code"]: point for point in compare(client, film_ids).json()["points"]}
    assert after["Me"]["distance_mm"] != before["Me"]["distance_mm"]
    assert after["Me"]["interval_mm"] is None
    assert after["A"]["interval_mm"] == before["A"]["interval_mm"]


def test_missing_points_are_left_out(client, film_ids):
    client.edit(film_ids["b.png"], {"number": 8, "action": "missing"})
    codes = [point["code"] for point in compare(client, film_ids).json()["points"]]
    assert "Me" not in codes
    client.edit(film_ids["a.png"], {"number": 1, "action": "missing"})
    answer = compare(client, film_ids)
    assert answer.status_code == 400
    assert "S is missing" in answer.json()["error"]


def test_films_without_a_prediction_are_compared_by_a_persons_points(client, film_ids):
    assert compare(client, film_ids, second=film_ids["c.png"]).status_code == 400
    marks = client.get(f"/v1/films/{film_ids['a.png']}").json()["prediction"]["landmarks"]
    edits = [{"number": m["number"], "action": "place", "x_px": m["x_px"], "y_px": m["y_px"]} for m in marks]
    client.edit(film_ids["c.png"], *edits)
    said = compare(client, film_ids, second=film_ids["c.png"]).json()
    assert not said["mm"]
    assert all(point["distance_percent"] == pytest.approx(0, abs=1e-6) for point in said["points"])
    assert "no intervals" in said["words"]


@pytest.mark.parametrize(("on", "stable"), [("frankfort", ""), ("best", ""), ("best", "S, N,A")])
def test_other_references(client, film_ids, on, stable):
    said = compare(client, film_ids, on=on, stable=stable).json()
    assert said["on"] == on
    if stable:
        assert said["reference"] == ["S", "N", "A"]


@pytest.mark.parametrize(
    "more",
    [{"on": "x"}, {"on": "best", "stable": "Xx,S"}, {"second": 99}, {"second": "x"}, {"stable": "S,N"}],
)
def test_what_cannot_be_compared(client, film_ids, more):
    answer = compare(client, film_ids, **more)
    assert answer.status_code in {400, 404, 422}
    assert answer.json()["error"]


def test_film_is_not_compared_with_itself(client, film_ids):
    assert compare(client, film_ids, second=film_ids["a.png"]).status_code == 400
