"""Predictions in the terminal: a table a film, or one row a film."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cephsure.cli import terminal
from cephsure.uncertainty.prediction_table import (
    IN_MEMORY,
    NO_SCALE,
    NONE,
    expected_error,
    film_line,
    film_lines,
    model_line,
    verdict_line,
    verdict_style,
)
from cephsure.uncertainty.text_lines import Arrangement, Column, Line, listed, printable, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cephsure.uncertainty.gate.verdict import FilmVerdict
    from cephsure.uncertainty.prediction import Prediction

__all__ = [
    "FULL_TABLES",
    "NO_SCALE",
    "ORDER",
    "film_line",
    "grouped",
    "short_names",
    "show_films",
    "summary_lines",
]

# Up to this many films are shown as a table each, more as one row each.
FULL_TABLES = 3
ORDER: tuple[FilmVerdict | None, ...] = ("unfit", "review", None, "fit")


def show_films(predictions: Sequence[Prediction], *, everything: bool = False) -> None:
    """Print films: up to three as a table each, more as one row each; with ``everything`` as tables too."""
    width, many = terminal.width(), len(predictions) > FULL_TABLES
    for number, prediction in enumerate(predictions if everything or not many else ()):
        lines = film_lines(prediction, width, everything=everything)
        terminal.show([*([Line("")] if number else []), *lines])
    if many:
        terminal.show([*([Line("")] if everything else []), *summary_lines(predictions, width)])


def summary_lines(predictions: Sequence[Prediction], width: int) -> list[Line]:
    """One row a film: verdict, accepted points and the worst one; then why, what is promised, and notes.

    What several films share stands once, with their names.
    """
    names = short_names([prediction.film for prediction in predictions])
    lines = [*_film_rows(predictions, names, width), Line("")]
    ordered = sorted(predictions, key=lambda prediction: ORDER.index(prediction.verdict))
    named = {id(prediction): name for prediction, name in zip(predictions, names, strict=True)}
    shown = [(prediction, named[id(prediction)]) for prediction in ordered]
    for verdict in ORDER:
        own = [(verdict_line(each), name) for each, name in shown if each.verdict == verdict]
        for text, who in grouped(own, len(predictions)).items():
            lines += listed(text.removeprefix("verdict: "), who, width, verdict or "")
    for text, who in grouped([(each.promise, name) for each, name in shown], len(predictions)).items():
        lines += listed(text, who, width, "warning" if text.startswith("no promise") else "dim")
    unscaled = [(NO_SCALE, name) for each, name in shown if each.film.mm_per_px is None]
    for text, who in grouped(unscaled, len(predictions)).items():
        lines += listed(text, who, width, "warning")
    for text, who in grouped([(model_line(each), name) for each, name in shown], len(predictions)).items():
        lines += listed(text, who, width, "dim")
    notes = [
        (f"note: {note}", name)
        for each, name in zip(predictions, names, strict=True)
        for note in each.film.notes
    ]
    for text, who in grouped(notes, len(predictions)).items():
        lines += listed(text, who, width)
    return lines


class HasPath(Protocol):
    """A film."""

    @property
    def path(self) -> str | None:
        """Its file; None in memory."""


def short_names(films: Sequence[HasPath]) -> list[str]:
    """Films' file names, with as much of their folders as tells them apart.

    >>> from types import SimpleNamespace as Film
    >>> short_names([Film(path="north/1/a.png"), Film(path="south/1/a.png"), Film(path="north/1/b.png")])
    ['north/1/a.png', 'south/1/a.png', 'b.png']
    """
    parts = [(IN_MEMORY,) if film.path is None else Path(film.path).parts for film in films]
    depths = [1] * len(films)
    while True:
        names = [own[-depth:] for own, depth in zip(parts, depths, strict=True)]
        count = Counter(names)
        longer = [
            depth + (count[name] > 1 and depth < len(own))
            for name, depth, own in zip(names, depths, parts, strict=True)
        ]
        if longer == depths:
            return [printable(str(Path(*name))) for name in names]
        depths = longer


def _film_rows(predictions: Sequence[Prediction], names: Sequence[str], width: int) -> list[Line]:
    """One row a film; where a name leaves no room, each stands above its figures."""
    film = Column("film", tuple(names))
    worst = [_worst(prediction) for prediction in predictions]
    accepted = tuple(_accepted(prediction) for prediction in predictions)
    figures = (
        Column("verdict", tuple(prediction.verdict or NONE for prediction in predictions)),
        Column("accepted", accepted, right=True),
        Column("worst point", tuple(code for code, _ in worst)),
        Column("± mm", tuple(error for _, error in worst), right=True),
    )
    styles = [verdict_style(prediction) for prediction in predictions]
    return table((Arrangement(((film, *figures),)), Arrangement(((film,), figures))), width, styles)


def _accepted(prediction: Prediction) -> str:
    if all(mark.verdict is None for mark in prediction.landmarks):
        return NONE
    count = sum(mark.verdict == "accept" for mark in prediction.landmarks)
    return f"{count} of {len(prediction.landmarks)}"


def _worst(prediction: Prediction) -> tuple[str, str]:
    """Code and expected error of the point that is expected to be farthest off."""
    known = [mark for mark in prediction.landmarks if mark.expected_error_mm is not None]
    if not known:
        return NONE, NONE
    worst = max(known, key=lambda mark: mark.expected_error_mm or 0.0)
    return printable(worst.code), expected_error(worst)


def grouped(said: Iterable[tuple[str, str]], films: int) -> dict[str, list[str]]:
    """What is said, each once, and of which films; "all films" where it is of all."""
    groups: dict[str, list[str]] = {}
    for text, name in said:
        groups.setdefault(text, []).append(name)
    return {text: [f"all {films} films"] if len(who) == films else who for text, who in groups.items()}
