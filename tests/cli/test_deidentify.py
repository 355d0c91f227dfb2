from __future__ import annotations

import pytest

from cephsure.sample_films import sample_film
from named_film import write_named_film


@pytest.fixture
def dicom_film(tmp_path):
    return write_named_film(tmp_path)


def test_what_is_no_dicom_film_is_named(cephsure, tmp_path):
    done = cephsure("deidentify", sample_film("vhm_lateral_0deg").path, "--out", tmp_path / "out")
    assert done.status == 2
    assert "is no DICOM film" in done.err
    assert "0 films without identifiers" in done.out


def test_what_must_be_looked_at_is_said(cephsure, tmp_path, dicom_film):
    done = cephsure("deidentify", dicom_film, "--out", tmp_path / "out", "--list", tmp_path / "list.csv")
    assert (done.status, done.out) == (0, f"1 film without identifiers in {tmp_path / 'out'}\n")
    assert done.lines[0].startswith("look at the pictures before they go out: 1 film: ")
    assert done.lines[1] == f"wrote {tmp_path / 'list.csv'}"
