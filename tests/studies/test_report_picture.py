from __future__ import annotations

import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from cephsure.studies.report_picture import inlined, picture_html
from cephsure.studies.result import DrawnFigure

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'


def png(width=40, height=20, *, grain=False):
    rng = np.random.default_rng(0)
    pixels = (
        rng.integers(0, 256, (height, width, 3), np.uint8)
        if grain
        else np.zeros((height, width, 3), np.uint8)
    )
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", dpi=(130, 130))
    return stream.getvalue()


def figure(svg=SVG, picture=None, **words):
    given = {"caption": "A < B", "alt": "error against angle"} | words
    return DrawnFigure(given["caption"], given["alt"], {"svg": svg, "png": picture or png()})


def test_curves_stay_curves():
    assert inlined(figure()) == ("image/svg+xml", SVG)


@pytest.mark.parametrize("svg", [SVG[:-6] + b"<image/></svg>", SVG + b" " * 400_001])
def test_pixels_and_large_drawings_are_pictures(svg):
    kind, content = inlined(figure(svg))
    assert kind == "image/png"
    assert content == png()


def test_a_large_film_picture_is_a_jpeg():
    large = png(400, 400, grain=True)
    kind, content = inlined(figure(SVG + b"<image/>", large))
    assert kind == "image/jpeg"
    assert len(content) < len(large)
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (400, 400)
    # A drawing without pixels keeps its edges.
    assert inlined(figure(SVG + b" " * 400_001, large))[0] == "image/png"


def test_html():
    html = picture_html(figure(), title="Figure 2.1")
    before, _, rest = html.partition('src="data:image/svg+xml;base64,')
    assert b64decode(rest.partition('"')[0]) == SVG
    assert 'class=""' in before
    assert 'alt="Figure 2.1: error against angle"' in html
    assert "<figcaption><b>Figure 2.1.</b> A &lt; B</figcaption>" in html
    # 40 x 20 px at 130 px an inch, in CSS pixels of 96 an inch.
    assert 'width="30" height="15" style="--wide: 30px"' in html


def test_what_is_said_is_escaped():
    html = picture_html(figure(caption='"><script>', alt='" onload="x'), title="F")
    assert "<script>" not in html
    assert 'onload="x' not in html


def test_a_wide_figure_scrolls_on_a_small_screen():
    assert '<figure class="wide">' in picture_html(figure(picture=png(1300, 20)), title="F")
