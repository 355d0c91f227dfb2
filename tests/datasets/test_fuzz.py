"""Whatever lies in a label file: a data set comes of it, or one line of what is wrong."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cephsure.datasets import Dataset, open_dataset, read_marked_points
from cephsure.datasets.open import FORMATS
from cephsure.errors import InputError
from label_files import FILES, write_film

LABELME = json.dumps(
    {
        "shapes": [{"label": c, "points": [[k + 1, 2]], "shape_type": "point"} for k, c in enumerate("SNA")],
        "imagePath": "a.png",
        "imageWidth": 70,
        "imageHeight": 100,
        "imageData": None,
    }
)
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.png", "width": 70, "height": 100}],
        "annotations": [{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 2]}],
        "categories": [{"id": 1, "name": "head", "keypoints": ["S", "N"]}],
    }
)
AARIZ = json.dumps({"ceph_id": "a", "landmarks": [{"symbol": "S", "value": {"x": 1, "y": 2}}]})
CL = json.dumps({"points": [{"name": 1, "point": [1, 2, 1], "scale": "0.1"}]})
SLICER = json.dumps(
    {"markups": [{"coordinateSystem": "LPS", "controlPoints": [{"label": "S", "position": [1, 2, 0]}]}]}
)
PREDICTION = json.dumps(
    {
        "schema": "cephsure.prediction/2",
        "film": {"path": "a.png", "width_px": 70, "height_px": 100, "mm_per_px": [0.1, 0.1]},
        "landmarks": [{"code": "S", "x_px": 1, "y_px": 2}],
    }
)
CSV = "image,annotator,S_x,S_y,N_x,N_y\na.png,anna,1,2,3,4\n"
SEEDS = {
    **{kind: (name.rpartition("/")[2], text) for kind, (name, text, _) in FILES.items()},
    "labelme": ("a.json", LABELME),
    "coco": ("a.json", COCO),
    "aariz": ("a.json", AARIZ),
    "cl-detection": ("a.json", CL),
    "slicer": ("a.mrk.json", SLICER),
    "prediction": ("a.json", PREDICTION),
    "csv": ("a.csv", CSV),
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.sampled_from(
        [
            "",
            "NA",
            "NaN",
            "null",
            "-1",
            "1e999",
            "x" * 3000,
            "a\x00b",
            "\x1b[31m\n",
            "\ud800",
            "../" * 40,
            "L1",
        ]
    ),
    st.just([]),
    st.just({}),
    st.just([[[[]]]]),
    st.lists(st.floats(), max_size=4),
    st.dictionaries(st.sampled_from(["x", "y", "id", "label"]), st.integers(), max_size=2),
    st.text(max_size=8),
)
FUZZ = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("fuzz")
    write_film(root / "a.png")
    return root


def _read(read, path, how):
    """What is read, or the line that says why it is not."""
    try:
        return read(path, **how), ""
    except InputError as error:
        return None, str(error)


def _holds(path, **how):
    """A data set of finite or missing points, or one line."""
    for read in (open_dataset, read_marked_points):
        how = {"landmark_set": how.get("landmark_set")} if read is not open_dataset else how
        found, line = _read(read, path, how)
        assert found is not None or line
        assert "\n" not in line
        if isinstance(found, Dataset):
            assert found.films
            for film in found.films:
                for points in film.annotations.values():
                    assert points.shape == (len(found.landmark_set), 2)
                    assert not np.isinf(points).any()
            assert not any("\n" in problem for problem in found.problems)


def _replaced(value, place, odd):
    """A JSON value of which the node at a place, counted through all, is another one; and what is left."""
    if place == 0:
        return odd, -1
    place -= 1
    if isinstance(value, list):
        items = []
        for item in value:
            item, place = _replaced(item, place, odd) if place >= 0 else (item, place)  # noqa: PLW2901
            items.append(item)
        return items, place
    if isinstance(value, dict):
        pairs = {}
        for key, item in value.items():
            pairs[key], place = _replaced(item, place, odd) if place >= 0 else (item, place)
        return pairs, place
    return value, place


@pytest.mark.parametrize("kind", SEEDS)
@FUZZ
@given(cut=st.integers(0, 4000), bytes_=st.binary(max_size=12), skipped=st.integers(0, 40))
def test_bytes_that_are_damaged(folder, three, *, kind, cut, bytes_, skipped):
    name, text = SEEDS[kind]
    content = text.encode()
    cut %= len(content) + 1
    file = folder / name
    file.write_bytes(content[:cut] + bytes_ + content[cut + skipped :])
    try:
        _holds(file, landmark_set=three)
    finally:
        file.unlink()


@pytest.mark.parametrize("kind", [kind for kind, (name, _) in SEEDS.items() if name.endswith("json")])
@FUZZ
@given(place=st.integers(0, 80), odd=ODD, also=st.integers(0, 80), odd_too=ODD)
def test_values_that_are_odd(folder, three, *, kind, place, odd, also, odd_too):
    name, text = SEEDS[kind]
    value, _ = _replaced(json.loads(text), place, odd)
    value, _ = _replaced(value, also, odd_too)
    file = folder / name
    file.write_text(json.dumps(value), encoding="utf-8")
    try:
        _holds(file, landmark_set=three)
        for layout, one in FORMATS.items():
            if ".json" in one.suffixes and layout != "prediction":
                _holds(file, landmark_set=three, format=layout)
    finally:
        file.unlink()


CELL = st.one_of(
    st.sampled_from(
        ["", "NA", "nan", "inf", "-inf", "1e999", "1,5", "1_0", "x", "a.png", "../a.png", "\u0661", '"']
    ),
    st.text(max_size=6),
    st.floats().map(str),
)


@pytest.mark.parametrize(
    "kind", ["csv", "via csv", "deeplabcut", "deeplabcut, index of three", "sleap", "slicer fcsv in LPS"]
)
@FUZZ
@given(
    place=st.integers(0, 60),
    cell=CELL,
    also=st.integers(0, 60),
    cell_too=CELL,
    delimiter=st.sampled_from(",;\t"),
)
def test_cells_that_are_odd(folder, three, *, kind, place, cell, also, cell_too, delimiter):
    name, text = SEEDS[kind]
    rows = list(csv.reader(io.StringIO(text)))
    places = [(r, c) for r, row in enumerate(rows) for c in range(len(row))]
    for at, odd in ((place, cell), (also, cell_too)):
        row, column = places[at % len(places)]
        rows[row][column] = odd
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    file = folder / name
    file.write_bytes(out.getvalue().encode("utf-8", "surrogatepass"))
    try:
        _holds(file, landmark_set=three, mm_per_px=1.0)
    finally:
        file.unlink()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    labels=st.lists(
        st.one_of(st.text(max_size=6), st.integers(), st.sampled_from(["L1", "l2", "Pog’", "0"])), max_size=8
    )
)
def test_any_labels_are_matched_or_refused(labels):
    from cephsure.landmarks import load_landmark_set, match_labels

    isbi = load_landmark_set("isbi-19")
    rows, line = _read(match_labels, isbi, {"labels": labels})
    assert "\n" not in line
    if rows is not None:
        assert set(rows) == set(labels)
        assert all(row is None or 0 <= row < 19 for row in rows.values())
