from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from cephsure.uncertainty.gate.greys import Greys, head_greys

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
    plain = head_greys(image, BOX, pitch_px=1.0)
    other = head_greys(0.3 * image + 0.5, BOX, pitch_px=1.0)
    assert (other.detail, other.grain) == pytest.approx((plain.detail, plain.grain), abs=0.01)


def test_blur_takes_detail_and_noise_adds_grain():
    image = textured()
    plain = head_greys(image, BOX, pitch_px=1.0)
    assert head_greys(blurred(image, 6), BOX, pitch_px=1.0).detail < plain.detail - 0.3
    assert head_greys(blurred(image, 1), BOX, pitch_px=1.0).detail > plain.detail - 0.15
    mottle = np.kron(np.random.default_rng(1).normal(0, 0.1, (200, 200)), np.ones((2, 2)))
    noisy = image + mottle.astype(np.float32)
    assert head_greys(noisy, BOX, pitch_px=1.0).grain > plain.grain + 0.2


def test_a_film_of_twice_the_resolution_is_as_sharp():
    image = textured()
    double = np.asarray(Image.fromarray(image).resize((800, 800), Image.Resampling.BICUBIC))
    plain, finer = head_greys(image, BOX, pitch_px=2.0), head_greys(double, 2 * BOX, pitch_px=4.0)
    assert finer.detail == pytest.approx(plain.detail, abs=0.02)
    assert finer.grain == pytest.approx(plain.grain, abs=0.05)
    assert finer.white == pytest.approx(plain.white, abs=0.01)


def test_over_exposure_is_white_on_positive_and_negative():
    image = textured()
    burnt = np.minimum(2 * image, 1.0)
    assert head_greys(image, BOX, pitch_px=1.0).white < 0.01
    assert head_greys(burnt, BOX, pitch_px=1.0).white > 0.3
    assert head_greys(1.0 - burnt, BOX, pitch_px=1.0, negative=True).white > 0.3
    assert head_greys(1.0 - burnt, BOX, pitch_px=1.0).white < 0.01


@pytest.mark.parametrize(
    ("points", "pitch"),
    [
        (np.array([[5.0, 5.0], [9.0, 9.0]]), 1.0),
        (BOX + 1000, 1.0),
        (BOX, 300.0),
        (BOX, 0.0),
        (BOX, 12.0),
        (BOX, np.nan),
    ],
)
def test_what_cannot_be_measured_is_zero(points, pitch):
    assert head_greys(textured(), points, pitch_px=pitch) == Greys()


def test_a_film_without_contrast_is_zero():
    assert head_greys(np.full((400, 400), 0.5, dtype=np.float32), BOX, pitch_px=1.0) == Greys()
