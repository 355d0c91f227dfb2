from __future__ import annotations

import io
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("reportlab", reason="PDF is written with reportlab")

from cephsure.reports.film_report.drawing import Disc, Drawing, Outline, Words, line
from cephsure.reports.film_report.pdf_sheet import Sheet

pytestmark = pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="needs poppler's pdftoppm")
PX_PER_MM = 4


def drawn(sheet, tmp_path):
    """The page in four px a mm."""
    file = tmp_path / "sheet.pdf"
    sheet.next_page()
    file.write_bytes(sheet.content())
    command = ["pdftoppm", "-r", str(25.4 * PX_PER_MM), "-png", "-singlefile", file]
    return np.asarray(Image.open(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout)))


def sheet():
    return Sheet(title="a", subject="b")


def test_boxes_and_drawings_lie_where_they_are_said_to(tmp_path):
    page = sheet()
    page.box(20, 30, 10, 5, (255, 0, 0))
    square = line((0, 0), (4, 0), (4, 4), (0, 4))
    hole = line((1, 1), (3, 1), (3, 3), (1, 3))
    page.drawing(50, 60, Drawing(4, 4, (Outline((*square, *hole), fill=(0, 0, 255), is_closed=True),)))
    seen = drawn(page, tmp_path)
    red = np.argwhere((seen == (255, 0, 0)).all(axis=-1)) / PX_PER_MM
    assert np.abs(red.min(axis=0) - (30, 20)).max() < 0.5
    assert np.abs(red.max(axis=0) - (35, 30)).max() < 0.5
    assert seen[int(60.5 * PX_PER_MM), int(50.5 * PX_PER_MM)].tolist() == [0, 0, 255]
    assert seen[62 * PX_PER_MM, 52 * PX_PER_MM].tolist() == [255, 255, 255]  # even and odd


def test_what_lies_beside_a_drawing_is_not_drawn(tmp_path):
    page = sheet()
    page.drawing(50, 60, Drawing(4, 4, (Disc(20, 20, 3, (0, 0, 0)),)))
    assert (drawn(page, tmp_path) == 255).all()


def test_text_ends_where_it_is_said_to_and_tells_what_it_lacks(tmp_path):
    page = sheet()
    width = page.text(100, 50, "12.5°", 20, right=True)
    page.drawing(120, 60, Drawing(40, 10, (Words(0, 8, "x\u0642", 6.0, halo=(255, 255, 255)),)))
    dark = np.argwhere(drawn(page, tmp_path)[: 55 * PX_PER_MM].min(axis=-1) < 128) / PX_PER_MM
    assert 99 < dark[:, 1].max() <= 100.3
    assert dark[:, 1].min() == pytest.approx(100 - width, abs=1)
    assert list(page.lacking) == ["\u0642"]
