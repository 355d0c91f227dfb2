"""The legend under an overlay: which film, which model, what colours and shapes mean, and the disclaimer."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from cephsure.reports.marks import has_one_sample, paint_diamond, scale_for
from cephsure.reports.painter import (
    BACKGROUND,
    FAINT,
    INK,
    Painter,
    capital_height,
    ellipse_outline,
    text_width,
)

if TYPE_CHECKING:
    from cephsure.reports.marks import ColourScale
    from cephsure.reports.painter import Colour
    from cephsure.uncertainty import Prediction

_REGION_KINDS = {"hdr": "level set of the heat map", "ellipse": "ellipse", "disc": "disc"}
_SAMPLES_ARE = {"ensemble": "members", "mc-dropout": "passes", "baseline": "samples"}
_FONT_HAS = frozenset(map(chr, range(32, 127))) | frozenset("·…±°“”’")
_IN_ASCII = str.maketrans({"′": "'", "″": '"', "–": "-", "—": "-", "≥": ">", "ß": "ss", "ø": "o", "ł": "l"})

_LINE = 1.55  # from one line to the next, in font sizes
_INDENT = 1.6  # of a key's text, for its symbol, in font sizes

Symbol = Literal["region", "samples", "accepted", "review"]


@dataclass(frozen=True, slots=True)
class LegendText:
    """What the legend says: film, model, what colours and each symbol mean, what the picture is not for."""

    film: str
    model: str
    scale: str
    keys: tuple[tuple[Symbol, str], ...]
    disclaimer: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: where it starts, its height's middle, and the symbol before it, if any."""

    text: str
    x: float
    y: float
    size: int
    colour: Colour
    symbol: Symbol | None = None


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend laid out, all in px: its lines of text and the bar that shows the scale of colours."""

    width: int
    height: int
    lines: tuple[Line, ...]
    bar: tuple[float, float, float, float]  # left, top, right, bottom
    ticks: tuple[float, ...]  # x of the scale's ticks on the bar
    scale: ColourScale


def legend_text(prediction: Prediction, *, smallest_px: float) -> LegendText:
    """What the legend of a prediction says; regions are drawn at least ``smallest_px`` of the film wide."""
    film, model, scale = prediction.film, prediction.model, scale_for(prediction)
    samples = _SAMPLES_ARE[model.kind]
    in_mm = film.mm_per_px is not None
    smallest = f"{smallest_px * film.mm_per_px[1]:.1f} mm" if film.mm_per_px else f"{smallest_px:.0f} px"
    keys: dict[Symbol, str]
    if has_one_sample(prediction):
        taken = f"{model.kind}, one sample"
        keys = {"region": f"circle: expected error (one sample has no spread), at least {smallest}"}
    else:
        taken = f"{model.kind}, {model.samples} {samples}"
        keys = {
            "region": f"ellipse: 2 SD of the {samples}' points, at least {smallest}",
            "samples": f"points of the {model.samples} {samples}",
        }
    regions = [mark.region for mark in prediction.landmarks if mark.region is not None]
    if regions:
        level, kind = 100 * regions[0].level, _REGION_KINDS[regions[0].kind]
        whole = sum(region.whole_film for region in regions)
        without = f"; {whole} without: all of the film" if whole else ""
        keys["region"] = f"holds the true point with {level:g} % probability ({kind}){without}"
    if prediction.verdict is not None:
        if any(mark.verdict == "accept" for mark in prediction.landmarks):
            keys["accepted"] = "dot: accepted"
        said = f" ({'; '.join(prediction.reasons)})" if prediction.reasons else ""
        keys["review"] = in_font(f"diamond: to be reviewed. film: {prediction.verdict}{said}")
    return LegendText(
        film=in_font(Path(film.path).name if film.path is not None else "film without a file"),
        model=in_font(f"{model.name} ({taken})"),
        scale=f"colour: {scale.quantity}, {scale.unit}" + ("" if in_mm else "; scale unknown"),
        keys=tuple(keys.items()),
        disclaimer=in_font(prediction.disclaimer),
    )


def in_font(text: str) -> str:
    """The text in the letters that Pillow's own font has: accents dropped, other letters as question marks.

    >>> in_font("Drevický′ 頭.png")
    "Drevicky' ?.png"
    """
    plain = unicodedata.normalize("NFKD", text.translate(_IN_ASCII))
    letters = (c for c in plain if not unicodedata.combining(c))
    return "".join(c if c in _FONT_HAS else "?" for c in letters)


def lay_out_legend(prediction: Prediction, *, width: int, size: int, smallest_px: float) -> Legend:
    """Lay a legend out in one column, or in two where the width, in px, allows it; every line fits the width.

    ``size`` is that of the smaller font, in px, ``smallest_px`` as for `legend_text`.
    """
    said, scale = legend_text(prediction, smallest_px=smallest_px), scale_for(prediction)
    margin, step = 1.2 * size, _LINE * size
    two_columns = width >= 62 * size
    column = (width - 3 * margin) / 2 if two_columns else width - 2 * margin
    big = round(1.3 * size)
    about = (
        Line(shortened(said.film, big, column), margin, margin + big / 2, big, INK),
        Line(shortened(said.model, size, column), margin, margin + big / 2 + step, size, FAINT),
    )
    about_end = about[-1].y
    bar_left = 2 * margin + column if two_columns else margin
    bar_top = about[0].y if two_columns else about_end + 1.2 * step
    bar_lines, bar, ticks = _bar(said.scale, scale, size=size, left=bar_left, top=bar_top, width=column)
    keys_top = about_end + 1.2 * step if two_columns else bar_lines[-1].y + 1.2 * step
    keys = _keys(said, size=size, left=margin, top=keys_top, width=column)
    # In two columns the disclaimer stands under the bar, level with the last key.
    parts = wrapped(said.disclaimer, size, column)
    level = keys[-1].y - (len(parts) - 1) * step
    first = max(level, bar_lines[-1].y + step) if two_columns else keys[-1].y + 1.2 * step
    disclaimer = [Line(part, bar_left, first + i * step, size, INK) for i, part in enumerate(parts)]
    lines = (*about, *bar_lines, *keys, *disclaimer)
    height = round(max(line.y for line in lines) + step / 2 + margin / 2)
    return Legend(width, height, lines, bar, ticks, scale)


def _bar(
    title: str, scale: ColourScale, *, size: int, left: float, top: float, width: float
) -> tuple[list[Line], tuple[float, float, float, float], tuple[float, ...]]:
    """The colour bar's title and numbers, its box, and where its ticks stand."""
    parts = wrapped(title, size, width)
    lines = [Line(part, left, top + i * _LINE * size, size, INK) for i, part in enumerate(parts)]
    bar_top = lines[-1].y + 0.8 * size
    bar = (left, bar_top, left + width, bar_top + 0.8 * size)
    ticks = tuple(left + width * tick / scale.maximum for tick in scale.ticks)
    for x, tick in zip(ticks, scale.ticks, strict=True):
        text = scale.tick_label(tick)
        label_width = text_width(text, size)
        start = min(max(x - label_width / 2, left), left + width - label_width)
        lines.append(Line(text, start, bar[3] + 0.8 * size, size, FAINT))
    return lines, bar, ticks


def _keys(said: LegendText, *, size: int, left: float, top: float, width: float) -> list[Line]:
    """What each symbol means, the symbol before the first line of its text."""
    indent, lines = _INDENT * size, list[Line]()
    for symbol, text in said.keys:
        for index, part in enumerate(wrapped(text, size, width - indent)):
            y = top + len(lines) * _LINE * size
            lines.append(Line(part, left + indent, y, size, FAINT, None if index else symbol))
    return lines


def draw_legend(legend: Legend) -> Image.Image:
    """Draw a legend as a picture of its own."""
    picture = Image.new("RGB", (legend.width, legend.height), BACKGROUND)
    left, top, right, bottom = (round(v) for v in legend.bar)
    span = max(right - left, 1)
    row = [legend.scale.colour(legend.scale.maximum * i / max(span - 1, 1)) for i in range(span)]
    strip = Image.fromarray(np.array([row], dtype=np.uint8))
    picture.paste(strip.resize((span, max(bottom - top, 1)), Image.Resampling.NEAREST), (left, top))
    painter = Painter(picture)
    for x in legend.ticks[1:-1]:
        painter.line(
            np.array([x, top]), np.array([x, bottom - 1.0]), max(1.0, 0.1 * (bottom - top)), BACKGROUND
        )
    for line in legend.lines:
        painter.text((line.x, line.y), line.text, line.size, line.colour)
        if line.symbol is not None:
            _draw_symbol(painter, line)
    return picture


def wrapped(text: str, size: int, width: float) -> list[str]:
    """Break a text at spaces into lines no wider than ``width`` px."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(shortened(word, size, width))
    return lines


def shortened(text: str, size: int, width: float) -> str:
    """Cut the middle out of a text that is wider than ``width`` px: names differ at their ends."""
    if text_width(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 0, -1):
        short = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
        if text_width(short, size) <= width:
            return short
    return ""


def _draw_symbol(painter: Painter, line: Line) -> None:
    radius = capital_height(line.size) * 0.55
    middle = np.array([line.x - _INDENT * line.size + radius, line.y])
    if line.symbol == "region":
        outer, inner = (ellipse_outline(middle, r * np.eye(2)) for r in (radius, 0.75 * radius))
        painter.polygon(outer, INK, opacity=0.22)
        painter.polygon(outer, INK, hole=inner)
    elif line.symbol == "accepted":
        painter.disc(middle, 0.6 * radius, INK)
    elif line.symbol == "review":
        paint_diamond(painter, middle, 0.5 * radius, INK)
    else:
        for x, y in ((-0.6, 0.2), (0.1, -0.5), (0.6, 0.35)):
            painter.disc(middle + radius * np.array([x, y]), max(0.7, 0.16 * radius), INK, opacity=0.8)
