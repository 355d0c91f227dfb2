from __future__ import annotations

import os
from pathlib import Path

import pytest

from cephsure.errors import FilmError, InputError
from cephsure.service.allowed_paths import checked_roots, read_allowed


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "films"
    (folder / "deeper").mkdir(parents=True)
    (folder / "deeper" / "a.png").write_bytes(b"film")
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


def read(path, root, most_bytes=100):
    return read_allowed(str(path), checked_roots([root]), most_bytes=most_bytes)


def test_films_in_allowed_folders_are_read(root, tmp_path):
    assert read(root / "deeper" / "a.png", root) == b"film"
    (root / "inside").symlink_to(root / "deeper")
    assert read(root / "inside" / ".." / "deeper" / "a.png", root) == b"film"
    (tmp_path / "other").symlink_to(root)
    assert read(tmp_path / "other" / "deeper" / "a.png", tmp_path / "other") == b"film"


@pytest.mark.parametrize("path", ["../secret", "link", "folder/secret", "deeper/../../secret", "../absent"])
def test_what_lies_elsewhere_is_refused_whether_it_is_there_or_not(root, tmp_path, path):
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    with pytest.raises(InputError, match="in no folder"):
        read(root / path, root)


@pytest.mark.parametrize("path", ["a.png", "", "/\0", "~/a.png", "file:///etc/passwd"])
def test_paths_that_are_not_whole_are_refused(root, path):
    with pytest.raises(InputError, match="begins at the root"):
        read_allowed(path, [root], most_bytes=1)


def test_names_that_no_system_takes(root):
    with pytest.raises(FilmError, match="cannot be read"):
        read(root / ("x" * 300), root)
    (root / "round").symlink_to(root / "round")
    with pytest.raises(InputError):
        read(root / "round", root)


def test_what_is_no_file_or_too_large(root):
    os.mkfifo(root / "pipe")
    for path in (root / "pipe", root):
        with pytest.raises(FilmError, match="not a regular file"):
            read(path, root)
    with pytest.raises(FilmError, match="No such file"):
        read(root / "absent", root)
    with pytest.raises(FilmError, match="more than 0 MiB"):
        read(root / "deeper" / "a.png", root, most_bytes=3)


def test_a_link_put_in_its_place_meanwhile_is_refused(root, tmp_path, monkeypatch):
    film, real_open = root / "deeper" / "a.png", os.open

    def swapped(path, *arguments):
        opened = real_open(path, *arguments)
        (root / "deeper").rename(root / "moved")
        (root / "deeper").symlink_to(tmp_path)
        return opened

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(FilmError, match="was changed while"):
        read(film, root)


def test_an_allowed_folder_must_be_one(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        checked_roots([Path(tmp_path / "absent")])
