"""labelme files, hand-made and from the other site."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.datasets import read_labelme, truth
from cephsure.errors import AnnotationError, InputError
from cephsure.films import Spacing, SpacingSource
from cephsure.landmarks import load_landmark_set


def _point(label, x, y, **more):
    return {"label": label, "points": [[x, y]], "group_id": None, "shape_type": "point", "flags": {}, **more}


def _document(image="../films/001.png", shapes=None):
    shapes = [_point("l1", 1.5, 2.25), _point("L2", 3, 4), _point("pog'", 5, 6)] if shapes is None else shapes
    return {"version": "5.0.1", "shapes": shapes, "imagePath": image, "imageWidth": 30, "imageHeight": 40}


def _write(root, folder, name, document):
    (root / "films").mkdir(exist_ok=True)
    (root / "films" / f"{name}.png").write_bytes(b"film")
    file = root / folder / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_each_folder_is_an_annotator(tmp_path, three):
    _write(tmp_path, "labelme_anna", "001", _document())
    _write(tmp_path, "labelme_ben", "001", _document("..\\films\\001.png", [_point("1", 2.5, 2.25)]))
    spacing = Spacing(0.2, 0.2, SpacingSource.USER)
    dataset = read_labelme(tmp_path, landmark_set=three, spacing=spacing)
    (film,) = dataset.films
    assert film.film_id == "001"
    assert film.path == tmp_path / "films" / "001.png"
    assert film.spacing == spacing
    assert list(film.annotations) == ["anna", "ben"]
    np.testing.assert_array_equal(film.annotations["anna"], [[1.5, 2.25], [3, 4], [5, 6]])
    np.testing.assert_array_equal(truth(film, "mean"), [[2, 2.25], [3, 4], [5, 6]])
    assert dataset.problems == ("ben marked N, Pog' on no film",)


def test_one_folder_of_files_is_one_annotator_called_as_the_folder(tmp_path, three):
    _write(tmp_path, "labelme_anna", "001", _document())
    (film,) = read_labelme(tmp_path / "labelme_anna", landmark_set=three).films
    assert list(film.annotations) == ["anna"]
    assert film.spacing is None


def test_doubled_and_unknown_labels_and_other_shapes_are_named(tmp_path, three):
    shapes = [
        _point("l1", 1, 2),
        _point("l1", 1, 3),
        _point("l2", 3, 4),
        _point("l9", 7, 7),
        {"label": "l3", "points": [[1, 1], [2, 2]], "shape_type": "line"},
    ]
    _write(tmp_path, "labelme_anna", "001", _document(shapes=shapes))
    dataset = read_labelme(tmp_path, landmark_set=three)
    nan = float("nan")
    np.testing.assert_array_equal(dataset.films[0].annotations["anna"], [[nan, nan], [3, 4], [nan, nan]])
    assert dataset.problems == (
        "film 001: anna's shape 'l3' is a line, not a point; left out",
        "film 001: anna marked 1 (S) at 2 places; left missing",
        "anna: label 'l9' (1 times) is not in landmark set three; left out",
        "anna marked Pog' on no film",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("shapes"), "shapes: must be a list"),
        (lambda d: d.pop("imagePath"), "imagePath: must be a text"),
        (lambda d: d.update(imageWidth=0), "imageWidth: must be a positive whole number"),
        (lambda d: d["shapes"][1].pop("label"), r"shapes\[1\].label: must be a text"),
        (lambda d: d["shapes"][1].update(points=[]), r"shapes\[1\].points: a point must be one pair"),
        (lambda d: d["shapes"][1].update(points=[[1]]), r"shapes\[1\].points: a point must be one pair"),
        (
            lambda d: d["shapes"][1].update(points=[[1, "2"]]),
            r"shapes\[1\].points\[0\]\[1\]: must be a finite",
        ),
        (lambda d: d["shapes"].append("l3"), r"shapes\[3\]: must be an object"),
    ],
)
def test_a_malformed_file_is_named_with_the_place(tmp_path, three, change, words):
    document = _document()
    change(document)
    file = _write(tmp_path, "labelme_anna", "001", document)
    with pytest.raises(AnnotationError, match=words) as caught:
        read_labelme(tmp_path, landmark_set=three)
    assert caught.value.where == file


def test_what_is_no_json_is_named_with_the_line(tmp_path, three):
    file = _write(tmp_path, "labelme_anna", "001", _document())
    file.write_text('{"shapes": [],\n\n oops}', encoding="utf-8")
    with pytest.raises(AnnotationError, match="not valid JSON") as caught:
        read_labelme(tmp_path, landmark_set=three)
    assert caught.value.where == f"{file}:3"


def test_an_empty_folder_is_refused(tmp_path, three):
    (tmp_path / "labelme_anna").mkdir()
    with pytest.raises(InputError, match="holds no labelme file"):
        read_labelme(tmp_path, landmark_set=three)


@pytest.mark.shared
def test_the_other_site_reads_with_its_doubled_labels(shared_data):
    dataset = read_labelme(shared_data / "hamedan", landmark_set=load_landmark_set("isbi-19"))
    assert len(dataset.films) == 49
    assert set(dataset.films[0].annotations) == {"farhadifar", "mollabashi"}
    assert dataset.problems == (
        "film 002: farhadifar marked 17 (PNS) at 2 places; left missing",
        "film 002: mollabashi marked 11 (LIT) at 2 places; left missing",
        "film 009: mollabashi marked 15 (Sn) at 2 places; left missing",
        "film 010: mollabashi marked 12 (UIT) at 2 places; left missing",
        "film 002: farhadifar did not mark ANS",
    )
    points = {
        name: np.stack([film.annotations[name] for film in dataset.films])
        for name in ("farhadifar", "mollabashi")
    }
    assert np.isnan(points["farhadifar"]).any(axis=2).sum() == 2
    assert np.isnan(points["mollabashi"]).any(axis=2).sum() == 3
    assert all(film.spacing is None for film in dataset.films)
