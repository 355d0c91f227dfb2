"""Films or a review project in, a report a film out: a page for a patient's file, PDF or HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from cephsure.errors import InputError
from cephsure.workflows.batch import (
    DEFAULT_MODEL,
    Batch,
    OnProgress,
    Workplace,
    check_installed,
    goes_on,
    open_model,
    silent,
)
from cephsure.workflows.predict import OutputFiles, PredictOptions, do_films

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from cephsure.cephalometry import Analysis, AnalysisDefinition
    from cephsure.cephalometry.reviewed_film import ReviewedFilm
    from cephsure.films import Film
    from cephsure.inference.session import Device
    from cephsure.model import Model
    from cephsure.workflows.reviewed_films import ProjectFilm

ReportFormat = Literal["pdf", "html"]
REPORT_FORMATS: tuple[ReportFormat, ...] = ("pdf", "html")


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What a report is about.

    Attributes:
        analysis: names with commas between, or "all".
        norms: your own norms and classes, a TOML file.
        predict: how to find the landmarks, where no project has them.
    """

    analysis: str = "isbi"
    norms: Path | None = None
    predict: PredictOptions = field(default_factory=PredictOptions)

    def definitions(self) -> tuple[AnalysisDefinition, ...]:
        """The analyses; raise `InputError` if one is unknown, or the norms cannot be used."""
        from cephsure.cephalometry import load_analyses

        return load_analyses(self.analysis, norms=self.norms)


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where reports go: one film's to a file, several films' into a folder; nowhere where both are None.

    Attributes:
        format: in the folder; of the file its name tells.
    """

    file: Path | None = None
    folder: Path | None = None
    format: ReportFormat = "pdf"

    def check(self) -> None:
        """Raise `InputError` if a report could not be written, before any work is done."""
        from cephsure.atomic import check_files

        check_files(self.file)
        if self.format == "pdf" and (self.file is not None or self.folder is not None):
            check_pdf()

    def place(self, stem: str) -> Path | None:
        """The file for the report on a film."""
        if self.folder is not None:
            return self.folder / f"{stem}.report.{self.format}"
        return self.file


@dataclass(frozen=True, slots=True)
class ReportedFilm:
    """What a report was written about.

    Attributes:
        name: the film's.
        file: the report; None where none was asked for.
    """

    name: str
    film_path: str | None
    reviewed: ReviewedFilm
    analysis: Analysis
    file: Path | None


def check_pdf() -> None:
    """Raise `InputError` where PDF cannot be written."""
    check_installed("a PDF report", {"reportlab": "reportlab"}, extra="report")


def report_films(
    paths: Iterable[Path | str | Film],
    model: Model | str | Path = DEFAULT_MODEL,
    *,
    options: ReportOptions | None = None,
    files: ReportFiles | None = None,
    device: Device = "cpu",
    executor: Executor | None = None,
    on_progress: OnProgress = silent,
) -> Batch[ReportedFilm]:
    """Find the landmarks on films and write a report on each, as ``cephsure report`` does.

    Raises:
        InputError: what no film is at fault for: the model, analyses, an option, the place of the reports.
    """
    from cephsure.films.spacing import check_mm_per_px

    options, files, given = options or ReportOptions(), files or ReportFiles(), list(paths)
    definitions = options.definitions()
    check_mm_per_px(options.predict.mm_per_px)
    files.check()
    if files.file is not None and len(given) > 1:
        raise InputError(f"one report for {len(given)} films", where=files.file, remedy="name a folder")
    return do_films(
        lambda loaded: partial(_report_path, loaded, options, definitions, files),
        given,
        None if files.folder is None else OutputFiles(files.folder, (files.format,)),
        REPORT_FORMATS,
        lambda: open_model(model, device, executor, on_progress, samples=options.predict.samples),
    )


def report_project(
    project: Path | str,
    *,
    names: Collection[str] = (),
    options: ReportOptions | None = None,
    files: ReportFiles | None = None,
    on_progress: OnProgress = silent,
) -> Batch[ReportedFilm]:
    """Write a report on each predicted film of a review project, with the points as people left them.

    Args:
        names: films' names or numbers; all films without any.

    Raises:
        InputError: what no film is at fault for: the project, a name, analyses, the place of the reports.
    """
    from cephsure.exports import unique_stems
    from cephsure.workflows.reviewed_films import reviewed_films

    options, files = options or ReportOptions(), files or ReportFiles()
    definitions = options.definitions()
    films = reviewed_films(project, names=names)
    files.check()
    if files.file is not None and len(films) > 1:
        remedy = "name the film with --film, or a folder"
        raise InputError(f"one report for {len(films)} films", where=files.file, remedy=remedy)
    stems = unique_stems([film.path or film.name for film in films])
    if files.folder is not None:
        OutputFiles(files.folder).make_folder(stems)
    return Workplace(on_progress=on_progress).each_film(
        partial(_report_of_project, definitions, files),
        list(zip(films, stems, strict=True)),
        path=lambda task: _place(task[0]),
        is_films_own=goes_on,
    )


def report_document(
    film: Film,
    reviewed: ReviewedFilm,
    definitions: Sequence[AnalysisDefinition],
    fmt: ReportFormat,
    *,
    name: str | None = None,
) -> bytes:
    """The report on a film as a document; ``name`` is the film's, by default its file's.

    The patient is named as far as the film's own file does it.
    """
    from cephsure.reports.film_report import film_report
    from cephsure.workflows.report_patient import read_patient

    patient = read_patient(film.path)
    report = film_report(film, reviewed, definitions, patient=patient, name=name)
    if fmt == "pdf":
        from cephsure.reports.film_report.pdf_page import report_pdf

        return report_pdf(report)
    from cephsure.reports.film_report.html_page import report_html

    return report_html(report).encode("utf-8")


def film_of_project(found: ProjectFilm) -> Film:
    """Read a project's film.

    Raises:
        FilmError: its file is not found, cannot be read or is another by now.
    """
    from cephsure import films

    film = films.read(found.file)
    found.check_sha256(film.sha256 or "")
    return film


def _report_path(
    model: Model,
    options: ReportOptions,
    definitions: Sequence[AnalysisDefinition],
    files: ReportFiles,
    task: tuple[Path | Film, str],
) -> ReportedFilm:
    """Read a film, find its landmarks and write the report."""
    from cephsure.cephalometry.reviewed_film import ReviewedFilm

    given, stem = task
    film = options.predict.read(given)
    found = options.predict.predict(model, film)
    reviewed = ReviewedFilm.of(found, model.landmark_set)
    return _reported(film, reviewed, definitions, files, stem=stem, name=None)


def _report_of_project(
    definitions: Sequence[AnalysisDefinition], files: ReportFiles, task: tuple[ProjectFilm, str]
) -> ReportedFilm:
    found, stem = task
    film = film_of_project(found) if files.place(stem) is not None else None
    return _reported(film, found.reviewed, definitions, files, stem=stem, name=found.name)


def _reported(
    film: Film | None,
    reviewed: ReviewedFilm,
    definitions: Sequence[AnalysisDefinition],
    files: ReportFiles,
    *,
    stem: str,
    name: str | None,
) -> ReportedFilm:
    """Write the report where there is a place for it."""
    from cephsure.atomic import write_atomically

    place = files.place(stem)
    if film is not None and place is not None:
        fmt: ReportFormat = files.format
        write_atomically(place, report_document(film, reviewed, definitions, fmt, name=name))
    path = reviewed.film.path
    return ReportedFilm(
        name=name or path or "film",
        film_path=path,
        reviewed=reviewed,
        analysis=reviewed.analysis(definitions),
        file=place,
    )


def _place(film: ProjectFilm) -> Path:
    from pathlib import Path

    return film.path or Path(film.name)
