"""The films of a review project, each with its newest prediction and what people decided of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.cephalometry.reviewed_film import ReviewedFilm, found_points
from cephsure.errors import FilmError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection

    from cephsure.projects import FilmView, Project


@dataclass(frozen=True, slots=True)
class ProjectFilm:
    """A film of a project.

    Attributes:
        name: its file's.
        path: its file; None where it is not found any more.
    """

    film_id: int
    name: str
    sha256: str
    path: Path | None
    reviewed: ReviewedFilm

    @property
    def file(self) -> Path:
        """Its file; `FilmError` where it is not found any more."""
        if self.path is None:
            raise FilmError("is not found any more", where=self.name, remedy="put it where it was")
        return self.path

    def check_sha256(self, sha256: str) -> None:
        """Raise `FilmError` where what was read is not the film that was predicted."""
        if sha256 != self.sha256:
            raise FilmError("is not the film that was predicted any more", where=self.path)


def reviewed_films(path: Path | str, *, names: Collection[str] = ()) -> tuple[ProjectFilm, ...]:
    """The predicted films of a project, in the order in which they were added.

    Nothing is written: the project may be open elsewhere, and each film is seen at one moment.

    Args:
        path: the project's folder, or its file.
        names: films' names or numbers; all films without any.

    Raises:
        InputError: there is no project, a name is none of its films' or of several, or no film is predicted.
    """
    from cephsure.projects import Project
    from cephsure.projects.finding import find_films

    with Project.open(path, read_only=True) as project:
        films = project.films()
        wanted = [_called(name, project) for name in names] if names else [film.film_id for film in films]
        paths = find_films((film for film in films if film.film_id in wanted), project.path)
        found = []
        for film_id in dict.fromkeys(wanted):
            view = project.film(film_id)
            if view.prediction is None:
                if names:
                    raise InputError(f"{view.film.name} is not predicted yet", where=project.path.parent)
                continue
            film = view.film
            reviewed = reviewed_film(project, view)
            found.append(ProjectFilm(film_id, film.name, film.sha256, paths.get(film_id), reviewed))
        if not found:
            raise InputError("no film of it is predicted yet", where=project.path.parent)
    return tuple(found)


def reviewed_film(project: Project, view: FilmView) -> ReviewedFilm:
    """A film's newest prediction with what people decided of it.

    Raises:
        InputError: the film is not predicted yet, or its prediction cannot be read.
    """
    from cephsure.exports.prediction_json import of_document

    if view.prediction is None:
        raise InputError(f"{view.film.name} is not predicted yet", where=project.path.parent)
    prediction = of_document(json.loads(view.prediction.document), where=project.path)
    points = {point.number: point for point in found_points(prediction)}
    for point in view.points:
        value, found = point.value, points[point.landmark]
        if value.state == "predicted":
            continue
        at = (value.x_px, value.y_px)
        if value.state == "referred" and value.x_px is None:
            at = (found.x_px, found.y_px)
        points[point.landmark] = replace(found, x_px=at[0], y_px=at[1], origin=value.state, who=value.who)
    decided = [event for event in project.history(view.film.film_id) if event.about in ("point", "film")]
    is_touched = any(point.origin != "predicted" for point in points.values())
    last = decided[-1] if decided and (is_touched or view.review.who) else None
    ruler, is_complete = view.review.ruler, view.review.state == "reviewed"
    return ReviewedFilm(
        prediction,
        project.landmark_set,
        tuple(points.values()),
        prediction.film.mm_per_px if ruler is None else (ruler.mm_per_px, ruler.mm_per_px),
        prediction.film.spacing_source if ruler is None else "ruler",
        observer=view.review.who if is_complete else None if last is None else last.who,
        decided_at=None if last is None else last.at,
        is_complete=is_complete,
    )


def _called(name: str, project: Project) -> int:
    """The number of the film that a user means."""
    films = project.films()
    found = [film.film_id for film in films if name in (film.name, Path(film.name).stem, str(film.film_id))]
    if len(found) == 1:
        return found[0]
    known = ", ".join(film.name for film in films[:4]) + (", ..." if len(films) > 4 else "")
    raise InputError(
        f"{len(found) or 'no'} films of it are called {name!r}",
        where=project.path.parent,
        remedy=f"it has: {known}",
    )
