from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np

from cephsure.reports.film_report.drawing import Disc, Drawing, Outline, Words, line
from cephsure.reports.film_report.svg import svg


def parsed(*shapes, **changes):
    return ET.fromstring(svg(Drawing(10.0, 20.0, shapes, **changes), label="a <picture>", name="x"))  # noqa: S314 - our own


def test_size_and_what_it_is_for_those_who_cannot_see_it():
    root = parsed()
    assert (root.get("viewBox"), root.get("width"), root.get("role")) == ("0 0 10.00 20.00", "10.00mm", "img")
    assert (root.get("aria-label"), root.get("class")) == ("a <picture>", "x")
    assert ET.fromstring(svg(Drawing(1, 1), label=None)).get("aria-hidden") == "true"  # noqa: S314 - our own


def test_closed_outline_of_two_chains():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    (path,) = parsed(Outline((square, square + 2), fill="band", opacity=0.5, is_closed=True))
    assert path.get("d") == "M0.00 0.00L1.00 0.00L1.00 1.00ZM2.00 2.00L3.00 2.00L3.00 3.00Z"
    assert (path.get("fill"), path.get("stroke"), path.get("opacity")) == ("var(--band)", None, "0.5")


def test_line_disc_and_words():
    path, disc, words = parsed(
        Outline(line((0, 0), (1, 1)), stroke=(255, 0, 16), width=0.3),
        Disc(1, 2, 0.5, "ink", stroke="paper"),
        Words(1, 2, "A<B", 3.0, halo=(0, 0, 0)),
    )
    assert (path.get("fill"), path.get("stroke"), path.get("d")) == (
        "none",
        "#ff0010",
        "M0.00 0.00L1.00 1.00",
    )
    assert (disc.get("fill"), disc.get("stroke")) == ("var(--ink)", "var(--paper)")
    assert (words.text, words.get("paint-order"), words.get("font-size")) == ("A<B", "stroke", "3.0")


def test_picture_lies_in_the_file():
    (image,) = parsed(picture=b"\xff\xd8")
    assert image.get("href") == "data:image/jpeg;base64,/9g="
