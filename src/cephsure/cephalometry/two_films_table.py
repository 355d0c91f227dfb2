"""Two films of a patient as lines of text: how far each landmark moved, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.cephalometry.analysis_table import about_film
from cephsure.cephalometry.superimposition import LEVEL, upwards
from cephsure.uncertainty.prediction_table import NONE, verdict_line, verdict_style
from cephsure.uncertainty.text_lines import Arrangement, Column, Line, printable, sentence, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cephsure.cephalometry.analysis import Analysis
    from cephsure.cephalometry.superimposition import MovedPoint
    from cephsure.cephalometry.two_films import TwoFilms
    from cephsure.uncertainty.text_lines import Style

MARK = "?"
RESTS_ON = (
    f"the true way lies in its interval with {100 * LEVEL:g} % or more; moved: no displacement at all lies "
    "outside the region of the true one; the errors of the two films count as independent"
)


def two_films_lines(films: TwoFilms, width: int) -> list[Line]:
    """Which films, their verdicts, a row a landmark, and what the reader must know.

    Args:
        films: laid on each other.
        width: columns that there are.
    """
    lines = []
    for name, analysis in films.films:
        lines += _film(name, analysis, width)
    lines += [Line(""), *_points(films, width), Line(""), *sentence(films.headline(), width, "title")]
    for text, style in remarks(films):
        lines += sentence(text, width, style)
    return [*lines, *sentence(films.disclaimer, width, "dim")]


def _film(name: str, analysis: Analysis, width: int) -> list[Line]:
    lines = sentence(f"{name}: {printable(analysis.film_name)}", width, "title")
    lines += sentence(about_film(analysis), width)
    return lines + sentence(verdict_line(analysis), width, verdict_style(analysis))


def _points(films: TwoFilms, width: int) -> list[Line]:
    """Code, name, the displacement along and across the reference line, its length, and whether it is one."""
    points = films.found.points
    code = Column("code", tuple(printable(point.code) for point in points))
    names = tuple(printable(films.names[point.code]) for point in points)
    whole, name = Column("landmark", names), Column("landmark", names, words=True)
    figures = [Column("way %", tuple(f"{p.displacement_percent:.1f}" for p in points), right=True)]
    if any(point.displacement_mm is not None for point in points):
        figures = [
            Column("forward mm", tuple(_figure(point.forward_mm) for point in points), right=True),
            Column("up mm", tuple(_figure(upwards(point.down_mm)) for point in points), right=True),
            Column("way mm", tuple(_figure(point.displacement_mm) for point in points), right=True),
        ]
    if any(point.interval_90_mm is not None for point in points):
        figures.append(Column("90 % mm", tuple(_interval(films, point) for point in points), right=True))
        figures.append(Column("moved", tuple(moved_words(films, point) for point in points)))
    ways = (
        Arrangement(((code, whole, *figures),)),
        Arrangement(((code, name, *figures),), gap=1, most_lines=2),
        Arrangement(((code, whole), tuple(figures))),
        Arrangement(((code,), (name,), *((figure,) for figure in figures)), most_lines=None),
    )
    return table(ways, width, [_style(films, point) for point in points])


def moved_words(films: TwoFilms, point: MovedPoint) -> str:
    """Whether a landmark moved, marked where a point that this rests on is to be reviewed."""
    if films.found.is_laid(point):
        return "laid on"
    if point.moved is None:
        return NONE
    return ("yes" if point.moved else "no") + (MARK if films.is_for_review(point) else "")


def remarks(films: TwoFilms) -> Iterator[tuple[str, Style]]:
    """What the reader of the displacements must know, and how it looks."""
    yield from _on_trust(films)
    for note in (*films.found.notes, *films.notes):
        yield note, "warning"
    if films.found.no_interval is None:
        yield RESTS_ON, "dim"
        for promise in promises(films):
            yield promise, "dim"
    for name, analysis in films.films:
        yield f"{name}: points: {printable(analysis.points_from)}", "dim"
        for note in analysis.film.notes:
            yield f"{name}: note: {note}", ""
    if all(point.displacement_mm is None for point in films.found.points):
        yield f"way in % of {films.length}", "dim"
        return
    line = "T1's horizontal" if films.found.on == "best" else f"{films.length} of T1"
    yield f"forward: along {line}, to the face", "dim"


def _on_trust(films: TwoFilms) -> Iterator[tuple[str, Style]]:
    """Why nothing or little stands behind the displacements."""
    found = films.found
    for name, analysis in films.films:
        if analysis.verdict == "unfit":
            yield f"{name} is unfit for automatic evaluation: no displacement is a result", "unfit"
    if any(MARK in moved_words(films, point) for point in found.points):
        reference = ", ".join(found.reference)
        yield (
            f"{MARK}: rests on a point that is to be reviewed: its own or {reference}, on T1 or T2",
            "review",
        )
    if found.no_interval is not None:
        yield f"no intervals: {found.no_interval}", "warning"


def promises(films: TwoFilms) -> list[str]:
    """What is promised of each film's points, once where it is the same."""
    said: dict[str, list[str]] = {}
    for name, analysis in films.films:
        said.setdefault(analysis.promise, []).append(name)
    return [f"{' and '.join(names)}: {promise}" for promise, names in said.items()]


def _style(films: TwoFilms, point: MovedPoint) -> Style:
    if any(analysis.verdict == "unfit" for _, analysis in films.films):
        return "unfit"
    if point.moved is None:
        return ""
    return "review" if films.is_for_review(point) else "fit"


def _figure(value: float | None) -> str:
    # A zero has no sign.
    return NONE if value is None else f"{round(value, 1) + 0.0:.1f}"


def _interval(films: TwoFilms, point: MovedPoint) -> str:
    if films.found.is_laid(point):
        return NONE
    return " to ".join(map(_figure, point.interval_90_mm or ())) or NONE
