"""One film's measurements as lines of text, for a person: verdict, values, what is decided and why not.

``print(analysis)`` and ``cephsure analyze`` show the same lines; the command gives colours by their styles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.cephalometry.catalogue import shipped_analyses
from cephsure.cephalometry.measured import NO_SCALE, SCALE_IN_DOUBT, FilmOfPoints
from cephsure.cephalometry.measurement import short_source
from cephsure.uncertainty.prediction_table import (
    NONE,
    film_line,
    scale_words,
    verdict_line,
    verdict_style,
)
from cephsure.uncertainty.text_lines import GLUE, Arrangement, Column, Line, printable, sentence, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cephsure.cephalometry.analysis import Analysis
    from cephsure.cephalometry.measured import MeasuredValue
    from cephsure.cephalometry.measurement import Entry, Norm
    from cephsure.uncertainty.text_lines import Style

UNIT_SIGNS = {"deg": "°", "mm": " mm", "ratio": ""}
NOT_DECIDED = "not decided"
RESTS_ON = "the 90 % intervals of values follow from these errors, for the same readers"
_LONGEST_WHOLE = 48  # of a class or norm; a longer one may be broken between its words
_DIGITS = {"deg": 1, "mm": 1, "ratio": 3}


def analysis_lines(measured: Analysis, width: int) -> list[Line]:
    """One film: what it is, its verdict, its measurements, and what the reader must know.

    No number, name, class or verdict is cut; where room is short, sentences are broken between words.

    Args:
        measured: on the film.
        width: columns that there are.
    """
    lines = [Line(printable(measured.film_name), "title")]
    lines += sentence(about_film(measured), width)
    lines += sentence(verdict_line(measured), width, verdict_style(measured))
    for name in dict.fromkeys(value.analysis for value in measured.measurements):
        own = [value for value in measured.measurements if value.analysis == name]
        shipped = shipped_analyses().get(name)
        lines += [Line(""), *sentence(name if shipped is None else shipped.title, width, "title")]
        lines += measurement_table(measured, own, width)
    lines.append(Line(""))
    for text, style in remarks(measured):
        lines += sentence(text, width, style)
    lines += sentence(f"points: {printable(measured.points_from)}", width, "dim")
    lines += [line for note in measured.film.notes for line in sentence(f"note: {note}", width)]
    lines += sentence(f"norms and classes: {'; '.join(sources(measured.measurements))}", width, "dim")
    return [*lines, *sentence(measured.disclaimer, width, "dim")]


def about_film(measured: Analysis) -> str:
    """The film's size, scale and orientation in one line, as far as they are known."""
    film = measured.film
    if not isinstance(film, FilmOfPoints):
        return film_line(film)
    known = [] if film.width_px is None else [f"{film.width_px} x {film.height_px} px"]
    scale = scale_words(film.mm_per_px, film.spacing_source)
    return " · ".join([*known, scale, f"facing {film.facing} ({film.facing_source})"])


def measurement_table(measured: Analysis, values: Sequence[MeasuredValue], width: int) -> list[Line]:
    """A measurement's code, value, interval and class, and under them its name and norm."""
    code = Column("code", tuple(value.code for value in values))
    figure = Column("value", tuple(map(shown, values)), right=True)
    heading = "90 % of the raw spread" if measured.errors_from == "raw sample spread" else "90 % interval"
    interval: tuple[Column, ...] = (Column(heading, tuple(map(_interval, values)), right=True),)
    if all(value.interval_90 is None for value in values):
        interval = ()
    of_person = measured.model is None
    kind = "class of the value" if of_person else "class"
    classes = Column(kind, tuple(class_words(measured, value) for value in values), words=True)
    whole = Column(kind, classes.cells)
    name = Column("measurement", tuple(value.name for value in values))
    norm = Column("norm", tuple(map(norm_words, values)))
    about = tuple("; ".join(filter(None, (value.name, norm_words(value)))) for value in values)
    under = Column("measurement; norm", about, words=True)
    first = (code, figure, *interval)
    ways = (
        Arrangement(((code, name, figure, *interval, whole, norm),)),
        Arrangement(((*first, classes), (under,)), most_lines=2),
        Arrangement(((*first, classes), (under,)), most_lines=None),
        Arrangement((first, (classes,), (under,)), most_lines=None),
    )
    return table(ways, width, [_style(measured, value) for value in values])


def shown(value: MeasuredValue) -> str:
    """The value with its unit; a dash where it is missing."""
    if value.value is None:
        return NONE
    return f"{number(value.value, value.unit)}{UNIT_SIGNS[value.unit]}"


def number(value: float, unit: str) -> str:
    """A value with the digits that its unit deserves."""
    return f"{value:.{_DIGITS[unit]}f}"


def class_words(measured: Analysis, value: MeasuredValue) -> str:
    """The class that is decided, with its probability, or why none is; of a person's points the value's."""
    if value.value is None:
        return NONE
    if measured.model is None:
        return glued(value.class_of_value or NONE)
    if value.decision is not None:
        shares = {share.name: share.probability for share in value.class_probabilities or ()}
        return glued(f"{value.decision}, {100 * shares.get(value.decision, 0.0):.0f} %")
    return NONE if value.not_decided is None else _why_not(measured, value, value.not_decided)


def _why_not(measured: Analysis, value: MeasuredValue, reason: str) -> str:
    """Why the value is marked."""
    why = reason.replace("not accepted", glued("not accepted"))
    if value.class_of_value is None:
        return why
    # What holds for the whole film is said once, below the table.
    if reason == value.no_interval and measured.errors_from == "none":
        return glued(NOT_DECIDED)
    return f"{glued(NOT_DECIDED)}: {glued(why) if '%' in why else why}"


def norm_words(value: MeasuredValue) -> str:
    """What is usual, and who says so: norms, and class borders that are none."""
    alike: dict[tuple[str | None, str], list[str]] = {}
    for norm in value.norms:
        said = glued(f"{norm.numbers} {norm.sex or ''}".strip())
        alike.setdefault((norm.group, short_source(norm.source)), []).append(said)
    words = [
        f"norm{GLUE}{', '.join(numbers)} ({', '.join(filter(None, (group, glued(source))))})"
        for (group, source), numbers in alike.items()
    ]
    if value.classes_source is not None and value.normal_class is not None:
        source = glued(short_source(value.classes_source))
        words.append(f"class border ({source}): {glued(value.normal_class)}")
    return "; ".join(words)


def glued_norm(norm: Norm) -> str:
    """One norm in a line, its numbers not to be broken."""
    return f"norm{GLUE}{norm.words().replace(norm.numbers, glued(norm.numbers), 1)}"


def glued(text: str) -> str:
    """A text that is not to be broken, unless it is long."""
    return text.replace(" ", GLUE) if len(text) <= _LONGEST_WHOLE else text


def is_unsure(measured: Analysis, value: MeasuredValue) -> bool:
    """Whether the value stands, but is marked; a person's are not."""
    return value.value is not None and measured.model is not None and value.not_decided is not None


def remarks(measured: Analysis) -> list[tuple[str, Style]]:
    """What the reader of a film's measurements must know, and how it looks."""
    notes = [(f"{printable(point.code)}: {point.note}", point.note) for point in measured.points]
    said: list[tuple[str, Style]] = [(text, "review") for text, note in notes if note is not None]
    said.append((measured.promise, "warning" if measured.promise.startswith("no promise") else "dim"))
    if measured.errors_from == "calibration":
        said.append((RESTS_ON, "dim"))
    said += [(text, "warning") for text in (*_on_trust(measured), *_on_what_is_missing(measured))]
    return said


def _on_trust(measured: Analysis) -> Iterator[str]:
    """Why there are no intervals or decided classes, or what little stands behind them."""
    values, model = measured.measurements, measured.model
    doubt = next(
        (each.not_decided for each in values if (each.not_decided or "").startswith(SCALE_IN_DOUBT)), None
    )
    if doubt is not None:
        yield f"no distance is held against a norm: {doubt}; is the scale right?"
    if model is None:
        yield "therefore no intervals and no decided classes: shown is the class of the value itself"
        return
    if measured.errors_from == "none" and any(value.no_interval for value in values):
        hint = "; --uncalibrated shows the samples' raw spread"
        useful = model.samples > 1 and measured.verdict != "unfit"
        yield f"therefore no intervals and no decided classes{hint if useful else ''}"
    if measured.errors_from == "raw sample spread":
        yield "intervals and probabilities from the samples' raw spread: not calibrated, as a rule too narrow"
    if measured.verdict is None and any(value.decision for value in values):
        yield "classes are decided by probability alone: no verdict stands behind them"


def _on_what_is_missing(measured: Analysis) -> Iterator[str]:
    if any(value.missing == NO_SCALE for value in measured.measurements):
        yield f"no distances: {NO_SCALE}; give --mm-per-px"
    absent: dict[str, list[str]] = {}
    for value in measured.measurements:
        if value.missing not in {None, NO_SCALE}:
            absent.setdefault(str(value.missing), []).append(value.code)
    for reason, codes in absent.items():
        yield f"no {', '.join(dict.fromkeys(codes))}: {reason}"


def sources(values: Iterable[MeasuredValue | Entry]) -> tuple[str, ...]:
    """Who norms and classes of measurements come from, each once."""
    named = [
        source
        for value in values
        for source in (*(norm.source for norm in value.norms), value.classes_source)
        if source is not None
    ]
    return tuple(dict.fromkeys(named)) or ("none",)


def _interval(value: MeasuredValue) -> str:
    return " to ".join(number(end, value.unit) for end in value.interval_90 or ()) or NONE


def _style(measured: Analysis, value: MeasuredValue) -> Style:
    if is_unsure(measured, value):
        return "unfit" if measured.verdict == "unfit" else "review"
    return "fit" if value.decision is not None and measured.verdict is not None else ""
