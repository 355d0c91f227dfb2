"""The nine observers' files, by hand-made folders and by the real ones."""

from __future__ import annotations

import numpy as np
import pytest

from cephsure.datasets import AnnotatedFilm, Dataset, read_isbi
from cephsure.datasets.observers import OBSERVED_LANDMARKS, observers_of, read_observers
from cephsure.errors import AnnotationError
from cephsure.landmarks import load_landmark_set

LINE = "009,128.0,206.0,69.4,172.2,127.8,124.3,139.7,176.0,151.3,152.2"


@pytest.fixture
def write(tmp_path):
    """Give ``write(**lines) -> root``: a file an observer."""

    def make(**lines):
        (tmp_path / "RawImage").mkdir(exist_ok=True)
        folder = tmp_path / "AnnotationsByMD" / "nine_observers_5_landmarks"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in lines.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        return tmp_path

    return make


def test_millimetres_become_pixels_in_the_files_order(write):
    found = read_observers(write(observer1=f"{LINE}\n"))
    assert {name: list(films) for name, films in found.items()} == {"observer1": ["009"]}
    assert OBSERVED_LANDMARKS == (9, 10, 3, 12, 15)
    expected = [[1280, 2060], [694, 1722], [1278, 1243], [1397, 1760], [1513, 1522]]
    np.testing.assert_allclose(found["observer1"]["009"], expected)


def test_a_film_that_one_observer_left_out_is_not_there(write):
    found = read_observers(write(observer1=f"{LINE}\n\n", observer2=LINE.replace("009", "151")))
    assert {name: list(films) for name, films in found.items()} == {
        "observer1": ["009"],
        "observer2": ["151"],
    }


def test_without_files_there_is_nobody(tmp_path, write):
    assert read_observers(tmp_path / "absent") == {}
    assert read_observers(write()) == {}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("010,1,2,3", "found 3 numbers"),
        (LINE.replace("009,128.0", "010,abc"), "not a number"),
        (LINE.replace("009,128.0", "010,nan"), "not finite"),
        (LINE, "a second time"),
        ("010", "found 0 numbers"),
    ],
)
def test_a_malformed_line_names_file_and_line(write, line, complaint):
    root = write(observer1=f"{LINE}\n{line}\n")
    with pytest.raises(AnnotationError, match=complaint) as caught:
        read_observers(root)
    assert str(caught.value.where).endswith("observer1.csv:2")


def test_bytes_that_are_no_text_are_refused(write):
    root = write(observer1="")
    file = root / "AnnotationsByMD" / "nine_observers_5_landmarks" / "observer1.csv"
    file.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(AnnotationError, match="text"):
        read_observers(root)


def test_an_opened_data_set_knows_where_its_observers_lie(write):
    root = write(observer1=LINE)
    film = AnnotatedFilm("009", root / "RawImage" / "TrainingData" / "009.bmp", {})
    dataset = Dataset("isbi", load_landmark_set("isbi-19"), (film,))
    assert list(observers_of(dataset)["observer1"]) == ["009"]


@pytest.mark.parametrize("path", ["009.bmp", "somewhere/films/deep/009.bmp"])
def test_a_data_set_of_another_layout_has_none(tmp_path, path):
    film = AnnotatedFilm("009", tmp_path / path, {})
    assert observers_of(Dataset("other", load_landmark_set("isbi-19"), (film,))) == {}
    assert observers_of(Dataset("none", load_landmark_set("isbi-19"), ())) == {}


@pytest.mark.shared
def test_the_real_observers_mark_what_senior_and_junior_mark(shared_data):
    dataset = read_isbi(shared_data / "isbi2015")
    found = observers_of(dataset)
    assert len(found) == 9
    films = {film.film_id: film for film in dataset.films}
    columns = [number - 1 for number in OBSERVED_LANDMARKS]
    away_px = [
        points - films[film_id].annotations["senior"][columns]
        for marked in found.values()
        for film_id, points in marked.items()
    ]
    apart_mm = np.linalg.norm(away_px, axis=-1) * 0.1
    # Another order of landmarks, or another unit, would put them centimetres away.
    assert np.median(apart_mm, axis=0).max() < 5
