from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.projects import NoSuchFilm, PointEdit
from cephsure.review.desk import Desk
from cephsure.review.details import details_path


def test_film_is_opened_once_as_long_as_nothing_changes(desk):
    first = desk.film(1)
    assert desk.film(1) is first
    desk.bulletin.post(1)
    assert desk.film(1) is not first
    with pytest.raises(NoSuchFilm):
        desk.film(99)


def test_many_films_are_not_kept(desk, monkeypatch):
    monkeypatch.setattr("cephsure.review.desk._KEPT_FILMS", 1)
    first = desk.film(1)
    desk.film(2)
    assert desk.film(1) is not first


def test_points_are_peoples_where_there_are_any(desk):
    predicted = desk.film(1).points_px()
    edits = [PointEdit(1, "edit", 5.0, 6.0), PointEdit(2, "missing"), PointEdit(3, "accept")]
    desk.project.record(1, edits, who="anna", request_id="12345678")
    desk.bulletin.post(1)
    points = desk.film(1).points_px()
    assert points[0].tolist() == [5.0, 6.0]
    assert np.isnan(points[1]).all()
    assert np.array_equal(points[2:], predicted[2:])
    assert desk.film(1).accepted == {3}
    assert np.isnan(desk.film(3).points_px()).all()


def test_neighbours(desk):
    order = [row.film_id for row in desk.queue()]
    assert desk.neighbours(order[1]) == (order[0], order[2])
    assert desk.neighbours(99) == (None, None)


def test_regions_of_a_prediction_that_was_replaced(desk):
    view = desk.project.film(1)
    region = desk.region(1, view.prediction.prediction_id, 1)
    document = json.loads(view.prediction.document)
    stated = document["landmarks"][0].get("withheld") or document["landmarks"][0]
    assert region.model_dump(mode="json") == stated["region"]
    assert desk.region(1, 9999, 1) is None


def test_features_are_those_of_the_details(desk):
    found = desk.features([1, 2, 3])
    assert set(found) == {1, 2}
    document = desk.project.film(1).prediction.document
    details_path(desk.folder / "cache", document).unlink()
    assert set(desk.features([1])) == {1}  # still in memory
    desk.bulletin.post(1)
    assert desk.features([1]) == {}


def test_film_is_shown_without_its_details(desk, client):
    for file in (desk.folder / "cache" / "details").iterdir():
        file.unlink()
    shown = client.get("/v1/films/1").json()
    assert not shown["heatmaps"]
    assert set(shown["regions"]) == {"0.9"}
    assert client.get("/v1/films/1/heatmap/1").status_code == 404


def test_reader_of_the_settings_may_be_a_file_of_the_project(desk):
    desk.project.change_settings(reader="readers/x.json")
    assert desk.reader_asked == "readers/x.json"
    (desk.folder / "readers").mkdir()
    (desk.folder / "readers" / "x.json").write_text("{}")
    assert desk.reader_asked == desk.folder / "readers" / "x.json"
    desk.project.change_settings(reader=7)
    assert desk.reader_asked is None


def test_moved_films_are_found_by_their_content(project, facts, inline, film_folder, tmp_path):
    """Beside the project, under another name; one that is nowhere stays where it was seen last."""
    for name in ("x.png", "y.png"):
        (tmp_path / name).write_bytes((film_folder / "a.png").read_bytes() + name.encode())
    gone, moved = project.add_films([tmp_path / "x.png", tmp_path / "y.png"]).film_ids
    (tmp_path / "x.png").unlink()
    (tmp_path / "y.png").rename(project.path.parent / "z.png")
    desk = Desk(project, facts)
    desk.start()
    films = {film.film_id: film for film in project.films()}
    assert films[moved].path == project.path.parent / "z.png"
    assert films[gone].path == tmp_path / "x.png"
    desk.close()
