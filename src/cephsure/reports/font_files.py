"""Fonts for letters that Pillow's own font lacks: those of this machine, and one that comes with cephsure."""

from __future__ import annotations

import gzip
import os
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})
_MOST_FILES = 1000
_FACES_IN_A_FILE = 20

# What of a file's name, in small letters and without separators, speaks for it: the first that fits counts.
_GOOD = (
    *("dejavusans", "arialunicode", "notosanscjk", "notosans", "liberationsans", "segoeui", "arial"),
    *("nirmala", "hiragino", "pingfang", "yugoth", "meiryo", "msyh", "malgun", "applesdgothic"),
    *("droidsansfallback", "wqy", "ipag", "nanum", "kohinoor", "leelaw", "thonburi"),
)
_UNSUITED = ("bold", "italic", "oblique", "black", "light", "thin", "heavy", "condensed", "mono", "serif")
# These draw a box, or nothing, for every letter there is.
_NO_LETTERS = ("lastresort", "adobeblank", "notdef", "emoji")

_UNIFONT = "unifont-15.0.01.otf.gz"
# Its letters are low in their line.
_UNIFONT_LARGER = 1.25

# No font has a letter at the end of the private planes: what it draws there stands for any missing one.
_NOBODYS = "\U0010fffd"


@dataclass(frozen=True, slots=True)
class FontFile:
    """A font: one face of a file of this machine, or, without a path, the one that comes with cephsure."""

    path: Path | None = None
    face: int = 0

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font in a size in px.

        Raises:
            OSError: the file is no font, or one of fixed sizes.
        """
        return _opened(self, size)

    def has(self, letter: str) -> bool:
        """Whether it draws a letter; OSError as of `at`."""
        return _picture_of(self, letter) != _picture_of(self, _NOBODYS)


BUNDLED = FontFile()
"""GNU Unifont (SIL Open Font License 1.1): plain, but with every letter of the basic plane."""


# Each keeps its file open.
@lru_cache(maxsize=32)
def _opened(font: FontFile, size: int, *, one_by_one: bool = False) -> ImageFont.FreeTypeFont:
    """The font, and for a look at single letters the engine that does not see them together."""
    engine = ImageFont.Layout.BASIC if one_by_one else None
    if font.path is None:
        larger = round(_UNIFONT_LARGER * size)
        return ImageFont.truetype(BytesIO(_unifont()), larger, layout_engine=engine)
    return ImageFont.truetype(font.path, size, index=font.face, layout_engine=engine)


@cache
def _unifont() -> bytes:
    return gzip.decompress((files("cephsure") / "data" / "fonts" / _UNIFONT).read_bytes())


@lru_cache(maxsize=4096)
def _picture_of(font: FontFile, letter: str) -> bytes:
    picture = Image.new("L", (40, 40))
    drawn_by = _opened(font, 16, one_by_one=True)
    ImageDraw.Draw(picture).text((10, 28), letter, fill=255, font=drawn_by, anchor="ls")
    return picture.tobytes()


def font_folders() -> tuple[Path, ...]:
    """Where this system keeps its fonts."""
    home, around = Path.home(), os.environ
    if sys.platform == "win32":
        local = Path(around.get("LOCALAPPDATA", home / "AppData" / "Local"))
        return Path(around.get("WINDIR", r"C:\Windows"), "Fonts"), local / "Microsoft" / "Windows" / "Fonts"
    if sys.platform == "darwin":
        return Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"
    shared = around.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    own = around.get("XDG_DATA_HOME") or home / ".local" / "share"
    return (*(Path(folder, "fonts") for folder in shared.split(":")), Path(own, "fonts"), home / ".fonts")


@cache
def system_fonts() -> tuple[Path, ...]:
    """Font files of this machine, those first whose letters suit a legend and are many."""
    found: dict[Path, None] = {}
    for folder in font_folders():
        for within, _, names in os.walk(folder):
            found.update(dict.fromkeys(Path(within, name) for name in names))
    fonts = [path for path in found if path.suffix.lower() in _SUFFIXES and not _says(path, _NO_LETTERS)]
    return tuple(sorted(fonts, key=_rank)[:_MOST_FILES])


def _rank(path: Path) -> tuple[int, int, int, str]:
    name = _plain(path)
    good = next((place for place, part in enumerate(_GOOD) if part in name), len(_GOOD))
    return sum(part in name for part in _UNSUITED), good, len(name), str(path)


def _says(path: Path, parts: tuple[str, ...]) -> bool:
    return any(part in _plain(path) for part in parts)


def _plain(path: Path) -> str:
    return "".join(c for c in path.stem.lower() if c.isalnum())


def fonts_for(letters: frozenset[str]) -> dict[str, FontFile]:
    """A font for each of some letters; letters that no font has are left out.

    A font of the machine that has all of them goes before those that have some, and any before the bundled
    one.
    """
    chosen: dict[str, FontFile] = {}
    for font, drawn in _of_machine(letters):
        if drawn == letters:
            return dict.fromkeys(letters, font)
        chosen = dict.fromkeys(drawn, font) | chosen
    left = letters - chosen.keys()
    return chosen | {letter: BUNDLED for letter in left if BUNDLED.has(letter)}


def _of_machine(letters: frozenset[str]) -> Iterator[tuple[FontFile, frozenset[str]]]:
    """The machine's fonts, and which of some letters each has."""
    for path in system_fonts():
        for face in range(_FACES_IN_A_FILE if path.suffix.lower() in {".ttc", ".otc"} else 1):
            font = FontFile(path, face)
            try:
                yield font, frozenset(filter(font.has, letters))
            except OSError:  # no font, no more faces, or fixed sizes
                break
