"""A project of ``cephsure review`` as a data set: its persons are the annotators, each by their own marks.

A film counts for a person who reviewed it or touched any point of it; a point counts where they accepted,
edited or placed it, with their own last word. Points that they called missing, referred or did not touch are
missing.
Nothing is written: the project may be open elsewhere, and is seen at one moment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cephsure.datasets.builder import DatasetBuilder
from cephsure.datasets.other_set import shared_rows
from cephsure.errors import InputError
from cephsure.films import Spacing, SpacingSource
from cephsure.films.third_party import printable
from cephsure.projects import Project
from cephsure.projects.finding import find_films

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets.annotated_film import Dataset
    from cephsure.landmarks import LandmarkSet


def read_project(
    path: Path,
    *,
    landmark_set: LandmarkSet | None = None,
    spacing: Spacing | None = None,
    images: Path | None = None,
) -> Dataset:
    """Read a project's marked films.

    Args:
        path: the project's folder, or its file.
        landmark_set: what the points are to be called; points that the project's own set does not share are
            left out. The project's own if None.
        spacing: the scale of all films on which nobody laid a ruler.
        images: a folder where moved films are looked for as well.

    Returns:
        The data set. A ruler that somebody laid on a film goes first, as when the page predicts: it is
        about that very film.

    Raises:
        InputError: there is no project, it cannot be read, nobody marked a point, or no film is found.
    """
    with Project.open(path, read_only=True) as project:
        builder = DatasetBuilder(
            root=project.path.parent,
            landmark_set=landmark_set or project.landmark_set,
            images=images,
            labels="names",
            source=path,
        )
        rulers = add_project(project, builder)
        dataset = builder.build(name=printable(project.name), spacing=spacing)
    scaled = (
        replace(film, spacing=Spacing(scale, scale, SpacingSource.USER))
        if (scale := rulers.get(film.path)) is not None
        else film
        for film in dataset.films
    )
    return replace(dataset, films=tuple(scaled))


def add_project(project: Project, builder: DatasetBuilder) -> dict[Path, float]:
    """Add what people marked to a builder; the scales by rulers, in mm per px, are given back by film.

    Raises:
        InputError: the project's landmarks are none of the builder's.
    """
    own = project.landmark_set
    rows = shared_rows(own, builder)
    if not rows:
        raise InputError(
            f"its landmarks ({own.name}) are none of {builder.landmark_set.name}", where=project.path
        )
    marked = project.annotations()
    films = {each.film.film_id: each.film for each in marked}
    paths = find_films(films.values(), project.path, images=builder.images)
    for each in marked:
        film = each.film
        path = paths.get(film.film_id, film.path)
        size_px = None if film.width_px is None or film.height_px is None else (film.width_px, film.height_px)
        builder.add_film(path, annotator=each.who, size_px=size_px, where=project.path)
        for number, (x_px, y_px) in each.marks_px.items():
            if number - 1 in rows:
                code = builder.landmark_set.codes[rows[number - 1]]
                builder.add_mark(path, each.who, code, x_px, y_px)
    return {
        paths.get(film_id, film.path): ruler.mm_per_px
        for film_id, film in films.items()
        if (ruler := project.review(film_id).ruler) is not None
    }
