"""A procedural lateral head: the 19 points of isbi-19 are chosen first, then the head is drawn through them.

The head faces right. Every point sits on something visible (the tip of a tooth, the corner of the jaw, the
crossing of two lines), and all other outlines follow the points, so a small network can learn all 19 and the
truth is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEMPLATE_WIDTH, TEMPLATE_HEIGHT = 387.0, 480.0

# Where each point lies in the template, in its pixels, before the head is varied.
TEMPLATE = {
    "S": (160, 205),
    "N": (278, 195),
    "Or": (254, 243),
    "Po": (118, 242),
    "A": (276, 303),
    "B": (270, 371),
    "Pog": (271, 394),
    "Me": (257, 409),
    "Gn": (267, 404),
    "Go": (146, 348),
    "LIT": (284, 338),
    "UIT": (290, 343),
    "UL": (312, 321),
    "LL": (307, 361),
    "Sn": (299, 298),
    "Pog'": (290, 402),
    "PNS": (195, 286),
    "ANS": (282, 289),
    "Ar": (133, 268),
}
_ANCHORS = np.array(list(TEMPLATE.values()), dtype=np.float64)  # (19, 2)

# How far the heads differ: between neighbouring points, from point to point, and as a whole.
_SMOOTH_SD, _SMOOTH_LENGTH, _SINGLE_SD = 5.0, 70.0, 0.7
_MAX_TURN_DEG, _SCALES, _SHIFT_SD = 5.0, (0.92, 1.04), 6.0

# Oversampled width: lines are drawn finer than the film's pixels, then averaged.
_DRAWN_WIDTH_PX = 774


def draw_head(
    rng: np.random.Generator, *, width_px: int = 387, height_px: int = 480
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Draw one head of random shape, grey curve and noise.

    Args:
        rng: the source of all randomness; the same state gives the same film.
        width_px: width of the film.
        height_px: height of the film; the head is fitted into the film with its proportions kept.

    Returns:
        (H, W) float32 in [0, 1], and (19, 2) float64 positions (x, y) in px, first pixel's centre at (0, 0).
    """
    head = _random_head(rng, width_px=width_px, height_px=height_px)
    brush = _Brush(head=head, width_px=width_px, height_px=height_px)
    _draw_soft_tissue(brush)
    _draw_skull(brush)
    _draw_spine(brush)
    _draw_face(brush)
    _draw_jaw(brush)
    _draw_teeth(brush)
    return _expose(brush.averaged(), rng, scale=head.px_per_template_px), head.points


@dataclass(frozen=True)
class _Head:
    """A varied head: its points, and the map that carries every template outline along with them."""

    shift: NDArray[np.float64]  # (19, 2) each point's displacement in the template
    linear: NDArray[np.float64]  # (2, 2) turn and scale about the template's centre
    centre: NDArray[np.float64]  # (2,) where the template's centre comes to lie in the film

    @property
    def px_per_template_px(self) -> float:
        return float(np.sqrt(np.linalg.det(self.linear)))

    @property
    def points(self) -> NDArray[np.float64]:
        return self.place(_ANCHORS)

    def place(self, template_points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Carry (K, 2) template positions into the film; a landmark's own position lands on the landmark."""
        squared = ((template_points[:, None] - _ANCHORS) ** 2).sum(axis=2)  # (K, 19)
        weights = 1.0 / (squared + 1e-6) ** 1.5
        moved = template_points + (weights / weights.sum(axis=1, keepdims=True)) @ self.shift
        centre = np.array([TEMPLATE_WIDTH - 1.0, TEMPLATE_HEIGHT - 1.0]) / 2.0
        return (moved - centre) @ self.linear.T + self.centre


def _random_head(rng: np.random.Generator, *, width_px: int, height_px: int) -> _Head:
    distances = np.linalg.norm(_ANCHORS[:, None] - _ANCHORS, axis=2)
    covariance = _SMOOTH_SD**2 * np.exp(-0.5 * (distances / _SMOOTH_LENGTH) ** 2)
    root = np.linalg.cholesky(covariance + _SINGLE_SD**2 * np.eye(len(_ANCHORS)))
    fit = min(width_px / TEMPLATE_WIDTH, height_px / TEMPLATE_HEIGHT)
    turn = np.deg2rad(rng.uniform(-_MAX_TURN_DEG, _MAX_TURN_DEG))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return _Head(
        shift=root @ rng.standard_normal((len(_ANCHORS), 2)),
        linear=fit * rng.uniform(*_SCALES) * rotation,
        centre=np.array([width_px - 1.0, height_px - 1.0]) / 2.0 + fit * rng.normal(0.0, _SHIFT_SD, size=2),
    )


@dataclass
class _Brush:
    """Draws template outlines, carried along with the head, on an oversampled canvas."""

    head: _Head
    width_px: int
    height_px: int
    factor: int = field(init=False)
    canvas: Image.Image = field(init=False)

    def __post_init__(self) -> None:
        self.factor = int(np.clip(np.ceil(_DRAWN_WIDTH_PX / self.width_px), 1, 8))
        self.canvas = Image.new("L", (self.width_px * self.factor, self.height_px * self.factor), 12)
        self._draw = ImageDraw.Draw(self.canvas)

    def line(self, outline: NDArray[np.float64], grey: int, width: float) -> None:
        """Draw an open outline, ``width`` template pixels wide."""
        drawn = max(1, round(width * self.factor * self.head.px_per_template_px))
        self._draw.line(self._placed(outline), fill=grey, width=drawn, joint="curve")

    def area(self, outline: NDArray[np.float64], grey: int) -> None:
        """Fill a closed outline."""
        self._draw.polygon(self._placed(outline), fill=grey)

    def averaged(self) -> Image.Image:
        """Average the canvas to the film's pixels."""
        return self.canvas.reduce(self.factor)

    def _placed(self, outline: NDArray[np.float64]) -> list[tuple[float, float]]:
        placed = (self.head.place(outline) + 0.5) * self.factor - 0.5
        return [(x, y) for x, y in placed.tolist()]


def _outline(*points: str | tuple[float, float]) -> NDArray[np.float64]:
    """Give template positions, (K, 2); a landmark is named by its code."""
    return np.array([TEMPLATE[p] if isinstance(p, str) else p for p in points], dtype=np.float64)


def _curve(*points: str | tuple[float, float], closed: bool = False) -> NDArray[np.float64]:
    """Give a smooth curve through template positions (Catmull-Rom, eight steps between neighbours)."""
    corners = _outline(*points)
    ends = (corners[-1:], corners[:2]) if closed else (corners[:1], corners[-1:])
    p = np.concatenate([ends[0], corners, ends[1]])  # one before, one (closed: two) behind
    before, start, end, behind = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    t = np.linspace(0.0, 1.0, 8, endpoint=False)[:, None]
    curve = start + 0.5 * t * (
        end
        - before
        + t * (2 * before - 5 * start + 4 * end - behind + t * (3 * (start - end) + behind - before))
    )
    return np.concatenate([curve.reshape(-1, 2), p[-2:-1]])


def _circle(centre: tuple[float, float], radius: float) -> NDArray[np.float64]:
    angle = np.linspace(0.0, 2.0 * np.pi, 33)
    return np.array(centre) + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


_SKULL_FRONT = ((284, 176), (279, 130), (248, 74), (182, 38), (105, 40), (47, 88), (24, 158), (34, 222))


def _draw_soft_tissue(brush: _Brush) -> None:
    face = _curve(
        *((40, 80), (105, 28), (186, 26), (258, 66), (291, 128), (294, 172), (290, 194)),
        *((304, 222), (331, 266), (322, 285), "Sn", "UL", (300, 340), "LL", (291, 380), "Pog'"),
        *((280, 419), (258, 426), (215, 428), (190, 450), (186, 500)),
    )
    back = _curve((60, 500), (50, 420), (42, 330), (15, 240), (10, 160), (40, 80))
    brush.area(np.concatenate([face, back]), 62)
    brush.line(face, 84, 1.5)


def _draw_skull(brush: _Brush) -> None:
    vault = _curve("N", *_SKULL_FRONT, (66, 262), (98, 268))
    base = _curve((98, 268), (118, 262), (148, 216), "S", (172, 199), (215, 192), (255, 186), "N")
    brush.area(np.concatenate([vault, base]), 122)
    brush.line(vault, 216, 7.0)
    brush.line(_curve((172, 199), (215, 192), (255, 186), "N"), 188, 2.5)
    # The fossa: a cup with the sella point in its middle.
    brush.area(_circle(TEMPLATE["S"], 9.0), 88)
    brush.line(_curve((168, 193), (171, 203), (165, 213), (155, 213), (149, 203), (152, 192)), 236, 2.5)
    # The lower outline of the skull base, which the neck of the condyle crosses at articulare.
    brush.line(_curve((80, 276), (108, 278), "Ar", (144, 240), (150, 216)), 208, 3.0)
    # The ear canal: porion is the top of its ring.
    porion = TEMPLATE["Po"]
    brush.area(_circle((porion[0], porion[1] + 9), 9.0), 40)
    brush.line(_circle((porion[0], porion[1] + 9), 9.0), 240, 2.0)
    brush.line(_curve("N", (287, 208), (295, 226)), 200, 4.0)


def _draw_spine(brush: _Brush) -> None:
    for level in range(5):
        top = 292 + 42 * level
        x = 116 - 4 * level
        brush.area(_outline((x, top), (x + 27, top + 3), (x + 25, top + 34), (x - 2, top + 31)), 150)


def _draw_face(brush: _Brush) -> None:
    # The orbit: an arc whose lowest point is orbitale, dark above.
    brush.area(_curve((228, 212), (236, 234), "Or", (270, 234), (274, 210), closed=True), 78)
    brush.line(_curve((228, 212), (236, 234), "Or", (270, 234), (274, 210)), 226, 2.5)
    brush.area(_curve((205, 255), (240, 254), (262, 262), (258, 280), (210, 280), closed=True), 46)
    floor = _outline("PNS", (214, 281), (250, 281), "ANS")
    brush.area(np.concatenate([floor, _outline("A", (285, 317), (262, 318), (240, 303), (214, 294))]), 176)
    brush.line(floor, 232, 2.0)
    brush.line(_curve("ANS", "A", (285, 317)), 232, 2.0)


def _draw_jaw(brush: _Brush) -> None:
    chin = _curve((279, 355), "B", "Pog", "Gn", "Me", (230, 399), (188, 377))
    ramus = _curve("Go", (138, 312), "Ar", (128, 252), (138, 244), (150, 250), (160, 284))
    inner = _outline((184, 282), (198, 335), (225, 356), (279, 355))
    brush.area(np.concatenate([chin, ramus, inner]), 150)
    brush.line(np.concatenate([chin, _outline("Go")]), 228, 3.5)
    brush.line(ramus, 206, 3.0)


def _draw_teeth(brush: _Brush) -> None:
    for column in range(6):
        x = 204 + 11 * column
        brush.area(_outline((x, 314), (x + 9, 314), (x + 9, 333), (x, 333)), 214)
        brush.area(_outline((x, 336), (x + 9, 336), (x + 9, 356), (x, 356)), 202)
    brush.area(_outline("UIT", (286, 337), (280, 318), (266, 297), (276, 303), (290, 318), (293, 336)), 252)
    brush.area(_outline("LIT", (287, 344), (284, 357), (273, 384), (266, 378), (275, 355), (281, 343)), 242)


def _expose(drawn: Image.Image, rng: np.random.Generator, *, scale: float) -> NDArray[np.float32]:
    """Blur, bend the grey curve, brighten to one side and add noise; gives (H, W) in [0, 1]."""
    blurred = drawn.filter(ImageFilter.GaussianBlur(radius=rng.uniform(0.4, 0.9) * scale))
    greys = np.linspace(0.0, 1.0, 256) ** rng.uniform(0.7, 1.4) * rng.uniform(0.75, 1.0)
    across = np.linspace(-0.5, 0.5, drawn.width, dtype=np.float32)
    down = np.linspace(-0.5, 0.5, drawn.height, dtype=np.float32)[:, None]
    slope_x, slope_y = rng.uniform(-0.12, 0.12, size=2).astype(np.float32)
    exposed = greys.astype(np.float32)[np.asarray(blurred)] + slope_x * across + slope_y * down
    noise = rng.standard_normal(exposed.shape, dtype=np.float32) * np.float32(rng.uniform(0.005, 0.02))
    return np.clip(exposed + noise, 0.0, 1.0)
