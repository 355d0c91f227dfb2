"""Painting shapes with smooth edges and any opacity onto a picture, at the cost of the shapes alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from cephsure.reports.letters import runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.reports.letters import Run

    Array = NDArray[np.float64]

Colour = tuple[int, int, int]
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
BACKGROUND: Colour = (20, 22, 26)  # of legends and tables, with their inks
INK: Colour = (238, 238, 238)
FAINT: Colour = (176, 180, 186)

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
        self, corners: Array, colour: Colour, *, opacity: float = 1.0, hole: Array | None = None
    ) -> None:
        """Fill a polygon of (N, 2) corners, but for a hole in it, (M, 2); opacity 1 is all of the colour."""
        canvas = self._canvas([corners], margin=1.0)
        if canvas is None:
            return
        mask, low, fine = canvas
        draw = ImageDraw.Draw(mask)
        for outline, level in ((corners, round(255 * opacity)), (hole, 0)):
            if outline is not None:
                draw.polygon(_corners(outline, low, fine), fill=level)
        self._paste(mask, low, fine, colour)

    def area(self, outlines: Sequence[Array], colour: Colour, *, opacity: float = 1.0) -> None:
        """Fill what an odd number of closed outlines, each (N, 2), surrounds."""
        canvas = self._canvas(outlines, margin=1.0)
        if canvas is None:
            return
        mask, low, fine = canvas
        for outline in outlines:
            filled = Image.new("L", mask.size)
            ImageDraw.Draw(filled).polygon(_corners(outline, low, fine), fill=255)
            mask = ImageChops.difference(mask, filled)
        self._paste(mask.point([round(value * opacity) for value in range(256)]), low, fine, colour)

    def edge(self, outlines: Sequence[Array], width: float, colour: Colour, *, opacity: float = 1.0) -> None:
        """Draw closed outlines, each (N, 2), with a line of a width in pixels."""
        canvas = self._canvas(outlines, margin=width)
        if canvas is None:
            return
        mask, low, fine = canvas
        draw = ImageDraw.Draw(mask)
        for outline in outlines:
            corners = _corners(outline, low, fine)
            closed = [*corners, *corners[:2]]  # over the first corner again, so that it is joined too
            draw.line(closed, fill=round(255 * opacity), width=max(1, round(width * fine)), joint="curve")
        self._paste(mask, low, fine, colour)

    def _canvas(
        self, outlines: Sequence[Array], *, margin: float
    ) -> tuple[Image.Image, NDArray[np.int64], int] | None:
        """An empty mask round some outlines, its top left pixel, and how many times finer it is."""
        corners = np.concatenate([np.empty((0, 2)), *outlines])
        if not len(corners):
            return None
        low = np.maximum(np.floor(corners.min(axis=0) - margin), 0).astype(np.int64)
        high = np.minimum(np.ceil(corners.max(axis=0) + margin) + 1, self.picture.size).astype(np.int64)
        width, height = (int(v) for v in high - low)
        if width <= 0 or height <= 0:
            return None
        # A shape that fills a large picture needs no fine edges and must not need a giant mask.
        fine = max(1, min(SUPERSAMPLING, math.isqrt(_MASK_LIMIT_PX // (width * height))))
        return Image.new("L", (width * fine, height * fine)), low, fine

    def _paste(self, mask: Image.Image, low: NDArray[np.int64], fine: int, colour: Colour) -> None:
        self.picture.paste(colour, (int(low[0]), int(low[1])), mask.reduce(fine) if fine > 1 else mask)

    def disc(self, centre: Array, radius: float, colour: Colour, *, opacity: float = 1.0) -> None:
        """Fill a circle of a radius in pixels round ``centre``, (2,)."""
        count = 12 + round(4 * radius)
        self.polygon(ellipse_outline(centre, radius * np.eye(2), count=count), colour, opacity=opacity)

    def line(self, start: Array, end: Array, width: float, colour: Colour, *, opacity: float = 1.0) -> None:
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
        """Write one line of text in a font of ``size`` pixels.

        ``place`` is the text's left end (x) and the middle of its capital letters (y), ``halo`` the width in
        pixels of a black edge round the letters.
        """
        fine, (x, y) = SUPERSAMPLING, place
        # Drawn larger and reduced like the shapes: at a few pixels the font's own fitting spoils its spacing.
        edge = round(halo * fine)
        base = y + capital_height(size) / 2
        for run in runs(text):
            self._run(run, (x, base), size, colour, edge=edge)
            x += _length(run, size)

    def _run(self, run: Run, start: tuple[float, float], size: int, colour: Colour, *, edge: int) -> None:
        """Write a part of a line from a point on its base line on."""
        fine, font = SUPERSAMPLING, run.at(size * SUPERSAMPLING)
        said: dict[str, Any] = {"anchor": "ls", "direction": run.direction}
        left, top, right, bottom = font.getbbox(run.text, stroke_width=edge, **said)
        low = np.floor([start[0] + left / fine, start[1] + top / fine]).astype(int)
        high = np.ceil([start[0] + right / fine, start[1] + bottom / fine]).astype(int) + 1
        width, height = (int(v) for v in high - low)
        origin = ((start[0] - low[0]) * fine, (start[1] - low[1]) * fine)
        # Small letters on a picture need more body than the font gives them.
        body = 1 if edge and size < _SMALL_TEXT_PX else 0
        for letters, stroke in ((BLACK, edge), (colour, body))[0 if edge else 1 :]:
            mask = Image.new("L", (width * fine, height * fine))
            ImageDraw.Draw(mask).text(origin, run.text, fill=255, font=font, stroke_width=stroke, **said)
            self.picture.paste(letters, (int(low[0]), int(low[1])), mask.reduce(fine))


def _corners(outline: Array, low: NDArray[np.int64], fine: int) -> list[tuple[int, int]]:
    """Corners on a mask: Pillow cuts to whole numbers, the fine pixel that holds a corner keeps its place."""
    inside = np.floor((outline + 0.5 - low) * fine)
    return [(int(x), int(y)) for x, y in inside]


def ellipse_outline(centre: Array, half_axes: Array, *, count: int = 72) -> Array:
    """``count`` points on an ellipse, (count, 2), about ``centre``, (2,), with (2, 2) half axes as rows."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return centre + np.stack([np.cos(angle), np.sin(angle)], axis=1) @ half_axes


def text_width(text: str, size: int) -> float:
    """Width of a line of text in pixels."""
    return sum(_length(run, size) for run in runs(text))


def _length(run: Run, size: int) -> float:
    font = run.at(size * SUPERSAMPLING)
    return float(font.getlength(run.text, direction=run.direction)) / SUPERSAMPLING


def capital_height(size: int) -> float:
    """Height of a capital letter in pixels."""
    return 0.72 * size
