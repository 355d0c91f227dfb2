"""Reading the challenge's layout, by hand-made folders and by the real one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.datasets import read_isbi, select, truth
from cephsure.datasets.isbi import read_points
from cephsure.errors import AnnotationError, InputError
from cephsure.films import SpacingSource

FOLDERS = {"train": "TrainingData", "test1": "Test1Data", "test2": "Test2Data"}


def _add(root, film_id, split, *, annotators=("senior", "junior"), image=True, extra="", suffix=".bmp"):
    """Write a film of a few bytes and its annotations: landmark k at (k + 0.5, 10 k), junior 1 px lower."""
    folder = root / "RawImage" / FOLDERS[split]
    folder.mkdir(parents=True, exist_ok=True)
    if image:
        (folder / f"{film_id}{suffix}").write_bytes(b"not opened by the reader")
    for name in annotators:
        lines = [f"{k + 0.5},{10 * k + (name == 'junior')}" for k in range(1, 20)]
        file = root / "AnnotationsByMD" / f"400_{name}" / f"{film_id}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n" + extra, encoding="utf-8")


@pytest.fixture
def root(tmp_path):
    _add(tmp_path, "002", "train")
    _add(tmp_path, "001", "train", extra="1\n3\n1\n")
    _add(tmp_path, "151", "test1")
    _add(tmp_path, "152", "test1", suffix=".JPG")
    _add(tmp_path, "301", "test2")
    return tmp_path


def test_films_come_by_split_then_number_with_the_stated_scale(root):
    dataset = read_isbi(root)
    assert [film.film_id for film in dataset.films] == ["001", "002", "151", "152", "301"]
    assert [film.split for film in dataset.films] == ["train", "train", "test1", "test1", "test2"]
    assert dataset.problems == ()
    assert len(dataset.landmark_set) == 19
    spacing = dataset.films[0].spacing
    assert (spacing.x_mm_per_px, spacing.y_mm_per_px, spacing.source) == (0.1, 0.1, SpacingSource.DATASET)
    assert dataset.films[3].path == root / "RawImage" / "Test1Data" / "152.JPG"


def test_points_are_read_in_order_and_classification_lines_are_skipped(root):
    film = read_isbi(root).films[0]
    assert set(film.annotations) == {"senior", "junior"}
    expected = np.array([[k + 0.5, 10.0 * k] for k in range(1, 20)])
    np.testing.assert_array_equal(film.annotations["senior"], expected)
    np.testing.assert_array_equal(film.annotations["junior"], expected + np.array([0.0, 1.0]))
    assert film.annotations["senior"].dtype == np.float64


def test_without_duplicates_file_no_film_has_a_group(root):
    assert {film.group for film in read_isbi(root).films} == {None}


def test_the_same_exposure_shares_a_group(root):
    pairs = {"same_exposure_pairs": [["001", "152"]], "likely_same_patient_other_date": [["151", "301"]]}
    (root / "duplicates.json").write_text(json.dumps(pairs), encoding="utf-8")
    groups = {film.film_id: film.group for film in read_isbi(root).films}
    assert groups == {"001": "001+152", "152": "001+152", "151": "151+301", "301": "151+301", "002": None}
    assert [film.film_id for film in select(read_isbi(root), "test1-clean").films] == ["151"]


def test_an_annotated_film_without_image_is_named(root):
    _add(root, "150", "train", image=False)
    dataset = read_isbi(root)
    assert "150" not in {film.film_id for film in dataset.films}
    assert dataset.problems == ("film 150: no image 150.* in RawImage/TrainingData; left out",)


def test_a_split_that_is_absent_as_a_whole_takes_one_line(tmp_path):
    _add(tmp_path, "001", "train")
    _add(tmp_path, "301", "test2", image=False)
    _add(tmp_path, "302", "test2", image=False)
    (tmp_path / "RawImage" / "Test2Data").rmdir()
    assert read_isbi(tmp_path).problems == (
        "test2: RawImage/Test2Data is missing; 2 annotated films left out",
    )


def test_a_missing_annotation_is_named_and_its_points_are_missing(root):
    (root / "AnnotationsByMD" / "400_junior" / "002.txt").unlink()
    dataset = read_isbi(root)
    assert dataset.problems == ("film 002: no annotation by junior (400_junior/002.txt is missing)",)
    film = dataset.films[1]
    assert np.isnan(film.annotations["junior"]).all()
    np.testing.assert_array_equal(truth(film, "mean"), film.annotations["senior"])


def test_a_film_nobody_annotated_is_left_out_and_named(root):
    _add(root, "003", "train", annotators=())
    dataset = read_isbi(root)
    assert len(dataset.films) == 5
    assert dataset.problems == ("film 003: nobody annotated it; left out",)


def test_a_film_that_lies_there_twice_is_read_once_from_the_lossless_file(root):
    _add(root, "001", "train", suffix=".jpg")
    dataset = read_isbi(root)
    assert dataset.films[0].path.name == "001.bmp"
    assert dataset.problems == ("film 001: there are 001.bmp, 001.jpg; 001.bmp is used",)


def test_a_film_in_two_splits_is_refused(root):
    _add(root, "001", "test1")
    with pytest.raises(InputError, match="film 001 is in two splits, train and test1"):
        read_isbi(root)


@pytest.mark.parametrize(
    ("line", "words"),
    [("abc", "found 'abc'"), ("1,2,3", "expected x,y"), ("1,nan", "not finite"), ("1_0,2", "expected x,y")],
)
def test_a_malformed_line_is_named(root, line, words):
    file = root / "AnnotationsByMD" / "400_senior" / "001.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[6] = line
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(AnnotationError, match=words) as caught:
        read_points(file, n_landmarks=19)
    assert caught.value.where == f"{file}:7"
    assert any(f"{file}:7" in line and words in line for line in read_isbi(root).problems)


def test_too_few_lines_are_named(root):
    file = root / "AnnotationsByMD" / "400_senior" / "001.txt"
    file.write_text("1,2\n" * 18, encoding="utf-8")
    with pytest.raises(AnnotationError, match="has 18 lines, expected 19") as caught:
        read_points(file, n_landmarks=19)
    assert caught.value.where == file
    problems = read_isbi(root).problems
    assert f"{caught.value}; left out" in problems


def test_an_annotator_whose_files_are_mostly_odd_is_refused(root):
    for file in (root / "AnnotationsByMD" / "400_senior").glob("*.txt"):
        file.write_text("1,2\n", encoding="utf-8")
    with pytest.raises(AnnotationError, match="has 1 lines, expected 19"):
        read_isbi(root)


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="not an ISBI 2015 data set"):
        read_isbi(tmp_path)


@pytest.mark.shared
def test_the_real_data_set(shared_data):
    dataset = read_isbi(shared_data / "isbi2015")
    assert dataset.problems == ()
    counts = {name: len(select(dataset, name).films) for name in ("train", "test1", "test1-clean", "all")}
    assert counts == {"train": 150, "test1": 150, "test1-clean": 130, "all": 300}
    leaked = {film.film_id for film in select(dataset, "test1").films}
    leaked -= {film.film_id for film in select(dataset, "test1-clean").films}
    assert len(leaked) == 20
    assert {"275", "173", "201"} <= leaked
    pairs = json.loads((shared_data / "isbi2015" / "duplicates.json").read_text(encoding="utf-8"))
    groups = {film.film_id: film.group for film in dataset.films}
    assert len(pairs["same_exposure_pairs"]) == 23
    assert all(groups[first] == groups[other] is not None for first, other in pairs["same_exposure_pairs"])


@pytest.mark.shared
@pytest.mark.parametrize(("split", "all_mm", "pogonion_mm"), [("train", 2.35, 9.2), ("test1", 2.36, 6.5)])
def test_the_two_annotators_differ_as_the_data_notes_say(shared_data, split, all_mm, pogonion_mm):
    films = select(read_isbi(shared_data / "isbi2015"), split).films
    distances_mm = 0.1 * np.array(
        [np.linalg.norm(truth(film, "senior") - truth(film, "junior"), axis=1) for film in films]
    )
    assert distances_mm.mean() == pytest.approx(all_mm, abs=0.005)
    assert distances_mm[:, 15].mean() == pytest.approx(pogonion_mm, abs=0.05)


def test_what_was_not_marked_is_missing_and_named(root):
    """NaN, (0, 0) and (-1, -1), as tools write them; empty lines are passed over."""
    file = root / "AnnotationsByMD" / "400_senior" / "001.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[2:5] = ["", "NaN,NA", "0,0", "-1.0,-1", ""]
    file.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    points = read_points(file, n_landmarks=19)
    assert np.flatnonzero(np.isnan(points).any(axis=1)).tolist() == [2, 3, 4]
    np.testing.assert_array_equal(points[[1, 5, 18]], [[2.5, 20], [6.5, 60], [19.5, 190]])
    dataset = read_isbi(root)
    assert f"{file}: no place of a landmark in line 3, 4, 5; left missing" in dataset.problems
