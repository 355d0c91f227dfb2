from __future__ import annotations

import pytest

from cephsure.errors import InputError
from cephsure.studies.shifts import read_volume


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
