from __future__ import annotations

import csv

import pytest

from cephsure.errors import InputError
from cephsure.workflows.deidentify import deidentify_films, read_key, to_look_at
from named_film import write_named_film


@pytest.fixture
def film(tmp_path):
    return write_named_film(tmp_path)


def test_films_are_written_under_names_of_their_own(film, tmp_path):
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(film.read_bytes()[:900])
    done = deidentify_films([film, broken], tmp_path / "out")
    (made,) = done.results
    assert [path.name for path in (tmp_path / "out").iterdir()] == [made.file.name]
    assert "schmidt" not in made.file.name
    assert b"SCHMIDT" not in made.file.read_bytes()
    assert list(done.errors) == [broken]
    assert str(broken) in str(done.errors[broken])
    assert to_look_at(done.results) == ["1 film: whether text stands in the picture is not stated"]


def test_a_key_is_made_once_and_for_the_user_alone(film, tmp_path):
    key = tmp_path / "keys" / "clinic.key"
    names = {
        deidentify_films([film], tmp_path / folder, key_file=key).results[0].file.name
        for folder in ("a", "b")
    }
    assert len(names) == 1
    assert key.stat().st_mode & 0o777 == 0o600
    assert deidentify_films([film], tmp_path / "c").results[0].file.name not in names


def test_list_of_what_became_what(film, tmp_path):
    listed = tmp_path / "mine" / "list.csv"
    done = deidentify_films([film], tmp_path / "out", list_file=listed)
    rows = list(csv.reader(listed.read_text().splitlines()))
    assert rows == [["film", "file"], [str(film), done.results[0].file.name]]


def test_the_list_does_not_go_with_the_films(film, tmp_path):
    with pytest.raises(InputError, match="does not belong beside"):
        deidentify_films([film], tmp_path / "out", list_file=tmp_path / "out" / "list.csv")
    assert not (tmp_path / "out").exists()


def test_the_new_films_do_not_lie_beside_the_originals(film, tmp_path):
    with pytest.raises(InputError, match="beside the originals"):
        deidentify_films([film], tmp_path)
    assert list(tmp_path.iterdir()) == [film]


def test_keys_that_are_none(tmp_path):
    short = tmp_path / "short"
    short.write_bytes(b"abc")
    with pytest.raises(InputError, match="16 bytes or more, this file 3"):
        read_key(short)
    short.write_bytes(b"x" * 16)
    assert read_key(short) == b"x" * 16
    with pytest.raises(InputError, match="cannot be written"):
        read_key(short / "key")
