"""Gathers marks from annotation files into a data set, and says what had to be left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.datasets.annotated_film import MEAN, AnnotatedFilm, Dataset, outside
from cephsure.datasets.film_files import FilmFinder
from cephsure.datasets.film_names import film_ids
from cephsure.datasets.json_files import DUPLICATES, read_duplicate_groups
from cephsure.errors import AnnotationError, InputError
from cephsure.films import Spacing, SpacingSource
from cephsure.films.third_party import printable
from cephsure.landmarks import LabelKind, match_labels
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets.annotated_film import HeldFilm
    from cephsure.datasets.json_files import JsonObject
    from cephsure.landmarks import LandmarkSet

NO_PLACE = frozenset({(0.0, 0.0), (-1.0, -1.0)})
"""Where tools put points that were not marked; no landmark lies there."""

_SHOWN_ODD, LONGEST_LINE = 20, 2000


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
    held: HeldFilm | None = None
    is_named: bool = True  # False where the annotations do not name their film


@dataclass(slots=True)
class DatasetBuilder:
    """Takes films and marks in any order; `build` gives the data set, `gather` what was marked.

    A landmark that one annotator marked at two different places of a film is left missing, and so is one
    outside the film where its size is stated; both are named in the problems. Nothing is guessed.

    ``root`` is the data set's folder; a ``duplicates.json`` in it gives the groups. ``images`` is a folder
    where films are looked for as well, ``labels`` how a label is read that is a name and a number
    (``landmarks.match_labels``), ``mm_per_px`` the user's scale, ``source`` the file or folder
    that was given, for errors. ``problems`` has one line for each thing left out so far.
    """

    root: Path
    landmark_set: LandmarkSet
    images: Path | None = None
    labels: LabelKind = "auto"
    mm_per_px: tuple[float, float] | None = None
    source: Path | None = None
    problems: list[str] = field(default_factory=list)
    finder: FilmFinder = field(init=False)
    kept: dict[Path, Any] = field(default_factory=dict)  # what readers need again, by its file
    _facts: dict[Path, dict[str, Any]] = field(default_factory=dict)  # a film's size, scale, split, group
    _annotators: dict[str, None] = field(default_factory=dict)  # a set that keeps its order
    _marks: dict[tuple[Path, str], dict[str, set[tuple[float, float]]]] = field(default_factory=dict)
    _marked: dict[tuple[Path, str], frozenset[int]] = field(default_factory=dict)  # rows, once gathered
    _held: dict[Path, HeldFilm] = field(default_factory=dict)
    _entries: Counter[str] = field(default_factory=Counter)
    _odd: dict[str, list[AnnotationError]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.finder = FilmFinder(self.images)

    @contextmanager
    def entry(self, kind: str) -> Iterator[None]:
        """Read one entry of many: if it is malformed it is passed over, and the others are read.

        ``kind`` is what they are ("file", "row", "point", ...): where most of a kind are malformed, `build`
        and `gather` refuse the whole.
        """
        self._entries[kind] += 1
        try:
            yield
        except AnnotationError as error:
            self._odd[kind].append(error)

    def each(self, kind: str, document: JsonObject, key: str, add: Callable[[JsonObject], None]) -> None:
        """Add each object of the list at ``key``; a malformed one is passed over (`entry`)."""
        for index in range(len(document.items(key))):
            with self.entry(kind):
                add(document.object_at(key, index))

    def film(self, reference: str, folder: Path) -> Path:
        """The path of a film that an annotation file in ``folder`` refers to; it need not exist."""
        try:
            return self.finder.find(reference, folder)
        except InputError as error:
            raise AnnotationError(error.what, where=folder) from error

    def add_film(
        self,
        path: Path,
        *,
        annotator: str | None = None,
        size_px: tuple[int, int] | None = None,
        mm_per_px: tuple[float, float] | None = None,
        split: str | None = None,
        group: str | None = None,
        held: HeldFilm | None = None,
        is_named: bool = True,
        where: Path | str,
    ) -> None:
        """Add what an annotation file says of a film; may be called again for the same film.

        With an ``annotator`` the film counts as seen by this annotator even without a point. ``held`` reads
        the film where it has no file of its own; ``is_named`` is False where the annotation file does not
        name it. ``where`` is the annotation file, for error messages.

        Raises:
            AnnotationError: another file, or another line, said otherwise.
        """
        facts = self._facts.setdefault(path, {})
        facts["named"] = facts.get("named", False) or is_named
        said = {"size": size_px, "scale": mm_per_px, "split": split, "group": group}
        for name, value in said.items():
            if value is not None and (known := facts.setdefault(name, value)) != value:
                raise AnnotationError(
                    f"{name} of {printable(path.name)} is {value} here and {known} elsewhere", where=where
                )
        if held is not None:
            self._held.setdefault(path, held)
        if annotator is not None:
            self._annotators.setdefault(annotator)
            self._marks.setdefault((path, annotator), defaultdict(set))

    def add_mark(self, path: Path, annotator: str, label: str | int, x_px: float, y_px: float) -> None:
        """Add one point of a film added for this annotator before; ``label`` is what the file calls it."""
        self._marks[path, annotator][str(label).strip()].add((x_px, y_px))

    def build(self, *, name: str, spacing: Spacing | None) -> Dataset:
        """Make the data set, ``spacing`` being the scale of all its films that do not state their own.

        It has the films with an image and at least one point, ordered by split, then identifier.

        Raises:
            AnnotationError: most entries are malformed.
            InputError: no film is left; most labels are unknown, or one is unclear; one annotator of several
                is called "mean".
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
            elif not (is_file(film.path) or (film.held is not None)):
                self.problems.append(
                    f"film {film.film_id}: its image {printable(str(film.path))} is missing; left out"
                )
            else:
                films.append(_annotated(film, annotations, spacing, groups))
        if not films:
            raise self._nothing("holds no annotated film")
        films.sort(key=lambda film: (film.split or "", film.film_id))
        problems = tuple(printable(problem, longest=LONGEST_LINE) for problem in self.problems)
        return Dataset(name=name, landmark_set=self.landmark_set, films=tuple(films), problems=problems)

    def gather(self) -> tuple[GatheredFilm, ...]:
        """The films on which somebody marked a point, by identifier; no image need be there.

        Raises:
            AnnotationError: most entries are malformed.
            InputError: most labels are unknown, or one is unclear.
        """
        films = [
            film
            for film in self._gathered()
            if any(np.isfinite(points).any() for points in film.annotations.values())
        ]
        if not films:
            raise self._nothing("holds no marked point")
        return tuple(sorted(films, key=lambda film: film.film_id))

    def _nothing(self, what: str) -> InputError:
        """There is no film: what was malformed says most about why."""
        for errors in self._odd.values():
            return errors[0]
        # What nobody marked says least about why.
        told = sorted(self.problems, key=lambda line: line.endswith(" on no film"))
        more = f"; and {len(told) - 2} more problems" if len(told) > 2 else ""
        remedy = "; ".join(told[:2]) + more
        return InputError(what, where=self.source or self.root, remedy=remedy or None)

    def _gathered(self) -> list[GatheredFilm]:
        """Every film with what each annotator marked on it; the problems are completed."""
        self._judge_odd()
        ids = film_ids(self._facts)
        rows = {annotator: self._rows(annotator) for annotator in self._annotators}
        points = {key: self._points(key, ids[key[0]], rows[key[1]]) for key in self._marks}
        return [
            GatheredFilm(
                film_id=ids[path],
                path=path,
                annotations={name: points[path, name] for name in self._annotators if (path, name) in points},
                size_px=facts.get("size"),
                mm_per_px=facts.get("scale"),
                split=facts.get("split"),
                group=facts.get("group"),
                held=self._held.get(path),
                is_named=facts["named"],
            )
            for path, facts in self._facts.items()
        ]

    def _judge_odd(self) -> None:
        """Name the malformed entries, or refuse the whole where they are more than half of their kind."""
        for kind, errors in self._odd.items():
            first, count = errors[0], len(errors)
            if 2 * count > self._entries[kind]:
                if count > 1:
                    like = f"so are {count - 1} more of {self._entries[kind]} {kind}s"
                    raise AnnotationError(first.what, where=first.where, remedy=first.remedy or like)
                raise first
            self.problems += [f"{error}; passed over" for error in errors[:_SHOWN_ODD]]
            if count > _SHOWN_ODD:
                self.problems.append(f"{count - _SHOWN_ODD} more {kind}s are malformed; passed over")

    def _rows(self, annotator: str) -> dict[str | int, int | None]:
        """The row that each of an annotator's labels means; the unknown ones are named."""
        counts: Counter[str] = Counter()
        for (_, name), marks in self._marks.items():
            if name == annotator:
                counts.update({label: len(places) for label, places in marks.items()})
        try:
            rows = match_labels(self.landmark_set, list(counts), self.labels, whose=annotator)
        except InputError as error:
            raise InputError(error.what, where=self.source or self.root, remedy=error.remedy) from error
        self.problems += [
            f"{annotator}: label {label!r} ({counts[label]} times) is not in landmark set "
            f"{self.landmark_set.name}; left out"
            for label in sorted(counts)
            if rows[label] is None
        ]
        return rows

    def _points(
        self, key: tuple[Path, str], film_id: str, rows: dict[str | int, int | None]
    ) -> NDArray[np.float64]:
        """Give one annotator's points of one film, (L, 2), NaN where missing."""
        path, annotator = key
        places: dict[int, set[tuple[float, float]]] = defaultdict(set)
        for label, found in self._marks[key].items():
            if (row := rows[label]) is not None:
                places[row] |= found
        self._marked[key] = frozenset(places)
        points = np.full((len(self.landmark_set), 2), np.nan)
        for row, found in places.items():
            points[row] = next(iter(found))
        size_px = self._facts[path].get("size")
        beyond = np.zeros(len(points), np.bool_) if size_px is None else outside(points, size_px)
        for row, found in sorted(places.items()):
            landmark = self.landmark_set.landmarks[row]
            label = f"film {film_id}: {annotator} marked {landmark.number} ({landmark.code})"
            x_px, y_px = points[row]
            if len(found) > 1:
                self.problems.append(f"{label} at {len(found)} places; left missing")
            elif (x_px, y_px) in NO_PLACE:
                self.problems.append(f"{label} at ({x_px:g}, {y_px:g}), where no landmark is; left missing")
            elif beyond[row]:
                self.problems.append(f"{label} outside the film, at ({x_px:g}, {y_px:g}); left missing")
            else:
                continue
            points[row] = np.nan
        return points

    def _report_missing(self, films: list[GatheredFilm]) -> None:
        """Name films an annotator did not see and landmarks they did not mark."""
        codes = np.array(self.landmark_set.codes)
        for annotator in self._annotators:
            marked = {
                film.film_id: self._marked[film.path, annotator]
                for film in films
                if annotator in film.annotations
            }
            somewhere = frozenset[int]().union(*marked.values())
            never = [row for row in range(len(codes)) if row not in somewhere]
            if never:
                self.problems.append(f"{annotator} marked {', '.join(codes[never])} on no film")
            for film_id in (film.film_id for film in films):
                if film_id not in marked:
                    self.problems.append(f"film {film_id}: not annotated by {annotator}")
                elif absent := sorted(somewhere - marked[film_id]):
                    self.problems.append(
                        f"film {film_id}: {annotator} did not mark {', '.join(codes[absent])}"
                    )


def _annotated(
    film: GatheredFilm,
    annotations: dict[str, NDArray[np.float64]],
    spacing: Spacing | None,
    groups: dict[str, str],
) -> AnnotatedFilm:
    """A film of the data set, with the user's scale or else its own."""
    if spacing is None and film.mm_per_px is not None:
        spacing = Spacing(*film.mm_per_px, SpacingSource.DATASET)
    return AnnotatedFilm(
        film.film_id,
        film.path,
        annotations,
        spacing,
        film.split,
        film.group or groups.get(film.film_id),
        film.size_px,
        film.held,
    )
