from __future__ import annotations

import numpy as np
import pytest

from cephsure.datasets import Dataset
from cephsure.evaluation.label_check import FilmLook, Finding, LabelCheck, LabelledFilms
from cephsure.evaluation.label_check.annotator_distances import annotator_pairs
from cephsure.landmarks import load_landmark_set
from cephsure.uncertainty.text_lines import width_of
from cephsure.workflows.check_lines import check_lines, conclusion, heading_lines
from cephsure.workflows.data_check import DataCheck

SAID = "Ar lies 12.8 mm from where the other points expect it, and the other annotator marks it elsewhere"


@pytest.fixture
def make():
    """Give ``make(findings, names)``: two films, one without a scale, marked by those named."""

    def build(findings=(), names=("ann", "bob"), film_ids=("001", "002"), notes=()):
        small = np.zeros((4, 4), np.uint8)
        marks = load_landmark_set("isbi-19")
        points = {name: 10.0 + np.tile([place, 2.0 * place], (2, 19, 1)) for place, name in enumerate(names)}
        points[names[0]][1, 3] = np.nan
        looks = (FilmLook((40, 50), small, (0.1, 0.1)), FilmLook((40, 50), small))
        films = LabelledFilms(film_ids, tuple(marks.codes), points, looks, (None,) * 2, ("train", "test1"))
        check = LabelCheck(tuple(findings), tuple(annotator_pairs(points, 40.0)), "px", tuple(notes))
        return DataCheck(Dataset("mine", marks, ()), films, check)

    return build


def texts(found, width=80):
    return [line.text for line in check_lines(found, width)]


def test_what_was_read(make):
    assert heading_lines(make()) == [
        "2 films, 19 landmarks of isbi-19",
        "splits: train (1), test1 (1)",
        "annotators and the films they marked: ann (2), bob (2)",
        "sizes: 40 x 50 px",
        "scales: 0.1 mm/px (1), no scale (1)",
    ]


def test_a_row_a_landmark_with_what_is_missing_and_how_far_annotators_are_apart(make):
    (row,) = (line.split() for line in texts(make()) if line.startswith("Po "))
    assert row == ["Po", "1", "0", "2.2", "2.2"]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_nothing_is_cut_and_no_line_too_long(make, width):
    findings = [
        Finding(kind="odd point", said=SAID, film="a-film-of-a-long-name-001", annotator="a. n. other"),
        Finding(kind="habit", said="x", serious=False, annotator="ann, bob"),
        Finding(kind="head size", said="S to N measures 6.1 mm"),
    ]
    lines = texts(make(findings, notes=["ann: not judged"]), width)
    assert max(map(width_of, lines)) <= width
    whole = " ".join(" ".join(lines).split())
    for words in (SAID, "a-film-of-a-long-name-001", "note: ann: not judged", "S to N measures 6.1 mm"):
        assert words in whole


def test_many_annotators_still_fit(make):
    names = tuple(f"observer number {number}" for number in range(1, 8))
    assert max(map(len, texts(make(names=names)))) <= 80


def test_serious_findings_come_first_and_are_counted(make):
    findings = [
        Finding(kind="odd point", said="a", film="001"),
        Finding(kind="odd point", said="b", film="001"),
        Finding(kind="copy", said="c", film="001", serious=False),
    ]
    lines = texts(make(findings))
    assert lines.index("to be looked at: points that do not fit the others (2)") < lines.index(
        "good to know: films that are there twice (1)"
    )
    assert conclusion(make(findings)) == "2 things to be looked at on 1 of 2 films"
    assert conclusion(make(findings[2:])) == "nothing must be looked at"


def test_names_do_not_steer_the_terminal(make):
    found = make([Finding(kind="odd point", said="a\x1b[2J", film="\x1b[31mred")], names=("an\x07n",))
    assert not any(letter in text for text in texts(found) for letter in "\x1b\x07")
