from __future__ import annotations

import io
import plistlib
import sys
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from cephsure.errors import InputError
from cephsure.studies.shifts.read_volume import read_volume

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
        volume = read_volume(write_nifti(tmp_path / f"{name}.nii.gz", stored, affine))
        np.testing.assert_array_equal(volume.values, lps, err_msg=name)
        assert volume.spacing_mm == pytest.approx(SPACING_MM), name
        assert volume.values.dtype == np.float32


def test_slope_and_intercept_are_applied(tmp_path):
    stored = np.zeros((3, 3, 3), dtype=np.int16)
    stored[1, 1, 1] = 1224
    image = nibabel.Nifti1Image(stored, np.diag([-1.0, -1.0, 1.0, 1.0]))
    image.header.set_slope_inter(1, -1024)
    nibabel.save(image, tmp_path / "scaled.nii")
    volume = read_volume(tmp_path / "scaled.nii")
    assert volume.values[1, 1, 1] == pytest.approx(200)
    assert volume.values[0, 0, 0] == pytest.approx(-1024)


def test_a_fourth_axis_of_one_is_dropped_and_a_real_one_refused(tmp_path):
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    single = write_nifti(tmp_path / "single.nii", a_head()[..., np.newaxis], affine)
    assert read_volume(single).values.shape == (5, 4, 3)
    series = write_nifti(tmp_path / "series.nii", np.stack([a_head(), a_head()], axis=-1), affine)
    with pytest.raises(InputError, match="not one three-dimensional volume"):
        read_volume(series)


def test_an_oblique_grid_is_refused(tmp_path):
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.array([[-c, s, 0, 0], [-s, -c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    with pytest.raises(InputError, match="leans 17°"):
        read_volume(write_nifti(tmp_path / "oblique.nii", a_head(), affine))


def test_values_without_air_are_not_hounsfield_units(tmp_path):
    path = write_nifti(tmp_path / "raw.nii", np.abs(a_head()), np.diag([-1.0, -1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match="not Hounsfield units"):
        read_volume(path)


def test_a_colour_volume_is_refused(tmp_path):
    colours = np.zeros((4, 4, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colours, np.eye(4)), tmp_path / "colour.nii")
    with pytest.raises(InputError, match=r"colour\.nii: its voxels cannot be read"):
        read_volume(tmp_path / "colour.nii")


def test_a_value_that_is_not_a_number_is_named_with_the_file(tmp_path):
    values = a_head()
    values[1, 1, 1] = np.nan
    path = write_nifti(tmp_path / "nan.nii", values, np.diag([-1.0, -1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match=r"nan\.nii: holds values that are not numbers"):
        read_volume(path)


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
            read_volume(tmp_path / name)


def test_without_nibabel_the_install_hint_is_given(tmp_path, monkeypatch):
    any_file = tmp_path / "any.nii"
    any_file.touch()
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(InputError, match=r'pip install "cephsure\[studies\]"'):
        read_volume(any_file)


STEP_MM = 1.25
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def dicom_head(n_z: int = 5) -> np.ndarray:
    """[z, y, x] HU, every voxel different, air in one corner."""
    values = np.arange(n_z * 6 * 4, dtype=np.int16).reshape(n_z, 6, 4) * 7
    values[0, 0, 0] = -1000
    return values


def a_slice(pixels, position, *, series="1.2.3", orientation=AXIAL, **change) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = uid.CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid.generate_uid()
    dataset.Modality = "CT"
    dataset.SeriesInstanceUID = series
    dataset.SeriesDescription = f"head {series}"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelSpacing = [0.7, 0.5]
    dataset.ImageOrientationPatient = list(orientation)
    dataset.ImagePositionPatient = list(position)
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = (pixels.astype(np.int32) + 1024).astype("<u2").tobytes()
    for key, value in change.items():
        if value is None:
            delattr(dataset, key)
        else:
            setattr(dataset, key, value)
    return dataset


def write_series(folder, values=None, *, skip=(), order=None, step=(0.0, 0.0, STEP_MM), **change):
    folder.mkdir(exist_ok=True)
    values = dicom_head() if values is None else values
    names = list(range(len(values))) if order is None else order
    for z, (name, pixels) in enumerate(zip(names, values, strict=True)):
        if z not in skip:
            position = np.array([-3.0, 8.0, 20.0]) + z * np.array(step)
            a_slice(pixels, position.round(4), **change).save_as(
                folder / f"{name}.dcm", enforce_file_format=True
            )
    return folder


def test_slices_are_put_in_order_by_position_whatever_their_names(tmp_path):
    (tmp_path / "ct").mkdir()
    (tmp_path / "ct" / "readme.txt").write_text("not DICOM")
    volume = read_volume(write_series(tmp_path / "ct", order=[3, 0, 4, 1, 2]))
    np.testing.assert_array_equal(volume.values, dicom_head().transpose(2, 1, 0))
    # Columns are 0.5 mm apart and run to the left, rows 0.7 mm and run to the back.
    assert volume.spacing_mm == pytest.approx((0.5, 0.7, STEP_MM))


def test_a_stack_from_the_vertex_down_and_other_planes_come_out_upright(tmp_path):
    down = write_series(tmp_path / "down", dicom_head()[::-1], step=(0, 0, -STEP_MM))
    np.testing.assert_array_equal(read_volume(down).values, dicom_head().transpose(2, 1, 0))
    # Sagittal slices: rows run down, columns to the back; slices from right to left.
    lps = dicom_head().transpose(2, 1, 0)
    stored = lps[:, :, ::-1].transpose(0, 2, 1)
    sagittal = write_series(
        tmp_path / "sagittal", stored, orientation=(0, 1, 0, 0, 0, -1), step=(STEP_MM, 0, 0)
    )
    volume = read_volume(sagittal)
    np.testing.assert_array_equal(volume.values, lps)
    assert volume.spacing_mm == pytest.approx((STEP_MM, 0.5, 0.7))


def test_each_slice_has_its_own_rescale(tmp_path):
    write_series(tmp_path / "ct")
    doubled = pydicom.dcmread(tmp_path / "ct" / "2.dcm")
    doubled.RescaleSlope, doubled.RescaleIntercept = 2, -2048
    doubled.save_as(tmp_path / "ct" / "2.dcm")
    values = read_volume(tmp_path / "ct").values
    np.testing.assert_array_equal(values[:, :, 2], 2 * dicom_head()[2].T)
    np.testing.assert_array_equal(values[:, :, 3], dicom_head()[3].T)


def test_several_series_are_named_and_other_objects_left_out(tmp_path):
    folder = write_series(tmp_path / "ct")
    a_slice(dicom_head()[0], (0, 0, 0), Modality="SR").save_as(
        folder / "report.dcm", enforce_file_format=True
    )
    assert read_volume(folder).values.shape == (4, 6, 5)
    a_slice(dicom_head()[0], (0, 0, 0), series="9.9").save_as(folder / "other.dcm", enforce_file_format=True)
    with pytest.raises(
        InputError, match=r"several series: head 1\.2\.3 \(5 slices\); head 9\.9 \(1 slices\)"
    ):
        read_volume(folder)


def test_a_missing_and_a_doubled_slice_are_named(tmp_path):
    with pytest.raises(
        InputError, match=r"2\.50 mm between 1\.dcm and 3\.dcm, elsewhere 1\.25 mm \(1 missing"
    ):
        read_volume(write_series(tmp_path / "gap", skip=(2,)))
    folder = write_series(tmp_path / "twice")
    a_slice(dicom_head()[1], (-3, 8, 20 + STEP_MM)).save_as(folder / "1b.dcm", enforce_file_format=True)
    with pytest.raises(InputError, match=r"same place \(1\.dcm and 1b\.dcm\)"):
        read_volume(folder)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"Modality": "MR"}, "no CT slice"),
        ({"PixelSpacing": None}, "PixelSpacing"),
        ({"ImagePositionPatient": None}, "ImagePositionPatient"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "not usable"),
        ({"RescaleSlope": None}, "RescaleSlope"),
        ({"RescaleIntercept": 0}, "not Hounsfield units"),
        ({"NumberOfFrames": 3}, "enhanced CT"),
        ({"step": (0, 0.9, STEP_MM)}, "tilted gantry"),
        ({"orientation": (0.9, 0.435889894, 0, -0.435889894, 0.9, 0)}, "leans 26°"),
        ({"PixelData": b"12"}, "pixels cannot be read"),
        ({"skip": (1, 2, 3, 4)}, "a single slice"),
    ],
)
def test_a_series_that_cannot_be_used_is_one_clear_error(tmp_path, change, complaint):
    folder = write_series(tmp_path / "ct", **change)
    with pytest.raises(InputError, match=complaint):
        read_volume(folder)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"PixelSpacing": [0.7, 0.6]}, "pixel spacing"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0.9998, 0.02]}, "orientation"),
    ],
)
def test_slices_that_differ_are_named(tmp_path, change, what):
    folder = write_series(tmp_path / "ct")
    a_slice(dicom_head()[0], (-3, 8, 20 - STEP_MM), **change).save_as(
        folder / "5.dcm", enforce_file_format=True
    )
    with pytest.raises(InputError, match=rf"differ in {what} \(0\.dcm and 5\.dcm\)"):
        read_volume(folder)


def test_a_damaged_file_is_an_input_error(tmp_path):
    folder = write_series(tmp_path / "ct")
    content = (folder / "1.dcm").read_bytes()
    (folder / "1.dcm").write_bytes(content[: len(content) - 20])
    with pytest.raises(InputError, match=r"1\.dcm: its pixels cannot be read"):
        read_volume(folder)


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
    volume = read_volume(write_inv3(tmp_path / "a.inv3", mode))
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
def test_a_project_that_cannot_be_used_is_one_clear_error(tmp_path, change, complaint):
    with pytest.raises(InputError, match=rf"a\.inv3: .*{complaint}"):
        read_volume(write_inv3(tmp_path / "a.inv3", **change))


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
                read_volume(path)
    with pytest.raises(InputError, match="no such file"):
        read_volume(tmp_path / "absent.inv3")


def test_an_entity_bomb_is_not_expanded(tmp_path):
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        b"<plist><dict><key>modality</key><string>&b;</string></dict></plist>"
    )
    with pytest.raises(InputError, match=r"main\.plist cannot be read"):
        read_volume(write_tar(tmp_path / "bomb.inv3", {"a/main.plist": bomb}))


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
        read_volume(path)
