"""Painting shapes with smooth edges and any opacity onto a picture, at the cost of the shapes alone."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.reports.colour_scale import Colour

SUPERSAMPLING = 4
_MASK_LIMIT_PX = 1_000_000
_SMALL_TEXT_PX = 20


class Painter:
    """Paints polygons, discs, lines and text on an RGB picture in place.

    Positions are (x, y) in pixels of the picture, the first pixel's centre at (0, 0). Each shape is drawn
    several times larger within its own bounding box, reduced, and used as the mask of its colour.
    """

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture

    def polygon(
        self,
        corners: NDArray[np.float64],
        colour: Colour,
        *,
        opacity: float = 1.0,
        hole: NDArray[np.float64] | None = None,
    ) -> None:
        """Fill a polygon, but for a hole in it.

        Args:
            corners: (N, 2) positions.
            colour: of the fill.
            opacity: from 0, nothing, to 1, all of the colour.
            hole: (M, 2) corners of what is left out.
        """
        low = np.maximum(np.floor(corners.min(axis=0) - 1), 0).astype(int)
        high = np.minimum(np.ceil(corners.max(axis=0)) + 2, self.picture.size).astype(int)
        width, height = (int(v) for v in high - low)
        if width <= 0 or height <= 0:
            return
        # A shape that fills a large picture needs no fine edges and must not need a giant mask.
        fine = max(1, min(SUPERSAMPLING, math.isqrt(_MASK_LIMIT_PX // (width * height))))
        mask = Image.new("L", (width * fine, height * fine))
        draw = ImageDraw.Draw(mask)
        for outline, level in ((corners, round(255 * opacity)), (hole, 0)):
            if outline is not None:
                # Pillow cuts corners to whole numbers and fills up to and with them: the fine pixel that
                # holds the corner keeps the shape in its place.
                inside = np.floor((outline + 0.5 - low) * fine)
                draw.polygon([(int(x), int(y)) for x, y in inside], fill=level)
        self.picture.paste(colour, (int(low[0]), int(low[1])), mask.reduce(fine) if fine > 1 else mask)

    def disc(
        self, centre: NDArray[np.float64], radius: float, colour: Colour, *, opacity: float = 1.0
    ) -> None:
        """Fill a circle of a radius in pixels round ``centre``, (2,)."""
        count = 12 + round(4 * radius)
        self.polygon(ellipse_outline(centre, radius * np.eye(2), count=count), colour, opacity=opacity)

    def line(
        self,
        start: NDArray[np.float64],
        end: NDArray[np.float64],
        width: float,
        colour: Colour,
        *,
        opacity: float = 1.0,
    ) -> None:
        """Draw a straight line of a width in pixels from ``start`` to ``end``, (2,) each."""
        along = end - start
        length = float(np.hypot(*along))
        if length == 0:
            return
        across = np.array([-along[1], along[0]]) / length * width / 2
        corners = np.stack([start + across, end + across, end - across, start - across])
        self.polygon(corners, colour, opacity=opacity)

    def text(
        self, place: tuple[float, float], text: str, size: int, colour: Colour, *, halo: float = 0.0
    ) -> None:
        """Write one line of text.

        Args:
            place: the text's left end (x) and the middle of its capital letters (y).
            text: what to write.
            size: of the font, in pixels.
            colour: of the letters.
            halo: width in pixels of a black edge round the letters.
        """
        if not text:
            return
        fine, x, y = SUPERSAMPLING, place[0], place[1] + capital_height(size) / 2
        # Drawn larger and reduced like the shapes: at a few pixels the font's own fitting spoils its spacing.
        edge = round(halo * fine)
        left, top, right, bottom = font(size * fine).getbbox(text, anchor="ls", stroke_width=edge)
        low = np.floor([x + left / fine, y + top / fine]).astype(int)
        high = np.ceil([x + right / fine, y + bottom / fine]).astype(int) + 1
        width, height = (int(v) for v in high - low)
        start = ((x - low[0]) * fine, (y - low[1]) * fine)
        # Small letters on a picture need more body than the font gives them.
        body = 1 if edge and size < _SMALL_TEXT_PX else 0
        for letters, stroke in (((0, 0, 0), edge), (colour, body))[0 if edge else 1 :]:
            mask = Image.new("L", (width * fine, height * fine))
            ImageDraw.Draw(mask).text(
                start, text, fill=255, font=font(size * fine), anchor="ls", stroke_width=stroke
            )
            self.picture.paste(letters, (int(low[0]), int(low[1])), mask.reduce(fine))


def ellipse_outline(
    centre: NDArray[np.float64], half_axes: NDArray[np.float64], *, count: int = 72
) -> NDArray[np.float64]:
    """Points on an ellipse.

    Args:
        centre: (2,) position.
        half_axes: (2, 2), the half axes as rows.
        count: how many points.

    Returns:
        (count, 2) positions.
    """
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return centre + np.stack([np.cos(angle), np.sin(angle)], axis=1) @ half_axes


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font in a size in pixels: no font file needs to be installed."""
    return ImageFont.load_default(size=size)


def text_width(text: str, size: int) -> float:
    """Width of a line of text in pixels."""
    return float(font(size * SUPERSAMPLING).getlength(text)) / SUPERSAMPLING


def capital_height(size: int) -> float:
    """Height of a capital letter in pixels."""
    return 0.72 * size
