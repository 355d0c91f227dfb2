"""Annotated films in, what should be looked at before anything is trained on them out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.atomic import check_files, check_folders, write_atomically
from cephsure.datasets import film_of, select
from cephsure.errors import FilmError, InputError
from cephsure.evaluation.label_check import KINDS, Finding, LabelledFilms, check_labels, look_at
from cephsure.exports.output_files import readable_json
from cephsure.landmarks import LandmarkSet, load_landmark_set
from cephsure.workflows.batch import WHOLE, AnnotatedData, Counter, OnProgress, Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.evaluation.label_check import AnnotatorPair, FilmLook, LabelCheck
    from cephsure.reports.check_page import Pictured

PAGE = "check.html"
PICTURES = 40
"""So many findings are shown as pictures on the page."""

# What the readers say of points that are simply not there; the check counts these itself.
_NOT_THERE = re.compile(r"( did not mark |: not annotated by | marked .* on no film$)")
_OF_FILM = re.compile(r"^film (?P<film>.*?): (?P<said>.*)$", re.DOTALL)
_OUTSIDE, _LEFT_MISSING = " outside the film", " outside the film; left missing"


@dataclass(frozen=True, slots=True)
class DataCheck:
    """What was read, and what was found.

    Attributes:
        dataset: the films that were looked at.
        films: the same as arrays, with what was seen of each.
        check: what was found.
        page: the page that was written, if any.
    """

    dataset: Dataset
    films: LabelledFilms
    check: LabelCheck
    page: Path | None = None

    @property
    def serious(self) -> bool:
        """Whether something must be looked at."""
        return self.check.serious

    def marked(self, annotator: str) -> tuple[int, NDArray[np.int64]]:
        """On how many films an annotator marked anything, and (L,) on how many of them each landmark."""
        known = np.asarray(np.isfinite(self.films.points[annotator]).all(axis=2))
        return int(known.any(axis=1).sum()), known.sum(axis=0)

    def document(self) -> dict[str, Any]:
        """Everything as JSON data: ``cephsure.check/1``."""
        check, films = self.check, self.films
        return {
            "schema": "cephsure.check/1",
            "data_set": self.dataset.name,
            "landmark_set": self.dataset.landmark_set.name,
            "look": check.serious,
            "unit": check.unit,
            "films": [
                {
                    "film": name,
                    "read": look is not None,
                    "size_px": None if look is None else list(look.size_px),
                    "mm_per_px": None if look is None or look.mm_per_px is None else list(look.mm_per_px),
                    "split": split,
                    "group": group,
                }
                for name, look, split, group in zip(
                    films.film_ids, films.looks, films.splits, films.groups, strict=True
                )
            ],
            "annotators": [
                {"name": name, "films": count, "points": dict(zip(films.codes, marked.tolist(), strict=True))}
                for name in films.points
                for count, marked in [self.marked(name)]
            ],
            "distances": [_distances(films.codes, pair) for pair in check.pairs],
            "findings": [_found(finding) for finding in check.findings],
            "notes": list(check.notes),
        }


def check_data(
    data: AnnotatedData | Path | str,
    *,
    landmark_set: LandmarkSet | str | Path | None = None,
    out: Path | None = None,
    json_file: Path | None = None,
    on_progress: OnProgress = silent,
) -> DataCheck:
    """Look at the labels of a data set, as ``cephsure check`` does.

    Args:
        data: the data set; all its films where no split is named.
        landmark_set: a landmark set, the name of a shipped one or a TOML file; None for isbi-19.
        out: a folder for a page with pictures of the worst.
        json_file: where everything that was found goes.
        on_progress: told after each film.

    Raises:
        InputError: the data set cannot be read, none of its films can, or a file cannot be written.
    """
    check_folders(out, name=PAGE)
    check_files(json_file)
    chosen = AnnotatedData.of(data)
    if not isinstance(landmark_set, LandmarkSet):
        landmark_set = load_landmark_set(landmark_set or "isbi-19")
    dataset = select(chosen.open(landmark_set), chosen.split or WHOLE)
    looks, errors = _read(dataset.films, on_progress)
    films = LabelledFilms.of(dataset, looks)
    done = Progress("labels")
    check = check_labels(films, lambda count, total: on_progress(replace(done, done=count, total=total)))
    check = _once(check, dataset.problems).with_findings([*errors, *_problems(dataset.problems)])
    found = DataCheck(dataset, films, check)
    if out is not None:
        found = replace(found, page=_write_page(out / PAGE, found))
    if json_file is not None:
        text = readable_json(found.document())
        write_atomically(json_file, text.encode("utf-8", "backslashreplace"))
    return found


def _read(
    annotated: Sequence[AnnotatedFilm], on_progress: OnProgress
) -> tuple[list[FilmLook | None], list[Finding]]:
    """What is seen of each film; None and a finding where it cannot be read."""
    looks: list[FilmLook | None] = []
    errors = []
    step = Counter("films", len(annotated), on_progress)
    for film in annotated:
        try:
            looks.append(look_at(film_of(film)))
        except FilmError as error:
            looks.append(None)
            said = error.what if error.remedy is None else f"{error.what} ({error.remedy})"
            errors.append(Finding(kind="unreadable", said=said, film=film.film_id))
        step(film=film.path)
    if errors and not any(looks):
        first = errors[0]
        raise InputError(f"none of {len(looks)} films can be read: film {first.film}: {first.said}")
    return looks, errors


def _problems(problems: Sequence[str]) -> Iterator[Finding]:
    """What was left out when the data set was read."""
    for problem in problems:
        if not _NOT_THERE.search(problem):
            of_film = _OF_FILM.match(problem)
            film, said = ("", problem) if of_film is None else of_film.group("film", "said")
            yield Finding(kind="outside" if _OUTSIDE in said else "left out", said=said, film=film)


def _once(check: LabelCheck, problems: Sequence[str]) -> LabelCheck:
    """The check without missing points of which the readers say why they were left out."""
    kept = []
    for finding in check.findings:
        if finding.kind == "missing" and finding.film:
            told = _left_missing(finding, problems)
            codes = tuple(code for code in finding.codes if code not in told)
            if codes:
                kept.append(replace(finding, codes=codes, said=f"{', '.join(codes)} not marked"))
        else:
            kept.append(finding)
    return replace(check, findings=tuple(kept))


def _left_missing(finding: Finding, problems: Sequence[str]) -> set[str]:
    """The finding's landmarks that the readers name as left missing on its film."""
    whose = f"film {finding.film}: {finding.annotator}"
    told: set[str] = set()
    for problem in problems:
        if problem.startswith(f"{whose} marked "):
            told.update(code for code in finding.codes if f" ({code}) " in problem)
        elif problem.startswith(f"{whose}'s ") and problem.endswith(_LEFT_MISSING):
            told.update(problem[len(whose) + len("'s ") : -len(_LEFT_MISSING)].split(", "))
    return told


def _write_page(path: Path, found: DataCheck) -> Path:
    """The page with the worst as pictures."""
    from cephsure.reports.check_page import check_page, picture
    from cephsure.workflows.check_lines import RESEARCH, conclusion, heading_lines, landmark_columns

    check = found.check
    shown = [finding for finding in check.findings if finding.marks or finding.kind == "copy"]
    drawn = {
        id(finding): [picture(each) for each in _pictured(found, finding)]
        for finding in _spread(shown, PICTURES)
    }
    text = check_page(
        name=found.dataset.name,
        facts=heading_lines(found),
        conclusion=conclusion(found),
        remark=RESEARCH,
        table=landmark_columns(found),
        titles={str(kind): title for kind, title in KINDS.items()},
        findings=[(finding, drawn.get(id(finding), [])) for finding in check.findings],
        notes=check.notes,
    )
    return write_atomically(path, text.encode("utf-8"))


def _spread(findings: list[Finding], count: int) -> list[Finding]:
    """The worst of each kind in turn, until there are so many."""
    by_kind: dict[str, list[Finding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    chosen: list[Finding] = []
    place = 0
    while len(chosen) < min(count, len(findings)):
        chosen += [own[place] for own in by_kind.values() if place < len(own)]
        place += 1
    return chosen[:count]


def _pictured(found: DataCheck, finding: Finding) -> Iterator[Pictured]:
    """The films that a finding is about, with its points."""
    from cephsure.reports.check_page import Pictured

    places = {name: place for place, name in enumerate(found.films.film_ids)}
    for name in (finding.film, *(finding.others if finding.kind == "copy" else ())):
        place = places.get(name)
        if place is None or found.films.looks[place] is None:
            continue
        points = found.films.points.get(finding.annotator.split(", ")[0])
        known = None if points is None else points[place][np.isfinite(points[place]).all(axis=1)]
        yield Pictured(name, film_of(found.dataset.films[place]).pixels, finding.marks, known)


def _distances(codes: Sequence[str], pair: AnnotatorPair) -> dict[str, Any]:
    """A pair of annotators as JSON data."""

    def number(value: float) -> float | None:
        return round(float(value), 4) if np.isfinite(value) else None

    return {
        "annotators": [pair.first, pair.second],
        "landmarks": [
            {
                "code": code,
                "films": int(pair.n_films[row]),
                "mean": number(pair.mean[row]),
                "offset": [number(value) for value in pair.offset[row]],
            }
            for row, code in enumerate(codes)
        ],
    }


def _found(finding: Finding) -> dict[str, Any]:
    """A finding as JSON data."""
    return {
        "kind": finding.kind,
        "look": finding.serious,
        "said": finding.said,
        "film": finding.film or None,
        "other_films": list(finding.others),
        "annotator": finding.annotator or None,
        "landmarks": list(finding.codes),
        "weight": round(finding.weight, 3),
        "points": [
            {"code": mark.code, "role": mark.role, "px": [round(value, 2) for value in mark.at_px]}
            for mark in finding.marks
        ],
    }
