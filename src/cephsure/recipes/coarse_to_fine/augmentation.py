"""Films as they may come: random grey curves, blur, noise, collimators, rulers; random poses and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from cephsure.geometry import Affine, Warp, WaveField, linear

if TYPE_CHECKING:
    from numpy.typing import NDArray


def grey_curve(images: list[NDArray[np.float32]], rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """One random rising grey curve for all images of a film, in [0, 1]: gamma, then an S-curve, then gain."""
    gamma = np.float32(np.exp(rng.normal(0, 0.35)))
    bend = np.float32(rng.uniform(-0.6, 0.9))
    gain, lift = np.float32(rng.uniform(0.75, 1.1)), np.float32(rng.uniform(-0.05, 0.15))

    def curve(image: NDArray[np.float32]) -> NDArray[np.float32]:
        x = np.maximum(image, np.float32(1e-4)) ** gamma
        x = x + bend * x * (1 - x) * (2 * x - 1)
        bent: NDArray[np.float32] = np.clip(gain * x + lift, 0, 1)
        return bent

    return [curve(image) for image in images]


def blur_and_noise(images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Unsharpness (or sharpening) and grain, alike for all images (N, H, W) of a film."""
    choice = rng.uniform()
    if choice < 0.35:
        images = ndimage.gaussian_filter(images, (0, *[rng.uniform(0.3, 1.3)] * 2))
    elif choice < 0.5:
        soft = ndimage.gaussian_filter(images, (0, 1.0, 1.0))
        images = images + np.float32(rng.uniform(0.2, 1.0)) * (images - soft)
    if rng.uniform() < 0.6:
        grain = rng.standard_normal(images.shape, dtype=np.float32)
        images = images + np.float32(rng.uniform(0.002, 0.05)) * grain
    return images


def furniture(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """What else is on films, drawn on a whole view (side, side): collimators, rulers, ear rods, plates."""
    image = image.copy()
    side = image.shape[0]
    if rng.uniform() < 0.45:
        _collimate(image, rng)
    for _ in range(rng.integers(0, 4)):
        width, height = rng.uniform(0.01, 0.12, 2) * side
        x, y = rng.uniform(0, side, 2)
        box = (slice(int(y), int(y + height) + 1), slice(int(x), int(x + width) + 1))
        image[box] = rng.choice([0.0, 1.0, rng.uniform()])
    if rng.uniform() < 0.3:
        yy, xx = np.mgrid[:side, :side]
        cx, cy = rng.uniform(0.15, 0.6, 2) * side
        radius = rng.uniform(1, 4)
        image[np.abs(np.hypot(xx - cx, yy - cy) - radius) < 0.8] = 1.0
    return image


def _collimate(image: NDArray[np.float32], rng: np.random.Generator) -> None:
    side = image.shape[0]
    value = np.float32(rng.choice([0.0, 1.0, rng.uniform()]))
    for edge in range(4):
        if rng.uniform() < 0.4:
            depth = int(rng.exponential(0.06) * side)
            turned = np.rot90(image, edge)
            turned[:depth] = value


def coarse_warp(plain: Warp, side: int, rng: np.random.Generator) -> Warp:
    """A random pose and shape of the whole film: scale 0.68 to 1.5, turn, shift, stretch, smooth field."""
    matrix = linear(
        rotation_deg=float(np.clip(rng.normal(0, 9), -25, 25)),
        scale=1.0 / float(np.exp(rng.uniform(np.log(0.68), np.log(1.5)))),
        stretch=float(np.exp(rng.normal(0, 0.05))),
        shear=float(rng.normal(0, 0.04)),
    )
    centre = np.full(2, (side - 1) / 2)
    shift = rng.uniform(-0.12, 0.12, 2) * side
    moved = Affine(np.eye(2), shift).after(Affine.about(centre, matrix))
    field = WaveField.random(rng, amplitude=rng.uniform(0, 0.02) * side, wavelength=0.5 * side)
    return Warp(plain.affine.after(moved), field)


def fine_warp(frame: Affine, rng: np.random.Generator) -> Warp:
    """A random turn and scale of the frame, as errors of the coarse points bring.

    Milder than the whole film's: with stretch, shear and a wave field the validation error was larger.
    """
    matrix = linear(
        rotation_deg=float(np.clip(rng.normal(0, 4), -12, 12)), scale=float(np.exp(rng.normal(0, 0.05)))
    )
    return Warp(frame.after(Affine(matrix, np.zeros(2))))


def patch_jitter(count: int, reach: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(L, 2) offsets of patch centres from the truth, in frame units: as coarse errors are, some larger.

    None is beyond ``reach``, so that the truth stays on the patch's map.
    """
    spread = np.where(rng.uniform(size=(count, 1)) < 0.75, 2.0, 4.5)
    return np.clip(rng.normal(0, 1, (count, 2)) * spread, -reach, reach)
