"""Out-of-distribution pictures that are no cephalograms, drawn by the program."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

from cephsure.films import Film, Spacing, SpacingSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIZE_PX = (968, 1200)
MM_PER_PX = 0.2
"""Size and scale of the pictures: 193.6 x 240 mm as the challenge's films, at half their resolution."""

_LETTER = (
    "the patient was seen again on monday and told us that nothing had changed since march when "
    "a first letter about costs dates rooms keys and the long way from station to clinic was sent"
)


def draw_shapes(rng: np.random.Generator) -> Image.Image:
    """Filled circles, boxes and triangles of any grey, one over the other."""
    image = Image.new("L", SIZE_PX, int(rng.integers(0, 256)))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(6, 16))):
        x, y = rng.uniform(0, 1, 2) * SIZE_PX
        radius = rng.uniform(40, 300)
        grey = int(rng.integers(0, 256))
        kind = int(rng.integers(0, 3))
        if kind == 0:
            pen.ellipse([x - radius, y - radius * 0.8, x + radius, y + radius * 0.8], fill=grey)
        elif kind == 1:
            pen.rectangle([x - radius, y - radius * 0.6, x + radius, y + radius * 0.6], fill=grey)
        else:
            angles = rng.uniform(0, 2 * np.pi, 3)
            pen.polygon([(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles], fill=grey)
    return image


def draw_text(rng: np.random.Generator) -> Image.Image:
    """A page of words, dark on white or white on dark."""
    dark = bool(rng.integers(0, 2))
    image = Image.new("L", SIZE_PX, 15 if dark else 245)
    pen = ImageDraw.Draw(image)
    size = int(rng.integers(22, 60))
    font, words = ImageFont.load_default(size), _LETTER.split()
    for y in range(60, SIZE_PX[1] - 60, int(size * 1.4)):
        line = " ".join(rng.choice(words, 40))
        shown = line[: int((SIZE_PX[0] - 100) / (size * 0.5))]
        pen.text((50, y), shown, fill=230 if dark else 20, font=font)
    return image


def draw_photograph(rng: np.random.Generator) -> Image.Image:
    """The texture of a photograph, whose amplitudes fall as 1/f (Field 1987), and things with an outline."""
    grey = texture = _one_over_f(rng)
    for _ in range(int(rng.integers(4, 10))):
        mask = Image.new("L", SIZE_PX, 0)
        centre = rng.uniform(0.1, 0.9, 2) * SIZE_PX
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        size = rng.uniform(60, 260)
        radii = size * (1 + 0.25 * ndimage.gaussian_filter1d(rng.normal(size=24), 1, mode="wrap"))
        outline = centre + radii[:, np.newaxis] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        ImageDraw.Draw(mask).polygon(outline.ravel().tolist(), fill=255)
        inside = np.asarray(mask.filter(ImageFilter.GaussianBlur(2)), dtype=np.float64) / 255
        # Another piece of the same texture, which goes round: a texture of its own would take a second.
        moved = np.roll(texture, rng.integers(0, SIZE_PX[0], 2), axis=(0, 1))
        thing = np.clip(rng.uniform(0, 1) + 0.35 * (moved - 0.5), 0, 1)
        grey = (1 - inside) * grey + inside * thing
    return Image.fromarray(np.round(grey * 255).astype(np.uint8))


def draw_by_hand(rng: np.random.Generator) -> Image.Image:
    """A pen drawing with unsteady lines: a house with a tree, the sun and somebody in front of it."""
    image = Image.new("L", SIZE_PX, 250)
    pen = ImageDraw.Draw(image)
    width = int(rng.integers(4, 10))

    def line(*corners: tuple[float, float]) -> None:
        points: list[NDArray[np.float64]] = []
        for start, end in pairwise(np.array(corners, dtype=np.float64)):
            steps = max(2, int(np.linalg.norm(end - start) / 12))
            points += list(start + np.linspace(0, 1, steps, endpoint=False)[:, np.newaxis] * (end - start))
        drawn = np.array([*points, corners[-1]])
        drawn += ndimage.gaussian_filter1d(rng.normal(0, 5, drawn.shape), 1.5, axis=0)
        pen.line(drawn.ravel().tolist(), fill=30, width=width, joint="curve")

    def ring(x: float, y: float, radius: float) -> None:
        angles = np.linspace(0, 2 * np.pi, 25)
        line(*((x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angles))

    x, y = float(rng.uniform(120, 300)), float(rng.uniform(560, 700))
    w, h = float(rng.uniform(260, 420)), float(rng.uniform(200, 330))
    line((x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y))
    line((x, y), (x + w / 2, y - float(rng.uniform(140, 260))), (x + w, y))
    line((x + w * 0.4, y + h), (x + w * 0.4, y + h * 0.5), (x + w * 0.6, y + h * 0.5), (x + w * 0.6, y + h))
    sun = (float(rng.uniform(650, 820)), float(rng.uniform(130, 260)))
    ring(*sun, 70)
    for angle in np.linspace(0, 2 * np.pi, 9)[:-1]:
        ray = np.array([np.cos(angle), np.sin(angle)])
        line(*(sun + np.outer([90.0, 150.0], ray)).tolist())
    foot = float(rng.uniform(700, 860))
    ring(foot, 760, 40)
    line((foot, 800), (foot, 960), (foot - 50, 1080))
    line((foot, 960), (foot + 50, 1080))
    line((foot - 70, 850), (foot + 70, 850))
    line((30, y + h), (930, y + h + float(rng.uniform(-30, 30))))
    return image


def draw_nothing(rng: np.random.Generator) -> Image.Image:
    """A film without any object: one grey with the faint noise and fall-off of a detector."""
    across = np.linspace(-1, 1, SIZE_PX[0])
    down = np.linspace(-1, 1, SIZE_PX[1])[:, np.newaxis]
    grey = rng.uniform(0.05, 0.95) - rng.uniform(0, 0.05) * (across**2 + down**2)
    grey = grey + rng.normal(0, 0.01, (SIZE_PX[1], SIZE_PX[0]))
    return Image.fromarray(np.round(np.clip(grey, 0, 1) * 255).astype(np.uint8))


def draw_chessboard(rng: np.random.Generator) -> Image.Image:
    """Squares of 5 to 25 mm in two greys."""
    side = int(rng.integers(25, 125))
    shift_x, shift_y = (int(n) for n in rng.integers(0, side, 2))
    columns = (np.arange(SIZE_PX[0]) + shift_x) // side
    rows = (np.arange(SIZE_PX[1]) + shift_y) // side
    dark, bright = int(rng.integers(0, 100)), int(rng.integers(156, 256))
    odd = np.add.outer(rows, columns) % 2
    return Image.fromarray(np.where(odd == 1, bright, dark).astype(np.uint8))


NON_CEPHALOGRAMS: dict[str, tuple[str, Callable[[np.random.Generator], Image.Image]]] = {
    "shapes": ("shapes", draw_shapes),
    "text": ("text", draw_text),
    "photograph": ("photograph-like texture", draw_photograph),
    "drawing": ("drawing by hand", draw_by_hand),
    "nothing": ("empty film", draw_nothing),
    "chessboard": ("chessboard", draw_chessboard),
}
"""By name: the title, and the function that draws one."""


def non_cephalogram(name: str, *, seed: int) -> Film:
    """One picture as a film of 193.6 x 240 mm, its scale as if given by the user; another for each seed."""
    title, draw = NON_CEPHALOGRAMS[name]
    image = draw(np.random.default_rng([seed, list(NON_CEPHALOGRAMS).index(name)]))
    return Film(
        pixels=np.asarray(image, dtype=np.float32) / np.float32(255),
        spacing=Spacing(MM_PER_PX, MM_PER_PX, SpacingSource.USER),
        notes=(f"made for an experiment: {title}",),
    )


def _one_over_f(rng: np.random.Generator) -> NDArray[np.float64]:
    """(H, W) noise whose amplitude falls as 1/f, stretched over [0, 1]."""
    width, height = SIZE_PX
    frequency = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / frequency
    noise = np.fft.irfft2(spectrum, s=(height, width))
    low, high = np.quantile(noise, [0.01, 0.99])
    stretched: NDArray[np.float64] = np.clip((noise - low) / (high - low), 0, 1)
    return stretched
