"""A person's own or corrected points in, cephalometric measurements out: no network is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.errors import InputError
from cephsure.workflows.batch import MEAN, Batch, OnProgress, Progress, Workplace, goes_on, silent
from cephsure.workflows.measure import ANALYSIS_FORMATS, AnalyzedFilm, AnalyzeOptions, write_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cephsure.cephalometry import Analysis, AnalysisDefinition, FilmOfPoints
    from cephsure.cephalometry.formula import Array
    from cephsure.datasets import MarkedFilm
    from cephsure.films import Film
    from cephsure.landmarks import LandmarkSet
    from cephsure.workflows.predict import OutputFiles

OF_POINTS_FILE = "points file"
"""The source of a scale that the points' file states."""
BY_RULER = "ruler"
"""The source of a scale by a ruler that somebody laid on the film in its project."""


@dataclass(frozen=True, slots=True)
class MarkedTask:
    """One film's points, the film's file where it was named, and the stem of what is written."""

    marked: MarkedFilm
    film: Path | None
    stem: str = ""

    @property
    def path(self) -> Path:
        """The film's file, or what the film is called."""
        return self.film or self.marked.path or Path(self.marked.name)


def analyze_points(
    points: Path | str,
    films: Iterable[Path | str] = (),
    *,
    options: AnalyzeOptions | None = None,
    who: str = MEAN,
    landmark_set: LandmarkSet | None = None,
    files: OutputFiles | None = None,
    on_progress: OnProgress = silent,
) -> Batch[AnalyzedFilm]:
    """Measure points that a person marked or corrected, as ``cephsure analyze --points`` does.

    The same measurements, norms and classes as `analyze`, without intervals and decided classes: how far a
    person errs is not known. Scale and size come from the films where they are given, else from the points'
    file; the user's scale goes before both, and a ruler laid on the film in a project before all.

    Args:
        points: a file in any format that is read or written here, a folder of such files, or a data set.
        films: the films marked, found by their names; only these are measured. Without any, all that the
            points' file holds.
        options: what to measure; of its ``predict`` the scale and where the face looks are used.
        who: an annotator's name, or "mean" of those who marked a point.
        landmark_set: what the points are called; that of the shipped measurements if None.
        files: what to write, in formats of ``ANALYSIS_FORMATS``; None for nothing.
        on_progress: told after each film, and what was left out of the points.

    Raises:
        InputError: what no film is at fault for: the points' file, analyses, an option, the output folder.
    """
    from cephsure.datasets import read_marked_points
    from cephsure.exports import unique_stems
    from cephsure.films.spacing import check_mm_per_px
    from cephsure.landmarks import load_landmark_set

    options, paths = options or AnalyzeOptions(), [Path(film) for film in films]
    definitions, scale = options.definitions(), options.predict.mm_per_px
    check_mm_per_px(scale)
    landmark_set = landmark_set or load_landmark_set()
    if files is not None:
        files.check(ANALYSIS_FORMATS)
        if files.overlay and not paths:
            raise InputError("an overlay is drawn on the film", remedy="name the film beside its points")
    marked = read_marked_points(points, landmark_set=landmark_set, mm_per_px=scale)
    tasks, errors = marked_tasks(Path(points), marked, paths)
    for film, error in errors.items():
        on_progress(Progress(film=film, error=error))
    stems = unique_stems([task.path for task in tasks])
    tasks = [MarkedTask(task.marked, task.film, stem) for task, stem in zip(tasks, stems, strict=True)]
    if files is not None and tasks:
        files.make_folder(stems)
    work = PersonsPoints(Path(points), options, definitions, who, landmark_set, files)
    done = Workplace(on_progress=on_progress).each_film(
        work, tasks, path=lambda task: task.path, is_films_own=goes_on
    )
    return Batch(done.results, {**errors, **done.errors})


def marked_tasks(
    points: Path, marked: Sequence[MarkedFilm], films: Sequence[Path]
) -> tuple[list[MarkedTask], dict[Path, Exception]]:
    """Each film with its points; and film -> error where there are none, or several have its name."""
    from cephsure.datasets.marked_points import films_called

    if not films:
        return [MarkedTask(each, None) for each in marked], {}
    if len(films) == len(marked) == 1:
        return [MarkedTask(marked[0], films[0])], {}
    tasks, errors = [], dict[Path, Exception]()
    for film in films:
        own = films_called(marked, film)
        if len(own) == 1:
            tasks.append(MarkedTask(own[0], film))
            continue
        some = ", ".join(each.name for each in marked[:4]) + (", ..." if len(marked) > 4 else "")
        what = (
            f"{len(own)} films in {points} are called so" if own else f"{points} has no points of this film"
        )
        errors[film] = InputError(what, where=film, remedy=f"it has points of: {some}")
    return tasks, errors


@dataclass(frozen=True, slots=True)
class PersonsPoints:
    """What is done with each film's points."""

    points: Path
    options: AnalyzeOptions
    definitions: Sequence[AnalysisDefinition]
    who: str
    landmark_set: LandmarkSet
    files: OutputFiles | None = None

    def __call__(self, task: MarkedTask) -> AnalyzedFilm:
        """Measure one film's points, and write its files."""
        film = None if task.film is None else self.read(task.film, task.marked)
        measured = AnalyzedFilm(None, self.measure(task, film))
        if self.files is not None:
            write_files(film, measured, self.files, stem=task.stem)
        return measured

    def read(self, path: Path, marked: MarkedFilm) -> Film:
        """The film; `InputError` if its size shows that another one was marked."""
        return _read(path, marked, self.options)

    def measure(self, task: MarkedTask, film: Film | None) -> Analysis:
        """Measure one film's points; `InputError` if they cannot be this film's."""
        from cephsure.cephalometry import analyse_points

        marked, codes = task.marked, self.landmark_set.codes
        at = dict(zip(codes, marked.points_px(self.who), strict=True))
        try:
            notes = () if film is None else _leave_out(at, film)
            about = _about(marked, film, self.options, at, notes)
        except InputError as error:
            raise InputError(error.what, where=task.path, remedy=error.remedy) from error
        whose = "a person's points"
        if len(marked.marks) > 1:
            whose += f", {self.who if self.who != MEAN else 'mean of ' + ', '.join(marked.marks)}"
        points_from = f"{whose}: {self.points}"
        return analyse_points(at, self.definitions, film=about, points_from=points_from)


def _read(path: Path, marked: MarkedFilm, options: AnalyzeOptions) -> Film:
    """The film; `InputError` if its size shows that another one was marked."""
    from cephsure import films
    from cephsure.films import Spacing, SpacingSource

    stated = None if marked.mm_per_px is None else Spacing(*marked.mm_per_px, SpacingSource.DATASET)
    given = options.predict.mm_per_px if marked.ruler_mm_per_px is None else marked.ruler_mm_per_px
    film = films.read(path, mm_per_px=given, of_dataset=stated)
    if marked.size_px is not None and marked.size_px != (film.width_px, film.height_px):
        size = "{} x {} px".format(*marked.size_px)
        raise InputError(
            f"has {film.width_px} x {film.height_px} px, its points are of a film of {size}", where=path
        )
    return film


def _leave_out(at: dict[str, Array], film: Film) -> tuple[str, ...]:
    """Take points that lie outside the film from those that are known; what to say of them.

    Raises:
        InputError: too many of them do.
    """
    import numpy as np

    from cephsure.datasets.annotated_film import MOST_OUTSIDE, outside

    known = {code: point for code, point in at.items() if not np.isnan(point).any()}
    beyond = outside(np.array(list(known.values())).reshape(-1, 2), (film.width_px, film.height_px))
    off = [code for code, is_off in zip(known, beyond, strict=True) if is_off]
    if len(off) > MOST_OUTSIDE * len(known):
        raise InputError(
            f"{len(off)} of {len(known)} points lie outside this film",
            remedy="are they of another film, or was another scale given?",
        )
    for code in off:
        del at[code]
    return (f"{', '.join(off)} outside the film; left missing",) if off else ()


def _about(
    marked: MarkedFilm,
    film: Film | None,
    options: AnalyzeOptions,
    at: dict[str, Array],
    notes: tuple[str, ...],
) -> FilmOfPoints:
    """What is known of the film: from its file where that is given, else from the points' file."""
    from cephsure.cephalometry import FilmOfPoints
    from cephsure.cephalometry.own_points import facing_of

    facing, size_px, path = options.predict.facing, marked.size_px, marked.path
    if film is not None:
        size_px, path, notes = (film.width_px, film.height_px), film.path, (*notes, *film.notes)
    scale, source = _scale(marked, film, options.predict.mm_per_px)
    if source == BY_RULER and options.predict.mm_per_px not in (None, marked.ruler_mm_per_px):
        notes = (*notes, f"its ruler goes before the scale given, {options.predict.mm_per_px:g} mm a pixel")
    return FilmOfPoints(
        path=None if path is None else str(path),
        name=marked.name,
        width_px=None if size_px is None else size_px[0],
        height_px=None if size_px is None else size_px[1],
        mm_per_px=scale,
        spacing_source=source,
        facing=facing_of(at) if facing == "auto" else facing,
        facing_source="found" if facing == "auto" else "given",
        notes=(*marked.problems, *notes),
    )


def _scale(
    marked: MarkedFilm, film: Film | None, given: float | None
) -> tuple[tuple[float, float] | None, str]:
    """The scale that counts, and where it comes from: a ruler, the user, the film, the points' file."""
    if marked.ruler_mm_per_px is not None:
        return (marked.ruler_mm_per_px, marked.ruler_mm_per_px), BY_RULER
    if film is not None and film.spacing is not None:
        of_points = film.spacing.source == "dataset"
        source = OF_POINTS_FILE if of_points else str(film.spacing.source)
        return (film.spacing.x_mm_per_px, film.spacing.y_mm_per_px), source
    if given is not None:
        return (given, given), "user"
    return (marked.mm_per_px, OF_POINTS_FILE) if marked.mm_per_px is not None else (None, "none")
