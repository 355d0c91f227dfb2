"""The fonts that a PDF report embeds, and which of them draws which letter."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportlab.pdfbase.ttfonts import TTFont

MM = 72 / 25.4
"""Points in a mm."""
_EAST_ASIAN = ("report-han", "report-hangul")
# Signs that say as much in letters that the fonts have.
_ALIKE = str.maketrans({"\u202f": "\u00a0", "\u2011": "-", "\u2010": "-"})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line that one font draws."""

    font: str
    text: str


REGULAR, BOLD = "report-regular", "report-bold"


@cache
def font(name: str) -> TTFont:
    """A font of the package, read when it is needed first."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    file = resources.files("cephsure") / "data" / "fonts" / f"{name}.ttf"
    with file.open("rb") as stream:
        read = TTFont(name, stream)
    pdfmetrics.registerFont(read)
    return read


def _has(name: str, letter: str) -> bool:
    return ord(letter) in font(name).face.charToGlyph


@lru_cache(maxsize=2048)
def parts(text: str, *, bold: bool = False) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """A line's parts, each with its font, and the letters that no font has: they stand as their code points.

    >>> said, lacking = parts("山田 太郎 א")
    >>> [part.font for part in said], lacking, said[-1].text
    (['report-han', 'report-regular', 'report-han', 'report-regular'], ('א',), ' [U+05D0]')
    """
    own = BOLD if bold else REGULAR
    lacking: list[str] = []
    drawn: list[tuple[str, str]] = []
    for letter in unicodedata.normalize("NFC", text).translate(_ALIKE):
        chosen = next((name for name in (own, *_EAST_ASIAN) if _has(name, letter)), None)
        if chosen is None:
            lacking.append(letter)
        drawn.append((chosen or own, letter if chosen else f"[U+{ord(letter):04X}]"))
    runs = groupby(drawn, key=lambda each: each[0])
    said = tuple(Part(name, "".join(letter for _, letter in run)) for name, run in runs)
    return said, tuple(lacking)


def width_mm(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a line is, in mm, in letters of a size in points."""
    said, _ = parts(text, bold=bold)
    return float(sum(font(part.font).stringWidth(part.text, size) for part in said)) / MM


def wrapped(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """A text broken at spaces, words that are too long anywhere, into lines no wider than ``width`` mm."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_mm(longer, size, bold=bold) <= width:
            lines[-1] = longer
            continue
        rest = word
        while width_mm(rest, size, bold=bold) > width and len(rest) > 1:
            fits = _fitting(rest, size, width, bold=bold)
            lines.append(rest[:fits])
            rest = rest[fits:]
        lines.append(rest)
    return lines or [""]


def _fitting(word: str, size: float, width: float, *, bold: bool) -> int:
    """How many of a word's letters fit, one at least."""
    count = 1
    while count < len(word) and width_mm(word[: count + 1], size, bold=bold) <= width:
        count += 1
    return count
