"""What a report on one film says, whichever way it is set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.cephalometry.analysis_table import RESTS_ON, sources
from cephsure.reports.colours import scale_for
from cephsure.reports.film_report.doubts import doubts_of
from cephsure.reports.film_report.panels import draw_panels, panel_height
from cephsure.reports.film_report.rows import tables_of
from cephsure.uncertainty.prediction_table import model_line, scale_words
from cephsure.uncertainty.text_lines import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cephsure.cephalometry import Analysis, AnalysisDefinition
    from cephsure.cephalometry.reviewed_film import ReviewedFilm
    from cephsure.films import Film
    from cephsure.reports.colours import ColourScale
    from cephsure.reports.film_report.doubts import Doubt
    from cephsure.reports.film_report.panels import Panels
    from cephsure.reports.film_report.rows import Sex, Table

TITLE = "Cephalometric report"
NOT_REVIEWED = "Not reviewed by a person."
_VERDICTS = {
    "fit": "Fit for automatic evaluation",
    "review": "To be reviewed by a person",
    "unfit": "Unfit for automatic evaluation",
    None: "No verdict",
}
_SEXES: dict[str, Sex] = {"F": "women", "M": "men"}
_SEX_WORDS = {"F": "female", "M": "male", "O": "other"}


@dataclass(frozen=True, slots=True)
class Patient:
    """What a film's file states of the patient and the study; None is not stated.

    Attributes:
        name: its groups of letters one after the other.
        birth_date: as in "2009-03-31"; ``study_date`` likewise.
        sex: "F", "M" or "O".
    """

    name: str | None = None
    identifier: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    study_date: str | None = None

    def facts(self) -> Iterator[tuple[str, str]]:
        """What is stated, each under its heading."""
        stated = {
            "Patient": self.name,
            "ID": self.identifier,
            "Born": self.birth_date,
            "Sex": _SEX_WORDS.get(self.sex or ""),
            "Date of the film": self.study_date,
        }
        for heading, text in stated.items():
            if text:
                yield heading, printable(text)


@dataclass(frozen=True)
class FilmReport:
    """All that a report says; texts are whole.

    Attributes:
        patient: heading and text, as far as the film's file states it; ``facts`` likewise of the film.
        verdict: the film's; ``verdict_words`` says it, ``why`` is its reason.
        review: who reviewed the film and what they decided, or that nobody did.
        remarks: what the numbers are, for whom they hold, where norms come from.
        made_by: the model, and the program.
        colours: what a region's colour stands for; None where no region is drawn.
        caption: under the film; ``tracing_caption`` under the tracing.
    """

    film_name: str
    patient: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    verdict: str | None
    verdict_words: str
    why: str
    review: str
    is_reviewed: bool
    tables: tuple[Table, ...]
    doubts: tuple[Doubt, ...]
    remarks: tuple[str, ...]
    made_by: tuple[str, ...]
    colours: ColourScale | None
    caption: str
    tracing_caption: str
    disclaimer: str
    film: Film
    reviewed: ReviewedFilm

    def panels(self, *, most: float) -> Panels:
        """The film with its landmarks and the tracing, at most so many mm high."""
        return draw_panels(self.film, self.reviewed, most=most)

    def panel_height(self, *, most: float) -> float:
        """How high they then are, in mm."""
        return panel_height(self.film, most=most)


def film_report(
    film: Film,
    reviewed: ReviewedFilm,
    definitions: Sequence[AnalysisDefinition],
    *,
    patient: Patient | None = None,
    name: str | None = None,
) -> FilmReport:
    """Collect what a report on a film says.

    Args:
        film: as it was read.
        reviewed: its points as they stand.
        definitions: what is measured.
        patient: as far as the film's file states it.
        name: of the film, by default its file's.
    """
    patient = patient or Patient()
    analysis, prediction = reviewed.analysis(definitions), reviewed.prediction
    tables = tables_of(analysis, definitions, sex=_SEXES.get(patient.sex or ""))
    shown = name or (Path(film.path).name if film.path is not None else "film in memory")
    has_regions = any(
        mark.region is not None and not point.is_by_hand
        for mark, point in zip(prediction.landmarks, reviewed.points, strict=True)
    )
    unsettled = any(
        mark.verdict != "accept" and not point.is_settled and point.x_px is not None
        for mark, point in zip(prediction.landmarks, reviewed.points, strict=True)
    )
    return FilmReport(
        film_name=printable(shown),
        patient=tuple(patient.facts()),
        facts=tuple(_film_facts(film, reviewed)),
        verdict=prediction.verdict,
        verdict_words=_verdict_words(reviewed),
        why=_capital(prediction.why or ""),
        review=_review(reviewed),
        is_reviewed=reviewed.is_complete,
        tables=tables,
        doubts=doubts_of(reviewed, analysis),
        remarks=tuple(_remarks(reviewed, analysis, tables)),
        made_by=tuple(_made_by(reviewed)),
        colours=scale_for(prediction) if has_regions else None,
        caption=_caption(reviewed, has_regions=has_regions),
        tracing_caption="Tracing. Hollow: not accepted." if unsettled else "Tracing.",
        disclaimer=prediction.disclaimer,
        film=film,
        reviewed=reviewed,
    )


def _film_facts(film: Film, reviewed: ReviewedFilm) -> Iterator[tuple[str, str]]:
    yield "Size", f"{film.width_px} × {film.height_px} px"
    yield "Scale", scale_words(reviewed.mm_per_px, reviewed.spacing_source).removeprefix("scale ")
    yield "Facing", reviewed.film.facing
    if reviewed.film.polarity == "negative":
        yield "Film", "negative, bone dark"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _verdict_words(reviewed: ReviewedFilm) -> str:
    """The verdict, which is the model's own also where a person has reviewed the film since."""
    words = _VERDICTS[reviewed.prediction.verdict]
    return f"Verdict of the model: {words[0].lower()}{words[1:]}" if reviewed.is_complete else words


def _review(reviewed: ReviewedFilm) -> str:
    """Who reviewed the film, when, and what became of how many points."""
    who = printable(reviewed.observer or "")
    when = (reviewed.decided_at or "")[:16].replace("T", " ")
    by = f"{who}, {when} UTC" if when else who
    counts: dict[str, int] = {}
    for point in reviewed.points:
        if point.origin != "predicted":
            counts[point.origin] = counts.get(point.origin, 0) + 1
    words = ", ".join(f"{count} {origin}" for origin, count in counts.items())
    said = f" Points: {words}." if words else ""
    if reviewed.is_complete:
        return f"Reviewed by {by}.{said or ' No point was changed.'}"
    if reviewed.observer is None:
        return NOT_REVIEWED
    return f"Review not complete, last {by}.{said}"


def _caption(reviewed: ReviewedFilm, *, has_regions: bool) -> str:
    """What is drawn on the film."""
    prediction = reviewed.prediction
    parts = []
    standings = {
        "accept" if point.is_settled else mark.verdict
        for mark, point in zip(prediction.landmarks, reviewed.points, strict=True)
        if point.x_px is not None
    }
    by_hand = any(point.is_by_hand for point in reviewed.points)
    if "accept" in standings and (prediction.verdict != "unfit" or reviewed.observer is not None):
        parts.append("Dots: accepted.")
    if prediction.verdict == "unfit" and standings != {"accept"}:
        parts.append("Struck through: no result, the film is unfit.")
    elif "review" in standings:
        parts.append("Diamonds: to be looked at.")
    if has_regions and prediction.level is not None:
        parts.append(f"Round them: {100 * prediction.level:g} % regions.")
    if by_hand:
        parts.append("Without a region: set by a person.")
    return " ".join(parts)


def _remarks(reviewed: ReviewedFilm, analysis: Analysis, tables: Sequence[Table]) -> Iterator[str]:
    """What the numbers are, and for whom they hold."""
    prediction = reviewed.prediction
    promise = f"{analysis.promise}; {RESTS_ON}" if analysis.errors_from == "calibration" else analysis.promise
    yield f"{_capital(promise)}."
    has_errors = any(value.sd is not None for value in analysis.measurements)
    if has_errors:
        raw = "" if analysis.errors_from == "calibration" else " of the samples' raw spread, not calibrated"
        yield (
            f"±: one standard deviation{raw}. A class is decided from {100 * analysis.min_probability:g} % "
            "on; where none is, it says why."
        )
    usual = [usual for table in tables for row in table.rows for usual in row.usual]
    if any(each.bar is not None for each in usual):
        interval = " with its 90 % interval" if has_errors else ""
        yield (
            f"Bars: the value{interval}, shaded what is usual, to three times as far on either side. SD: "
            "standard deviations of the norm. Border: of the usual class."
        )
    if any(point.is_by_hand for point in reviewed.points):
        yield "How far a person's points are off is not known: they add nothing to an error."
    named = sources(analysis.measurements)
    if named != ("none",):
        yield f"Norms and class borders: {'; '.join(named)}."
    for note in prediction.film.notes:
        yield f"Note: {printable(note)}."


def _made_by(reviewed: ReviewedFilm) -> Iterator[str]:
    from cephsure import __version__

    model = reviewed.prediction.model
    yield f"{_capital(model_line(reviewed.prediction))}; sha256 {model.sha256}; cephsure {__version__}"
