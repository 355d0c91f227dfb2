from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.shifts import read_nifti

if TYPE_CHECKING:
    from pathlib import Path

nibabel = pytest.importorskip("nibabel")

SPACING_MM = (1.5, 1.0, 2.0)


def a_head() -> np.ndarray:
    """Every voxel different, axes to the left, back and up; air in one corner."""
    values = np.arange(5 * 4 * 3, dtype=np.float32).reshape(5, 4, 3) * 10
    values[0, 0, 0] = -1000
    return values


def write(path: Path, values: np.ndarray, affine: np.ndarray) -> Path:
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
        volume = read_nifti(write(tmp_path / f"{name}.nii.gz", stored, affine))
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
    single = write(tmp_path / "single.nii", a_head()[..., np.newaxis], affine)
    assert read_nifti(single).values.shape == (5, 4, 3)
    series = write(tmp_path / "series.nii", np.stack([a_head(), a_head()], axis=-1), affine)
    with pytest.raises(InputError, match="not one three-dimensional volume"):
        read_nifti(series)


def test_an_oblique_grid_is_refused(tmp_path):
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.array([[-c, s, 0, 0], [-s, -c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    with pytest.raises(InputError, match="leans 17°"):
        read_nifti(write(tmp_path / "oblique.nii", a_head(), affine))


def test_values_without_air_are_not_hounsfield_units(tmp_path):
    path = write(tmp_path / "raw.nii", np.abs(a_head()), np.diag([-1.0, -1.0, 1.0, 1.0]))
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
    path = write(tmp_path / "nan.nii", values, np.diag([-1.0, -1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match=r"nan\.nii: holds values that are not numbers"):
        read_nifti(path)


def test_damaged_files_are_input_errors(tmp_path):
    noise = np.random.default_rng(0).normal(0, 500, (20, 20, 20)).astype(np.float32)
    whole = write(tmp_path / "whole.nii.gz", noise, np.eye(4))
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
