"""COCO key points, from one file and from several."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.datasets import read_coco
from cephsure.errors import AnnotationError, InputError

NAN = float("nan")


def _document():
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "width": 30, "height": 40},
            {"id": 8, "file_name": "b.png", "width": 30, "height": 40},
        ],
        "categories": [{"id": 1, "name": "head", "keypoints": ["N", "Pog'", "S"]}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "keypoints": [3, 4, 2, 5.5, 6.25, 1, 1, 2, 2]},
            {"id": 2, "image_id": 8, "category_id": 1, "keypoints": [3, 4, 2, 0, 0, 0, 1, 2, 2]},
        ],
    }


def _write(root, name, document, *, images="."):
    (root / images).mkdir(parents=True, exist_ok=True)
    for image in ("a.png", "b.png"):
        (root / images / image).write_bytes(b"film")
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_key_points_go_by_their_names_and_visibility_0_is_missing(tmp_path, three):
    dataset = read_coco(_write(tmp_path, "anna.json", _document()), landmark_set=three)
    assert [film.film_id for film in dataset.films] == ["a", "b"]
    np.testing.assert_array_equal(dataset.films[0].annotations["anna"], [[1, 2], [3, 4], [5.5, 6.25]])
    np.testing.assert_array_equal(dataset.films[1].annotations["anna"], [[1, 2], [3, 4], [NAN, NAN]])
    assert dataset.problems == ("film b: anna did not mark Pog'",)


@pytest.mark.parametrize("keypoints", [[], ["1", "2", "3"], ["l1", "l2", "l3"]])
def test_unnamed_or_numbered_key_points_follow_the_set(tmp_path, three, keypoints):
    document = _document()
    document["categories"][0]["keypoints"] = keypoints
    film = read_coco(_write(tmp_path, "anna.json", document), landmark_set=three).films[0]
    np.testing.assert_array_equal(film.annotations["anna"], [[3, 4], [5.5, 6.25], [1, 2]])


def test_each_file_of_a_folder_is_an_annotator(tmp_path, three):
    _write(tmp_path, "anna.json", _document())
    other = _document()
    del other["annotations"][1]
    _write(tmp_path, "ben.coco.json", other)
    dataset = read_coco(tmp_path, landmark_set=three)
    assert list(dataset.films[0].annotations) == ["anna", "ben"]
    assert np.isnan(dataset.films[1].annotations["ben"]).all()
    assert "film b: not annotated by ben" in dataset.problems


def test_several_annotators_in_one_file(tmp_path, three):
    document = _document()
    for annotation, name in zip(document["annotations"], ("anna", "ben"), strict=True):
        annotation.update(annotator=name, image_id=7)
    (film,) = read_coco(_write(tmp_path, "all.json", document), landmark_set=three).films
    np.testing.assert_array_equal(film.annotations["anna"], [[1, 2], [3, 4], [5.5, 6.25]])
    np.testing.assert_array_equal(film.annotations["ben"], [[1, 2], [3, 4], [NAN, NAN]])


def test_two_annotations_that_differ_are_not_guessed_between(tmp_path, three):
    document = _document()
    document["annotations"][1].update(image_id=7, keypoints=[3, 4, 2, 5.5, 6.25, 2, 9, 9, 2])
    dataset = read_coco(_write(tmp_path, "anna.json", document), landmark_set=three)
    np.testing.assert_array_equal(dataset.films[0].annotations["anna"], [[NAN, NAN], [3, 4], [5.5, 6.25]])
    assert "film a: anna marked 1 (S) at 2 places; left missing" in dataset.problems


@pytest.mark.parametrize(("name", "images"), [("x.json", "images"), ("annotations/x.json", "images")])
def test_images_are_found_in_the_usual_folders(tmp_path, three, name, images):
    films = read_coco(_write(tmp_path, name, _document(), images=images), landmark_set=three).films
    assert films[0].path == tmp_path / "images" / "a.png"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(images=3), "images: must be a list"),
        (lambda d: d.update(annotations={}), "annotations: must be a list"),
        (
            lambda d: d["categories"][0].update(keypoints=[1, 2, 3]),
            r"categories\[0\].keypoints: must be a list",
        ),
    ],
)
def test_a_malformed_file_is_named_with_the_place(tmp_path, three, change, words):
    document = _document()
    change(document)
    file = _write(tmp_path, "anna.json", document)
    with pytest.raises(AnnotationError, match=words) as caught:
        read_coco(file, landmark_set=three)
    assert caught.value.where == file


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["images"][1].update(id=7), "images[1].id: 7 is given twice"),
        (lambda d: d["images"][1].pop("file_name"), "images[1].file_name: must be a text"),
        (lambda d: d["images"][1].update(width="x"), "images[1].width: must be a finite number"),
        (lambda d: d["annotations"][1].update(image_id=9), "annotations[1].image_id: there is no such image"),
        (lambda d: d["annotations"][1].update(image_id=[7]), "annotations[1].image_id: must be"),
        (lambda d: d["annotations"][1].update(category_id=2), "annotations[1].category_id: there is no such"),
        (lambda d: d["annotations"][1]["keypoints"].pop(), "annotations[1].keypoints: has 8 numbers"),
        (
            lambda d: d["annotations"][1]["keypoints"].__setitem__(1, "x"),
            "annotations[1].keypoints[1]: must be a finite number",
        ),
        (lambda d: d["annotations"][1].update(annotator=3), "annotations[1].annotator: must be a text"),
    ],
)
def test_a_malformed_entry_is_named_and_passed_over(tmp_path, three, change, words):
    document = _document()
    change(document)
    file = _write(tmp_path, "anna.json", document)
    dataset = read_coco(file, landmark_set=three)
    np.testing.assert_array_equal(dataset.films[0].annotations["anna"], [[1, 2], [3, 4], [5.5, 6.25]])
    assert any(problem.startswith(f"{file}: {words}") for problem in dataset.problems)


def test_a_box_beside_the_points_is_passed_over(tmp_path, three):
    """As CVAT, Roboflow and RectLabel write it: a category of its own, no key points."""
    document = _document()
    document["categories"].append({"id": 2, "name": "film", "supercategory": ""})
    document["annotations"] += [{"id": 9, "image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9]}]
    document["annotations"] += [{"id": 10, "image_id": 7, "category_id": 2, "keypoints": None}]
    dataset = read_coco(_write(tmp_path, "anna.json", document), landmark_set=three)
    np.testing.assert_array_equal(dataset.films[0].annotations["anna"], [[1, 2], [3, 4], [5.5, 6.25]])
    assert "anna.json: 2 annotations have no key points (boxes, outlines); passed over" in dataset.problems


def test_identifiers_may_be_written_as_decimals(tmp_path, three):
    document = _document()
    for image in document["images"]:
        image["id"] = float(image["id"])
    document["categories"][0]["id"] = 1.0
    assert len(read_coco(_write(tmp_path, "anna.json", document), landmark_set=three).films) == 2


def test_a_category_for_each_landmark(tmp_path, three):
    """As Label Studio exports key points."""
    document = _document()
    document["categories"] = [{"id": k, "name": name} for k, name in enumerate(three.codes)]
    document["annotations"] = [
        {"id": k, "image_id": 7, "category_id": k, "keypoints": [k + 1.5, 2, 2]} for k in range(3)
    ]
    film = read_coco(_write(tmp_path, "anna.json", document), landmark_set=three).films[0]
    np.testing.assert_array_equal(film.annotations["anna"], [[1.5, 2], [2.5, 2], [3.5, 2]])


def test_roboflow_folders_are_splits(tmp_path, three):
    for split, film in (("train", "a.png"), ("valid", "b.png")):
        document = _document()
        document["images"] = [{"id": 7, "file_name": film}]
        del document["annotations"][1]
        _write(tmp_path / split, "_annotations.coco.json", document)
    films = read_coco(tmp_path, landmark_set=three).films
    assert [(film.film_id, film.split) for film in films] == [("a", "train"), ("b", "valid")]


def test_an_empty_folder_is_refused(tmp_path, three):
    with pytest.raises(InputError, match="holds no COCO file"):
        read_coco(tmp_path, landmark_set=three)


def test_identifiers_may_be_texts_in_one_place_and_numbers_in_another(tmp_path, three):
    document = {
        "images": [{"id": "1", "file_name": "a.png"}],
        "categories": [{"id": 1.0, "name": "head", "keypoints": ["S", "N", "Pog'"]}],
        "annotations": [{"image_id": 1, "category_id": "1", "keypoints": [1, 2, 2, 3, 4, 0, 0, 0, 0]}],
    }
    (tmp_path / "a.png").write_bytes(b"not opened by the reader")
    (tmp_path / "c.json").write_text(json.dumps(document), encoding="utf-8")
    dataset = read_coco(tmp_path / "c.json", landmark_set=three)
    np.testing.assert_array_equal(dataset.films[0].annotations["c"][:2], [[1, 2], [np.nan, np.nan]])
    line = "c.json: key points with a position and visibility 0 (not labelled): 1; left missing"
    assert line in dataset.problems
