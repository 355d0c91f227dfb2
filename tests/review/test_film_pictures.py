from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image

from cephsure.errors import FilmError
from cephsure.films import Film, Spacing, SpacingSource
from cephsure.review import film_pictures
from cephsure.review.film_pictures import THUMBNAIL_SIDE, ReadFilm, grey_values, reading_desk, thumbnail


@pytest.mark.parametrize("steps", [255, 15, 3, 1])
def test_grey_values_of_8_bits_are_kept(steps):
    values = np.arange(steps + 1) * (255 // steps)
    grey, bits = grey_values((values / 255).astype(np.float32).reshape(1, -1))
    assert (grey.dtype, bits) == (np.uint8, 8)
    assert grey[0].tolist() == values.tolist()


def test_deeper_grey_values_are_kept_in_16_bits():
    values = np.arange(4096)
    grey, bits = grey_values((values / 4095).astype(np.float32).reshape(1, -1))
    assert (grey.dtype.str, bits) == ("<u2", 16)
    assert len(np.unique(grey)) == 4096
    assert (grey[0, 0], grey[0, -1]) == (0, 65535)


def picture(pixels, spacing=None):
    return Film(pixels=pixels.astype(np.float32), spacing=spacing)


def test_thumbnail_has_square_pixels():
    pixels = np.linspace(0.4, 0.6, 400 * 300).reshape(400, 300)
    small = Image.open(io.BytesIO(thumbnail(picture(pixels))))
    assert small.size == (180, THUMBNAIL_SIDE)
    assert small.getextrema()[0] < 20  # greys are stretched
    assert small.getextrema()[1] > 235
    flat = picture(pixels, Spacing(0.2, 0.1, SpacingSource.USER))
    assert Image.open(io.BytesIO(thumbnail(flat))).size == (240, 160)


def test_thumbnail_of_one_grey():
    assert Image.open(io.BytesIO(thumbnail(picture(np.full((100, 100), 0.5))))).size == (240, 240)


def test_film_is_read(film_folder):
    found = ReadFilm(film_folder / "a.png").run(object(), lambda *_: None)
    assert len(found.grey) == found.width_px * found.height_px * found.bits // 8
    assert len(found.sha256) == 64


def test_what_is_no_film_is_said(film_folder):
    with pytest.raises(FilmError):
        ReadFilm(film_folder / "c.png").run(object(), lambda *_: None)


def test_memory_of_the_process_that_reads_is_limited(monkeypatch):
    resource = pytest.importorskip("resource")
    limits = []
    monkeypatch.setattr(resource, "setrlimit", lambda what, pair: limits.append((what, pair)))
    reading_desk()
    what, (soft, _) = limits[0]
    assert what == resource.RLIMIT_AS
    assert soft > 2**31
    limits.clear()
    monkeypatch.setattr(film_pictures, "_address_space", lambda: 0)  # where the system does not tell
    reading_desk()
    assert [what for what, _ in limits] == [resource.RLIMIT_CORE]


def test_systems_without_limits_read_all_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert reading_desk() is not None


def test_address_space_is_unknown_elsewhere(monkeypatch):
    assert film_pictures._address_space() >= 0
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: "nonsense")
    assert film_pictures._address_space() == 0
