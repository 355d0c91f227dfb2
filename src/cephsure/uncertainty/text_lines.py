"""Lines of text of a given width: sentences broken between words, tables in which nothing is ever cut."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cephsure.file_names import writable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Style = Literal["", "title", "heading", "dim", "fit", "review", "unfit", "warning"]
"""What a line is; who shows it may give each a colour of its own."""

GLUE = "\u00a0"
"""A blank at which no cell is broken; it is shown as any other."""

_INDENT = "  "
_SHORT_HEADING = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, without the end of line."""

    text: str
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: a long one is broken between its words where the cells are narrower.
        cells: one a row.
        right: set to the right, as figures are.
        words: its cells may be broken at blanks where room is short (not at ``GLUE``); others never are.
    """

    heading: str
    cells: tuple[str, ...]
    right: bool = False
    words: bool = False


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One way to set a table's columns.

    Attributes:
        storeys: the columns of each row's first line, then of the lines under it, which stand indented. In
            each storey one column at most is of words.
        gap: blanks between columns.
        most_lines: into how many lines a cell of words may be broken; None for any number.
    """

    storeys: tuple[tuple[Column, ...], ...]
    gap: int = 2
    most_lines: int | None = 1

    def fits(self, width: int) -> bool:
        """Whether no line is longer than ``width``, and no cell is broken into too many."""
        most = self.most_lines
        for indent, columns in self._indented():
            room = width - len(indent)
            widths = _widths(columns, room, self.gap)
            if sum(widths) + self.gap * (len(widths) - 1) > room:
                return False
            for column, own in zip(columns, widths, strict=True):
                if most is not None and any(len(_broken(column, cell, own)) > most for cell in column.cells):
                    return False
        return True

    def lines(self, width: int, styles: Sequence[Style]) -> list[Line]:
        """The table; ``styles`` are those of the rows."""
        storeys = [
            (indent, columns, _widths(columns, width - len(indent), self.gap))
            for indent, columns in self._indented()
        ]
        shown: list[Line] = []
        for indent, columns, widths in storeys:
            headings = [
                wrapped(_heading_words(column), own) for column, own in zip(columns, widths, strict=True)
            ]
            deep = max(map(len, headings))
            headings = [[""] * (deep - len(cell)) + cell for cell in headings]
            shown += [Line(text, "heading") for text in self._set(indent, columns, widths, headings)]
        for row, style in enumerate(styles):
            for indent, columns, widths in storeys:
                cells = [
                    _broken(column, column.cells[row], own)
                    for column, own in zip(columns, widths, strict=True)
                ]
                shown += [Line(text, style) for text in self._set(indent, columns, widths, cells)]
        return shown

    def _indented(self) -> list[tuple[str, tuple[Column, ...]]]:
        return [(_INDENT if place else "", columns) for place, columns in enumerate(self.storeys)]

    def _set(
        self, indent: str, columns: Sequence[Column], widths: Sequence[int], cells: Sequence[Sequence[str]]
    ) -> Iterator[str]:
        """Cells of one or more lines each, side by side."""
        for place in range(max(map(len, cells))):
            texts = (lines[place] if place < len(lines) else "" for lines in cells)
            padded = [
                " " * (own - width_of(text)) + text if column.right else text + " " * (own - width_of(text))
                for text, column, own in zip(texts, columns, widths, strict=True)
            ]
            yield (indent + (" " * self.gap).join(padded)).replace(GLUE, " ").rstrip()


def table(arrangements: Iterable[Arrangement], width: int, styles: Sequence[Style]) -> list[Line]:
    """A table as the first of its arrangements that fits the width; as the last one where none does."""
    ways = list(arrangements)
    fitting = next((way for way in ways if way.fits(width)), ways[-1])
    return fitting.lines(width, styles)


def side_by_side(first: Column, columns: Iterable[Column], width: int, styles: Sequence[Style]) -> list[Line]:
    """Tables one under the other, each as many of the columns as fit beside the first one."""
    shown: list[Line] = []
    together: tuple[Column, ...] = ()
    for column in columns:
        if together and not Arrangement(((first, *together, column),)).fits(width):
            shown += [*Arrangement(((first, *together),)).lines(width, styles), Line("")]
            together = ()
        together = (*together, column)
    return shown + (Arrangement(((first, *together),)).lines(width, styles) if together else [])


def sentence(text: str, width: int, style: Style = "") -> list[Line]:
    """A sentence, broken between words; the lines after the first are indented."""
    return [Line(line, style) for line in wrapped(text.split(), width, indent=_INDENT)]


def indented(text: str, width: int, style: Style = "") -> list[Line]:
    """A text that stands indented, broken at blanks but not at ``GLUE``."""
    lines = wrapped(_pieces(text), width - len(_INDENT))
    return [Line(_INDENT + line.replace(GLUE, " "), style) for line in lines]


def listed(text: str, names: Iterable[str], width: int, style: Style = "") -> list[Line]:
    """A sentence that ends with names, as in "blurred: a.png, b.png"; blanks in a name do not break it."""
    named = list(names)
    words = [*f"{text}:".split(), *(f"{name}," for name in named[:-1]), *named[-1:]]
    return [Line(line, style) for line in wrapped(words, width, indent=_INDENT)]


def wrapped(words: Iterable[str], width: int, *, indent: str = "") -> list[str]:
    """Words in lines of the width; a word that is longer stands alone and whole.

    >>> wrapped("not one word is cut".split(), 8)
    ['not one', 'word is', 'cut']
    """
    lines: list[str] = []
    line = None
    for word in words:
        longer = word if line is None else f"{line} {word}"
        if line is None or width_of(longer) <= width:
            line = longer
        else:
            lines.append(line)
            line = indent + word
    return [*lines, line or ""]


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters take two, marks on letters none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def printable(text: str) -> str:
    r"""A text from outside with what is no letter escaped: it must not steer the terminal that shows it.

    Bytes of names that are no text and control characters stand as in the files that are written.

    >>> printable("a\x1b[2J\u202eb")
    'a%1B[2J\\u202eb'
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or unicodedata.category(each) == "Zs" else ascii(each)[1:-1]
        for each in writable(text)
    )


def _widths(columns: Sequence[Column], room: int, gap: int) -> list[int]:
    """What each column takes; one of words gives way, down to its longest word."""
    widths = [max(map(width_of, (*_heading_words(column), *column.cells))) for column in columns]
    over = sum(widths) + gap * (len(widths) - 1) - room
    for place, column in enumerate(columns):
        if over > 0 and column.words:
            texts = (column.heading, *column.cells)
            least = max((width_of(word) for text in texts for word in _pieces(text)), default=0)
            widths[place] = max(least, widths[place] - over)
    return widths


def _heading_words(column: Column) -> list[str]:
    """What a heading may be broken into: a unit stays with a short one."""
    return column.heading.split() if len(column.heading) > _SHORT_HEADING else [column.heading]


def _broken(column: Column, cell: str, width: int) -> list[str]:
    return wrapped(_pieces(cell), width) if column.words and width_of(cell) > width else [cell]


def _pieces(cell: str) -> list[str]:
    return [piece for piece in cell.split(" ") if piece]
