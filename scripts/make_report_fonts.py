"""Make the fonts that reports embed from their whole originals: only letters that names are written with.

Usage: make_report_fonts.py ROBOTO_REGULAR ROBOTO_BOLD DROID_SANS_FALLBACK NANUM_GOTHIC

The originals are in Debian's packages fonts-roboto-unhinted, fonts-droid-fallback (both Apache-2.0) and
fonts-nanum (OFL-1.1; its name is reserved, so the part of it is called otherwise). Needs fonttools.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FONTS = Path(__file__).parents[1] / "src" / "cephsure" / "data" / "fonts"
# Latin, Greek and Cyrillic with their accents, punctuation, currency, arrows, operators.
TEXT = [*range(0x20, 0x530), *range(0x1E00, 0x1F00), *range(0x2000, 0x2070), *range(0x2070, 0x2300), 0x25CC]
# Characters of the common sets of Japan, China, Taiwan and Korea: in each some name is written.
EAST_ASIAN = ("shift_jis", "gb2312", "big5", "euc_kr")
KANA_AND_PUNCTUATION = [*range(0x3000, 0x3100), *range(0xFF00, 0xFFF0)]


def letters_of(codec: str, first: int, last: int) -> set[int]:
    """The letters from ``first`` to ``last`` that a character set has, of Big5 the usual half of them."""
    coded = {code: chr(code).encode(codec, "ignore") for code in range(first, last + 1)}
    # Longer than two bytes is a syllable that KS X 1001 lacks and Python spells out.
    return {code for code, said in coded.items() if len(said) == 2 and (codec != "big5" or said[0] < 0xC7)}


def write_part(original: Path, name: str, letters: set[int], *, family: str | None = None) -> None:
    """Write the part of a font that has some letters; ``family`` renames it."""
    font = TTFont(original)
    options = subset.Options(hinting=False, name_IDs=["*"], notdef_outline=True)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "vhea", "vmtx"]
    cut = subset.Subsetter(options)
    cut.populate(unicodes=letters & font.getBestCmap().keys())
    cut.subset(font)
    if family is not None:
        for record in list(font["name"].names):
            if record.nameID in {1, 3, 4, 6, 16, 18}:
                font["name"].setName(
                    family.replace(" ", "") if record.nameID == 6 else family,
                    record.nameID,
                    record.platformID,
                    record.platEncID,
                    record.langID,
                )
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(FONTS / name)
    print(name, (FONTS / name).stat().st_size, len(font.getBestCmap()))


def main() -> None:
    """Make all four."""
    regular, bold, droid, nanum = map(Path, sys.argv[1:5])
    text = set(TEXT)
    write_part(regular, "report-regular.ttf", text)
    write_part(bold, "report-bold.ttf", text)
    han = set().union(*(letters_of(codec, 0x4E00, 0x9FFF) for codec in EAST_ASIAN))
    write_part(droid, "report-han.ttf", han | set(KANA_AND_PUNCTUATION))
    write_part(nanum, "report-hangul.ttf", letters_of("euc_kr", 0xAC00, 0xD7A3), family="cephsure Hangul")


if __name__ == "__main__":
    main()
