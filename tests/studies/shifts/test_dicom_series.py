from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from cephsure.errors import InputError
from cephsure.studies.shifts.dicom_series import read_dicom_series

STEP_MM = 1.25
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def head(n_z: int = 5) -> np.ndarray:
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
    values = head() if values is None else values
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
    volume = read_dicom_series(write_series(tmp_path / "ct", order=[3, 0, 4, 1, 2]))
    np.testing.assert_array_equal(volume.values, head().transpose(2, 1, 0))
    # Columns are 0.5 mm apart and run to the left, rows 0.7 mm and run to the back.
    assert volume.spacing_mm == pytest.approx((0.5, 0.7, STEP_MM))


def test_a_stack_from_the_vertex_down_and_other_planes_come_out_upright(tmp_path):
    down = write_series(tmp_path / "down", head()[::-1], step=(0, 0, -STEP_MM))
    np.testing.assert_array_equal(read_dicom_series(down).values, head().transpose(2, 1, 0))
    # Sagittal slices: rows run down, columns to the back; slices from right to left.
    lps = head().transpose(2, 1, 0)
    stored = lps[:, :, ::-1].transpose(0, 2, 1)
    sagittal = write_series(
        tmp_path / "sagittal", stored, orientation=(0, 1, 0, 0, 0, -1), step=(STEP_MM, 0, 0)
    )
    volume = read_dicom_series(sagittal)
    np.testing.assert_array_equal(volume.values, lps)
    assert volume.spacing_mm == pytest.approx((STEP_MM, 0.5, 0.7))


def test_each_slice_has_its_own_rescale(tmp_path):
    write_series(tmp_path / "ct")
    doubled = pydicom.dcmread(tmp_path / "ct" / "2.dcm")
    doubled.RescaleSlope, doubled.RescaleIntercept = 2, -2048
    doubled.save_as(tmp_path / "ct" / "2.dcm")
    values = read_dicom_series(tmp_path / "ct").values
    np.testing.assert_array_equal(values[:, :, 2], 2 * head()[2].T)
    np.testing.assert_array_equal(values[:, :, 3], head()[3].T)


def test_several_series_are_named_and_other_objects_left_out(tmp_path):
    folder = write_series(tmp_path / "ct")
    a_slice(head()[0], (0, 0, 0), Modality="SR").save_as(folder / "report.dcm", enforce_file_format=True)
    assert read_dicom_series(folder).values.shape == (4, 6, 5)
    a_slice(head()[0], (0, 0, 0), series="9.9").save_as(folder / "other.dcm", enforce_file_format=True)
    with pytest.raises(
        InputError, match=r"several series: head 1\.2\.3 \(5 slices\); head 9\.9 \(1 slices\)"
    ):
        read_dicom_series(folder)


def test_a_missing_and_a_doubled_slice_are_named(tmp_path):
    with pytest.raises(
        InputError, match=r"2\.50 mm between 1\.dcm and 3\.dcm, elsewhere 1\.25 mm \(1 missing"
    ):
        read_dicom_series(write_series(tmp_path / "gap", skip=(2,)))
    folder = write_series(tmp_path / "twice")
    a_slice(head()[1], (-3, 8, 20 + STEP_MM)).save_as(folder / "1b.dcm", enforce_file_format=True)
    with pytest.raises(InputError, match=r"same place \(1\.dcm and 1b\.dcm\)"):
        read_dicom_series(folder)


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
def test_what_cannot_be_used_is_one_clear_error(tmp_path, change, complaint):
    folder = write_series(tmp_path / "ct", **change)
    with pytest.raises(InputError, match=complaint):
        read_dicom_series(folder)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"PixelSpacing": [0.7, 0.6]}, "pixel spacing"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0.9998, 0.02]}, "orientation"),
    ],
)
def test_slices_that_differ_are_named(tmp_path, change, what):
    folder = write_series(tmp_path / "ct")
    a_slice(head()[0], (-3, 8, 20 - STEP_MM), **change).save_as(folder / "5.dcm", enforce_file_format=True)
    with pytest.raises(InputError, match=rf"differ in {what} \(0\.dcm and 5\.dcm\)"):
        read_dicom_series(folder)


def test_a_damaged_file_is_an_input_error(tmp_path):
    folder = write_series(tmp_path / "ct")
    content = (folder / "1.dcm").read_bytes()
    (folder / "1.dcm").write_bytes(content[: len(content) - 20])
    with pytest.raises(InputError, match=r"1\.dcm: its pixels cannot be read"):
        read_dicom_series(folder)
