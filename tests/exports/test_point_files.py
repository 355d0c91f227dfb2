"""Points alone: what each format takes back is what was written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cephsure.datasets import open_dataset, read_marked_points
from cephsure.datasets.xml_file import read_xml
from cephsure.errors import InputError
from cephsure.exports import FilmPoints, write_points
from cephsure.exports.point_files import ONE_FILM, WRITERS
from cephsure.landmarks import load_landmark_set

ISBI = load_landmark_set("isbi-19")
SIZE = (90, 120)
SUFFIXES = {"csv": ".csv", "cvat": ".xml", "tps": ".tps", "slicer": ".mrk.json"}

POINT = st.one_of(st.none(), st.tuples(st.floats(0.01, SIZE[0] - 1), st.floats(0.01, SIZE[1] - 1)))
POINTS = st.lists(POINT, min_size=19, max_size=19).filter(any)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("films")
    for name in ("001", "Müller é, “2” & <3>"):
        pixels = np.random.default_rng(0).integers(0, 255, SIZE[::-1], np.uint8)
        Image.fromarray(pixels).save(root / f"{name}.png")
    return root


def _film(path, points, scale=None):
    array = np.array([(np.nan, np.nan) if point is None else point for point in points], dtype=np.float64)
    return FilmPoints.marked(str(path), array, ISBI, size_px=SIZE, mm_per_px=scale), array


@pytest.mark.parametrize("fmt", WRITERS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(first=POINTS, second=POINTS)
def test_what_was_written_is_read_back(folder, fmt, first, second):
    """To a hundredth of a pixel, missing points missing; and written again it is the same file."""
    paths = sorted(folder.glob("*.png"))
    given = [_film(path, points, (0.1, 0.2)) for path, points in zip(paths, (first, second), strict=True)]
    given = given[: 1 if fmt in ONE_FILM else 2]
    file = folder / f"{paths[0].stem if fmt == 'slicer' else 'anna'}{SUFFIXES.get(fmt, '.json')}"
    try:
        write_points([film for film, _ in given], fmt, file)
        dataset = open_dataset(file)
        by_path = {film.path: film for film in dataset.films}
        for path, (_, points) in zip(paths, given, strict=False):
            (found,) = by_path[path].annotations.values()
            np.testing.assert_allclose(found, points, atol=0.01)
        marked = {film.name: film for film in read_marked_points(file, landmark_set=ISBI)}
        assert len(marked) == len(given)
        again = [
            FilmPoints.marked(str(film.path), truth, ISBI, size_px=SIZE, mm_per_px=(0.1, 0.2))
            for film in sorted(dataset.films, key=lambda film: film.path)
            for truth in film.annotations.values()
        ]
        before = file.read_text("utf-8")
        after = write_points(again, fmt, file).read_text("utf-8")
        if fmt in ("cvat", "csv", "tps"):  # the others keep every digit
            assert after == before
    finally:
        file.unlink(missing_ok=True)


def test_cvat_and_label_studio_count_from_the_corner(tmp_path):
    """The first pixel's centre, (0, 0) here, is (0.5, 0.5) there; y of tps counts from below."""
    film, _ = _film("a.png", [(0.0, 0.0)] + [None] * 18)
    assert 'points="0.5000,0.5000"' in WRITERS["cvat"]([film], tmp_path)
    assert f'"x": {0.5 / 90 * 100}' in WRITERS["label-studio"]([film], tmp_path)
    assert "0.0000 119.0000\n-1.0000 -1.0000\n" in WRITERS["tps"]([film], tmp_path)


def test_unknown_formats_and_several_films_of_one_file_are_refused(tmp_path):
    film, _ = _film("a.png", [(1.0, 1.0)] * 19)
    with pytest.raises(InputError, match=r"points are not written as 'via' \(known: labelme, coco"):
        write_points([film], "via", tmp_path / "a")
    with pytest.raises(InputError, match="one film a file"):
        write_points([film, film], "slicer", tmp_path / "a")


def test_whatever_is_said_of_a_film_may_stand_in_a_comment(tmp_path):
    film, _ = _film("a.png", [(1.0, 1.0)] * 19)
    text = WRITERS["cvat"]([replace(film, said="<--- a --> b ---")], tmp_path)
    (tmp_path / "c.xml").write_text(text, encoding="utf-8")
    assert read_xml(text, where=tmp_path / "c.xml").tag == "annotations"
