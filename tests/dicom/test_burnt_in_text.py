from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from cephsure.dicom.burnt_in_text import where_letters_seem


def lettered(pixels, place, shade, words="Muster^Anna"):
    image = Image.fromarray((pixels * 255).astype(np.uint8))
    ImageDraw.Draw(image).text(place, words, fill=shade, font=ImageFont.load_default(size=18))
    return np.asarray(image) / np.float32(255)


@pytest.fixture(scope="module")
def head(draw_head):
    pixels, _ = draw_head(np.random.default_rng(1), width_px=774, height_px=960)
    return 0.15 + 0.7 * pixels  # no shade of the head is a letter's


def test_a_head_has_no_letters(head):
    assert where_letters_seem(head) == ()


@pytest.mark.parametrize(
    ("place", "border"),
    [((300, 20), "top"), ((300, 920), "bottom"), ((5, 450), "left"), ((664, 450), "right")],
)
@pytest.mark.parametrize("shade", [0, 255])
def test_letters_at_a_border_are_found(head, place, border, shade):
    assert border in where_letters_seem(lettered(head, place, shade))


def test_few_spots_and_noise_are_no_letters(head):
    assert where_letters_seem(lettered(head, (300, 20), 255, "A B")) == ()
    noise = np.random.default_rng(0).uniform(size=(900, 700)).astype(np.float32)
    assert where_letters_seem(noise) == ()
