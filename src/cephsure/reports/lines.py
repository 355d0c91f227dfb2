"""Lines of text on a picture: where each stands, and how a long text is broken into them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cephsure.reports.painter import text_width

if TYPE_CHECKING:
    from cephsure.reports.painter import Colour
    from cephsure.reports.symbols import Standing

LINE = 1.55
"""From one line to the next, in font sizes."""

Symbol = Literal["region", "ellipse", "samples", "noted", "whole", "truth", "heat"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: where it starts, its height's middle, and the symbol before it, if any."""

    text: str
    x: float
    y: float
    size: int
    colour: Colour
    symbol: Standing | Symbol | None = None


def wrapped(text: str, size: int, width: float) -> list[str]:
    """Break a text at spaces, and words that are too long anywhere, into lines no wider than ``width`` px."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines += _broken(word, size, width)
    return lines


def _broken(word: str, size: int, width: float) -> list[str]:
    """A word's parts, of one letter at least; marks stay with the letter that they belong to."""
    if text_width(word, size) <= width:
        return [word]
    parts: list[str] = []
    for letter in word:
        if parts and (_clings(letter) or text_width(parts[-1] + letter, size) <= width):
            parts[-1] += letter
        else:
            parts.append(letter)
    return parts


def _clings(letter: str) -> bool:
    return unicodedata.category(letter) in {"Mn", "Mc", "Me", "Cf"}
