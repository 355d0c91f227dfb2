"""Points that a person marked or corrected: every format gives the same, and no image need be there."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.datasets import read_marked_points
from cephsure.errors import AnnotationError, InputError

NAN = float("nan")
POINTS = [[20.5, 30.25], [80.0, 25.0], [90.125, 120.75]]  # S, N, Pog' in px
CODES = ("S", "N", "Pog'")


def _prediction(version=2, **changes):
    film = {"path": "films/001.png", "width_px": 100, "height_px": 150, "mm_per_px": [0.1, 0.2]}
    marks = [
        {"number": number, "code": code, "x_px": x, "y_px": y, "verdict": "review"}
        for number, (code, (x, y)) in enumerate(zip(CODES, POINTS, strict=True), start=1)
    ]
    return {"schema": f"cephsure.prediction/{version}", "film": film, "landmarks": marks, **changes}


def _labelme():
    shapes = [
        {"label": f"l{n}", "points": [at], "shape_type": "point"} for n, at in enumerate(POINTS, start=1)
    ]
    return {"shapes": shapes, "imagePath": "films/001.png", "imageWidth": 100, "imageHeight": 150}


def _coco():
    return {
        "images": [{"id": 1, "file_name": "films/001.png", "width": 100, "height": 150}],
        "annotations": [
            {"image_id": 1, "category_id": 1, "keypoints": [v for at in POINTS for v in (*at, 2)]}
        ],
        "categories": [{"id": 1, "keypoints": list(CODES)}],
    }


def _slicer(sign=1, scale=(0.1, 0.2), **changes):
    marks = [
        {"label": code, "position": [sign * x * scale[0], sign * y * scale[1], 0.0], "description": "moved"}
        for code, (x, y) in zip(CODES, POINTS, strict=True)
    ]
    said = "Positions are in mm and fit a film with an image spacing of 0.1 x 0.2 mm (source: user); set it."
    markup = {"coordinateSystem": "LPS", "description": said, "controlPoints": marks, **changes}
    return {"@schema": "x", "markups": [markup]}


def _write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


OWN_CSV = "film,number,code,name,x_px,y_px,x_mm,y_mm,mm_per_px_x,mm_per_px_y,verdict\n" + "".join(
    f"films/001.png,{n},{code},some,{x},{y},1,2,0.1,0.2,accept\n"
    for n, (code, (x, y)) in enumerate(zip(CODES, POINTS, strict=True), start=1)
)
WIDE_CSV = "image,annotator,x1,y1,x2,y2,x3,y3\nfilms/001.png,anna," + ",".join(
    f"{v}" for at in POINTS for v in at
)
TEXT = "\n".join(f"{x},{y}" for x, y in POINTS)
FORMATS = {
    "prediction 1": ("a.json", _prediction(1), "anna", (0.1, 0.2)),
    "prediction 2": ("a.json", _prediction(2), "anna", (0.1, 0.2)),
    "own csv": ("anna.csv", OWN_CSV, "anna", (0.1, 0.2)),
    "wide csv": ("x.csv", WIDE_CSV, "anna", None),
    "labelme": ("a.labelme.json", _labelme(), "anna", None),
    "coco": ("anna.coco.json", _coco(), "anna", None),
    "text": ("001.txt", TEXT, "anna", None),
    "slicer": ("001.mrk.json", _slicer(), "anna", (0.1, 0.2)),
    "slicer in RAS": ("001.mrk.json", _slicer(-1, coordinateSystem="RAS"), "anna", (0.1, 0.2)),
    "slicer in px": ("001.mrk.json", _slicer(scale=(1, 1), coordinateUnits="px"), "anna", (0.1, 0.2)),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same_points_without_an_image(tmp_path, three, kind):
    name, content, annotator, scale = FORMATS[kind]
    (film,) = read_marked_points(_write(tmp_path / "anna", name, content), landmark_set=three)
    assert (film.name, list(film.marks), film.problems) == ("001", [annotator], ())
    np.testing.assert_allclose(film.marks[annotator], POINTS, atol=1e-9)
    assert film.mm_per_px == scale
    if kind.startswith(("slicer", "text")):
        assert film.path is None
    else:
        assert film.path is not None
        assert film.path.name == "001.png"
        assert film.size_px == (None if "csv" in kind else (100, 150))


def test_a_list_of_slicer_without_a_spacing_asks_for_it(tmp_path, three):
    file = _write(tmp_path, "001.mrk.json", _slicer(description=""))
    with pytest.raises(InputError, match="give it with --mm-per-px") as caught:
        read_marked_points(file, landmark_set=three)
    assert caught.value.where == file
    (film,) = read_marked_points(file, landmark_set=three, mm_per_px=(0.1, 0.2))
    np.testing.assert_allclose(film.points_px(), POINTS, atol=1e-9)
    assert film.mm_per_px is None


def test_pixels_in_slicer_are_known_by_our_words(tmp_path, three):
    said = {"description": "The film's scale is unknown: positions are in pixels and fit ..."}
    for told in (said, {"description": "", "name": "001 (pixels, scale unknown)"}):
        file = _write(tmp_path, "001.mrk.json", _slicer(scale=(1, 1), coordinateUnits="mm", **told))
        (film,) = read_marked_points(file, landmark_set=three)
        np.testing.assert_allclose(film.points_px(), POINTS)
        assert film.mm_per_px is None


def test_pixels_that_slicer_calls_millimetres_are_refused(tmp_path, three):
    file = _write(tmp_path, "001.mrk.json", _slicer(scale=(10, 10), description=""))
    with pytest.raises(AnnotationError, match=r"958 mm apart.*\"coordinateUnits\": \"px\""):
        read_marked_points(file, landmark_set=three, mm_per_px=0.1)


def test_points_that_slicer_has_not_placed_are_missing(tmp_path, three):
    document = _slicer()
    document["markups"][0]["controlPoints"][1] |= {"positionStatus": "undefined"}
    document["markups"][0]["controlPoints"].append({"label": "F-1", "position": [1, 1, 0]})
    (film,) = read_marked_points(_write(tmp_path / "anna", "001.mrk.json", document), landmark_set=three)
    np.testing.assert_allclose(film.points_px(), [POINTS[0], [NAN, NAN], POINTS[2]], atol=1e-9)
    assert film.problems == ("anna: label 'F-1' (1 times) is not in landmark set three; left out",)


def test_a_point_deleted_from_a_prediction_is_missing(tmp_path, three):
    document = _prediction()
    document["landmarks"][0] |= {"x_px": None, "y_px": None}
    del document["landmarks"][2]
    (film,) = read_marked_points(_write(tmp_path, "a.json", document), landmark_set=three)
    np.testing.assert_array_equal(film.points_px(), [[NAN, NAN], POINTS[1], [NAN, NAN]])


def test_a_folder_of_files_is_many_films(tmp_path, three):
    for name in ("002", "001"):
        _write(tmp_path / "anna", f"{name}.mrk.json", _slicer())
    films = read_marked_points(tmp_path / "anna", landmark_set=three)
    assert [film.name for film in films] == ["001", "002"]


def test_folders_of_several_annotators_are_theirs(tmp_path, three):
    shifted = _labelme()
    shifted["shapes"] = [
        {**shape, "points": [[p + 1 for p in shape["points"][0]]]} for shape in shifted["shapes"]
    ]
    _write(tmp_path / "labelme_anna", "001.json", {**_labelme(), "imagePath": "../001.png"})
    _write(tmp_path / "labelme_ben", "001.json", {**shifted, "imagePath": "../001.png"})
    (film,) = read_marked_points(tmp_path, landmark_set=three)
    assert list(film.marks) == ["anna", "ben"]
    np.testing.assert_allclose(film.points_px() - POINTS, 0.5)
    np.testing.assert_allclose(film.points_px("ben") - POINTS, 1.0)
    with pytest.raises(InputError, match=r"no annotator 'carl'.*mean, anna, ben"):
        film.points_px("carl")


def test_the_challenges_folders_are_read(phantom_isbi):
    from cephsure.landmarks import load_landmark_set

    films = read_marked_points(phantom_isbi(n_train=1, n_test1=1), landmark_set=load_landmark_set())
    assert [film.name for film in films] == ["001", "151"]
    assert list(films[0].marks) == ["junior", "senior"]
    assert films[0].mm_per_px == (0.1, 0.1)


def test_problems_stand_with_their_film(tmp_path, three):
    twice = "image,landmark,x,y\n001.png,S,1,2\n001.png,S,3,4\n001.png,N,5,6\n002.png,S,1,1\n"
    first, second = read_marked_points(_write(tmp_path, "anna.csv", twice), landmark_set=three)
    assert first.problems == ("anna marked 1 (S) at 2 places; left missing",)
    assert second.problems == ()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", {"schema": "cephsure.analysis/1"}, "is no file of points"),
        ("a.pdf", "PK", "is no file of points"),
        ("a.json", "{", "not valid JSON"),
        ("a.txt", "1,2\n", "has 1 lines, expected 3"),
        ("a.json", _prediction(film=None), "film: must be an object"),
        (
            "a.json",
            _prediction(landmarks=[{"code": "S", "x_px": 1}]),
            r"landmarks\[0\].y_px: must be a finite number",
        ),
        ("a.json", _prediction(film={"mm_per_px": [0, 1]}), "film.mm_per_px: must be positive"),
        ("a.json", _prediction(film={"mm_per_px": [1]}), "film.mm_per_px: must be two numbers"),
        ("a.mrk.json", _slicer(coordinateSystem="XYZ"), r"markups\[0\].coordinateSystem: must be LPS or RAS"),
        ("a.mrk.json", _slicer(controlPoints=[{"label": "S", "position": [1]}]), "position: must be three"),
        ("a.csv", OWN_CSV.replace("0.1,0.2", "0.1,"), "is no scale in mm per pixel"),
        ("a.csv", OWN_CSV.replace("0.1,0.2", "0.1,-1"), "mm per pixel must be positive"),
        ("a.csv", OWN_CSV.split("\n")[0], "holds no marked point"),
    ],
)
def test_what_cannot_be_read_is_named_with_file_and_place(tmp_path, three, name, content, words):
    file = _write(tmp_path, name, content)
    with pytest.raises(InputError, match=words) as caught:
        read_marked_points(file, landmark_set=three)
    assert str(caught.value.where).startswith(str(file))


def test_folders_that_cannot_be_read_are_named(tmp_path, three):
    with pytest.raises(InputError, match="no such file or folder"):
        read_marked_points(tmp_path / "none", landmark_set=three)
    with pytest.raises(InputError, match="holds no file of points"):
        read_marked_points(tmp_path, landmark_set=three)
    _write(tmp_path, "a.json", _prediction())
    _write(tmp_path, "a.csv", OWN_CSV)
    with pytest.raises(InputError, match="could be csv or prediction"):
        read_marked_points(tmp_path, landmark_set=three)


def test_what_is_said_of_odd_marks_may_be_shown(tmp_path, three):
    region = {"shape_attributes": {"name": "\x1b[31m\x00"}, "region_attributes": {}}
    point = {
        "shape_attributes": {"name": "point", "cx": 1, "cy": 2},
        "region_attributes": {"landmark": "S"},
    }
    film = {"filename": "a.png", "size": 1, "regions": [point, region]}
    (tmp_path / "v.json").write_text(json.dumps({"a": film}), encoding="utf-8")
    (marked,) = read_marked_points(tmp_path / "v.json", landmark_set=three)
    assert all(line.isprintable() for line in marked.problems)
    assert any(line.startswith("no points, left out: ") for line in marked.problems)
