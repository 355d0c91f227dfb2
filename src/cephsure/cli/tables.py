"""Predictions in the terminal: a table a film, or one row a film."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.cli import terminal
from cephsure.uncertainty.prediction_table import (
    IN_MEMORY,
    NO_SCALE,
    NONE,
    VERDICT_WORDS,
    expected_error,
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
    from cephsure.uncertainty.text_lines import Style

__all__ = [
    "FULL_TABLES",
    "NO_SCALE",
    "ORDER",
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

    What several films share, each reason by itself, stands once, with their names.
    """
    names = short_names([prediction.film.path for prediction in predictions])
    lines = [*_film_rows(predictions, names, width), Line("")]

    def say(said: Iterable[tuple[str, str]], style: Style) -> None:
        for text, who in grouped(said, len(predictions)).items():
            lines.extend(listed(text, who, width, style))

    in_order = list(zip(predictions, names, strict=True))
    films = sorted(in_order, key=lambda film: ORDER.index(film[0].verdict))
    for verdict in ORDER:
        own = [film for film in films if film[0].verdict == verdict]
        say([(reason, name) for film, name in own for reason in _reasons(film)], verdict or "")
    say([(film.promise, name) for film, name in films if film.level is None], "warning")
    say([(film.promise, name) for film, name in films if film.level is not None], "dim")
    say([(NO_SCALE, name) for film, name in films if film.film.mm_per_px is None], "warning")
    say([(model_line(film), name) for film, name in films], "dim")
    say([(f"note: {note}", name) for film, name in in_order for note in film.film.notes], "")
    return lines


def short_names(paths: Sequence[str | None]) -> list[str]:
    """Films' file names, with as much of their folders as tells them apart; None is a film in memory.

    >>> short_names(["north/1/a.png", "south/1/a.png", "north/1/b.png"])
    ['north/1/a.png', 'south/1/a.png', 'b.png']
    """
    parts = [(IN_MEMORY,) if path is None else Path(path).parts for path in paths]
    depths = [1] * len(paths)
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


def _reasons(prediction: Prediction) -> list[str]:
    """Each reason of a film's verdict by itself; what there is to say where there are none."""
    if prediction.verdict is None:
        return [verdict_line(prediction)]
    words = VERDICT_WORDS[prediction.verdict]
    return [f"{words}: {reason}" for reason in prediction.reasons or (prediction.why,)]


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
