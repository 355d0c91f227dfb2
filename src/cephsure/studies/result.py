"""What an experiment gives: method, tables and figures; written to a folder and read back. And its words."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.text_files import read_json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = ("png", "svg")


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure that is no longer drawn upon."""

    caption: str  # said under it
    alt: str  # what it shows, for those who cannot see it
    files: Mapping[str, bytes]  # by ending ("png", "svg")


def drawn(figure: Figure | DrawnFigure) -> DrawnFigure:
    """Draw a figure, the same bytes for the same figure; one that is drawn is given back."""
    if isinstance(figure, DrawnFigure):
        return figure
    import matplotlib as mpl

    png, svg = io.BytesIO(), io.BytesIO()
    figure.savefig(png, format="png")
    # Without a salt of its own an SVG gets random identifiers, without Date None the time of day.
    with mpl.rc_context({"svg.hashsalt": "cephsure"}):
        figure.savefig(svg, format="svg", metadata={"Date": None})
    files = {"png": png.getvalue(), "svg": svg.getvalue()}
    return DrawnFigure(str(figure.get_label()), in_words(figure), files)


def _read_figure(folder: Path, name: str, words: Mapping[str, str]) -> DrawnFigure:
    try:
        files = {ending: (folder / f"{name}.{ending}").read_bytes() for ending in ENDINGS}
    except OSError as error:
        raise InputError(
            f"a figure's file cannot be read: {error.strerror}",
            where=error.filename,
            remedy="run the experiment again: what is predicted is not predicted again",
        ) from error
    return DrawnFigure(words["caption"], words["alt"], files)


def in_words(figure: Figure) -> str:
    """What stands on a figure's axes: its panels' titles and labels, each once."""
    panels = [words for axes in figure.get_axes() if axes.get_visible() and (words := _panel(axes))]
    several = dict.fromkeys(panels)
    count = f"{len(panels)} panels: " if len(panels) > 1 else ""
    return count + "; ".join(several)


def _panel(axes: Axes) -> str:
    x, y, title = (
        " ".join(text.split()) for text in (axes.get_xlabel(), axes.get_ylabel(), axes.get_title())
    )
    against = f"{y} against {x}" if x and y else y or x
    return f"{title} ({against})" if title and against else title or against


SCHEMA = "cephsure.experiment/1"

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class ResultTable:
    """A table with named columns; units stand in the names ("mre_mm", "angle_deg").

    Attributes:
        title: one line for the reader.
        frame: the cells, tidy: an observation a row. NaN, NA or None where there is no value. Whole numbers
            with gaps need the type "Int64", as ``frame_of`` gives it, or they become floats.
        note: what the reader must know to read it right.
    """

    title: str
    frame: pd.DataFrame
    note: str = ""

    @staticmethod
    def from_records(
        title: str,
        records: Iterable[Mapping[str, Cell] | Sequence[Cell]],
        *,
        columns: Sequence[str] | None = None,
        note: str = "",
    ) -> ResultTable:
        """A table of records; see ``frame_of``."""
        return ResultTable(title, frame_of(records, columns), note)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.frame.columns)

    def records(self) -> list[dict[str, Cell]]:
        """The rows by column name, as JSON knows them; None where there is no value."""
        cells = zip(*(map(plain, self.frame[name]) for name in self.columns), strict=True)
        return [dict(zip(self.columns, row, strict=True)) for row in cells]

    def select(self, *columns: str, where: pd.Series | None = None) -> ResultTable:
        """Some of the columns, of all rows or of those where ``where`` holds.

        With a column ``x`` come ``x_low`` and ``x_high``, the ends of its interval, where there are such.
        """
        frame = self.frame if where is None else self.frame[where.astype(bool)]
        wanted = dict.fromkeys(f"{name}{end}" for name in columns for end in ("", "_low", "_high"))
        return replace(self, frame=frame[[name for name in wanted if name in columns or name in frame]])

    def csv(self) -> str:
        """The table as CSV text with all digits; empty where there is no value."""
        cells = pd.DataFrame(self.records(), columns=self.columns, dtype=object)
        return str(cells.to_csv(index=False, lineterminator="\n"))

    def document(self) -> dict[str, Any]:
        """The table as JSON data."""
        words = {"title": self.title, "note": self.note}
        return words | {"columns": list(self.columns), "rows": self.records()}

    @staticmethod
    def from_document(data: Mapping[str, Any]) -> ResultTable:
        """The table of a ``document``."""
        return ResultTable(data["title"], frame_of(data["rows"], data["columns"]), data["note"])


def frame_of(
    records: Iterable[Mapping[str, Cell] | Sequence[Cell]], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """A frame whose columns keep the type of their cells, gaps or not: whole numbers stay whole.

    Args:
        records: a row each, by column name or in the columns' order; what a record lacks, and None, are gaps.
        columns: which, and their order; by default all, in the order they come.
    """
    frame = pd.DataFrame(list(records), columns=columns, dtype=object)
    return pd.DataFrame({name: _typed(cells) for name, cells in frame.items()}, columns=frame.columns)


def _typed(cells: pd.Series) -> pd.Series:
    kinds = {type(plain(cell)) for cell in cells} - {type(None)}
    if len(kinds) != 1 or kinds == {str}:  # cells of several kinds stay what they are
        return cells
    (kind,) = kinds
    with_gaps = {int: "Int64", bool: "boolean"}.get(kind, "float64")
    return cells.astype(with_gaps if cells.isna().any() else kind)


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """One experiment's outcome.

    Attributes:
        name: as on the command line ("error-correlation").
        title: heading in the report.
        method: how it was done, a paragraph each that a researcher can repeat it from; see ``method_text``.
        tables: by file name without ending.
        figures: by file name without ending; the caption is the figure's label (``Figure.set_label``). Those
            of a result that was read are ``DrawnFigure``.
        shown: what the command line prints: a few rows and columns that answer the question, of the tables
            (``ResultTable.select``). It is not written. None for the beginning of the first table.
    """

    name: str
    title: str
    method: tuple[str, ...]
    tables: dict[str, ResultTable] = field(default_factory=dict)
    figures: Mapping[str, Figure | DrawnFigure] = field(default_factory=dict)
    shown: ResultTable | None = None

    def write(self, folder: Path) -> list[Path]:
        """Write all tables as CSV, all data as one JSON, all figures as PNG and SVG; returns the files.

        The JSON comes last: where it stands, all it names stands beside it.
        """
        figures = {name: drawn(figure) for name, figure in self.figures.items()}
        contents = {f"{name}.csv": table.csv().encode("utf-8") for name, table in self.tables.items()}
        for name, figure in figures.items():
            contents |= {f"{name}.{ending}": content for ending, content in figure.files.items()}
        document = replace(self, figures=dict(figures)).document()
        contents[f"{self.name}.json"] = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
        return [write_atomically(folder / name, content) for name, content in contents.items()]

    def document(self) -> dict[str, Any]:
        """Everything as JSON data, of figures what they show and where they are."""
        figures = {name: drawn(figure) for name, figure in self.figures.items()}
        return {
            "schema": SCHEMA,
            "name": self.name,
            "title": self.title,
            "method": list(self.method),
            "tables": {name: table.document() for name, table in self.tables.items()},
            "figures": {
                name: {"caption": figure.caption, "alt": figure.alt} for name, figure in figures.items()
            },
            "disclaimer": "Research use only. Not a medical device.",
        }


def read_result(folder: Path, name: str) -> ExperimentResult:
    """What ``ExperimentResult.write`` wrote of the experiment ``name``.

    Raises:
        InputError: it is not there or is damaged.
    """
    path, remedy = folder / f"{name}.json", "run the experiment again"
    try:
        document = read_json_object(path)
    except InputError as error:
        said = f"not an experiment's result: {error.what}"
        raise InputError(said, where=path, remedy=remedy) from error
    try:
        return _from_document(document, folder)
    except InputError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"not an experiment's result: {error}", where=path, remedy=remedy) from error


def _from_document(data: Mapping[str, Any], folder: Path) -> ExperimentResult:
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r}, not {SCHEMA!r}")
    return ExperimentResult(
        name=str(data["name"]),
        title=str(data["title"]),
        method=tuple(map(str, data["method"])),
        tables={key: ResultTable.from_document(table) for key, table in data["tables"].items()},
        figures={key: _read_figure(folder, key, words) for key, words in data["figures"].items()},
    )


def plain(cell: Cell) -> Cell:
    """A cell as JSON knows it: numpy numbers become Python's; NA, NaN and infinity become None."""
    if cell is None or cell is pd.NA or isinstance(cell, (str, bool)):
        return None if cell is pd.NA else cell
    value = cell.item() if hasattr(cell, "item") else cell
    return None if isinstance(value, float) and not math.isfinite(value) else value


UNKNOWN = "–"


def with_interval(value: float | None, interval: Sequence[float] | None, *, digits: int = 2) -> str:
    """A value with the ends of its 95 % interval.

    Examples:
        >>> with_interval(0.314, (0.25, 0.375))
        '0.31 [0.25, 0.38]'
        >>> with_interval(-0.5, None)
        '−0.50'
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = f"{value:.{digits}f}"
    if interval is not None and all(map(math.isfinite, interval)):
        text += f" [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"
    return text.replace("-", "−")


def ends(interval: Sequence[float] | None) -> tuple[float | None, float | None]:
    """The two cells of an interval in a table: empty where there is none."""
    return (None, None) if interval is None else (interval[0], interval[1])


def with_ends(name: str, value: float | None, interval: Sequence[float] | None) -> dict[str, float | None]:
    """The three cells of a value and its interval in a table.

    Examples:
        >>> with_ends("auc", 0.8, (0.7, 0.9))
        {'auc': 0.8, 'auc_low': 0.7, 'auc_high': 0.9}
    """
    return dict(zip((name, f"{name}_low", f"{name}_high"), (value, *ends(interval)), strict=True))


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    Examples:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def method_text(name: str, **facts: Any) -> tuple[str, ...]:
    """How an experiment was made: ``templates/NAME.md.j2``, filled in.

    Args:
        name: of the experiment ("error-correlation").
        facts: what the template asks for; the filter ``listed`` writes a list as "a, b and c".

    Returns:
        Its paragraphs, which an empty line parts in the template, each in one line.

    Raises:
        jinja2.UndefinedError: the template asks for a fact that is not given.
    """
    text = templates().get_template(f"{name}.md.j2").render(facts)
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


@cache
def templates() -> Environment:
    """The texts and pages in ``cephsure/studies/templates``; what is put into a page (HTML) is escaped."""
    found = Environment(
        loader=PackageLoader("cephsure.studies"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=select_autoescape(["html.j2"]),
    )
    found.filters["listed"] = listed
    return found
