from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from cephsure.evaluation.label_check import Finding, Mark
from cephsure.reports.check_page import Pictured, check_page, picture
from cephsure.uncertainty.text_lines import Column

PIXELS = np.linspace(0, 1, 300 * 200, dtype=np.float32).reshape(300, 200)


def page(findings, **options):
    facts = {
        "name": "mine",
        "facts": ["2 films"],
        "conclusion": "1 thing to be looked at",
        "remark": "a look",
        "table": (Column("code", ("S", "N")), Column("missing", ("0", "1"), right=True)),
        "titles": {"odd point": "odd", "copy": "copies"},
        "notes": ["too few"],
    }
    return check_page(**(facts | options), findings=findings)


def test_the_page_needs_no_other_file_and_is_for_research():
    text = page(
        [(Finding(kind="odd point", said="S is off", film="001"), [picture(Pictured("001", PIXELS))])]
    )
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text
    assert "Research use only. Not a medical device." in text
    for words in ("2 films", "1 thing to be looked at", "Note: too few", "S is off", "a look"):
        assert words in text


def test_findings_stand_under_their_kind_with_or_without_pictures():
    text = page(
        [
            (Finding(kind="odd point", said="first", film="001"), ["<svg></svg>"]),
            (Finding(kind="odd point", said="second", film="002"), []),
            (Finding(kind="copy", said="third", serious=False), []),
        ]
    )
    assert "To be looked at: odd (2)" in text
    assert "Good to know: copies (1)" in text
    assert text.index("first") < text.index("second") < text.index("third")
    assert text.count('<figure class="card">') == 1


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\x1b[2J"])
def test_text_from_outside_is_text(words):
    marks = (Mark(words, (10.0, 10.0)),)
    finding = Finding(kind="odd point", said=words, film=words, annotator=words, marks=marks)
    text = page(
        [(finding, [picture(Pictured(words, PIXELS, marks))]), (finding, [])],
        name=words,
        facts=[words],
        notes=[words],
        table=(Column(words, (words,)),),
    )
    for part in ("<script", "<img", "\x1b"):
        assert part not in text


def drawn(shown):
    root = ET.fromstring(picture(shown).replace("<svg ", '<svg xmlns:x="x" ', 1))  # noqa: S314 - our own text
    return root, [float(value) for value in root.attrib["viewBox"].split()]


def test_points_are_shown_where_they_are_on_the_part_round_them():
    marks = (Mark("S", (50.0, 60.0)), Mark("S", (58.0, 66.0), "expected"), Mark("S", (52.0, 61.0), "other"))
    root, (left, top, width, height) = drawn(
        Pictured("001", PIXELS, marks, np.array([[55.0, 62], [190, 290]]))
    )
    assert width < 100
    assert height < 100
    circle = next(each for each in root.iter("circle") if each.attrib["class"] == "expected shape")
    assert (float(circle.attrib["cx"]), float(circle.attrib["cy"])) == (58.5, 66.5)
    for at in ((50, 60), (58, 66)):
        assert left < at[0] < left + width
        assert top < at[1] < top + height
    # Of the faint points only that which lies in the part; a line leads to where the point is expected.
    assert sum(each.attrib["class"] == "rest" for each in root.iter("circle")) == 1
    assert len(list(root.iter("line"))) == 1
    assert [each.text for each in root.iter("text")] == ["S", "S"]


def test_the_whole_film_is_shown_for_many_points_or_none():
    many = tuple(Mark(str(number), (10.0 * number, 20.0)) for number in range(8))
    for shown in (Pictured("001", PIXELS), Pictured("001", PIXELS, many)):
        assert drawn(shown)[1] == [0, 0, 200, 300]


def test_points_outside_are_shown_beside_the_film_and_those_far_off_at_its_side():
    _, (left, _, width, height) = drawn(Pictured("001", PIXELS, (Mark("S", (240.0, 20.0)),)))
    assert (left, width, height) == (0, 240, 300)
    _, (_, _, width, _) = drawn(Pictured("001", PIXELS, (Mark("S", (9e6, 20.0)),)))
    assert width == 300


def test_codes_that_would_cover_one_another_are_left_out_but_no_symbol():
    marks = [Mark(f"L{number}", (100.0 + number, 100.0)) for number in range(3)] + [Mark("S", (20.0, 20.0))]
    root, _ = drawn(Pictured("001", PIXELS, marks))
    assert {each.text for each in root.iter("text")} == {"L0", "S"}
    assert sum(each.attrib["class"] == "marked shape" for each in root.iter("path")) == 4


@pytest.mark.parametrize(("step", "least", "most"), [(0.2, 100, 255), (0.001, 0, 10)])
def test_a_dark_part_is_stretched_but_not_its_noise(step, least, most):
    film = np.zeros((400, 400), dtype=np.float32)
    film[:, 200:] = 1.0
    film[:80, 40:80] = step
    root, _ = drawn(Pictured("001", film, (Mark("S", (40.0, 40.0)),)))
    address = next(root.iter("image")).attrib["href"]
    with Image.open(io.BytesIO(b64decode(address.partition(",")[2]))) as part:
        greys = np.asarray(part, dtype=np.float64)
    assert least <= greys.max() - greys.min() <= most


def test_the_key_has_the_symbols_that_are_shown():
    marks = (Mark("S", (50.0, 60.0)), Mark("S", (58.0, 66.0), "expected"))
    shown = [picture(Pictured("001", PIXELS, marks))]
    text = page([(Finding(kind="odd point", said="first", film="001", marks=marks), shown)])
    assert "where the other points expect it</span>" in text
    assert "another annotator's mark</span>" not in text
    text = page([(Finding(kind="copy", said="third", film="001"), [picture(Pictured("001", PIXELS))])])
    assert 'class="key"' not in text


def test_a_column_that_is_empty_is_not_shown():
    text = page([(Finding(kind="copy", said="third", film="001"), [])])
    assert "<th>film</th>" in text
    assert "<th>whose</th>" not in text


def test_a_large_film_is_reduced():
    large = np.zeros((3000, 2000), dtype=np.float32)
    assert len(picture(Pictured("001", large))) < 60_000
