from __future__ import annotations

import io
import plistlib
import tarfile

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.shifts.invesalius import read_inv3

VOXELS = np.arange(2 * 3 * 4, dtype="<i2").reshape(2, 3, 4) - 1000


def main(**change):
    stated = {
        "format_version": 1,
        "modality": "CT",
        "orientation": 1,
        "matrix": {"dtype": "int16", "filename": "matrix.dat", "shape": [2, 3, 4]},
        "spacing": [0.9, 0.8, 1.5],
    }
    return stated | change


def write(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def project(path, mode="w:gz", voxels=None, **change):
    members = {
        "tmp1/main.plist": plistlib.dumps(main(**change)),
        "tmp1/mask_0.dat": b"123",
        "tmp1/matrix.dat": VOXELS.tobytes() if voxels is None else voxels,
    }
    return write(path, members, mode)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_a_project_is_turned_to_left_back_up(tmp_path, mode):
    volume = read_inv3(project(tmp_path / "a.inv3", mode))
    assert volume.spacing_mm == (0.9, 0.8, 1.5)
    assert volume.values.shape == (4, 3, 2)
    # Stored [z, y, x]: z upwards, y to the front, x to the left.
    for z, y, x in np.ndindex(2, 3, 4):
        assert volume.values[x, 2 - y, z] == VOXELS[z, y, x]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"modality": "MRI"}, "modality is 'MRI'"),
        ({"orientation": 2}, "not axial"),
        ({"spacing": [1, 1]}, "voxel spacing"),
        ({"spacing": [1, 1, -1.0]}, "voxel spacing"),
        ({"matrix": 3}, "voxels of type int16"),
        ({"matrix": main()["matrix"] | {"dtype": "object"}}, "voxels of type int16"),
        ({"matrix": main()["matrix"] | {"shape": [2, 3, True]}}, "voxels of type int16"),
        ({"matrix": main()["matrix"] | {"shape": [2, 3, 5]}}, "48 bytes, not"),
        ({"matrix": main()["matrix"] | {"shape": [2**20, 2**20, 4]}}, "more than"),
        ({"matrix": main()["matrix"] | {"filename": "../matrix.dat"}}, "names no file"),
        ({"matrix": main()["matrix"] | {"filename": "other.dat"}}, "holds no other.dat"),
        ({"voxels": (VOXELS + 1000).tobytes()}, "not Hounsfield units"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error(tmp_path, change, complaint):
    with pytest.raises(InputError, match=rf"a\.inv3: .*{complaint}"):
        read_inv3(project(tmp_path / "a.inv3", **change))


def test_damaged_projects_are_input_errors(tmp_path):
    whole = project(tmp_path / "whole.inv3", voxels=np.random.default_rng(0).bytes(48)).read_bytes()
    (tmp_path / "cut.inv3").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "text.inv3").write_text("no archive")
    (tmp_path / "empty.inv3").write_bytes(b"")
    write(tmp_path / "plistless.inv3", {"a/matrix.dat": b""})
    write(tmp_path / "noplist.inv3", {"a/main.plist": b"<plist><dict>"})
    write(tmp_path / "list.inv3", {"a/main.plist": plistlib.dumps([1])})
    write(tmp_path / "large.inv3", {"a/main.plist": bytes(2 << 20)})
    for path in sorted(tmp_path.glob("*.inv3")):
        if path.stem != "whole":
            with pytest.raises(InputError, match=path.name):
                read_inv3(path)
    with pytest.raises(InputError, match="no such file"):
        read_inv3(tmp_path / "absent.inv3")


def test_an_entity_bomb_is_not_expanded(tmp_path):
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        b"<plist><dict><key>modality</key><string>&b;</string></dict></plist>"
    )
    with pytest.raises(InputError, match=r"main\.plist cannot be read"):
        read_inv3(write(tmp_path / "bomb.inv3", {"a/main.plist": bomb}))


def test_a_link_in_place_of_the_voxels_is_not_followed(tmp_path):
    path = tmp_path / "link.inv3"
    with tarfile.open(path, "w:gz") as archive:
        content = plistlib.dumps(main())
        info = tarfile.TarInfo("a/main.plist")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("a/matrix.dat")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    with pytest.raises(InputError, match=r"holds no matrix\.dat"):
        read_inv3(path)
