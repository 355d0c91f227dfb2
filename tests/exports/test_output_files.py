from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.exports.output_files import film_reference, film_stem, readable_json, unique_stems

PARTS = st.sampled_from(["a", "A", "b", "é", "e\u0301", "a_1", "1", "..", "x y", "a.mrk", "a.b"])
SUFFIXES = st.sampled_from([".png", ".PNG", ".jpg", ".dcm", "", ".113", "_png", "_2"])
PATHS = st.builds(
    lambda folders, name, suffix, absolute: Path("/" if absolute else "", *folders, name + suffix),
    st.lists(PARTS, max_size=3),
    PARTS.filter(lambda part: part != ".."),
    SUFFIXES,
    st.booleans(),
)


@pytest.mark.slow
@given(st.lists(PATHS, max_size=12))
def test_no_two_films_share_a_name_on_any_file_system(paths):
    stems = unique_stems(paths)
    assert len(stems) == len(paths)
    seen_by_a_mac = {unicodedata.normalize("NFD", stem).casefold() for stem in stems}
    assert len(seen_by_a_mac) == len(paths)
    assert all(stem and "/" not in stem and "\\" not in stem for stem in stems)


@pytest.mark.slow
@given(
    st.lists(
        PATHS, max_size=8, unique_by=lambda path: unicodedata.normalize("NFC", film_stem(path)).casefold()
    )
)
def test_films_of_different_names_keep_them(paths):
    assert unique_stems(paths) == [film_stem(path) for path in paths]


@given(st.lists(PATHS, max_size=6))
def test_no_format_of_one_film_is_a_file_of_another(paths):
    files = [
        stem + suffix
        for stem in unique_stems(paths)
        for suffix in (".json", ".mrk.json", ".coco.json", ".labelme.json", ".csv")
    ]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in files}) == len(files)


@pytest.mark.parametrize(
    ("paths", "stems"),
    [
        ([], []),
        (["001.png"], ["001"]),
        (["north/001.png", "south/001.png"], ["north_001", "south_001"]),
        (["x/a/001.png", "y/a/001.png"], ["x_a_001", "y_a_001"]),
        (["001.png", "north/001.png"], ["001", "north_001"]),
        (["001.png", "001.dcm"], ["001_png", "001_dcm"]),
        (["a/001.png", "a/001.png"], ["a_001_png", "a_001_png_2"]),
        # Folders that differ by case alone do not tell files apart where case is ignored.
        (["a/001.png", "A/001.png"], ["a_001_png", "A_001_png_2"]),
        # A film that is called as another one would be renamed keeps its name.
        (["a/1.png", "b/1.png", "c/a_1.png"], ["a_1_2", "b_1", "a_1"]),
    ],
)
def test_films_of_one_name_are_told_apart(paths, stems):
    assert unique_stems(paths) == stems


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("x/007.PNG", "007"),
        ("007.tiff", "007"),
        ("scan.2.dcm", "scan.2"),
        ("1.2.840.113", "1.2.840.113"),
        ("IM0001", "IM0001"),
        ("a.mrk.png", "a_mrk"),
        (None, "film"),
    ],
)
def test_stem_is_the_name_without_a_films_suffix(path, stem):
    assert film_stem(path) == stem


def test_reference_leads_from_the_output_to_the_film(tmp_path, monkeypatch):
    (tmp_path / "films").mkdir()
    film = tmp_path / "films" / "001.png"
    film.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert film_reference("films/001.png", Path("out")) == "../films/001.png"
    assert film_reference(str(film), tmp_path / "out" / "deep") == "../../films/001.png"
    assert film_reference(None, tmp_path) == "film"


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


@pytest.mark.slow
@given(st.dictionaries(st.text(), VALUES))
def test_any_document_reads_back_unchanged(document):
    assert json.loads(readable_json(document)) == document


def test_objects_of_a_list_stand_one_a_line():
    text = readable_json({"points": [{"x": 1}, {"x": 2}], "none": [], "pair": [1, 2]})
    assert text.splitlines() == [
        "{",
        '  "points": [',
        '    {"x": 1},',
        '    {"x": 2}',
        "  ],",
        '  "none": [],',
        '  "pair": [1, 2]',
        "}",
    ]


def test_letters_beyond_ascii_stay_readable():
    assert "Müller" in readable_json({"film": "Müller"})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        readable_json({"x": value})
