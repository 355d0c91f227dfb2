"""A report as PDF: one sheet of A4, or more for many measurements. The same report gives the same bytes."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cephsure.reports.film_report.bars import HEIGHT as BAR_HEIGHT
from cephsure.reports.film_report.bars import bar_drawing, colour_bar
from cephsure.reports.film_report.content import TITLE
from cephsure.reports.film_report.panels import GAP
from cephsure.reports.film_report.pdf_fonts import width_mm, wrapped
from cephsure.reports.film_report.pdf_sheet import HEIGHT, WIDTH, Sheet
from cephsure.reports.film_report.rows import DASH
from cephsure.reports.symbols import BANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cephsure.reports.film_report.content import FilmReport
    from cephsure.reports.film_report.drawing import Ink
    from cephsure.reports.film_report.rows import Row

LEFT, TOP, BOTTOM = 14.0, 12.0, 16.0
ACROSS = WIDTH - 2 * LEFT
_BODY, _SMALL, _TITLE, _VERDICT = 7.8, 6.6, 15.0, 10.0  # points
_LINE, _SMALL_LINE = 3.55, 3.0  # mm
_HIGHEST, _LOWEST, _STEP = 94.0, 62.0, 8.0  # of the pictures, in mm: smaller ones where one page is to do

# Where columns begin and end, in mm from the left margin.
_NAME, _CODE, _VALUE_END, _ERROR_END, _NORM, _BAR, _DEVIATION, _CLASS = 0, 44, 70, 83, 87, 113, 135, 149
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the page that is not broken.

    Attributes:
        height: in mm.
        draw: at a height from the page's top.
        keeps_next: whether the next piece must stand on the same page.
        head: stands above it where it is the first on a page.
    """

    height: float
    draw: Callable[[Sheet, float], None]
    keeps_next: bool = False
    head: Block | None = None


def report_pdf(report: FilmReport) -> bytes:
    """The report as a PDF document; reportlab must be installed."""
    with _one_at_a_time, _pictures_as_bytes():  # the library's fonts and settings are shared by all documents
        sheet = Sheet(title=f"{TITLE}: {report.film_name}", subject=report.disclaimer)
        pages = _fewest_pages(report)
        for number, page in enumerate(pages, start=1):
            y = TOP
            for block in page:
                block.draw(sheet, y)
                y += block.height
            _foot(sheet, report, number, len(pages))
            sheet.next_page()
        return sheet.content()


def _fewest_pages(report: FilmReport) -> list[list[Block]]:
    """The pieces page by page, with pictures as large as that allows."""
    most = _HIGHEST
    fewest = _pages(_blocks(report, most))
    while len(fewest) > 1 and (most := most - _STEP) >= _LOWEST:
        pages = _pages(_blocks(report, most))
        fewest = min(fewest, pages, key=len)
    return fewest


@contextmanager
def _pictures_as_bytes() -> Iterator[None]:
    """Have the library write pictures as they are: spelled in letters, by default, they take a fifth more."""
    from reportlab import rl_config

    before, rl_config.useA85 = rl_config.useA85, 0
    try:
        yield
    finally:
        rl_config.useA85 = before


def _pages(blocks: Sequence[Block]) -> list[list[Block]]:
    """Pieces page by page; what is too high for any page stands on one alone."""
    room, used = HEIGHT - TOP - BOTTOM, 0.0
    pages: list[list[Block]] = [[]]
    waiting: list[Block] = []
    for block in blocks:
        waiting.append(block)
        if block.keeps_next:
            continue
        height = sum(each.height for each in waiting)
        if used + height > room and pages[-1]:
            head = waiting[0].head
            pages.append([] if head is None else [head])
            used = 0.0 if head is None else head.height
        pages[-1] += waiting
        used += height
        waiting = []
    pages[-1] += waiting
    return pages


def _foot(sheet: Sheet, report: FilmReport, number: int, count: int) -> None:
    y = HEIGHT - BOTTOM + 5.5
    sheet.rule(LEFT, y - 3.4, ACROSS)
    left = sheet.text(LEFT, y, report.disclaimer, _SMALL, bold=True)
    page = f"Page {number} of {count}"
    right = sheet.text(LEFT + ACROSS, y, page, _SMALL, "quiet", right=True)
    room = ACROSS - left - right - 10
    name = report.film_name
    if width_mm(name, _SMALL) > room:
        name = f"{wrapped(name, _SMALL, room - 3)[0]}…"
    sheet.text(LEFT + left + 5, y, name, _SMALL, "quiet")
    if sheet.lacking:
        codes = ", ".join(f"U+{ord(letter):04X}" for letter in list(sheet.lacking)[:12])
        said = f"Letters that this report's fonts lack stand as their codes: {codes}"
        sheet.text(LEFT, y + 3.2, said, _SMALL, "quiet")


def _blocks(report: FilmReport, most: float) -> list[Block]:
    """All pieces of the report, the pictures at most so many mm high."""
    blocks = [*_head(report), _verdict(report), _panels(report, most), *_table(report)]
    if report.doubts:
        blocks.append(_heading("Doubtful"))
        blocks += [_lines_block(_labelled(doubt.what, doubt.why)) for doubt in report.doubts]
    blocks.append(Block(1.8, lambda sheet, y: sheet.rule(LEFT, y + 1.2, ACROSS), keeps_next=True))
    for text in (*report.remarks, *report.made_by):
        blocks.append(_paragraph(text, _SMALL, "quiet", line=_SMALL_LINE))
    return blocks


def _paragraph(text: str, size: float, ink: Ink = "ink", *, line: float = _LINE) -> Block:
    lines = wrapped(text, size, ACROSS)

    def draw(sheet: Sheet, y: float) -> None:
        for place, part in enumerate(lines):
            sheet.text(LEFT, y + line * (place + 0.78), part, size, ink)

    return Block(line * len(lines) + 0.25, draw)


def _heading(text: str) -> Block:
    def draw(sheet: Sheet, y: float) -> None:
        sheet.text(LEFT, y + 5.4, text, 8.6, bold=True)

    return Block(6.6, draw, keeps_next=True)


def _labelled(what: str, why: str) -> list[list[tuple[str, Ink]]]:
    """Lines of words of which the first ones are marked."""
    lines = wrapped(f"{what}: {why}", _BODY, ACROSS)
    parts: list[list[tuple[str, Ink]]] = []
    marked = len(what)
    for text in lines:
        cut = max(0, min(marked, len(text)))
        parts.append([(text[:cut], "doubt"), (text[cut:], "ink")])
        marked -= len(text) + 1
    return parts


def _lines_block(lines: Sequence[Sequence[tuple[str, Ink]]]) -> Block:
    def draw(sheet: Sheet, y: float) -> None:
        for place, line in enumerate(lines):
            x = LEFT
            for text, ink in line:
                x += sheet.text(x, y + _LINE * (place + 0.78), text, _BODY, ink)

    return Block(_LINE * len(lines) + 0.3, draw)


def _head(report: FilmReport) -> Iterator[Block]:
    names = wrapped(report.film_name, 9, ACROSS)[:3]

    def title(sheet: Sheet, y: float) -> None:
        sheet.text(LEFT, y + 5, TITLE, _TITLE, bold=True)
        for place, part in enumerate(names):
            sheet.text(LEFT, y + 10.2 + 3.9 * place, part, 9, "quiet")

    yield Block(7.6 + 3.9 * len(names), title)
    rows = [*_fact_rows(report.patient), *_fact_rows(report.facts)]

    def facts(sheet: Sheet, y: float) -> None:
        for place, row in enumerate(rows):
            x, base = LEFT, y + _LINE * (place + 0.8)
            for heading, text in row:
                x += sheet.text(x, base, f"{heading} ", _BODY, "quiet")
                x += sheet.text(x, base, text, _BODY) + 5
        sheet.rule(LEFT, y + _LINE * len(rows) + 1.6, ACROSS)

    yield Block(_LINE * len(rows) + 3.4, facts)


def _fact_rows(facts: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Headings and texts in lines that have room for them; what is too long is broken."""
    rows: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for heading, text in facts:
        first = width_mm(f"{heading} ", _BODY)
        width = first + width_mm(text, _BODY) + 5
        if rows[-1] and used + width > ACROSS:
            rows.append([])
            used = 0.0
        if width > ACROSS:
            lines = wrapped(text, _BODY, ACROSS - first)
            rows[-1].append((heading, lines[0]))
            rows += [[("", part)] for part in lines[1:]]
            rows.append([])
            continue
        rows[-1].append((heading, text))
        used += width
    return [row for row in rows if row]


def _verdict(report: FilmReport) -> Block:
    colour: Ink | tuple[int, int, int] = (
        "doubt" if report.verdict == "review" else BANDS[report.verdict].background
    )
    said = filter(None, (report.why, report.review))
    lines = [line for text in said for line in wrapped(text, _BODY, ACROSS - 4)]
    height = 5.4 + _LINE * len(lines)

    def draw(sheet: Sheet, y: float) -> None:
        sheet.box(LEFT, y, 1.0, height, colour)
        sheet.text(LEFT + 3.4, y + 3.7, report.verdict_words, _VERDICT, colour, bold=True)
        for place, part in enumerate(lines):
            sheet.text(LEFT + 3.4, y + 4.9 + _LINE * (place + 0.78), part, _BODY)

    return Block(height + 3.0, draw)


def _panels(report: FilmReport, most: float) -> Block:
    height = report.panel_height(most=most)
    width = height * report.film.width_px / (report.film.height_px * report.film.pixel_aspect)
    scale = report.colours
    captions = wrapped(report.caption, _SMALL, max(width, 60.0)) if report.caption else []

    def draw(sheet: Sheet, y: float) -> None:
        panels = report.panels(most=most)
        sheet.drawing(LEFT, y, panels.film)
        right = LEFT + panels.film.width + GAP
        sheet.drawing(right, y, panels.tracing)
        base = y + height + 3.1
        sheet.text(max(right, LEFT + 62.0), base, report.tracing_caption, _SMALL, "quiet")
        for place, part in enumerate(captions):
            sheet.text(LEFT, base + _SMALL_LINE * place, part, _SMALL, "quiet")
        if scale is not None:
            base += _SMALL_LINE * len(captions)
            x = LEFT + sheet.text(LEFT, base, f"Colour, {scale.quantity}: 0 ", _SMALL, "quiet")
            bar = colour_bar(scale)
            sheet.drawing(x, base - bar.height, bar)
            last = f" {scale.tick_label(scale.maximum)} {scale.unit}"
            sheet.text(x + bar.width, base, last, _SMALL, "quiet")

    return Block(height + _SMALL_LINE * (len(captions) + (scale is not None)) + 2.4, draw)


def _table(report: FilmReport) -> Iterator[Block]:
    def heads(sheet: Sheet, y: float) -> None:
        base = y + 3.0
        for x, text, right in (
            *((_NAME, "Measurement", False), (_VALUE_END, "Value", True), (_ERROR_END, "±", True)),
            *((_NORM, "Norm or border", False), (_BAR, "Deviation", False), (_CLASS, "Class", False)),
        ):
            sheet.text(LEFT + x, base, text, _SMALL, "quiet", right=right)
        sheet.rule(LEFT, y + 4.1, ACROSS)

    head = Block(4.6, heads, keeps_next=True)
    yield head
    for table in report.tables:
        if len(report.tables) > 1:
            yield replace(_heading(table.title), head=head)
        for row in table.rows:
            yield replace(_row(row), head=head)


def _row(row: Row) -> Block:
    names = wrapped(row.name, _BODY, _CODE - _NAME - 1.5)
    said = wrapped(row.said, _BODY, ACROSS - _CLASS)
    count = max(len(names), len(said), len(row.usual), 1)
    height = _LINE * count + 0.9
    ink: Ink = "quiet" if row.value == DASH else "ink"

    def draw(sheet: Sheet, y: float) -> None:
        def base(place: int) -> float:
            return y + 0.45 + _LINE * (place + 0.76)

        for place, part in enumerate(names):
            sheet.text(LEFT + _NAME, base(place), part, _BODY, ink)
        sheet.text(LEFT + _CODE, base(0), row.code, _BODY, "quiet")
        sheet.text(LEFT + _VALUE_END, base(0), row.value, _BODY, ink, right=True)
        sheet.text(LEFT + _ERROR_END, base(0), row.error, _BODY, ink, right=True)
        for place, usual in enumerate(row.usual):
            x = LEFT + _NORM + sheet.text(LEFT + _NORM, base(place), usual.text, _BODY, ink)
            sheet.text(x + 1, base(place), usual.whom, _SMALL, "quiet")
            if usual.bar is not None:
                middle = base(place) - 0.95
                sheet.drawing(
                    LEFT + _BAR, middle - BAR_HEIGHT / 2, bar_drawing(usual.bar, is_doubtful=row.is_doubtful)
                )
            sheet.text(LEFT + _DEVIATION, base(place), usual.deviation, _BODY)
        for place, part in enumerate(said):
            sheet.text(LEFT + _CLASS, base(place), part, _BODY, "doubt" if row.is_doubtful else ink)
        sheet.rule(LEFT, y + height, ACROSS, thick=0.1)

    return Block(height, draw)
