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
        (LONG.replace("l3,5,6", 'l3,"5"6,6'), 4, "not valid CSV"),
        ("", 1, "the header names no known columns"),
        ("image,a,b\n", 1, "the header names no known columns"),
        ("x1,y1\n1,2\n", 1, "the header names no known columns"),
        ("image,x1,y1,x2\n", 1, "landmark '2' has only one of the columns x and y"),
        ("image,x1,y1,x1\n", 1, "column 'x1' stands there twice"),
        ("image,x1,y1\na.png,1\nb.png,2\n", 2, "has 2 cells, the header has 3 .so are 1 more of 2 rows"),
        ("image,S_x_mm,S_y_mm\na.png,1,2\n", 1, "the header names no known columns .*in pixels"),
    ],
)
def test_a_malformed_table_is_named_with_its_line(tmp_path, three, text, line, words):
    file = _write(tmp_path, text)
    with pytest.raises(AnnotationError, match=words) as caught:
        read_csv(file, landmark_set=three)
    assert caught.value.where == f"{file}:{line}"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (LONG.replace("3.5,4", "3.5,four"), 3, "landmark '2': '3.5', 'four' is no position"),
        (LONG.replace("3.5,4", "3.5,"), 3, "landmark '2': '3.5', '' is no position"),
        (LONG.replace("3.5,4", "3.5,1_0"), 3, "landmark '2': '3.5', '1_0' is no position"),
        (LONG.replace("3.5,4", "3.5,inf"), 3, "landmark '2': the position is not finite"),
        (LONG.replace("3.5,4", "3.5"), 3, "has 4 cells, the header has 5"),
        (LONG.replace("films/a.png,ben", ",ben"), 6, "no image is given"),
        (LONG.replace("films/a.png,ben", "films/a.png,"), 6, "no annotator is given"),
        (
            "image,split,x1,y1\nfilms/a.png,train,1,2\nfilms/a.png,test1,1,2\n",
            3,
            "split of a.png is test1 here and train elsewhere",
        ),
    ],
)
def test_a_malformed_row_is_named_and_passed_over(tmp_path, three, text, line, words):
    file = _write(tmp_path, text)
    dataset = read_csv(file, landmark_set=three)
    assert f"{file}:{line}: {words}; passed over" in dataset.problems
    assert dataset.films[0].path == tmp_path / "films" / "a.png"


@pytest.mark.parametrize("nothing", ["", "NaN", "nan", "NA", "N/A", "#N/A", "null", "None", "<NA>", "-"])
def test_whatever_tools_write_for_nothing_is_a_missing_point(tmp_path, three, nothing):
    text = f"image,x1,y1,x2,y2,x3,y3\nfilms/a.png,{nothing},{nothing},3,4,5,6\n"
    (film,) = read_csv(_write(tmp_path, text), landmark_set=three).films
    np.testing.assert_array_equal(film.annotations["points"], [[NAN, NAN], [3, 4], [5, 6]])


SHEETS = {
    "code before the axis": "film,S_x,S_y,N_x,N_y,Pog'_x,Pog'_y\nfilms/a.png,1.5,2,3,4,5,6\n",
    "axis after a point": "film,S.x,S.y,N.x,N.y,Pog'.x,Pog'.y\nfilms/a.png,1.5,2,3,4,5,6\n",
    "names": "file,Point S x,Point S y,point n (x),point n (y),Pog’ x,Pog’ y\nfilms/a.png,1.5,2,3,4,5,6\n",
    "numbers": "file,scale,p1x,p1y,p2x,p2y,p3x,p3y\nfilms/a.png,0.1,1.5,2,3,4,5,6\n",
    "semicolons, decimal commas": "\ufeffIMAGE;X_S;Y_S;X_N;Y_N;X_POG';Y_POG'\nfilms/a.png;1,5;2;3;4;5;6\n",
    "tabs": "image\tS_x\tS_y\tN_x\tN_y\tPog'_x\tPog'_y\nfilms/a.png\t1,5\t2\t3\t4\t5\t6\n",
    "long, semicolons": "Film;Landmark;X;Y\nfilms/a.png;S;1,5;2\nfilms/a.png;N;3;4\nfilms/a.png;pog';5;6\n",
    "without suffix": "id,S_x,S_y,N_x,N_y,Pog'_x,Pog'_y\na,1.5,2,3,4,5,6\n",
}


@pytest.mark.parametrize("kind", SHEETS)
def test_tables_as_people_keep_them(tmp_path, three, kind):
    (film,) = read_csv(_write(tmp_path, SHEETS[kind]), landmark_set=three).films
    assert film.path == tmp_path / "films" / "a.png"
    np.testing.assert_array_equal(film.annotations["points"], [[1.5, 2], [3, 4], [5, 6]])
    if kind == "numbers":
        assert film.spacing.x_mm_per_px == 0.1


def test_a_spreadsheet_is_read_as_a_table(tmp_path, three):
    openpyxl = pytest.importorskip("openpyxl")
    _write(tmp_path, "")
    book = openpyxl.Workbook()
    for row in (
        ["image", "S_x", "S_y", "N_x", "N_y", "Pog'_x", "Pog'_y"],
        [],
        ["films/a.png", 1.5, 2, None, None, 5, 6],
        ["films/b.png", 7, 8, 9, 10],
    ):
        book.active.append(row)
    book.save(tmp_path / "anna.xlsx")
    first, second = read_csv(tmp_path / "anna.xlsx", landmark_set=three).films
    np.testing.assert_array_equal(first.annotations["anna"], [[1.5, 2], [NAN, NAN], [5, 6]])
    np.testing.assert_array_equal(second.annotations["anna"], [[7, 8], [9, 10], [NAN, NAN]])


def test_what_only_looks_like_a_spreadsheet_is_named(tmp_path, three):
    pytest.importorskip("openpyxl")
    file = tmp_path / "anna.xlsx"
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(AnnotationError, match="is no spreadsheet that can be read"):
        read_csv(file, landmark_set=three)


def test_no_table_is_refused(tmp_path, three):
    with pytest.raises(InputError, match="holds no CSV file"):
        read_csv(tmp_path, landmark_set=three)


def test_a_table_in_another_encoding_is_named(tmp_path, three):
    file = _write(tmp_path, LONG)
    file.write_bytes(b"image,x1,y1\n\xff\xfe.png,1,2\n")
    with pytest.raises(AnnotationError, match="is not UTF-8 text"):
        read_csv(file, landmark_set=three)


def _table(tmp_path, text, three, films=("a.png",)):
    for name in films:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"not opened by the reader")
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    return read_csv(tmp_path / "t.csv", landmark_set=three)


@pytest.mark.parametrize(
    "text",
    [
        "film;S_x;S_y\n;px;px\na.png;10;20\n",
        "Study of 2024\n\nfilm;S_x;S_y\na.png;10;20\n",
        "sep=;\nfilm;S_x;S_y\na.png;10;20\n",
        "film,Sella [X],Sella [Y]\na.png,10,20,\n".replace("Sella", "S"),
        "film,S X [px],S Y [px]\na.png,10,20\n",
        "film,landmark,x,y,unit\na.png,S,10,20,px\n",
    ],
)
def test_titles_units_and_delimiters_around_a_table(tmp_path, three, text):
    dataset = _table(tmp_path, text, three)
    assert dataset.films[0].annotations["t"][0].tolist() == [10, 20]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("film,S_x,S_y\n,mm,mm\na.png,1,2\n", 2),
        ("film,landmark,x,y,unit\na.png,S,1,2,px\na.png,N,1,2,mm\n", 3),
    ],
)
def test_positions_in_mm_are_refused(tmp_path, three, text, line):
    with pytest.raises(AnnotationError, match="must be in pixels, these are in mm") as caught:
        _table(tmp_path, text, three)
    assert str(caught.value.where).endswith(f"t.csv:{line}")


def test_films_named_once_for_their_rows(tmp_path, three):
    """As merged cells come out of spreadsheets; a single row without its film is odd."""
    text = "film,landmark,x,y\na.png,S,1,2\n,N,3,4\n,Pog',5,6\nb.png,S,7,8\n,N,9,10\n"
    dataset = _table(tmp_path, text, three, ("a.png", "b.png"))
    first, second = dataset.films
    np.testing.assert_array_equal(first.annotations["t"], [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(second.annotations["t"], [[7, 8], [9, 10], [NAN, NAN]])
    assert "t.csv: 3 rows name no film; that of the row above is taken" in dataset.problems


@pytest.mark.parametrize("number", ["1", "1.0", "001"])
def test_films_called_by_numbers(tmp_path, three, number):
    """Spreadsheets take the zeros from 001, and write 1.0."""
    dataset = _table(tmp_path, f"film,S_x,S_y\n{number},10,20\n", three, ("001.png", "x/1.png"))
    assert dataset.films[0].path == tmp_path / "001.png"


def test_films_of_the_same_number_are_not_guessed(tmp_path, three):
    with pytest.raises(InputError, match=r"film 1: its image .* is missing"):
        _table(tmp_path, "film,S_x,S_y\n1.0,10,20\n", three, ("001.png", "01.png"))


def test_many_unknown_columns_are_named_in_short(tmp_path, three):
    head = ",".join(f"c{k}" for k in range(3000))
    (line, *_) = _table(tmp_path, f"film,S_x,S_y,{head}\na.png,1,2{',' * 3000}\n", three).problems
    assert line.endswith("c18, c19, ...")
