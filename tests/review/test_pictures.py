from __future__ import annotations

import pytest

from cephsure.errors import FilmError
from cephsure.review import pictures as pictures_module
from cephsure.review.child import LostError
from cephsure.review.pictures import Pictures, thumbnail_path


@pytest.fixture
def pictures(inline, tmp_path):
    made = Pictures(tmp_path / "cache")
    yield made
    made.end()


@pytest.fixture
def film(project):
    return project.films()[0]


def test_picture_is_read_once(pictures, film):
    first = pictures.picture(film)
    assert pictures.picture(film) is first
    assert len(pictures._child.done) == 1


def test_only_the_last_pictures_are_kept(pictures, project, monkeypatch):
    monkeypatch.setattr(pictures_module, "KEPT_BYTES", 10)
    first, second, _ = project.films()
    pictures.picture(first)
    assert pictures.is_kept(first)
    pictures.picture(second)
    assert not pictures.is_kept(first)
    assert pictures.is_kept(second)


def test_thumbnails_are_kept_in_files(pictures, film, tmp_path):
    content = pictures.thumbnail(film)
    assert thumbnail_path(tmp_path / "cache", film.sha256).read_bytes() == content
    assert pictures.thumbnail(film) == content
    assert len(pictures._small.done) == 1
    assert pictures._child.done == []


def test_next_film_is_read_ahead(pictures, project, wait_until):
    good, _, bad = project.films()
    pictures.read_ahead(bad)  # what is wrong with it is said when it is asked for
    wait_until(lambda: pictures._ahead is None)
    pictures.read_ahead(good)
    wait_until(lambda: pictures.is_kept(good))
    pictures.read_ahead(good)
    wait_until(lambda: pictures._ahead is None)
    assert len([job for job in pictures._child.done if job.path == good.path]) == 1


def test_another_film_in_its_place_is_not_shown(pictures, project, tmp_path):
    first, second, _ = project.films()
    moved = tmp_path / "moved.png"
    moved.write_bytes(second.path.read_bytes())
    project.set_film_path(second.film_id, moved)
    second = project.films()[1]
    moved.write_bytes(first.path.read_bytes())
    with pytest.raises(FilmError, match="is another film"):
        pictures.picture(second)


def test_film_that_ends_the_process_is_said(pictures, film, monkeypatch, inline):
    def lost(*_, **__):
        raise LostError("its process ended")

    monkeypatch.setattr(inline, "do", lost)
    with pytest.raises(FilmError, match="cannot be read: its process ended"):
        pictures.picture(film)
    with pytest.raises(FilmError):
        pictures.thumbnail(film)


def test_full_disk_hides_no_film(pictures, film, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert pictures.picture(film).grey
