"""The film behind an annotated film, and its scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure import films
from cephsure.films import SpacingSource

if TYPE_CHECKING:
    from cephsure.datasets.annotated_film import AnnotatedFilm
    from cephsure.films import Film, Spacing


def film_of(annotated: AnnotatedFilm) -> Film:
    """The film: its scale is the user's, or else the one its own file states, or else the data set's.

    Raises:
        FilmError: the file cannot be read.
    """
    return films.read(annotated.path, **_scales(annotated))


def spacing_of(annotated: AnnotatedFilm) -> Spacing | None:
    """The scale that `film_of` gives the film, without reading pixels where that can be avoided.

    Raises:
        FilmError: the file cannot be read.
    """
    return films.read_spacing(annotated.path, **_scales(annotated))


def _scales(annotated: AnnotatedFilm) -> dict[str, Any]:
    """What user and data set say of the scale, as the reader takes it."""
    spacing = annotated.spacing
    if spacing is None or spacing.source is not SpacingSource.USER:
        return {"of_dataset": spacing}
    x, y = spacing.x_mm_per_px, spacing.y_mm_per_px
    # One number is along x, as it is for a film outside a data set: the file may know that y differs.
    return {"mm_per_px": x if x == y else (x, y)}
