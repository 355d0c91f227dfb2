from __future__ import annotations

import os
import shutil

import pytest

from cephsure.bundles import bundle_files
from cephsure.bundles.bundle import read_bundle
from cephsure.bundles.bundle_files import check_files, checksums
from cephsure.errors import BundleError


@pytest.fixture
def folder(dot_bundles, tmp_path):
    """A bundle of two members that may be damaged."""
    return shutil.copytree(dot_bundles("default", "ensemble", 2), tmp_path / "bundle")


def refusal(folder):
    with pytest.raises(BundleError) as caught:
        check_files(folder)
    line = str(caught.value)
    assert "\n" not in line
    return line


def seal(folder):
    (folder / "SHA256SUMS").write_text(checksums(folder))


def test_checksums_are_those_that_were_written(folder):
    seal(folder)
    assert check_files(folder) == (folder / "SHA256SUMS").read_bytes() == checksums(folder).encode()


def test_a_link_is_refused_wherever_it_leads(folder, tmp_path):
    for target in ("bundle.json", tmp_path / "outside", "members", "nowhere"):
        (tmp_path / "outside").write_bytes(b"x")
        (folder / "link").symlink_to(target)
        seal(folder)
        assert refusal(folder).startswith(f"{folder / 'link'}: a link is refused")
        (folder / "link").unlink()


def test_weights_that_are_a_link_are_refused_though_their_checksum_be_right(folder, tmp_path):
    network = folder / "members" / "00" / "coarse.onnx"
    network.rename(tmp_path / "coarse.onnx")
    network.symlink_to(tmp_path / "coarse.onnx")
    assert refusal(folder).startswith(f"{network}: a link is refused")


@pytest.mark.parametrize("name", ["pipe", "SHA256SUMS", "bundle.json"])
def test_a_pipe_is_refused_at_once(folder, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(BundleError):
        read_bundle(folder)


def test_a_file_that_is_listed_twice_is_refused(folder):
    sums = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(sums + f"{'0' * 64}  bundle.json\n")
    assert refusal(folder).startswith(f"{folder / 'bundle.json'}: listed twice in SHA256SUMS")
    (folder / "SHA256SUMS").write_text(sums + sums.splitlines()[0] + "\n")
    assert "listed twice" in refusal(folder)


def test_a_line_that_is_no_checksum_is_named(folder):
    sums = (folder / "SHA256SUMS").read_text()
    for line in ("", "0  bundle.json", f"{'g' * 64}  bundle.json", f"{'0' * 64}bundle.json"):
        (folder / "SHA256SUMS").write_text(f"{sums}{line}\n")
        assert f"line {len(sums.splitlines()) + 1} is no checksum" in refusal(folder)


def test_names_that_lead_out_of_the_folder_are_not_there(folder):
    with (folder / "SHA256SUMS").open("a") as stream:
        stream.write(f"{'0' * 64}  ../../etc/passwd\n")
    assert "listed in SHA256SUMS but missing" in refusal(folder)


def test_too_many_and_too_large_files_are_no_bundle(folder, monkeypatch):
    monkeypatch.setattr(bundle_files, "MOST_FILES", 3)
    assert "more than 3 files" in refusal(folder)
    monkeypatch.setattr(bundle_files, "MOST_FILES", 1000)
    with (folder / "huge").open("wb") as stream:
        stream.truncate(2**40)  # without a byte on the disk
    assert "its files are too large" in refusal(folder)


def with_weights(folder, location, **place):
    """Let a network of the bundle take a weight from elsewhere, and make the checksums right."""
    onnx = pytest.importorskip("onnx")
    path = folder / "members" / "01" / "fine.onnx"
    model = onnx.load(path)
    weight = next(one for one in model.graph.initializer if one.name == "weights")
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **place}.items():
        weight.external_data.add(key=key, value=str(value))
    path.write_bytes(model.SerializeToString())
    (folder / "members" / "01" / "fine.weights").write_bytes(bytes(24))
    seal(folder)
    return path


@pytest.mark.parametrize(
    "location",
    [
        "../../../outside",
        "/etc/passwd",
        "../00/fine.onnx",
        "absent",
        "../../bundle/members/01/fine.weights",
        "*/_ORT_MEM_ADDR_/*",
    ],
)
def test_weights_from_outside_are_refused_before_any_runtime_sees_them(folder, location):
    (folder.parent / "outside").write_bytes(bytes(24))
    path = with_weights(folder, location)
    line = refusal(folder)
    assert line.startswith(f"{path}: takes weights from a file that is not in the bundle: ")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"offset": 0, "length": 25}, "takes weights from beyond the end of fine.weights"),
        ({"offset": 2**62, "length": 2**62}, "takes weights from beyond the end"),
        ({"offset": -1, "length": 24}, "not an ONNX network: a weight's place in its file is negative"),
        ({"offset": 0, "length": "many"}, "not an ONNX network: a weight's place in its file is no number"),
    ],
)
def test_weights_from_a_place_that_is_none(folder, place, words):
    with_weights(folder, "fine.weights", **place)
    assert words in refusal(folder)


def test_weights_from_a_listed_file_are_taken(folder):
    with_weights(folder, "fine.weights", offset=0, length=24)
    check_files(folder)


def test_what_is_no_network(folder):
    (folder / "members" / "00" / "fine.onnx").write_bytes(b"\x3a\xff\xff\x03none")
    seal(folder)
    assert "fine.onnx: not an ONNX network" in refusal(folder)


def test_shipped_bundles_are_whole():
    from cephsure.model import shipped_models

    for place in shipped_models().values():
        assert check_files(place)
