"""VIA 3's project: points on images, by the text or the choice of their one attribute."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from cephsure.errors import InputError
from label_files import write_film


def _project():
    marks = [
        ("1", [1, 20.5, 30.5], {"1": "S"}),
        ("1", [1, 60.5, 25.5], {"2": "0"}),
        ("1", [2, 1, 1, 4, 4], {"1": "film"}),
        ("1", [], {"1": "a note on the film"}),
    ]
    return {
        "project": {"pid": "x", "vid_list": ["1"], "data_format_version": "3.1.1"},
        "config": {},
        "attribute": {
            "1": {"aname": "landmark", "anchor_id": "FILE1_Z0_XY1", "type": 1, "options": {}},
            "2": {"aname": "choice", "anchor_id": "FILE1_Z0_XY1", "type": 4, "options": {"0": "N"}},
        },
        "file": {
            "1": {"fid": "1", "fname": "a.png", "type": 2, "loc": 4, "src": "data:image/png;base64,AAAA"},
            "2": {"fid": "2", "fname": "film.mp4", "type": 4, "loc": 1, "src": "film.mp4"},
        },
        "view": {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}, "3": {"fid_list": ["1", "2"]}, "4": 0},
        "metadata": {
            str(k): {"vid": view, "flg": 0, "z": [], "xy": xy, "av": av}
            for k, (view, xy, av) in enumerate(marks)
        },
    }


def _read(tmp_path, three, project):
    write_film(tmp_path / "a.png")
    (tmp_path / "p.json").write_text(json.dumps(project), encoding="utf-8")
    return open_dataset(tmp_path / "p.json", landmark_set=three)


def test_points_are_read_from_the_pixels_corner(tmp_path, three):
    dataset = _read(tmp_path, three, _project())
    (film,) = dataset.films
    np.testing.assert_allclose(film.annotations["p"], [[20, 30], [60, 25], [np.nan] * 2])
    assert "p.json: shapes that are no points, left out: rectangle (1)" in dataset.problems


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vid": "2"}, "vid: is no view of one image"),
        ({"xy": [1, 2]}, r"xy: a point must be \[1, x, y\]"),
        ({"av": {"1": "S", "2": "0"}}, "av: must be one attribute"),
        ({"av": {}}, "av: must be one attribute"),
        ({"xy": [1, "x", 2]}, r"xy\[1\]: must be a finite number"),
    ],
)
def test_an_odd_point_is_named(tmp_path, three, change, words):
    project = _project()
    project["metadata"] = {"0": project["metadata"]["0"] | change}
    with pytest.raises(InputError, match=rf"metadata\[0\]\.{words}"):
        _read(tmp_path, three, project)


def test_a_view_of_no_known_file_is_named(tmp_path, three):
    project = _project()
    project["view"]["5"] = {"fid_list": ["7"]}
    problems = _read(tmp_path, three, project).problems
    assert any("file.7: must be an object; passed over" in line for line in problems)


def test_a_table_of_via_3_is_refused_by_name(tmp_path, three):
    head = "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata"
    (tmp_path / "v.csv").write_text(
        f'{head}\n"1_a","[""a.png""]",0,"[]","[1,2,3]","{{}}"\n', encoding="utf-8"
    )
    with pytest.raises(InputError, match="is a table of VIA 3"):
        open_dataset(tmp_path / "v.csv", landmark_set=three)
