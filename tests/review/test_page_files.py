from __future__ import annotations

import re

from cephsure.review.page_files import page_files


def test_only_files_of_the_page_are_on_the_list(tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.js").write_text("")
    for name in ("index.html", "app.css", "texts/en.json", "secret.py", ".hidden.js", "notes", "__init__.py"):
        (tmp_path / name).write_text(name)
    found = page_files(tmp_path)
    assert list(found) == ["app.css", "index.html", "texts/en.json"]
    assert found["texts/en.json"].content == b"texts/en.json"
    assert found["app.css"].content_type == "text/css; charset=utf-8"
    assert found["app.css"].etag != found["index.html"].etag


def test_package_has_a_list(tmp_path):
    assert page_files(tmp_path / "absent") == {}
    assert all(not name.startswith("/") for name in page_files())


def test_every_module_is_fetched_at_once():
    files = page_files()
    index = files["index.html"].content.decode()
    preloaded = set(re.findall(r'<link rel="modulepreload" href="/page/([^"]+)">', index))
    assert preloaded == {name for name in files if name.endswith(".js")}
