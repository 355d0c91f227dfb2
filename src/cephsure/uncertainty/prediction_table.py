"""One film's prediction as lines of text, for a person: verdict, points, how far off each may be, and why.

``print(prediction)`` and ``cephsure predict`` show the same lines; the command gives colours by their styles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cephsure.uncertainty.text_lines import (
    Arrangement,
    Column,
    Line,
    printable,
    sentence,
    side_by_side,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cephsure.uncertainty.gate.verdict import FilmVerdict
    from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Prediction, Region
    from cephsure.uncertainty.text_lines import Style

NO_SCALE = "results in pixels: no scale in the film; give --mm-per-px"
IN_MEMORY = "film in memory"
NONE = "-"
VERDICT_WORDS = {"fit": "fit", "review": "review", "unfit": "unfit for automatic evaluation"}
PLUS_MINUS = "±: expected error, how far off the point is on average"
_RAW = "raw measures of the networks, not calibrated: nothing is promised of them"


class Judged(Protocol):
    """What has a film's verdict: a prediction, or what was measured on it."""

    @property
    def verdict(self) -> FilmVerdict | None:
        """Of the film."""

    @property
    def why(self) -> str | None:
        """The verdict's reason."""

    @property
    def promise(self) -> str:
        """What is promised, or why nothing is."""


def film_lines(prediction: Prediction, width: int, *, everything: bool = False) -> list[Line]:
    """One film: what it is, its verdict, its points, and what the reader must know.

    No number, name or verdict is cut or broken, and no column is left out: where room is short, names and
    sentences are broken between words, and a row takes more than one line.

    Args:
        prediction: of the film.
        width: columns that there are; only a word that is longer by itself stands out.
        everything: also number, area of the region and every measure, in tables below.
    """
    film = prediction.film
    lines = [Line(film_name(film), "title")]
    lines += sentence(film_line(film), width)
    lines += sentence(verdict_line(prediction), width, verdict_style(prediction))
    lines += [Line(""), *landmark_table(prediction, width), Line("")]
    if everything:
        lines += _further_tables(prediction, width)
    for mark in prediction.landmarks:
        if mark.note is not None:
            lines += sentence(f"{printable(mark.code)}: {mark.note}", width, "review")
    if any(mark.expected_error_mm is not None for mark in prediction.landmarks):
        lines += sentence(PLUS_MINUS, width, "dim")
    lines += sentence(prediction.promise, width, "dim" if prediction.level is not None else "warning")
    if film.mm_per_px is None:
        lines += sentence(NO_SCALE, width, "warning")
    lines += sentence(model_line(prediction), width, "dim")
    for note in film.notes:
        lines += sentence(f"note: {note}", width)
    return lines


def film_text(prediction: Prediction, width: int) -> str:
    """The lines of ``film_lines`` as one text."""
    return "\n".join(line.text for line in film_lines(prediction, width))


def film_name(film: FilmInfo) -> str:
    """The film's path, whole."""
    return IN_MEMORY if film.path is None else printable(film.path)


def film_line(film: FilmInfo) -> str:
    """A film's size, scale and orientation in one line."""
    size, facing = f"{film.width_px} x {film.height_px} px", f"facing {film.facing} ({film.facing_source})"
    polarity = f"{film.polarity} ({film.polarity_source})"
    return " · ".join([size, scale_words(film.mm_per_px, film.spacing_source), facing, polarity])


def scale_words(mm_per_px: tuple[float, float] | None, source: str) -> str:
    """A film's scale along x and y, and where it comes from."""
    if mm_per_px is None:
        return "scale unknown"
    return f"{' x '.join(dict.fromkeys(f'{value:.4g}' for value in mm_per_px))} mm/px ({source})"


def verdict_line(prediction: Judged) -> str:
    """The film's verdict with its reason, or why there is none."""
    if prediction.verdict is None:
        return prediction.why or "no verdict"
    return f"verdict: {VERDICT_WORDS[prediction.verdict]}: {prediction.why}"


def verdict_style(prediction: Judged) -> Style:
    """How the verdict's line and rows look."""
    return prediction.verdict or ""


def model_line(prediction: Prediction) -> str:
    """The model that found the points."""
    model = prediction.model
    samples = f"{model.samples} sample{'' if model.samples == 1 else 's'} a landmark"
    return f"model {printable(model.name)}: {model.kind}, {samples}"


def expected_error(mark: LandmarkPrediction) -> str:
    """A point's expected error in mm as it is shown; a dash where none is promised."""
    return NONE if mark.expected_error_mm is None else f"{mark.expected_error_mm:.2f}"


def landmark_table(prediction: Prediction, width: int) -> list[Line]:
    """One row a landmark: code, name, position, expected error, verdict and why."""
    return table(_arrangements(prediction), width, _row_styles(prediction))


def _arrangements(prediction: Prediction) -> Iterator[Arrangement]:
    """Ways to set a film's table, the widest first."""
    marks = prediction.landmarks
    code, name = _code(marks), Column("name", tuple(printable(mark.name) for mark in marks), words=True)
    in_px = _positions(marks, "px")
    in_mm = () if prediction.film.mm_per_px is None else _positions(marks, "mm")
    error = Column("± mm", tuple(expected_error(mark) for mark in marks), right=True)
    trust = (error, Column("verdict", tuple(mark.verdict or NONE for mark in marks)))
    reasons = tuple(mark.why or "" for mark in marks)
    # Beside the others why is not broken; under them it may be.
    why = (Column("why", reasons),) if any(reasons) else ()
    under = ((Column("why", reasons, words=True),),) if any(reasons) else ()
    start = (code, name, *in_px)
    yield Arrangement(((*start, *in_mm, *trust, *why),))
    yield Arrangement(((*start, *trust, *why),))
    yield Arrangement(((*start, *trust, *why),), gap=1)
    yield Arrangement(((*start, *trust, *why),), gap=1, most_lines=2)
    yield Arrangement(((*start, *trust), *under))
    yield Arrangement(((*start, *trust), *under), gap=1, most_lines=2)
    yield Arrangement(((code, name), (*in_px, *trust), *under), most_lines=None)
    yield Arrangement(((code,), (name,), in_px, trust, *under), most_lines=None)


def _further_tables(prediction: Prediction, width: int) -> list[Line]:
    """What research asks for: numbers, positions in mm, regions, and every measure of the networks."""
    from cephsure.uncertainty.measures import MEASURES

    marks, styles = prediction.landmarks, _row_styles(prediction)
    in_mm, level = prediction.film.mm_per_px is not None, prediction.level
    columns = [Column("number", tuple(str(mark.number) for mark in marks), right=True)]
    if in_mm:
        columns += _positions(marks, "mm")
    if level is not None:
        areas = tuple(_area(mark.region) for mark in marks)
        columns.append(Column(f"{100 * level:g} % region mm²", areas, right=True))
    raw = []
    for measure in MEASURES.values():
        key = measure.key(in_mm=in_mm)
        if not hasattr(marks[0].measures, key):
            continue
        unit = {"px": key.rsplit("_", 1)[-1], "nats": "nats", "none": ""}[measure.unit]
        cells = _figures([mark.measures for mark in marks], key, 1 if unit == "px" else 2 if unit else None)
        if prediction.model.samples == 1 and measure.name in {"spread", "covariance_radius"}:
            cells = (NONE,) * len(marks)  # one sample cannot spread: its 0 would read as certainty
        raw.append(Column(f"{measure.name.replace('_', ' ')} {unit}", cells, right=True))
    lines = [*side_by_side(_code(marks), columns, width, styles), Line("")]
    lines += sentence(_RAW, width, "warning")
    return [*lines, *side_by_side(_code(marks), raw, width, styles), Line("")]


def _code(marks: Sequence[LandmarkPrediction]) -> Column:
    return Column("code", tuple(printable(mark.code) for mark in marks))


def _positions(marks: Sequence[LandmarkPrediction], unit: str) -> tuple[Column, ...]:
    return tuple(Column(f"{axis} {unit}", _figures(marks, f"{axis}_{unit}", 1), right=True) for axis in "xy")


def _figures(rows: Sequence[object], key: str, digits: int | None) -> tuple[str, ...]:
    """Values with so many digits after the point, or three in all; a dash where there is none."""
    values = [getattr(row, key) for row in rows]
    form = "#.3g" if digits is None else f".{digits}f"
    return tuple(NONE if value is None else f"{value:{form}}" for value in values)


def _area(region: Region | None) -> str:
    if region is None:
        return NONE
    return "whole film" if region.area_mm2 is None else f"{region.area_mm2:.1f}"


def _row_styles(prediction: Prediction) -> list[Style]:
    """Accepted points as a fit film looks, others as one for review; all of an unfit film as it does."""
    if prediction.verdict == "unfit":
        return ["unfit"] * len(prediction.landmarks)
    looks: dict[str | None, Style] = {"accept": "fit", "review": "review"}
    return [looks.get(mark.verdict, "") for mark in prediction.landmarks]
