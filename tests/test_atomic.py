from __future__ import annotations

import os
import stat

import pytest

from cephsure.atomic import write_atomically
from cephsure.errors import InputError


def test_writes_into_a_folder_that_did_not_exist(tmp_path):
    path = tmp_path / "a" / "b" / "out.txt"
    assert write_atomically(path, b"content") == path
    assert path.read_bytes() == b"content"


def test_replaces_the_whole_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "out.txt"
    path.write_bytes(b"a much longer content than the new one")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    path.write_bytes(b"old")

    def disk_full(descriptor):
        os.ftruncate(descriptor, 2)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cephsure.atomic.os.fsync", disk_full)
    with pytest.raises(InputError, match="No space left on device"):
        write_atomically(path, b"new content")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_folders_place_is_the_users_error(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="cannot be written") as caught:
        write_atomically(tmp_path / "taken" / "out.txt", b"")
    assert caught.value.where == tmp_path / "taken" / "out.txt"
    assert "another output folder" in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_gets_the_permissions_of_any_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    written = write_atomically(tmp_path / "out", b"")
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
