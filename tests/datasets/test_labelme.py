"""labelme files, hand-made and from the other site."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from cephsure.datasets import film_of, read_labelme, truth
from cephsure.errors import AnnotationError, FilmError, InputError
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
        "anna: label 'l9' (1 times) is not in landmark set three; left out",
        "film 001: anna marked 1 (S) at 2 places; left missing",
        "anna marked Pog' on no film",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("shapes"), "shapes: must be a list"),
        (lambda d: d.pop("imagePath"), "imagePath: must be a text"),
        (lambda d: d.update(imageWidth=-1), "imageWidth: must be a positive whole number"),
        (
            lambda d: d.update(shapes=[{}, {}, _point("S", 1, 2)]),
            r"shapes\[0\].label: must be .*so are 1 more",
        ),
    ],
)
def test_a_malformed_file_is_named_with_the_place(tmp_path, three, change, words):
    document = _document()
    change(document)
    file = _write(tmp_path, "labelme_anna", "001", document)
    with pytest.raises(AnnotationError, match=words) as caught:
        read_labelme(tmp_path, landmark_set=three)
    assert caught.value.where == file


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["shapes"][1].pop("label"), "shapes[1].label: must be"),
        (lambda d: d["shapes"][1].update(points=[]), "shapes[1].points: a point must be one pair"),
        (lambda d: d["shapes"][1].update(points=[[1]]), "shapes[1].points: a point must be one pair"),
        (lambda d: d["shapes"][1].update(points=[[1, "x"]]), "shapes[1].points[0][1]: must be a finite"),
        (lambda d: d["shapes"].append("l3"), "shapes[3]: must be an object"),
    ],
)
def test_a_malformed_shape_is_named_and_passed_over(tmp_path, three, change, words):
    document = _document()
    change(document)
    file = _write(tmp_path, "labelme_anna", "001", document)
    dataset = read_labelme(tmp_path, landmark_set=three)
    np.testing.assert_array_equal(dataset.films[0].annotations["anna"][0], [1.5, 2.25])
    assert dataset.problems[0].startswith(f"{file}: {words}")


def test_a_malformed_file_is_passed_over_beside_others(tmp_path, three):
    _write(tmp_path, "labelme_anna", "001", _document())
    file = _write(tmp_path, "labelme_anna", "002", {"shapes": 3, "imagePath": "x"})
    dataset = read_labelme(tmp_path, landmark_set=three)
    assert [film.film_id for film in dataset.films] == ["001"]
    assert f"{file}: shapes: must be a list; passed over" in dataset.problems


def test_films_and_files_in_one_folder_and_a_report_beside_them(tmp_path, three):
    (tmp_path / "001.png").write_bytes(b"film")
    (tmp_path / "001.json").write_text(json.dumps(_document("001.png")), encoding="utf-8")
    (tmp_path / "report.json").write_text('{"mre": 1.0}', encoding="utf-8")
    dataset = read_labelme(tmp_path, landmark_set=three)
    assert dataset.films[0].path == tmp_path / "001.png"
    assert "report.json: no labelme file; passed over" in dataset.problems


def test_a_film_that_is_not_there_is_taken_from_the_file(tmp_path, three):
    pixels = np.random.default_rng(0).integers(0, 255, (80, 70), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG")
    document = _document("gone/001.png") | {
        "imageData": base64.b64encode(content.getvalue()).decode(),
        "imageWidth": 70,
        "imageHeight": 80,
    }
    (tmp_path / "001.json").write_text(json.dumps(document), encoding="utf-8")
    (film,) = read_labelme(tmp_path, landmark_set=three).films
    assert film.held.size_px() == (70, 80)
    read = film_of(film)
    np.testing.assert_allclose(read.pixels, pixels / np.float32(255), atol=1e-6)
    assert read.path == tmp_path / "001.json"


def test_embedded_data_that_is_no_film_is_named(tmp_path, three):
    document = _document("gone/001.png") | {"imageData": "????"}
    (tmp_path / "001.json").write_text(json.dumps(document), encoding="utf-8")
    (film,) = read_labelme(tmp_path, landmark_set=three).films
    with pytest.raises(FilmError, match=r"001\.json: imageData holds no film"):
        film_of(film)


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
