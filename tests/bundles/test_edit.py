from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.bundles.bundle_files import checksums
from cephsure.bundles.edit import edit_bundle, new_bundle, with_section, without_section
from cephsure.errors import InputError


@pytest.fixture
def bundle(dot_bundles, tmp_path):
    """A bundle that may be changed, alone in its folder."""
    return read_bundle(shutil.copytree(dot_bundles("default", "baseline", 1), tmp_path / "in" / "bundle"))


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def fail_half_way(edit, error):
    edit.write("notes.txt", b"1")
    raise error


def test_a_changed_copy_is_a_bundle_and_the_old_one_stays(bundle, tmp_path):
    before = names(bundle.folder)
    new = tmp_path / "deep" / "new"
    with edit_bundle(bundle, new) as edit:
        edit.write("notes/one.txt", b"1")
        edit.remove("orientation/orientation.onnx")
        edit.remove("members/00")
        edit.remove("not there")
        edit.set_section("## Notes\none\n")
        assert not new.exists()
    removed = {"orientation/orientation.onnx", "members/00/coarse.onnx", "members/00/fine.onnx"}
    assert names(new) == (before | {"notes/one.txt"}) - removed
    assert (new / "MODEL_CARD.md").read_text("utf-8") == "# Dots\n## Notes\none\n"
    assert read_bundle(new).sha256 != bundle.sha256
    assert read_bundle(bundle.folder).sha256 == bundle.sha256
    assert names(bundle.folder) == before


def test_a_bundle_is_changed_where_it_is(bundle):
    with edit_bundle(bundle) as edit:
        edit.write("notes.txt", b"1")
    assert (read_bundle(bundle.folder).folder / "notes.txt").read_bytes() == b"1"
    assert [path.name for path in bundle.folder.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize("error", [RuntimeError, OSError, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["in place", "elsewhere"])
def test_whatever_fails_leaves_nothing_half_done(bundle, where, error):
    target = None if where == "in place" else bundle.folder.parent / "new"
    with pytest.raises(error), edit_bundle(bundle, target) as edit:
        fail_half_way(edit, error)
    assert read_bundle(bundle.folder).sha256 == bundle.sha256
    assert [path.name for path in bundle.folder.parent.iterdir()] == ["bundle"]


def test_a_rename_that_fails_brings_the_old_bundle_back(bundle, monkeypatch):
    rename = Path.rename

    def fail(path, target):
        if path.name.endswith(".new"):
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(InputError, match="cannot be written: Input/output error"), edit_bundle(bundle):
        pass
    assert read_bundle(bundle.folder).sha256 == bundle.sha256
    assert [path.name for path in bundle.folder.parent.iterdir()] == ["bundle"]


def test_nothing_is_overwritten_by_a_new_bundle_of_an_old_one(bundle, tmp_path):
    with pytest.raises(InputError, match="is there already"), edit_bundle(bundle, tmp_path):
        pytest.fail("nothing to write to")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"), edit_bundle(bundle, tmp_path / "file" / "new"):
        pytest.fail("nothing to write to")


def test_a_bundle_that_changed_meanwhile_is_refused(bundle, tmp_path):
    (bundle.folder / "SHA256SUMS").write_text("changed\n")
    with pytest.raises(InputError, match="was changed"), edit_bundle(bundle, tmp_path / "new"):
        pytest.fail("not what was read")
    assert not (tmp_path / "new").exists()


def test_a_bundle_from_nothing_replaces_an_older_one_as_a_whole(tmp_path):
    for content in (b"1", b"22"):
        with new_bundle(tmp_path / "deep" / "bundle") as edit:
            edit.write(f"file{len(content)}", content)
    folder = tmp_path / "deep" / "bundle"
    assert names(folder) == {"file2", "SHA256SUMS"}
    assert (folder / "SHA256SUMS").read_text() == checksums(folder)
    with pytest.raises(RuntimeError), new_bundle(folder) as edit:
        fail_half_way(edit, RuntimeError)
    assert names(folder) == {"file2", "SHA256SUMS"}
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_checksums_are_those_of_all_files_but_their_own(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two").write_bytes(b"2")
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "SHA256SUMS").write_text("old")
    sums = [hashlib.sha256(content).hexdigest() for content in (b"1", b"2")]
    assert checksums(tmp_path) == f"{sums[0]}  a\n{sums[1]}  b/two\n"


def test_sections_of_a_card():
    section = "## Calibration\nnew\n"
    assert with_section("# m\n\n## Files\nall\n", section) == "# m\n\n## Calibration\nnew\n\n## Files\nall\n"
    assert with_section("# m\n\n## Calibration\nold\n\n## Files\nall\n", section) == (
        "# m\n\n## Calibration\nnew\n\n## Files\nall\n"
    )
    assert with_section("# m\n", section) == "# m\n## Calibration\nnew\n"


def test_a_section_is_taken_out_of_a_card():
    card = "# m\n\n## Gate\nold\n\n## Files\nall\n"
    assert without_section(card, "## Gate") == "# m\n\n## Files\nall\n"
    assert without_section(card, "## Calibration") == card
    assert without_section("# m\n\n## Gate\nold\n", "## Gate") == "# m\n\n"


def test_a_bundle_that_nobody_may_write_to_is_copied_and_nothing_stays_behind(bundle, tmp_path):
    """As an installed one: its permissions are not the copy's, which must be written to and removed."""
    for path in (bundle.folder, *bundle.folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    with edit_bundle(bundle, tmp_path / "new") as edit:
        edit.write("members/00/notes.txt", b"1")
    modes = {path.stat().st_mode & 0o200 for path in (tmp_path / "new").rglob("*")}
    assert modes == {0o200}
    with pytest.raises(RuntimeError), edit_bundle(bundle, tmp_path / "other") as edit:
        fail_half_way(edit, RuntimeError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "new"]


def test_a_link_in_a_place_to_write_to_is_something_there(bundle, tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(InputError, match="is there already"), edit_bundle(bundle, tmp_path / "link"):
        pytest.fail("nothing to write to")
