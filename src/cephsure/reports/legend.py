"""The legend under an overlay: which film, which model, what colours and shapes mean, and the disclaimer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.reports.colours import HEAT, RAW, has_one_sample, scale_for
from cephsure.reports.lines import LINE, Line, wrapped
from cephsure.reports.marks import NOTED
from cephsure.reports.painter import (
    BACKGROUND,
    FAINT,
    INK,
    Painter,
    capital_height,
    ellipse_outline,
    text_width,
)
from cephsure.reports.symbols import paint_symbol, paint_truth, standing_of
from cephsure.uncertainty.text_lines import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cephsure.cephalometry import MeasuredPoint
    from cephsure.reports.colours import ColourScale
    from cephsure.reports.lines import Symbol
    from cephsure.reports.painter import Colour
    from cephsure.reports.symbols import Standing
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction
    from cephsure.uncertainty.prediction_table import Judged

    Key = tuple[Standing | Symbol, str]

_REGION_KINDS = {"hdr": "level set of the heat map", "ellipse": "ellipse", "disc": "disc"}
_SAMPLES_ARE = {"ensemble": "members", "mc-dropout": "passes", "baseline": "samples"}
STANDINGS: dict[Standing, str] = {
    "accept": "accepted",
    "review": "to be reviewed",
    "unjudged": "not judged",
    "unfit": "film unfit, no result",
}
"""What each verdict's symbol means."""
KEY_INDENT = 1.8  # of a key's text, for its symbol, in font sizes


@dataclass(frozen=True, slots=True)
class LegendText:
    """What the legend says: film, model, colours (None for no scale), each symbol, what it is not for."""

    film: str
    model: str
    scale: str | None
    points: tuple[Key, ...]  # the symbols of verdicts
    around: tuple[Key, ...]  # what is drawn round the points
    disclaimer: str


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend laid out, all in px: its lines of text and the bar that shows the scale of colours."""

    width: int
    height: int
    lines: tuple[Line, ...]
    scale: ColourScale | None
    bar: tuple[float, float, float, float] | None  # left, top, right, bottom
    ticks: tuple[float, ...]  # x of the scale's ticks on the bar


def legend_text(prediction: Prediction, *, smallest_px: float | None) -> LegendText:
    """What a prediction's legend says; ``smallest_px`` of the film is the least size of ellipses, if any."""
    film, model, scale = prediction.film, prediction.model, scale_for(prediction)
    samples = "one sample" if has_one_sample(prediction) else f"{model.samples} {_SAMPLES_ARE[model.kind]}"
    unknown = "" if film.mm_per_px is not None else "scale unknown"
    return LegendText(
        film=printable(Path(film.path).name) if film.path is not None else "film without a file",
        model=f"{model.name} ({model.kind}, {samples})" + (f"; {unknown}" if unknown else ""),
        scale=None if scale is None else f"colour: {scale.quantity}, {scale.unit}",
        points=(*standing_keys(prediction, prediction.landmarks), *_notes(prediction)),
        around=tuple(_around(prediction, smallest_px=smallest_px)),
        disclaimer=prediction.disclaimer,
    )


def standing_keys(film: Judged, points: Sequence[LandmarkPrediction | MeasuredPoint]) -> list[Key]:
    """What each verdict's symbol means, and how many points of a film have it."""
    found = [standing_of(film, point) for point in points]
    return [
        (standing, f"{means} ({found.count(standing)} of {len(found)})")
        for standing, means in STANDINGS.items()
        if standing in found
    ]


def _notes(prediction: Prediction) -> list[Key]:
    """What else must be said, and of which points."""
    notes: dict[str, list[str]] = {}
    for mark in prediction.landmarks:
        if mark.note is not None:
            notes.setdefault(mark.note, []).append(mark.code)
    return [("noted", f"{note}: {', '.join(codes)}") for note, codes in notes.items()]


def _around(prediction: Prediction, *, smallest_px: float | None) -> Iterable[Key]:
    """What is drawn round the points: promised regions, or else what the samples' raw spread is."""
    film, model = prediction.film, prediction.model
    members, single = f"{model.samples} {_SAMPLES_ARE[model.kind]}", has_one_sample(prediction)
    regions = [(mark.code, mark.region) for mark in prediction.landmarks if mark.region is not None]
    if regions:
        first = regions[0][1]
        level = f"{100 * first.level:g} % region"
        whom = f", for {prediction.for_whom}" if prediction.for_whom else ""
        whole = [code for code, region in regions if region.whole_film]
        if len(whole) < len(regions):
            yield "region", f"{level} ({_REGION_KINDS[first.kind]}){whom}"
        if whole:
            codes = ", ".join(whole)
            yield "whole", f"in a square: {level}{whom}, is all of the film: {codes}"
    else:
        shape = (
            "circle: mean distance in the heat map" if single else f"ellipse: 2 SD of the {members}' points"
        )
        yield "ellipse", f"{shape}{_at_least(film, smallest_px)} ({RAW})"
    if not single:
        yield "samples", f"points of the {members}"


def _at_least(film: FilmInfo, smallest_px: float | None) -> str:
    if smallest_px is None:
        return ""
    smallest = f"{smallest_px * film.mm_per_px[1]:.1f} mm" if film.mm_per_px else f"{smallest_px:.0f} px"
    return f", at least {smallest}"


class _Column:
    """A column of lines that is filled from the top."""

    def __init__(self, left: float, top: float, width: float, size: int) -> None:
        self.left, self.width, self.size, self.y = left, width, size, top
        self.lines: list[Line] = []
        self.bar: tuple[float, float, float, float] | None = None
        self.ticks: tuple[float, ...] = ()

    def write(self, text: str, colour: Colour = FAINT, *, size: int | None = None) -> None:
        size = size or self.size
        for part in wrapped(text, size, self.width):
            self.lines.append(Line(part, self.left, self.y + LINE * size / 2, size, colour))
            self.y += LINE * size

    def keys(self, keys: Sequence[Key]) -> None:
        """What each symbol means, the symbol before the first line of its text."""
        left = self.left + KEY_INDENT * self.size
        for symbol, text in keys:
            for index, part in enumerate(wrapped(text, self.size, self.width - KEY_INDENT * self.size)):
                middle = self.y + LINE * self.size / 2
                self.lines.append(Line(part, left, middle, self.size, FAINT, None if index else symbol))
                self.y += LINE * self.size

    def colour_bar(self, title: str, scale: ColourScale) -> None:
        """The title, the bar, and the numbers under it."""
        self.write(title, INK)
        self.bar = (self.left, self.y, self.left + self.width, self.y + 0.8 * self.size)
        self.ticks = tuple(self.left + self.width * tick / scale.maximum for tick in scale.ticks)
        self.y += 0.8 * self.size
        for x, tick in zip(self.ticks, scale.ticks, strict=True):
            text = scale.tick_label(tick)
            width = text_width(text, self.size)
            start = min(max(x - width / 2, self.left), self.left + self.width - width)
            self.lines.append(Line(text, start, self.y + 0.8 * self.size, self.size, FAINT))
        self.y += (0.8 + LINE / 2) * self.size


def lay_out_legend(
    prediction: Prediction, *, width: int, size: int, smallest_px: float | None, more: Sequence[Key] = ()
) -> Legend:
    """Lay a legend out in one column, or in two where the width, in px, allows it; no line is cut.

    ``size`` is that of the smaller font, in px, ``smallest_px`` as for `legend_text`, ``more`` are keys that
    stand under those of the points.
    """
    said, scale = legend_text(prediction, smallest_px=smallest_px), scale_for(prediction)
    margin, gap = 1.2 * size, 0.4 * size
    two_columns = width >= 62 * size
    across = (width - 3 * margin) / 2 if two_columns else width - 2 * margin
    left = right = _Column(margin, 0.7 * margin, across, size)
    if two_columns:
        right = _Column(2 * margin + across, 0.7 * margin, across, size)
    left.write(said.film, INK, size=round(1.3 * size))
    left.write(said.model)
    left.y += gap
    left.keys((*said.points, *more))
    right.y += 0 if two_columns else gap
    if scale is not None and said.scale is not None:
        right.colour_bar(said.scale, scale)
        right.y += gap
    right.keys(said.around)
    foot = _Column(margin, max(left.y, right.y) + gap, width - 2 * margin, size)
    foot.write(said.disclaimer, INK)
    columns = dict.fromkeys((left, right, foot))
    lines = tuple(line for column in columns for line in column.lines)
    return Legend(width, round(foot.y + 0.6 * margin), lines, scale, right.bar, right.ticks)


def draw_legend(legend: Legend) -> Image.Image:
    """Draw a legend as a picture of its own."""
    picture = Image.new("RGB", (legend.width, legend.height), BACKGROUND)
    painter = Painter(picture)
    if legend.scale is not None and legend.bar is not None:
        _draw_bar(painter, legend.scale, legend.bar, legend.ticks)
    for line in legend.lines:
        painter.text((line.x, line.y), line.text, line.size, line.colour)
        if line.symbol is not None:
            _draw_symbol(painter, line, line.symbol)
    return picture


def _draw_bar(
    painter: Painter, scale: ColourScale, bar: tuple[float, float, float, float], ticks: tuple[float, ...]
) -> None:
    left, top, right, bottom = (round(v) for v in bar)
    span = max(right - left, 1)
    row = [scale.colour(scale.maximum * i / max(span - 1, 1)) for i in range(span)]
    strip = Image.fromarray(np.array([row], dtype=np.uint8))
    painter.picture.paste(strip.resize((span, max(bottom - top, 1)), Image.Resampling.NEAREST), (left, top))
    for x in ticks[1:-1]:
        ends = np.array([x, top]), np.array([x, bottom - 1.0])
        painter.line(*ends, max(1.0, 0.1 * (bottom - top)), BACKGROUND)


def _draw_symbol(painter: Painter, line: Line, symbol: Standing | Symbol) -> None:
    radius = capital_height(line.size) * 0.6
    middle = np.array([line.x - KEY_INDENT * line.size + 1.2 * radius, line.y])
    if symbol == "region" or symbol == "ellipse":  # noqa: PLR1714 - mypy narrows by it
        outer, inner = (ellipse_outline(middle, r * np.eye(2)) for r in (radius, 0.75 * radius))
        if symbol == "region":
            painter.polygon(outer, INK, opacity=0.22)
        painter.polygon(outer, INK, hole=inner)
    elif symbol == "samples":
        for x, y in ((-0.6, 0.2), (0.1, -0.5), (0.6, 0.35)):
            painter.disc(middle + radius * np.array([x, y]), max(0.7, 0.16 * radius), INK, opacity=0.8)
    elif symbol == "truth":
        paint_truth(painter, middle, 0.55 * radius, halo=0)
    elif symbol == "heat":
        for part in (1.2, 0.9, 0.6, 0.3):
            painter.disc(middle, part * radius, HEAT, opacity=0.3)
    elif symbol == "noted":
        painter.text((middle[0] - text_width(NOTED, line.size) / 2, line.y), NOTED, line.size, INK)
    elif symbol == "whole":
        corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
        outer, inner = (middle + r * radius * corners for r in (1.0, 0.75))
        painter.polygon(outer, INK, hole=inner)
    else:
        paint_symbol(painter, symbol, middle, 0.45 * radius * (1.4 if symbol == "accept" else 1.0), halo=0)
