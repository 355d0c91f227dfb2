"""What Slicer's lists say beside their points: status, kind, units, plane; versions of its table."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from cephsure.errors import InputError
from label_files import write_film

HEAD = (
    "# Markups fiducial file version = {}\n# CoordinateSystem = LPS\n"
    "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
)


def _list(*points, **said):
    marks = [{"label": label, "position": list(at), "positionStatus": status} for label, at, status in points]
    return {"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": marks} | said


def _read(tmp_path, three, name, content):
    write_film(tmp_path / "a.png")
    text = content if isinstance(content, str) else json.dumps({"markups": content})
    (tmp_path / name).write_text(text, encoding="utf-8")
    return open_dataset(tmp_path / name, landmark_set=three, mm_per_px=0.1)


def _points(dataset):
    (points,) = dataset.films[0].annotations.values()
    return points


def test_only_defined_points_of_point_lists_are_read(tmp_path, three):
    """A line's points are called L-1 and L-2: read as landmarks they would be the first two."""
    points = [("S", (1, 2, 0), "defined"), ("N", (3, 4, 0), "preview"), ("Pog'", (), "undefined")]
    line = _list(("L-1", (5, 6, 0), "defined"), ("L-2", (5, 7, 0), "defined"), type="Line")
    dataset = _read(tmp_path, three, "a.mrk.json", [_list(*points), line])
    np.testing.assert_allclose(_points(dataset), [[10, 20], [np.nan] * 2, [np.nan] * 2])
    assert "a.mrk.json: a Line is no point list; passed over" in dataset.problems


def test_one_odd_point_is_named_and_passed_over(tmp_path, three):
    points = [("S", (1, 2, 0), "defined"), ("N", (3, 4), "defined"), ("Pog'", (2, 3, 0), "defined")]
    dataset = _read(tmp_path, three, "a.mrk.json", [_list(*points)])
    np.testing.assert_allclose(_points(dataset), [[10, 20], [np.nan] * 2, [20, 30]])
    assert any("controlPoints[1].position: must be three numbers" in line for line in dataset.problems)


def test_points_of_a_volume_and_other_units_are_refused(tmp_path, three):
    points = [("S", (1, 2, 30.5), "defined"), ("N", (3, 4, 31), "defined")]
    with pytest.raises(InputError, match=r"lies 30\.5 off the film's plane: it is of a volume"):
        _read(tmp_path, three, "a.mrk.json", [_list(*points)])
    point = ("S", (1, 2, 0), "defined")
    with pytest.raises(InputError, match="must be mm or px, is 'um'"):
        _read(tmp_path, three, "a.mrk.json", [_list(point, coordinateUnits=["um", "um", "um"])])
    dataset = _read(tmp_path, three, "a.mrk.json", [_list(point, coordinateUnits=["mm", "mm", "mm"])])
    np.testing.assert_allclose(_points(dataset)[0], [10, 20])


def test_a_table_of_slicer_5_says_which_points_are_defined(tmp_path, three):
    rows = "1,1,2,0,0,0,0,1,1,1,0,S,,,2,0\n2,3,4,0,0,0,0,1,1,1,0,N,,,1,0\n3,5,6,0,0,0,0,1,1,1,0,Pog',,,3,0\n"
    dataset = _read(tmp_path, three, "a.fcsv", HEAD.format("5.2") + rows)
    np.testing.assert_allclose(_points(dataset), [[10, 20], [np.nan] * 2, [np.nan] * 2])


@pytest.mark.parametrize(
    "head",
    [
        "# Fiducial List file a.fcsv\n# numPoints = 2\n# symbolScale = 5\n#label,x,y,z,sel,vis\n",
        "# Fiducial List file a.fcsv\n# version = 2\n# columns = label,x,y,z,sel,vis\n",
    ],
)
def test_tables_of_slicer_3_are_in_ras(tmp_path, three, head):
    dataset = _read(tmp_path, three, "a.fcsv", head + "S,-1,-2,0,1,1\nN,-3,-4,0,1,1\n")
    np.testing.assert_allclose(_points(dataset)[:2], [[10, 20], [30, 40]])
