from __future__ import annotations

import io
import plistlib
import sys
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.shifts.read_volume import read_inv3, read_nifti, read_volume

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("a.nii.gz", "NIfTI"),
        ("a.NII", "NIfTI"),
        ("a.inv3", "InVesalius project"),
        ("a.dcm", "folder of the whole series"),
        ("a.png", "not a head CT"),
    ],
)
def test_the_name_says_which_reader_is_asked(tmp_path, name, complaint):
    pytest.importorskip("nibabel")
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match=complaint):
        read_volume(tmp_path / name)


def test_a_folder_is_a_series_and_nothing_is_nothing(tmp_path):
    with pytest.raises(InputError, match="no CT slice of DICOM"):
        read_volume(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        read_volume(tmp_path / "absent.nii")


nibabel = pytest.importorskip("nibabel")

SPACING_MM = (1.5, 1.0, 2.0)


def a_head() -> np.ndarray:
    """Every voxel different, axes to the left, back and up; air in one corner."""
    values = np.arange(5 * 4 * 3, dtype=np.float32).reshape(5, 4, 3) * 10
    values[0, 0, 0] = -1000
    return values


def write_nifti(path: Path, values: np.ndarray, affine: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


def test_a_file_in_any_axis_order_gives_the_same_volume(tmp_path):
    lps = a_head()
    # NIfTI's own axes run to the right, the front and up: our first two are flipped.
    files = {
        "lps": (lps, np.diag([-1.5, -1.0, 2.0, 1.0])),
        "ras": (lps[::-1, ::-1, :], np.diag([1.5, 1.0, 2.0, 1.0])),
        "sla": (
            lps.transpose(2, 0, 1)[:, :, ::-1],
            np.array([[0, -1.5, 0, 0], [0, 0, 1.0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1.0]]),
        ),
    }
    for name, (stored, affine) in files.items():
        volume = read_nifti(write_nifti(tmp_path / f"{name}.nii.gz", stored, affine))
        np.testing.assert_array_equal(volume.values, lps, err_msg=name)
        assert volume.spacing_mm == pytest.approx(SPACING_MM), name
        assert volume.values.dtype == np.float32


def test_slope_and_intercept_are_applied(tmp_path):
    stored = np.zeros((3, 3, 3), dtype=np.int16)
    stored[1, 1, 1] = 1224
    image = nibabel.Nifti1Image(stored, np.diag([-1.0, -1.0, 1.0, 1.0]))
    image.header.set_slope_inter(1, -1024)
    nibabel.save(image, tmp_path / "scaled.nii")
    volume = read_nifti(tmp_path / "scaled.nii")
    assert volume.values[1, 1, 1] == pytest.approx(200)
    assert volume.values[0, 0, 0] == pytest.approx(-1024)


def test_a_fourth_axis_of_one_is_dropped_and_a_real_one_refused(tmp_path):
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    single = write_nifti(tmp_path / "single.nii", a_head()[..., np.newaxis], affine)
    assert read_nifti(single).values.shape == (5, 4, 3)
    series = write_nifti(tmp_path / "series.nii", np.stack([a_head(), a_head()], axis=-1), affine)
    with pytest.raises(InputError, match="not one three-dimensional volume"):
        read_nifti(series)


def test_an_oblique_grid_is_refused(tmp_path):
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.array([[-c, s, 0, 0], [-s, -c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    with pytest.raises(InputError, match="leans 17°"):
        read_nifti(write_nifti(tmp_path / "oblique.nii", a_head(), affine))


def test_values_without_air_are_not_hounsfield_units(tmp_path):
    path = write_nifti(tmp_path / "raw.nii", np.abs(a_head()), np.diag([-1.0, -1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match="not Hounsfield units"):
        read_nifti(path)


def test_a_colour_volume_is_refused(tmp_path):
    colours = np.zeros((4, 4, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colours, np.eye(4)), tmp_path / "colour.nii")
    with pytest.raises(InputError, match=r"colour\.nii: its voxels cannot be read"):
        read_nifti(tmp_path / "colour.nii")


def test_a_value_that_is_not_a_number_is_named_with_the_file(tmp_path):
    values = a_head()
    values[1, 1, 1] = np.nan
    path = write_nifti(tmp_path / "nan.nii", values, np.diag([-1.0, -1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match=r"nan\.nii: holds values that are not numbers"):
        read_nifti(path)


def test_damaged_files_are_input_errors(tmp_path):
    noise = np.random.default_rng(0).normal(0, 500, (20, 20, 20)).astype(np.float32)
    whole = write_nifti(tmp_path / "whole.nii.gz", noise, np.eye(4))
    content = whole.read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(content[: len(content) // 2])
    broken = bytearray(content)
    broken[len(content) // 2 : len(content) // 2 + 200] = bytes(200)
    (tmp_path / "broken.nii.gz").write_bytes(broken)
    (tmp_path / "text.nii").write_text("not an image")
    (tmp_path / "empty.nii").write_bytes(b"")
    for name in ("cut.nii.gz", "broken.nii.gz", "text.nii", "empty.nii", "absent.nii"):
        with pytest.raises(InputError, match=name):
            read_nifti(tmp_path / name)


def test_without_nibabel_the_install_hint_is_given(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(InputError, match=r'pip install "cephsure\[studies\]"'):
        read_nifti(tmp_path / "any.nii")


VOXELS = np.arange(2 * 3 * 4, dtype="<i2").reshape(2, 3, 4) - 1000


def main_plist(**change):
    stated = {
        "format_version": 1,
        "modality": "CT",
        "orientation": 1,
        "matrix": {"dtype": "int16", "filename": "matrix.dat", "shape": [2, 3, 4]},
        "spacing": [0.9, 0.8, 1.5],
    }
    return stated | change


def write_tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_inv3(path, mode="w:gz", voxels=None, **change):
    members = {
        "tmp1/main.plist": plistlib.dumps(main_plist(**change)),
        "tmp1/mask_0.dat": b"123",
        "tmp1/matrix.dat": VOXELS.tobytes() if voxels is None else voxels,
    }
    return write_tar(path, members, mode)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_a_project_is_turned_to_left_back_up(tmp_path, mode):
    volume = read_inv3(write_inv3(tmp_path / "a.inv3", mode))
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
        ({"matrix": main_plist()["matrix"] | {"dtype": "object"}}, "voxels of type int16"),
        ({"matrix": main_plist()["matrix"] | {"shape": [2, 3, True]}}, "voxels of type int16"),
        ({"matrix": main_plist()["matrix"] | {"shape": [2, 3, 5]}}, "48 bytes, not"),
        ({"matrix": main_plist()["matrix"] | {"shape": [2**20, 2**20, 4]}}, "more than"),
        ({"matrix": main_plist()["matrix"] | {"filename": "../matrix.dat"}}, "names no file"),
        ({"matrix": main_plist()["matrix"] | {"filename": "other.dat"}}, "holds no other.dat"),
        ({"voxels": (VOXELS + 1000).tobytes()}, "not Hounsfield units"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error(tmp_path, change, complaint):
    with pytest.raises(InputError, match=rf"a\.inv3: .*{complaint}"):
        read_inv3(write_inv3(tmp_path / "a.inv3", **change))


def test_damaged_projects_are_input_errors(tmp_path):
    whole = write_inv3(tmp_path / "whole.inv3", voxels=np.random.default_rng(0).bytes(48)).read_bytes()
    (tmp_path / "cut.inv3").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "text.inv3").write_text("no archive")
    (tmp_path / "empty.inv3").write_bytes(b"")
    write_tar(tmp_path / "plistless.inv3", {"a/matrix.dat": b""})
    write_tar(tmp_path / "noplist.inv3", {"a/main.plist": b"<plist><dict>"})
    write_tar(tmp_path / "list.inv3", {"a/main.plist": plistlib.dumps([1])})
    write_tar(tmp_path / "large.inv3", {"a/main.plist": bytes(2 << 20)})
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
        read_inv3(write_tar(tmp_path / "bomb.inv3", {"a/main.plist": bomb}))


def test_a_link_in_place_of_the_voxels_is_not_opened(tmp_path):
    path = tmp_path / "link.inv3"
    with tarfile.open(path, "w:gz") as archive:
        content = plistlib.dumps(main_plist())
        info = tarfile.TarInfo("a/main.plist")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("a/matrix.dat")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    with pytest.raises(InputError, match=r"holds no matrix\.dat"):
        read_inv3(path)
