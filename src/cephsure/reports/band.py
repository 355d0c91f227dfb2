"""The band over a picture of a film: the film's verdict, its reason, and what is promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.reports.lines import LINE, Line, wrapped
from cephsure.reports.painter import BACKGROUND, INK, Painter, capital_height
from cephsure.reports.symbols import BANDS, paint_symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.uncertainty.prediction_table import Judged

_TITLE = 1.6  # of the verdict's letters, in font sizes
_BESIDE_SYMBOL = 1.5  # from the symbol's left to the title, in the title's font sizes


@dataclass(frozen=True, slots=True)
class Band:
    """A band laid out, all in px: lines of the verdict on a coloured ground, then what it rests on."""

    width: int
    height: int
    coloured: int  # how far down the coloured ground goes
    titles: tuple[Line, ...]
    lines: tuple[Line, ...]


def band_text(prediction: Judged) -> tuple[str, tuple[str, ...]]:
    """What a band says: the verdict, or why there is none; then its reason and the promise."""
    why = prediction.why or "no verdict"
    if prediction.verdict is None:
        return why, (prediction.promise,)
    return f"verdict: {prediction.verdict}", (why, prediction.promise)


def lay_out_band(prediction: Judged, *, width: int, size: int, more: Sequence[str] = ()) -> Band:
    """Lay a band out; no line is cut. ``width`` is the picture's, ``size`` the smaller font's, in px.

    ``more`` are sentences that stand under the others.
    """
    title, said = band_text(prediction)
    margin, big = 1.2 * size, round(_TITLE * size)
    if prediction.verdict is None:
        big = round(1.2 * size)
    left = margin + _BESIDE_SYMBOL * big
    parts = wrapped(title, big, width - margin - left)
    ink = BANDS[prediction.verdict].ink
    titles = tuple(
        Line(part, left, (0.95 + LINE * i) * big + 0.1 * size, big, ink) for i, part in enumerate(parts)
    )
    coloured = round(titles[-1].y + 0.95 * big)
    lines, y = list[Line](), coloured + 0.4 * size
    for text in (*said, *more):
        for part in wrapped(text, size, width - 2 * margin):
            lines.append(Line(part, margin, y + LINE * size / 2, size, INK))
            y += LINE * size
        y += 0.3 * size
    return Band(width, round(y + 0.1 * size), coloured, titles, tuple(lines))


def draw_band(prediction: Judged, *, width: int, size: int, more: Sequence[str] = ()) -> Image.Image:
    """Draw the band of a prediction as a picture of its own; the rest as of `lay_out_band`."""
    band = lay_out_band(prediction, width=width, size=size, more=more)
    colours = BANDS[prediction.verdict]
    picture = Image.new("RGB", (band.width, band.height), BACKGROUND)
    picture.paste(colours.background, (0, 0, band.width, band.coloured))
    painter = Painter(picture)
    for line in (*band.titles, *band.lines):
        painter.text((line.x, line.y), line.text, line.size, line.colour)
    first = band.titles[0]
    radius = 0.5 * capital_height(first.size) * (1.2 if colours.symbol == "accept" else 0.6)
    middle = np.array([first.x - 0.8 * first.size, first.y])
    paint_symbol(painter, colours.symbol, middle, radius, colour=colours.ink, halo=0)
    return picture
