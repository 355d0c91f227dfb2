"""A review project in, files of its films out, with the points as people left them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.workflows.batch import Batch, OnProgress, Workplace, goes_on, silent
from cephsure.workflows.dicom_objects import DICOM_FORMATS, check_dicom, wants_dicom, write_dicom_objects

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from cephsure.cephalometry import Analysis, AnalysisDefinition
    from cephsure.exports.film_points import FilmPoints
    from cephsure.workflows.predict import OutputFiles
    from cephsure.workflows.reviewed_films import ProjectFilm

_JSON = "json"
_POINT_FORMATS = ("csv", "slicer", "coco", "labelme", "cvat", "label-studio", "tps")
PROJECT_FORMATS = (_JSON, *_POINT_FORMATS, *DICOM_FORMATS)
"""The measurements' document, the formats of points, and DICOM objects."""


@dataclass(frozen=True, slots=True)
class ExportedFilm:
    """A film of a project and the files that were written of it."""

    name: str
    is_complete: bool
    observer: str | None
    files: tuple[Path, ...]


def export_project(
    project: Path | str,
    files: OutputFiles,
    *,
    names: Collection[str] = (),
    analysis: str = "isbi",
    norms: Path | None = None,
    on_progress: OnProgress = silent,
) -> Batch[ExportedFilm]:
    """Write files of the predicted films of a review project, as ``cephsure export`` does.

    The points are those that people accepted, moved or set; who reviewed a film stands in its DICOM objects.

    Args:
        project: its folder or file.
        files: where, and in which of ``PROJECT_FORMATS``.
        names: films' names or numbers; all films without any.
        analysis: what to measure, names with commas between, or "all".
        norms: your own norms and classes, a TOML file.
        on_progress: told after each film.

    Raises:
        InputError: what no film is at fault for: the project, a name, a format, analyses, the folder.
    """
    from cephsure.cephalometry import load_analyses
    from cephsure.exports import unique_stems
    from cephsure.workflows.reviewed_films import reviewed_films

    files.check(PROJECT_FORMATS)
    check_dicom(files.formats)
    definitions = load_analyses(analysis, norms=norms)
    films = reviewed_films(project, names=names)
    stems = unique_stems([film.path or Path(film.name) for film in films])
    files.make_folder(stems)
    return Workplace(on_progress=on_progress).each_film(
        partial(_export, definitions, files),
        list(zip(films, stems, strict=True)),
        path=lambda task: task[0].path or Path(task[0].name),
        is_films_own=goes_on,
    )


def _export(
    definitions: Sequence[AnalysisDefinition], files: OutputFiles, task: tuple[ProjectFilm, str]
) -> ExportedFilm:
    from cephsure.workflows.report import film_of_project

    found, stem = task
    reviewed, analysis = found.reviewed, found.reviewed.analysis(definitions)
    written = [
        _write_text(found, analysis, name, files.folder, stem)
        for name in files.formats
        if name not in DICOM_FORMATS
    ]
    if wants_dicom(files.formats):
        film = film_of_project(found)
        written += write_dicom_objects(
            film, reviewed, files.formats, files.folder, stem=stem, analysis=analysis
        )
    return ExportedFilm(found.name, reviewed.is_complete, reviewed.observer, tuple(written))


def _write_text(found: ProjectFilm, analysis: Analysis, name: str, folder: Path, stem: str) -> Path:
    from cephsure.atomic import write_atomically
    from cephsure.exports import EXPORTERS
    from cephsure.exports.output_files import readable_json, written_film
    from cephsure.exports.point_files import WRITERS

    if name == _JSON:
        suffix, text = ".analysis.json", readable_json(written_film(analysis.document()))
    else:
        suffix, text = EXPORTERS[name].suffix, WRITERS[name]([_film_points(found)], folder)
    return write_atomically(folder / f"{stem}{suffix}", text.encode("utf-8"))


def _film_points(found: ProjectFilm) -> FilmPoints:
    """The points that somebody decided, for the formats of points: these cannot say which are a model's."""
    from cephsure.exports.film_points import FilmPoints

    reviewed = found.reviewed
    return FilmPoints.marked(
        found.name if found.path is None else str(found.path),
        reviewed.points_px(is_wanted=lambda point: point.is_settled),
        reviewed.landmark_set,
        size_px=(reviewed.film.width_px, reviewed.film.height_px),
        mm_per_px=reviewed.mm_per_px,
    )
