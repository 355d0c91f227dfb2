from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cephsure.atomic import check_files, check_folders, write_atomically
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


def everything(folder):
    return sorted(folder.rglob("*"))


def test_what_can_be_written_is_tried_and_nothing_is_left(tmp_path):
    there = tmp_path / "there.json"
    there.write_bytes(b"old")
    before = everything(tmp_path)
    check_files(there, None, tmp_path / "new.json", tmp_path / "a" / "b" / "new.json")
    check_folders(tmp_path, None, tmp_path / "new" / "folder", name="001.json")
    assert everything(tmp_path) == before
    assert there.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("check", "place", "reason"),
    [
        (check_files, "folder", "is a folder: a file is to be written"),
        (check_files, "file/out.json", "file is a file, not a folder"),
        (check_files, "folder/" + 300 * "x", "cannot be written: File name too long"),
        (check_files, 30 * f"{200 * 'x'}/" + "out.json", "cannot be written: File name too long"),
        (check_folders, "file", "is a file: a folder is needed"),
        (check_folders, "file/inner", "file is a file, not a folder"),
        (check_folders, 300 * "x", "cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, check, place, reason):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    before = everything(tmp_path)
    with pytest.raises(InputError, match=reason) as caught:
        check(tmp_path / place)
    assert caught.value.where == tmp_path / place
    assert everything(tmp_path) == before


def test_the_name_of_what_is_written_into_a_folder_counts(tmp_path):
    with pytest.raises(InputError, match="File name too long"):
        check_folders(tmp_path, name=300 * "x")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a place where nobody may write")  # noqa: PTH112
@pytest.mark.parametrize("check", [check_files, check_folders])
def test_a_place_where_nothing_can_be_written_is_said(check):
    with pytest.raises(InputError, match="cannot be written"):
        check(Path("/proc/self/out"))


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is no ordinary file"):
        check_files(tmp_path / "pipe")


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        check_folders(tmp_path / "new")
    assert everything(tmp_path) == []
