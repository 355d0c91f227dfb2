"""Text files of x,y lines as people have them."""

from __future__ import annotations

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from label_files import POINTS, write_film


@pytest.mark.parametrize(
    "lines",
    [
        ["{0},{1}"] * 3,
        ["", "{0},{1}", "", "{0},{1}", "{0},{1}", "", "1"],
        ["{0:e} {1:e}"] * 3,
        ["{0}\t{1}"] * 3,
    ],
)
@pytest.mark.parametrize(("end", "encoding"), [("\n", "utf-8"), ("\r\n", "utf-8-sig"), ("\n", "utf-16")])
def test_empty_lines_exponents_and_encodings(tmp_path, three, lines, end, encoding):
    write_film(tmp_path / "a.png")
    points = iter(POINTS)
    text = end.join(line.format(*next(points)) if "{" in line else line for line in lines)
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    (found,) = open_dataset(tmp_path / "a.txt", landmark_set=three).films[0].annotations.values()
    np.testing.assert_allclose(found, POINTS)


@pytest.mark.parametrize("name", ["a_landmark.txt", "a-points.txt", "a.txt"])
def test_a_file_is_called_as_its_film_but_for_what_it_holds(tmp_path, three, name):
    film = write_film(tmp_path / "images" / "a.png")
    file = tmp_path / "labels" / name
    file.parent.mkdir()
    file.write_text("\n".join(f"{x},{y}" for x, y in POINTS), encoding="utf-8")
    assert open_dataset(file, landmark_set=three).films[0].path == film
