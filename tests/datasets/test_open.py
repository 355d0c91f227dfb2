"""Opening a data set of any layout."""

from __future__ import annotations

import json

import pytest

from cephsure.datasets import open_dataset
from cephsure.errors import InputError
from cephsure.films import SpacingSource


def _csv(folder):
    (folder / "a.png").write_bytes(b"film")
    (folder / "points.csv").write_text("image,x1,y1\na.png,1,2\n", encoding="utf-8")


def _coco(folder):
    (folder / "a.png").write_bytes(b"film")
    document = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "keypoints": ["S"]}],
        "annotations": [{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2]}],
    }
    (folder / "points.json").write_text(json.dumps(document), encoding="utf-8")


def _labelme(folder):
    (folder / "a.png").write_bytes(b"film")
    (folder / "labelme_anna").mkdir()
    shapes = [{"label": "S", "points": [[1, 2]], "shape_type": "point"}]
    document = {"shapes": shapes, "imagePath": "../a.png"}
    (folder / "labelme_anna" / "a.json").write_text(json.dumps(document), encoding="utf-8")


MAKERS = {"csv": _csv, "coco": _coco, "labelme": _labelme}


@pytest.mark.parametrize("layout", MAKERS)
@pytest.mark.parametrize("asked", ["auto", "named"])
def test_each_layout_is_found(tmp_path, layout, asked):
    MAKERS[layout](tmp_path)
    dataset = open_dataset(tmp_path, format="auto" if asked == "auto" else layout)
    (film,) = dataset.films
    assert film.film_id == "a"
    assert film.spacing is None
    (points,) = film.annotations.values()
    assert points.shape == (19, 2)
    assert points[0].tolist() == [1, 2]


@pytest.mark.parametrize(("layout", "file"), [("csv", "points.csv"), ("coco", "points.json")])
def test_a_file_can_be_given(tmp_path, layout, file):
    MAKERS[layout](tmp_path)
    assert len(open_dataset(tmp_path / file).films) == 1
    assert open_dataset(tmp_path / file).name == "points"


def test_a_folder_of_labelme_files_is_found(tmp_path):
    _labelme(tmp_path)
    assert list(open_dataset(tmp_path / "labelme_anna").films[0].annotations) == ["anna"]


def test_isbi_is_found_and_knows_its_scale(phantom_isbi):
    root = phantom_isbi(2, 2, width_px=97, height_px=120)
    dataset = open_dataset(root)
    assert dataset.name == "isbi-2015"
    assert {film.spacing.source for film in dataset.films} == {SpacingSource.DATASET}


def test_the_users_scale_goes_before_the_data_sets(phantom_isbi):
    root = phantom_isbi(1, 0, width_px=97, height_px=120)
    (film,) = open_dataset(root, mm_per_px=2.0).films
    assert (film.spacing.x_mm_per_px, film.spacing.source) == (2.0, SpacingSource.USER)


def test_a_scale_may_differ_between_x_and_y(tmp_path):
    _csv(tmp_path)
    spacing = open_dataset(tmp_path, mm_per_px=(0.1, 0.2)).films[0].spacing
    assert (spacing.x_mm_per_px, spacing.y_mm_per_px) == (0.1, 0.2)


@pytest.mark.parametrize("mm_per_px", [0.0, -1.0, float("nan"), float("inf"), (0.1, 0.0)])
def test_a_scale_must_be_positive(tmp_path, mm_per_px):
    _csv(tmp_path)
    with pytest.raises(InputError, match="mm per pixel must be a positive number"):
        open_dataset(tmp_path, mm_per_px=mm_per_px)


def test_another_landmark_set_works(tmp_path, three):
    _csv(tmp_path)
    assert open_dataset(tmp_path, landmark_set=three).landmark_set == three
    assert open_dataset(tmp_path, landmark_set="isbi-19").landmark_set.name == "isbi-19"


def test_isbi_takes_no_other_landmark_set(phantom_isbi, three):
    with pytest.raises(InputError, match="not of three"):
        open_dataset(phantom_isbi(1, 0, width_px=97, height_px=120), landmark_set=three)


def test_what_could_be_two_layouts_is_not_guessed(tmp_path):
    _csv(tmp_path)
    _coco(tmp_path)
    with pytest.raises(InputError, match="could be coco or csv"):
        open_dataset(tmp_path)
    assert open_dataset(tmp_path, format="csv").problems[0].startswith("points marked N")


@pytest.mark.parametrize("name", [".", "notes.txt", "other.json"])
def test_an_unknown_layout_lists_the_known_ones(tmp_path, name):
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="no data set of a known layout"):
        open_dataset(tmp_path / name)


def test_an_unknown_format_and_a_missing_path_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        open_dataset(tmp_path / "absent")
    with pytest.raises(InputError, match="no data set format 'yolo'"):
        open_dataset(tmp_path, format="yolo")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.analysis.h5", r"\.h5 files are not read \(export the points as CSV\)"),
        ("x.SLP", r"\.slp files are not read"),
        ("x.xls", r"\.xls files are not read \(save the sheet as \.xlsx or CSV\)"),
        ("x.ods", r"\.ods files are not read"),
        ("x.zip", r"\.zip files are not read \(unpack it first\)"),
        ("x.pts", r"\.pts files are not read"),
        ("x.tps", "is not UTF-8 text: byte 0xFC in line 1"),
    ],
)
def test_what_is_not_read_is_said_by_name(tmp_path, name, words):
    (tmp_path / name).write_bytes("Müller".encode("latin-1"))
    for path in (tmp_path / name, tmp_path):
        with pytest.raises(InputError, match=words):
            open_dataset(path)


@pytest.mark.parametrize("name", ["x" * 3000 + ".csv", "a\0b.csv"])
def test_a_path_that_no_file_could_have_is_not_there(tmp_path, name):
    with pytest.raises(InputError, match="there is no such file or folder"):
        open_dataset(tmp_path / name)


def test_a_film_of_a_name_that_no_file_could_have_is_not_there(tmp_path):
    points = "1 2\n" * 19
    (tmp_path / "t.tps").write_text(f"LM=19\n{points}IMAGE={'x' * 3000}\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not there: y is counted from its lower edge"):
        open_dataset(tmp_path / "t.tps")
