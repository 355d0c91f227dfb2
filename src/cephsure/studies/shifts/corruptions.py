"""What can go wrong with a film: each one small function from a film to a film, its size in physical units.

A registry names them. Geometric ones also say where a point of the film lies afterwards, so that the error
under them can be known; the others leave every point where it is. Films are taken to face right, as the
challenge's do, where a side is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from scipy import ndimage

from cephsure.errors import FilmError
from cephsure.films import Film, Spacing
from cephsure.geometry import Affine, linear, resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

Apply = Callable[..., Film]
Moved = Callable[..., Affine]

# A Gaussian wider than this is applied to a reduced film, where it is this wide: as exact, and far quicker.
_WIDEST_PX = 6.0


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to corrupt a film, by one amount.

    Attributes:
        name: in files and tables ("blurred-2").
        family: what kind it is; amounts of one kind stand together ("blurred").
        title: for figures, with the unit ("blurred, sigma 2 mm").
        apply: the corrupted film; the generator is for those that draw something.
        moved: from positions in px of the given film to positions in px of the corrupted one.
    """

    name: str
    family: str
    title: str
    apply: Callable[[Film, np.random.Generator], Film]
    moved: Callable[[Film], Affine]


def rotate(film: Film, _rng: np.random.Generator, *, angle_deg: float) -> Film:
    """Turn the film about its centre, clockwise as seen; what leaves its frame is lost, corners are black."""
    to_given = rotation(film, angle_deg=angle_deg).inverse()
    return _changed(film, _resampled(film.pixels, to_given), "rotated")


def rotation(film: Film, *, angle_deg: float) -> Affine:
    """Where ``rotate`` moves points."""
    scale = np.diag(_mm_per_px(film))
    matrix = np.linalg.inv(scale) @ linear(rotation_deg=angle_deg) @ scale
    return Affine.about(np.array([film.width_px - 1.0, film.height_px - 1.0]) / 2, matrix)


def turn(film: Film, _rng: np.random.Generator, *, quarters: int) -> Film:
    """Turn by quarter turns, clockwise as seen; nothing is resampled."""
    spacing = film.spacing
    if quarters % 2 and spacing is not None:
        spacing = Spacing(spacing.y_mm_per_px, spacing.x_mm_per_px, spacing.source)
    return replace(_changed(film, np.rot90(film.pixels, -quarters), "turned"), spacing=spacing)


def quarter_turns(film: Film, *, quarters: int) -> Affine:
    """Where ``turn`` moves points."""
    matrix = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), quarters % 4)
    corners = np.array([[0.0, 0.0], [film.width_px - 1.0, film.height_px - 1.0]]) @ matrix.T
    return Affine(matrix, -corners.min(axis=0))


def flip(film: Film, _rng: np.random.Generator, *, axis: int) -> Film:
    """Mirror left to right (axis 0, x), or top to bottom (axis 1, y): upside down, the face as before."""
    return _changed(film, np.flip(film.pixels, 1 - axis), "flipped")


def reflection(film: Film, *, axis: int) -> Affine:
    """Where ``flip`` moves points."""
    matrix, offset = np.eye(2), np.zeros(2)
    matrix[axis, axis] = -1.0
    offset[axis] = (film.width_px, film.height_px)[axis] - 1.0
    return Affine(matrix, offset)


def invert(film: Film, _rng: np.random.Generator) -> Film:
    """Make bone dark: a negative."""
    return _changed(film, 1.0 - film.pixels, "inverted")


def blur(film: Film, _rng: np.random.Generator, *, sigma_mm: float) -> Film:
    """Blur with a Gaussian, as a film out of focus or moved."""
    return _changed(film, _blurred(film.pixels, sigma_mm / _mm_per_px(film)), "blurred")


def add_noise(
    film: Film, rng: np.random.Generator, *, sd: float, grain_mm: float = 0.5, fine_mm: float = 0.25
) -> Film:
    """Add noise of standard deviation ``sd`` (a share of white), correlated over a grain of ``grain_mm``.

    Noise of single pixels would vanish when a model reduces the film; mottle of a low dose is coarser. It is
    drawn on pixels of ``fine_mm`` or the film's own, whichever are coarser.
    """
    size_px = _mm_per_px(film)
    coarsening = np.maximum(fine_mm / size_px, 1.0)
    shape = [max(2, round(n / k)) for n, k in zip(film.pixels.shape, coarsening[::-1], strict=True)]
    sigma = grain_mm / (coarsening * size_px)[::-1]
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, truncate=3.0)
    noise *= sd / noise.std()
    return _changed(film, np.clip(film.pixels + _enlarged(noise, film.pixels), 0.0, 1.0), "noisy")


def crop(film: Film, _rng: np.random.Generator, *, side: str, share: float) -> Film:
    """Cut off a share of the film at a side: "left", "right", "top" or "bottom"."""
    left, top, right, bottom = _kept(film, side, share)
    return _changed(film, film.pixels[top:bottom, left:right], "cropped")


def cropping(film: Film, *, side: str, share: float) -> Affine:
    """Where ``crop`` moves points; what was cut off comes to lie outside."""
    left, top, _, _ = _kept(film, side, share)
    return Affine(np.eye(2), -np.array([left, top], dtype=np.float64))


def bend_greys(film: Film, _rng: np.random.Generator, *, gamma: float = 1.0, gain: float = 1.0) -> Film:
    """Grey values to gain x grey^gamma, cut at white: darker for gamma above 1, over-exposed for a gain."""
    return _changed(film, np.minimum(gain * film.pixels**gamma, 1.0), "grey curve bent")


def coarsen(film: Film, _rng: np.random.Generator, *, mm_per_px: float) -> Film:
    """Reduce the film to pixels of ``mm_per_px`` (those finer than that), as a thumbnail or a screen shot."""
    small, to_given = resize(film.pixels, _reduction(film, mm_per_px))
    x, y = _mm_per_px(film) * np.diag(to_given.matrix)
    spacing = None if film.spacing is None else Spacing(float(x), float(y), film.spacing.source)
    return replace(_changed(film, small, "of low resolution"), spacing=spacing)


def coarsening(film: Film, *, mm_per_px: float) -> Affine:
    """Where ``coarsen`` moves points."""
    return resize(film.pixels, _reduction(film, mm_per_px))[1].inverse()


def _mm_per_px(film: Film) -> NDArray[np.float64]:
    """(2,) scale along x and y."""
    if film.spacing is None:
        raise FilmError(
            "a corruption's size is given in mm, and this film has no scale",
            where=film.path,
            remedy="give its mm per px",
        )
    return np.array([film.spacing.x_mm_per_px, film.spacing.y_mm_per_px])


def _changed(film: Film, pixels: NDArray[Any], note: str) -> Film:
    return replace(
        film,
        pixels=np.ascontiguousarray(pixels, dtype=np.float32),
        path=None,
        notes=(*film.notes, f"corrupted for an experiment: {note}"),
    )


def _kept(film: Film, side: str, share: float) -> tuple[int, int, int, int]:
    """First column and row of what a crop keeps, and the column and row after the last."""
    columns, rows = round(share * film.width_px), round(share * film.height_px)
    return (
        columns * (side == "left"),
        rows * (side == "top"),
        film.width_px - columns * (side == "right"),
        film.height_px - rows * (side == "bottom"),
    )


def _reduction(film: Film, mm_per_px: float) -> float:
    """Factor of the size in px that makes pixels of ``mm_per_px``, at most 1."""
    return min(1.0, float(np.sqrt(np.prod(_mm_per_px(film)))) / mm_per_px)


def _resampled(pixels: NDArray[np.float32], to_source: Affine) -> NDArray[np.float32]:
    """Bilinear values at ``to_source`` of every pixel, 0 outside."""
    # Pillow counts from a pixel's corner, we from its centre.
    half = np.full(2, 0.5)
    corner = to_source.offset + half - to_source.matrix @ half
    coefficients = tuple(np.column_stack([to_source.matrix, corner]).ravel())
    image = Image.fromarray(pixels)
    turned = image.transform(image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    return np.asarray(turned, dtype=np.float32)


def _blurred(pixels: NDArray[np.float32], sigma_px: NDArray[np.float64]) -> NDArray[np.float32]:
    """A Gaussian blur by ``sigma_px`` along x and y; the edge goes on."""
    small, to_full = resize(pixels, min(1.0, _WIDEST_PX / float(sigma_px.max())))
    sigma = (sigma_px / np.diag(to_full.matrix))[::-1]
    blurred = ndimage.gaussian_filter(small, sigma, mode="nearest")
    return _enlarged(blurred, pixels)


def _enlarged(pixels: NDArray[np.float32], like: NDArray[np.float32]) -> NDArray[np.float32]:
    if pixels.shape == like.shape:
        return pixels
    full = Image.fromarray(pixels).resize(like.shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(full, dtype=np.float32)


def _entries() -> list[Corruption]:
    """Every corruption; where ``moved`` is not given points stay where they are."""
    entries: list[Corruption] = []

    def entry(
        name: str, family: str, title: str, apply: Apply, moved: Moved | None = None, **given: Any
    ) -> None:
        moves = partial(moved, **given) if moved else lambda _film: Affine.identity()
        entries.append(Corruption(name, family, title, partial(apply, **given), moves))

    for angle in (5, 10, 15, 20, 30, 45):
        entry(f"rotated-{angle}", "rotated", f"rotated {angle}°", rotate, rotation, angle_deg=angle)
    for quarters in (1, 2):
        angle = 90 * quarters
        entry(f"turned-{angle}", "turned", f"turned by {angle}°", turn, quarter_turns, quarters=quarters)
    entry("upside-down", "turned", "flipped upside down", flip, reflection, axis=1)
    entry("mirrored", "mirrored", "mirrored", flip, reflection, axis=0)
    entry("inverted", "inverted", "inverted", invert)
    for sigma in (1, 2, 4):
        entry(f"blurred-{sigma}", "blurred", f"blurred, sigma {sigma} mm", blur, sigma_mm=sigma)
    for percent in (5, 10, 20):
        entry(f"noisy-{percent}", "noisy", f"noise, SD {percent} % of white", add_noise, sd=percent / 100)
    for side, share, words in (
        ("bottom", 1 / 3, "lower third"),
        ("top", 1 / 3, "upper third"),
        ("right", 1 / 3, "front third"),
        ("left", 1 / 3, "back third"),
        ("right", 1 / 2, "front half"),
    ):
        name = f"cropped-{words.replace(' ', '-')}"
        entry(name, "cropped", f"{words} cut off", crop, cropping, side=side, share=share)
    entry("darker", "grey curve", "darker, gamma 2.5", bend_greys, gamma=2.5)
    entry("over-exposed", "grey curve", "over-exposed, twice as bright", bend_greys, gain=2.0)
    for size in (1, 2):
        entry(f"coarse-{size}", "low resolution", f"{size} mm a pixel", coarsen, coarsening, mm_per_px=size)
    return entries


CORRUPTIONS: dict[str, Corruption] = {entry.name: entry for entry in _entries()}
"""Every corruption by its name, in the order of tables and figures."""
