from __future__ import annotations

import os
import stat

import pytest

from cephsure.pacs import durable


def test_a_file_is_synced_before_it_gets_its_name_and_the_folder_after(tmp_path, monkeypatch):
    steps = []
    sync, replace = os.fsync, os.replace

    def fsync(descriptor):
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def rename(part, path):
        steps.append("name")
        replace(part, path)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", rename)
    durable.store_file(tmp_path / "a.dcm", b"content")
    assert steps == ["file", "name", "folder"]
    assert (tmp_path / "a.dcm").read_bytes() == b"content"
    assert (tmp_path / "a.dcm").stat().st_mode & 0o077 == 0


def test_nothing_is_left_of_what_could_not_be_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        durable.store_file(tmp_path / "a.dcm", b"content")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_cleared(tmp_path):
    (tmp_path / ".0a.part").write_bytes(b"half")
    (tmp_path / "a.dcm").write_bytes(b"whole")
    durable.clear_parts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.dcm"]


def test_windows_syncs_names_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "os", type("Windows", (), {"name": "nt"}))
    durable.sync_folder(tmp_path)  # which would fail: it has neither open nor fsync
