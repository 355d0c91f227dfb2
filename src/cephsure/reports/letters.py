"""Text of any alphabet as it can be drawn: which font draws which part of a line."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby

from PIL import ImageFont, features

from cephsure.reports.font_files import FontFile, fonts_for

_OWN_FONT_HAS = frozenset(map(chr, range(32, 127))) | frozenset("«°±´·»‘’“”…‹›")
# Signs that say as much in letters that the own font has.
_IN_ASCII = str.maketrans(
    {"′": "'", "″": '"', "‐": "-", "‑": "-", "–": "-", "—": "-", "≤": "<=", "≥": ">=", "×": "x", "\xa0": " "}
)
# Invisible, but letters round them change by them (Persian, Hindi).
_JOINERS = frozenset("\u200c\u200d")

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a line in one font, None for Pillow's own."""

    text: str
    font: FontFile | None = None

    def at(self, size: int) -> _Font:
        """Its font in a size in px."""
        return own_font(size) if self.font is None else self.font.at(size)

    @property
    def direction(self) -> str | None:
        """The line's direction, for the engine that sets scripts that join or run from right to left."""
        return "ltr" if self.font is not None and _sets_scripts() else None


@cache
def own_font(size: int) -> _Font:
    """Pillow's own font in a size in px: no font file needs to be installed."""
    return ImageFont.load_default(size=size)


@cache
def _sets_scripts() -> bool:
    return bool(features.check("raqm"))


@lru_cache(maxsize=1024)
def runs(text: str) -> tuple[Run, ...]:
    """The parts of a line of text, each with the font that draws it.

    Letters that Pillow's own font lacks are drawn with one of the machine's, else with the bundled font. A
    letter that no font has, and what cannot be seen or may reorder a line, stands as its code point.

    >>> [run.text for run in runs("film_Δ\u202e.png")]
    ['film_Δ[U+202E].png']
    """
    shown = "".join(map(_visible, unicodedata.normalize("NFC", text).translate(_IN_ASCII)))
    foreign = frozenset(shown) - _OWN_FONT_HAS - _JOINERS
    if not foreign:
        return (Run(shown),)
    fonts = fonts_for(foreign)
    shown = "".join(_code(c) if c in foreign and c not in fonts else c for c in shown)
    used = list(dict.fromkeys(fonts.values()))
    # A line in one font reads best, and is the only one that is set right where it runs both ways.
    if len(used) == 1 and all(c in foreign or used[0].has(c) for c in set(shown) - _JOINERS):
        return (Run(_in_order(shown), used[0]),)
    return tuple(
        Run(_in_order("".join(letter for letter, _ in part)), font)
        for font, part in groupby(_each(shown, fonts), lambda each: each[1])
    )


def _each(text: str, fonts: dict[str, FontFile]) -> list[tuple[str, FontFile | None]]:
    """Each letter with its font; what joins two letters goes with the first."""
    result: list[tuple[str, FontFile | None]] = []
    for letter in text:
        joins = letter in _JOINERS and result
        result.append((letter, result[-1][1] if joins else fonts.get(letter)))
    return result


def _visible(letter: str) -> str:
    hidden = unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and letter not in _JOINERS
    return _code(letter) if hidden else letter


def _code(letter: str) -> str:
    return f"[U+{ord(letter):04X}]"


def _in_order(text: str) -> str:
    """The text as it is handed to the engine: without one for scripts, from left to right as it is seen."""
    if _sets_scripts() or not any(unicodedata.bidirectional(c) in {"R", "AL"} for c in text):
        return text
    parts = re.findall(r"[0-9A-Za-z.,:+-]*[0-9A-Za-z]|.", text)
    turned = [list(part) for _, part in groupby(parts, _runs_left)]
    return "".join("".join(reversed(part) if _runs_left(part[0]) else part) for part in turned)


def _runs_left(part: str) -> bool:
    return unicodedata.bidirectional(part[0]) in {"R", "AL", "NSM"}
