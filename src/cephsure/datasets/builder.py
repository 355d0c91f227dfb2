"""Gathers marks from annotation files into a data set, and says what had to be left out."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.datasets.annotated_film import MEAN, AnnotatedFilm, Dataset
from cephsure.datasets.json_files import DUPLICATES, read_duplicate_groups
from cephsure.errors import AnnotationError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from cephsure.films import Spacing
    from cephsure.landmarks import LandmarkSet


@dataclass(frozen=True, slots=True)
class GatheredFilm:
    """A film that annotation files speak of, whether its image is there or not.

    ``annotations`` has (L, 2) positions in px by annotator, for those alone who saw the film.
    """

    film_id: str
    path: Path
    annotations: dict[str, NDArray[np.float64]]
    size_px: tuple[int, int] | None = None
    mm_per_px: tuple[float, float] | None = None
    split: str | None = None
    group: str | None = None


@dataclass(slots=True)
class DatasetBuilder:
    """Takes films and marks in any order; `build` gives the data set, `gather` what was marked.

    A landmark that one annotator marked at two different places of a film is left missing, and so is one
    outside the film where its size is stated; both are named in the problems. Nothing is guessed.

    ``root`` is the data set's folder; a ``duplicates.json`` in it gives the groups. ``problems`` has one line
    for each thing left out so far.
    """

    root: Path
    landmark_set: LandmarkSet
    problems: list[str] = field(default_factory=list)
    _facts: dict[Path, dict[str, Any]] = field(default_factory=dict)  # a film's size, scale, split, group
    _annotators: dict[str, None] = field(default_factory=dict)  # a set that keeps its order
    _marks: dict[tuple[Path, str], dict[int, set[tuple[float, float]]]] = field(default_factory=dict)
    _unknown: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_film(
        self,
        path: Path,
        *,
        annotator: str | None = None,
        size_px: tuple[int, int] | None = None,
        mm_per_px: tuple[float, float] | None = None,
        split: str | None = None,
        group: str | None = None,
        where: Path | str,
    ) -> None:
        """Add what an annotation file says of a film; may be called again for the same film.

        With an ``annotator`` the film counts as seen by this annotator even without a point. ``where`` is the
        annotation file, for error messages.

        Raises:
            AnnotationError: another file, or another line, said otherwise.
        """
        facts = self._facts.setdefault(path, {})
        said = {"size": size_px, "scale": mm_per_px, "split": split, "group": group}
        for name, value in said.items():
            if value is not None and (known := facts.setdefault(name, value)) != value:
                raise AnnotationError(
                    f"{name} of {path.name} is {value} here and {known} elsewhere", where=where
                )
        if annotator is not None:
            self._annotators.setdefault(annotator)
            self._marks.setdefault((path, annotator), defaultdict(set))

    def add_mark(self, path: Path, annotator: str, label: str | int, x_px: float, y_px: float) -> None:
        """Add one point of a film added for this annotator before; ``label`` is a number or a code."""
        row = self.landmark_set.index(label)
        if row is None:
            self._unknown[annotator, str(label)] += 1
        else:
            self._marks[path, annotator][row].add((x_px, y_px))

    def build(self, *, name: str, spacing: Spacing | None) -> Dataset:
        """Make the data set, ``spacing`` being the scale of all its films.

        It has the films with an image on disk and at least one point, ordered by split, then identifier;
        `InputError` is raised if none is left, or one annotator of several is called "mean".
        """
        if MEAN in self._annotators and len(self._annotators) > 1:
            raise InputError(
                "an annotator is called 'mean', which is what the mean of all annotators is called",
                where=self.root,
                remedy="call this annotator otherwise",
            )
        gathered = self._gathered()
        self._report_missing(gathered)
        groups = read_duplicate_groups(self.root / DUPLICATES)
        nothing = np.full((len(self.landmark_set), 2), np.nan)
        films = []
        for film in gathered:
            annotations = {name: film.annotations.get(name, nothing.copy()) for name in self._annotators}
            if not any(np.isfinite(marked).any() for marked in annotations.values()):
                self.problems.append(f"film {film.film_id}: has no point; left out")
            elif not film.path.is_file():
                self.problems.append(f"film {film.film_id}: its image {film.path} is missing; left out")
            else:
                group = film.group or groups.get(film.film_id)
                films.append(AnnotatedFilm(film.film_id, film.path, annotations, spacing, film.split, group))
        if not films:
            more = f"; and {len(self.problems) - 2} more problems" if len(self.problems) > 2 else ""
            remedy = "; ".join(self.problems[:2]) + more
            raise InputError("holds no annotated film", where=self.root, remedy=remedy or None)
        films.sort(key=lambda film: (film.split or "", film.film_id))
        return Dataset(
            name=name, landmark_set=self.landmark_set, films=tuple(films), problems=tuple(self.problems)
        )

    def gather(self) -> tuple[GatheredFilm, ...]:
        """The films on which somebody marked a point, by identifier; no image need be there."""
        films = [
            film
            for film in self._gathered()
            if any(np.isfinite(points).any() for points in film.annotations.values())
        ]
        return tuple(sorted(films, key=lambda film: film.film_id))

    def _gathered(self) -> list[GatheredFilm]:
        """Every film with what each annotator marked on it; the problems are completed."""
        film_ids = _film_ids(self._facts)
        points = {key: self._points(key, film_ids[key[0]]) for key in self._marks}
        self.problems += [
            f"{annotator}: label {label!r} ({count} times) is not in landmark set {self.landmark_set.name}; "
            "left out"
            for (annotator, label), count in sorted(self._unknown.items())
        ]
        return [
            GatheredFilm(
                film_id=film_ids[path],
                path=path,
                annotations={name: points[path, name] for name in self._annotators if (path, name) in points},
                size_px=facts.get("size"),
                mm_per_px=facts.get("scale"),
                split=facts.get("split"),
                group=facts.get("group"),
            )
            for path, facts in self._facts.items()
        ]

    def _points(self, key: tuple[Path, str], film_id: str) -> NDArray[np.float64]:
        """Give one annotator's points of one film, (L, 2), NaN where missing."""
        path, annotator = key
        points = np.full((len(self.landmark_set), 2), np.nan)
        size_px = self._facts[path].get("size")
        for row, places in sorted(self._marks[key].items()):
            landmark = self.landmark_set.landmarks[row]
            label = f"film {film_id}: {annotator} marked {landmark.number} ({landmark.code})"
            x_px, y_px = next(iter(places))
            if len(places) > 1:
                self.problems.append(f"{label} at {len(places)} places; left missing")
            # Tools that count from the pixel's corner reach the film's far edge.
            elif size_px and not (-0.5 <= x_px <= size_px[0] and -0.5 <= y_px <= size_px[1]):
                self.problems.append(f"{label} outside the film, at ({x_px:g}, {y_px:g}); left missing")
            else:
                points[row] = x_px, y_px
        return points

    def _report_missing(self, films: list[GatheredFilm]) -> None:
        """Name films an annotator did not see and landmarks they did not mark."""
        codes = np.array(self.landmark_set.codes)
        for annotator in self._annotators:
            seen = {
                film.film_id: self._marks[film.path, annotator]
                for film in films
                if annotator in film.annotations
            }
            never = [row for row in range(len(codes)) if not any(row in marks for marks in seen.values())]
            if never:
                self.problems.append(f"{annotator} marked {', '.join(codes[never])} on no film")
            for film_id in (film.film_id for film in films):
                if film_id not in seen:
                    self.problems.append(f"film {film_id}: not annotated by {annotator}")
                    continue
                absent = [row for row in range(len(codes)) if row not in seen[film_id] and row not in never]
                if absent:
                    self.problems.append(
                        f"film {film_id}: {annotator} did not mark {', '.join(codes[absent])}"
                    )


def image_path(folder: Path, reference: str) -> Path:
    r"""Give the path of an image that an annotation file in ``folder`` refers to; it need not exist.

    ``reference`` is relative to ``folder``, with / or \ between its parts; ``..`` is worked out if possible.
    """
    return Path(os.path.normpath(folder / reference.strip().replace("\\", "/")))


def _film_ids(paths: Iterable[Path]) -> dict[Path, str]:
    """Give each film its file's stem, or its path from the common folder where stems repeat."""
    ordered = sorted(paths)
    if len({path.stem for path in ordered}) == len(ordered):
        return {path: path.stem for path in ordered}
    # Not resolve(), which follows links: films are called by where they are said to lie.
    whole = {path: Path(os.path.abspath(path)) for path in ordered}  # noqa: PTH100
    common = Path(os.path.commonpath([path.parent for path in whole.values()]))
    relative = {path: absolute.relative_to(common) for path, absolute in whole.items()}
    # A film of the same name beside it (001.png and 001.jpg) keeps its suffix as well.
    bare = Counter(path.with_suffix("") for path in relative.values())
    return {
        path: (seen if bare[seen.with_suffix("")] > 1 else seen.with_suffix("")).as_posix()
        for path, seen in relative.items()
    }
