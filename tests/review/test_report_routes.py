from __future__ import annotations

from urllib.parse import unquote

import pytest

from cephsure.review.child import LostError
from cephsure.workflows import batch


def name_of(answer):
    kind, _, name = answer.headers["content-disposition"].partition("; filename*=UTF-8''")
    assert kind == "attachment"
    return unquote(name)


def test_report_has_the_points_as_they_stand(client, film_a):
    before = client.get(f"/v1/films/{film_a}/report?format=html&analysis=steiner")
    assert (before.status_code, name_of(before)) == (200, "a.report.html")
    assert before.headers["content-type"] == "text/html; charset=utf-8"
    assert before.headers["cache-control"] == "no-store"
    assert "Not reviewed by a person." in before.text
    edit = {"number": 2, "action": "edit", "x_px": 410.0, "y_px": 300.0, "base_revision": 0}
    body = {"request_id": "a-request-of-its-own", "edits": [edit]}
    assert client.post(f"/v1/films/{film_a}/edits", json=body).status_code == 200
    after = client.get(f"/v1/films/{film_a}/report?format=html&analysis=steiner")
    assert "Points: 1 edited." in after.text


def test_pdf_where_its_package_is_installed_else_html(client, film_a, monkeypatch):
    pytest.importorskip("reportlab", reason="PDF is written with reportlab")
    answer = client.get(f"/v1/films/{film_a}/report")
    assert (answer.headers["content-type"], name_of(answer)) == ("application/pdf", "a.report.pdf")
    assert answer.content.startswith(b"%PDF")
    monkeypatch.setattr(batch, "find_spec", lambda _: None)
    assert name_of(client.get(f"/v1/films/{film_a}/report")) == "a.report.html"
    refused = client.get(f"/v1/films/{film_a}/report?format=pdf")
    assert (refused.status_code, "reportlab" in refused.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("asked", "status", "what"),
    [
        ("999/report", 404, "no film"),
        ("{film}/report?format=docx", 422, "format"),
        ("{film}/report?analysis=nobodys", 400, "nobodys"),
    ],
)
def test_what_cannot_be_reported(client, film_a, asked, status, what):
    answer = client.get(f"/v1/films/{asked.format(film=film_a)}")
    assert answer.status_code == status
    assert what in answer.json()["error"]


def test_film_that_has_no_prediction(client, film_ids):
    answer = client.get(f"/v1/films/{film_ids['c.png']}/report")
    assert (answer.status_code, "not predicted yet" in answer.json()["error"]) == (400, True)


def test_process_that_is_lost_is_said_of_the_film(client, desk, film_a, monkeypatch):
    class Lost:
        def do(self, job, *, seconds):
            raise LostError("it has ended")

        def end(self):
            pass

    monkeypatch.setattr(desk.pictures, "_small", Lost())
    answer = client.get(f"/v1/films/{film_a}/report?format=html")
    assert answer.status_code == 422
    assert "a.png: cannot be read: it has ended" in answer.json()["error"]
