"""Predictions as tables in the terminal: one a film, or one row a film."""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from cephsure.cli import terminal
from cephsure.cli.terminal import add_figures, plain_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console
    from rich.table import Table

    from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Prediction, Region

# Up to this many films are shown as a table each, more as one row each.
FULL_TABLES = 3
NO_SCALE = "results in pixels: no scale in the film; give --mm-per-px"

# Marks and colours of a landmark by its expected error: in mm at detection radii of the ISBI 2015 challenge,
# without a scale at nearly the same shares of a usual film's height (24 cm), as the overlay has it.
_DOUBTFUL_MM, _BAD_MM = 2.0, 4.0
_DOUBTFUL_PERCENT, _BAD_PERCENT = 0.8, 1.6
_MARKS_IN_MM = f"?  expected error at least {_DOUBTFUL_MM:g} mm   ??  at least {_BAD_MM:g} mm"
_MARKS_IN_PERCENT = (
    f"?  expected error at least {_DOUBTFUL_PERCENT:g} % of the film's height   "
    f"??  at least {_BAD_PERCENT:g} %"
)
_VERDICT_STYLES = {"": "", "fit": "green", "review": "yellow", "unfit": "bold red"}
# Columns that a narrow terminal does without, the first to go first; and those that are words.
_SPARED_OF_LANDMARKS = ("activation", "entropy", "x mm", "y mm", "spread", "landmark")
_SPARED_OF_FILMS = ("facing", "polarity")
_WORDS = frozenset({"code", "landmark", "", "verdict"})
_STYLES = {"": "", "?": "yellow", "??": "bold red"}


def doubt_marks(prediction: Prediction) -> list[str]:
    """For each landmark "", "?" or "??" by its expected error: from 2 and from 4 mm.

    On a film without a scale they stand for 0.8 % and 1.6 % of its height.
    """
    doubtful, bad = _DOUBTFUL_MM, _BAD_MM
    values = [expected_mm(landmark) for landmark in prediction.landmarks]
    if prediction.film.mm_per_px is None:
        doubtful, bad = _DOUBTFUL_PERCENT, _BAD_PERCENT
        percent = 100 / prediction.film.height_px
        values = [percent * landmark.measures.raw_expected_error_px for landmark in prediction.landmarks]
    return ["??" if value >= bad else "?" if value >= doubtful else "" for value in values]


def expected_mm(landmark: LandmarkPrediction) -> float:
    """A landmark's expected error in mm: the calibrated one where there is one, else the heat maps'."""
    calibrated = landmark.expected_error_mm
    return (landmark.measures.raw_expected_error_mm or 0.0) if calibrated is None else calibrated


def region_level(prediction: Prediction) -> float | None:
    """The probability with which the film's regions hold the true points; None without regions."""
    return next((mark.region.level for mark in prediction.landmarks if mark.region is not None), None)


def print_film(console: Console, prediction: Prediction) -> None:
    """Print one film: what it is, its landmarks with their measures, and what the reader must know."""
    console.print(prediction.film.path or "film in memory", style="bold", soft_wrap=True)
    console.print(film_line(prediction.film))
    if (said := verdict_line(prediction)) is not None:
        console.print(said, style=_VERDICT_STYLES[prediction.verdict or ""])
    print_fitting(console, partial(landmark_table, prediction), spared=_SPARED_OF_LANDMARKS)
    unknown_scale = prediction.film.mm_per_px is None
    if unknown_scale:
        console.print(NO_SCALE, style="bold yellow")
    console.print(_MARKS_IN_PERCENT if unknown_scale else _MARKS_IN_MM, style="dim")
    if (said := promise_line(prediction)) is not None:
        console.print(said, style="dim")
    model, samples = prediction.model, terminal.counted(prediction.model.samples, "sample")
    console.print(f"model {model.name}: {model.kind}, {samples} a landmark", style="dim")
    for note in prediction.film.notes:
        console.print(f"note: {note}")


def promise_line(prediction: Prediction) -> str | None:
    """What regions promise and for whom; None without a reader and without regions."""
    level = region_level(prediction)
    whom = None if prediction.reader is None else f"for whom: {prediction.reader.for_whom}"
    if level is None:
        return whom
    if prediction.verdict == "unfit":
        return "no promise: on an unfit film neither expected errors nor regions need hold"
    said = f"calibrated: each region holds the point with {100 * level:g} % probability"
    return "; ".join(filter(None, (said, whom)))


def verdict_line(prediction: Prediction) -> str | None:
    """The film's verdict with its reasons, as in "fit: 9 of 19 points accepted"; None without a gate."""
    if prediction.verdict is None:
        return None
    words = {"fit": "fit", "review": "review", "unfit": "unfit for automatic evaluation"}
    said = "; ".join(prediction.reasons) or f"{_accepted(prediction)} points accepted"
    return f"verdict: {words[prediction.verdict]}: {said}"


def _accepted(prediction: Prediction) -> str:
    count = sum(mark.verdict == "accept" for mark in prediction.landmarks)
    return f"{count} of {len(prediction.landmarks)}"


def print_fitting(
    console: Console, table: Callable[[Sequence[str]], Table], *, spared: Sequence[str]
) -> None:
    """Print a table; in a narrow terminal columns that can be spared are left out and named, none is cut.

    Args:
        console: where to.
        table: makes it without the columns of some headings (their first lines).
        spared: these headings, the first to go first.
    """
    whole = shown = table(())
    count = 0
    while not terminal.fits(console, shown) and count < len(spared):
        count += 1
        shown = table(spared[:count])
    console.print(shown)
    had = [str(column.header).split("\n")[0] for column in whole.columns]
    if gone := [heading for heading in spared[:count] if heading in had]:
        console.print(f"no room for: {', '.join(gone)} (in a wider terminal; --out writes all)", style="dim")


def landmark_table(prediction: Prediction, without: Sequence[str] = ()) -> Table:
    """One row a landmark: point and measures, in mm where the film has a scale, doubtful ones coloured.

    Columns are left out whose headings' first lines are in ``without``.
    """
    table, marks = plain_table(), doubt_marks(prediction)
    rows = [_landmark_cells(prediction, *each) for each in zip(prediction.landmarks, marks, strict=True)]
    shown = [heading for heading in rows[0] if heading.split("\n")[0] not in without]
    for heading in shown:
        table.add_column(heading, justify="left" if heading in _WORDS else "right", no_wrap=True)
    for row, mark in zip(rows, marks, strict=True):
        table.add_row(*(row[heading] for heading in shown), style=_STYLES[mark])
    return table


def print_summary(console: Console, predictions: Sequence[Prediction]) -> None:
    """Print one row a film, and what the reader must know."""
    print_fitting(console, partial(summary_table, predictions), spared=_SPARED_OF_FILMS)
    without = sum(prediction.film.mm_per_px is None for prediction in predictions)
    if without:
        console.print(f"{without} of {len(predictions)} films: {NO_SCALE}", style="bold yellow")
    for prediction in predictions:
        if prediction.reasons:
            console.print(f"{prediction.film.path or 'film in memory'}: {verdict_line(prediction)}")
    for note in sorted({note for prediction in predictions for note in prediction.film.notes}):
        count = sum(note in prediction.film.notes for prediction in predictions)
        console.print(f"note ({count} of {len(predictions)} films): {note}")


def summary_table(predictions: Sequence[Prediction], without: Sequence[str] = ()) -> Table:
    """One row a film: scale, orientation, how far its landmarks are to be trusted, and the worst of them.

    Columns are left out whose headings are in ``without``.
    """
    table = plain_table()
    table.add_column("film", overflow="fold")
    places = [heading for heading in ("mm/px", "facing", "polarity") if heading not in without]
    for heading in places:
        table.add_column(heading, no_wrap=True)
    add_figures(table, "median\nexpected\nerror", "largest\nexpected\nerror", "doubtful\npoints")
    judged = any(prediction.verdict is not None for prediction in predictions)
    for heading in ("verdict", "accepted") if judged else ():
        table.add_column(heading, no_wrap=True)
    for prediction in predictions:
        marks = doubt_marks(prediction)
        style = _STYLES["??" if "??" in marks else "?" if "?" in marks else ""]
        cells = _summary_cells(prediction, places, doubtful=sum(map(bool, marks)))
        cells += [prediction.verdict or "", _accepted(prediction)] if judged else []
        table.add_row(*cells, style=style)
    return table


def film_line(film: FilmInfo) -> str:
    """A film's size, scale and orientation in one line."""
    scale = "scale unknown" if film.mm_per_px is None else f"{_scale(film)} mm/px ({film.spacing_source})"
    size, facing = f"{film.width_px} x {film.height_px} px", f"facing {film.facing} ({film.facing_source})"
    return " · ".join([size, scale, facing, f"{film.polarity} ({film.polarity_source})"])


def _scale(film: FilmInfo) -> str:
    if film.mm_per_px is None:
        return "unknown"
    x, y = (f"{value:.4g}" for value in film.mm_per_px)
    return x if x == y else f"{x} x {y}"


def _landmark_cells(prediction: Prediction, landmark: LandmarkPrediction, mark: str) -> dict[str, str]:
    """A landmark's cells by their headings."""
    measures, level = landmark.measures, region_level(prediction)
    cells = {"no": str(landmark.number), "code": landmark.code, "landmark": landmark.name}
    cells |= {"x px": f"{landmark.x_px:.1f}", "y px": f"{landmark.y_px:.1f}"}
    if prediction.film.mm_per_px is None:
        unit, error, spread = "px", f"{measures.raw_expected_error_px:.1f}", f"{measures.spread_px:.1f}"
    else:
        cells |= {"x mm": f"{landmark.x_mm:.1f}", "y mm": f"{landmark.y_mm:.1f}"}
        unit, error, spread = "mm", f"{expected_mm(landmark):.2f}", f"{measures.spread_mm:.2f}"
    cells[f"expected\nerror {unit}"] = error
    # One sample cannot spread: its 0 would read as certainty.
    cells[f"spread\n{unit}"] = "-" if prediction.model.samples == 1 else spread
    cells |= {"activation": f"{measures.activation:.3g}", "entropy\nnats": f"{measures.entropy:.2f}"}
    if level is not None:
        cells[f"{100 * level:g} %\nregion\nmm²"] = _region_cell(landmark.region)
    cells[""] = mark
    return cells if prediction.verdict is None else {**cells, "verdict": landmark.verdict or ""}


def _region_cell(region: Region | None) -> str:
    if region is None:
        return ""
    return "all" if region.area_mm2 is None else f"{region.area_mm2:.1f}"


def _summary_cells(prediction: Prediction, places: Sequence[str], *, doubtful: int) -> list[str]:
    film, landmarks = prediction.film, prediction.landmarks
    unit, digits = ("px", 1) if film.mm_per_px is None else ("mm", 2)
    errors = [
        mark.measures.raw_expected_error_px if unit == "px" else expected_mm(mark) for mark in landmarks
    ]
    worst = max(range(len(errors)), key=errors.__getitem__)
    said = {"mm/px": _scale(film), "facing": film.facing, "polarity": film.polarity}
    return [
        film.path or "film in memory",
        *(said[heading] for heading in places),
        f"{median(errors):.{digits}f} {unit}",
        f"{landmarks[worst].code} {errors[worst]:.{digits}f} {unit}",
        f"{doubtful} of {len(landmarks)}",
    ]
