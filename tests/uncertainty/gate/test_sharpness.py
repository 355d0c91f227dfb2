from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from cephsure.uncertainty.gate.sharpness import sharpness

BOX = np.array([[30.0, 30.0], [370.0, 370.0]])


def textured(seed=0):
    """1/f texture: the same contrast in every band."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(400)[:, None], np.fft.rfftfreq(400)[None, :])
    spectrum = np.fft.rfft2(rng.normal(size=(400, 400))) / np.maximum(frequency, 1 / 400)
    image = np.fft.irfft2(spectrum, s=(400, 400))
    image = (image - image.min()) / np.ptp(image)
    return image.astype(np.float32)


def blurred(image, radius):
    shown = Image.fromarray(image)
    pixels = np.asarray(shown.resize((400, 400)), dtype=np.float32)
    bytes_ = Image.fromarray((pixels * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(bytes_, dtype=np.float32) / 255


def test_contrast_and_brightness_do_not_matter():
    image = textured()
    plain = sharpness(image, BOX, pitch_px=1.0)
    other = sharpness(0.3 * image + 0.5, BOX, pitch_px=1.0)
    assert (other.detail, other.grain) == pytest.approx((plain.detail, plain.grain), abs=0.01)


def test_blur_takes_detail_and_noise_adds_grain():
    image = textured()
    plain = sharpness(image, BOX, pitch_px=1.0)
    assert sharpness(blurred(image, 3), BOX, pitch_px=1.0).detail < plain.detail - 0.5
    noisy = image + np.random.default_rng(1).normal(0, 0.1, image.shape).astype(np.float32)
    assert sharpness(noisy, BOX, pitch_px=1.0).grain > plain.grain + 0.5


def test_a_film_of_twice_the_resolution_is_as_sharp():
    image = textured()
    double = np.asarray(Image.fromarray(image).resize((800, 800), Image.Resampling.BICUBIC))
    plain, finer = sharpness(image, BOX, pitch_px=2.0), sharpness(double, 2 * BOX, pitch_px=4.0)
    assert finer.detail == pytest.approx(plain.detail, abs=0.1)


@pytest.mark.parametrize(
    ("points", "pitch"),
    [(np.array([[5.0, 5.0], [9.0, 9.0]]), 1.0), (BOX + 1000, 1.0), (BOX, 300.0), (BOX, np.nan), (BOX, 0.0)],
)
def test_what_cannot_be_measured_is_zero(points, pitch):
    found = sharpness(textured(), points, pitch_px=pitch)
    assert (found.detail, found.grain) == (0.0, 0.0)


def test_a_film_without_contrast_is_zero():
    found = sharpness(np.full((400, 400), 0.5, dtype=np.float32), BOX, pitch_px=1.0)
    assert (found.detail, found.grain) == (0.0, 0.0)
