"""CSV tables, long and wide."""

from __future__ import annotations

import numpy as np
import pytest

from cephsure.datasets import read_csv
from cephsure.errors import AnnotationError, InputError

NAN = float("nan")
LONG = """image,annotator,landmark,x,y
films/a.png,anna,S,1,2
films/a.png,anna,2,3.5,4
films/a.png,anna,l3,5,6

films/a.png,ben,s,1.5,2
films/b.png,anna,S,7,8
films/b.png,anna,N,,
"""


def _write(root, text, name="points.csv"):
    (root / "films").mkdir(exist_ok=True)
    for image in ("a.png", "b.png"):
        (root / "films" / image).write_bytes(b"film")
    file = root / name
    file.write_text(text, encoding="utf-8")
    return file


def test_the_long_form(tmp_path, three):
    dataset = read_csv(_write(tmp_path, LONG), landmark_set=three)
    first, second = dataset.films
    assert (first.film_id, first.path) == ("a", tmp_path / "films" / "a.png")
    np.testing.assert_array_equal(first.annotations["anna"], [[1, 2], [3.5, 4], [5, 6]])
    np.testing.assert_array_equal(first.annotations["ben"], [[1.5, 2], [NAN, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(second.annotations["anna"], [[7, 8], [NAN, NAN], [NAN, NAN]])
    assert np.isnan(second.annotations["ben"]).all()
    assert dataset.problems == (
        "film b: anna did not mark N, Pog'",
        "ben marked N, Pog' on no film",
        "film b: not annotated by ben",
    )


@pytest.mark.parametrize("header", ["image,x1,y1,x2,y2,x3,y3", "IMAGE,x_S,y_S,X_n,Y_n,x_3,y_3"])
def test_the_wide_form_with_the_file_as_annotator(tmp_path, three, header):
    text = f"\ufeff{header}\r\nfilms/a.png,1,2,3.5,4,5,6\r\nfilms\\b.png,7,8,,,9,10\r\n"
    dataset = read_csv(_write(tmp_path, text, "anna.csv"), landmark_set=three)
    np.testing.assert_array_equal(dataset.films[0].annotations["anna"], [[1, 2], [3.5, 4], [5, 6]])
    np.testing.assert_array_equal(dataset.films[1].annotations["anna"], [[7, 8], [NAN, NAN], [9, 10]])


def test_each_table_of_a_folder_is_an_annotator(tmp_path, three):
    for name in ("anna", "ben"):
        _write(tmp_path, "image,x1,y1,x2,y2,x3,y3\nfilms/a.png,1,2,3,4,5,6\n", f"{name}.csv")
    dataset = read_csv(tmp_path, landmark_set=three)
    assert list(dataset.films[0].annotations) == ["anna", "ben"]
    assert dataset.problems == ()


def test_split_and_group_columns(tmp_path, three):
    text = (
        "image,split,group,x1,y1,x2,y2,x3,y3\nfilms/a.png,train,p1,1,2,3,4,5,6\nfilms/b.png,,,1,2,3,4,5,6\n"
    )
    films = read_csv(_write(tmp_path, text), landmark_set=three).films
    assert [(film.film_id, film.split, film.group) for film in films] == [
        ("b", None, None),
        ("a", "train", "p1"),
    ]


def test_our_own_output_reads_back(tmp_path, three):
    text = "film,number,code,name,x_px,y_px,x_mm,y_mm\n" + "".join(
        f"films/a.png,{k},{code},some,{k}.5,{k},,\n" for k, code in enumerate(three.codes, start=1)
    )
    dataset = read_csv(_write(tmp_path, text, "model.csv"), landmark_set=three)
    np.testing.assert_array_equal(dataset.films[0].annotations["model"], [[1.5, 1], [2.5, 2], [3.5, 3]])
    assert dataset.problems == ()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (LONG.replace("3.5,4", "3.5,four"), 3, "landmark '2': '3.5', 'four' is no position"),
        (LONG.replace("3.5,4", "3.5,"), 3, "is no position"),
        (LONG.replace("3.5,4", "3.5,inf"), 3, "not finite"),
        (LONG.replace("3.5,4", "3.5"), 3, "has 4 cells, the header has 5"),
        (LONG.replace("films/a.png,ben", ",ben"), 6, "no image is given"),
        (LONG.replace("films/a.png,ben", "films/a.png,"), 6, "no annotator is given"),
        (LONG.replace("l3,5,6", 'l3,"5"6,6'), 4, "not valid CSV"),
        ("", 1, "the header names no known columns"),
        ("image,a,b\n", 1, "the header names no known columns"),
        ("x1,y1\n1,2\n", 1, "the header names no known columns"),
        ("image,x1,y1,x2\n", 1, "landmark '2' has only one of the columns x and y"),
        ("image,x1,y1,x1\n", 1, "column 'x1' stands there twice"),
        ("image,split,x1,y1\na,train,1,2\na,test1,1,2\n", 3, "split of a is test1 here and train elsewhere"),
    ],
)
def test_a_malformed_table_is_named_with_its_line(tmp_path, three, text, line, words):
    file = _write(tmp_path, text)
    with pytest.raises(AnnotationError, match=words) as caught:
        read_csv(file, landmark_set=three)
    assert caught.value.where == f"{file}:{line}"


def test_no_table_is_refused(tmp_path, three):
    with pytest.raises(InputError, match="holds no CSV file"):
        read_csv(tmp_path, landmark_set=three)


def test_a_table_in_another_encoding_is_named(tmp_path, three):
    file = _write(tmp_path, LONG)
    file.write_bytes(b"image,x1,y1\n\xff\xfe.png,1,2\n")
    with pytest.raises(AnnotationError, match="cannot be read as text"):
        read_csv(file, landmark_set=three)
