"""Reads the ISBI 2015 challenge's layout (Wang et al. 2016): two annotators, three splits, 0.1 mm a pixel."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets.annotated_film import AnnotatedFilm, Dataset
from cephsure.datasets.builder import NO_PLACE
from cephsure.datasets.json_files import DUPLICATES, is_missing, read_duplicate_groups
from cephsure.errors import AnnotationError, InputError
from cephsure.films import Spacing, SpacingSource
from cephsure.landmarks import LandmarkSet, load_landmark_set
from cephsure.text_files import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# Folder of each split under RawImage, and the film numbers the challenge gave it.
SPLIT_FOLDERS = {"train": "TrainingData", "test1": "Test1Data", "test2": "Test2Data"}
_LAST_NUMBERS = {"train": 150, "test1": 300, "test2": 400}

# The challenge states the scale; lossless copies go before lossy ones where a film lies there twice.
ISBI_SPACING = Spacing(x_mm_per_px=0.1, y_mm_per_px=0.1, source=SpacingSource.DATASET)
_SUFFIXES = (".bmp", ".png", ".tif", ".tiff", ".jpg", ".jpeg")


def looks_like_isbi(root: Path) -> bool:
    """Say whether a folder has the challenge's two sub-folders."""
    return (root / "RawImage").is_dir() and (root / "AnnotationsByMD").is_dir()


def read_isbi(
    root: str | Path, *, landmark_set: LandmarkSet | None = None, spacing: Spacing | None = None
) -> Dataset:
    """Read the folder ``root``, laid out as the challenge ships it.

    ``RawImage/TrainingData|Test1Data|Test2Data/NNN.bmp`` (or PNG, TIFF, JPEG) holds the films and decides the
    split; ``AnnotationsByMD/400_NAME/NNN.txt`` holds annotator NAME's points, one ``x,y`` line a landmark.
    Lines after the 19th (the challenge's classification labels) are skipped. Where ``duplicates.json`` lies
    in the folder, films that show the same exposure or, likely, the same patient share a group.

    Positions are taken as they stand: the challenge does not say where in a pixel its integers point, and
    like the published work we read them as pixel centres counted from 0. A ``spacing`` goes before the
    challenge's.

    Returns:
        The films that have an image and at least one annotation, ordered by split (train, test1, test2) and
        number. Each film has an entry for each annotator, all NaN where the file is missing; what was left
        out is in ``problems``.

    Raises:
        InputError: the folder has not this layout or holds no annotated film, or its landmarks are not those
            of ``landmark_set``.
        AnnotationError: an annotation file is malformed; names file and line.
    """
    root = Path(root)
    if not looks_like_isbi(root):
        raise InputError(
            "is not an ISBI 2015 data set",
            where=root,
            remedy="expected the folders RawImage and AnnotationsByMD",
        )
    landmarks = load_landmark_set("isbi-19")
    problems: list[str] = []
    images = _find_images(root, problems)
    annotations = _read_annotations(root, n_landmarks=len(landmarks), problems=problems)
    annotated = {film_id for points in annotations.values() for film_id in points}
    _report_annotated_without_image(root, sorted(annotated - set(images)), problems)
    groups = read_duplicate_groups(root / DUPLICATES)
    films = []
    for film_id, (split, path) in images.items():
        points = _points_of_film(film_id, annotations, n_landmarks=len(landmarks), problems=problems)
        if points is not None:
            group = groups.get(film_id)
            films.append(AnnotatedFilm(film_id, path, points, spacing or ISBI_SPACING, split, group))
    if not films:
        raise InputError("holds no annotated film", where=root)
    if landmark_set is not None and landmark_set.codes != landmarks.codes:
        raise InputError(
            f"an ISBI 2015 data set has the landmarks of isbi-19, not of {landmark_set.name}", where=root
        )
    return Dataset(name="isbi-2015", landmark_set=landmarks, films=tuple(films), problems=tuple(problems))


def _find_images(root: Path, problems: list[str]) -> dict[str, tuple[str, Path]]:
    """Give each film's split and image, ordered by split, then film number."""
    images: dict[str, tuple[str, Path]] = {}
    for split, folder in SPLIT_FOLDERS.items():
        copies: dict[str, list[Path]] = defaultdict(list)
        for path in sorted((root / "RawImage" / folder).glob("*")):
            if path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
                copies[path.stem].append(path)
        for film_id, paths in sorted(copies.items()):
            if film_id in images:
                both = f"{images[film_id][0]} and {split}"
                raise InputError(f"film {film_id} is in two splits, {both}", where=root / "RawImage")
            paths.sort(key=lambda path: _SUFFIXES.index(path.suffix.lower()))
            if len(paths) > 1:
                names = ", ".join(path.name for path in paths)
                problems.append(f"film {film_id}: there are {names}; {paths[0].name} is used")
            images[film_id] = split, paths[0]
    return images


def _read_annotations(
    root: Path, *, n_landmarks: int, problems: list[str]
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Read every annotator's files: name -> film -> (L, 2) positions in px.

    A file that is odd is named and passed over; where most of an annotator's are, the first one's error is
    raised.
    """
    folders = [path for path in sorted((root / "AnnotationsByMD").glob("400_*")) if path.is_dir()]
    if not folders:
        raise InputError("has no annotator's folder (400_senior, 400_junior)", where=root / "AnnotationsByMD")
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for folder in folders:
        films = found.setdefault(folder.name.removeprefix("400_"), {})
        errors = []
        for path in sorted(folder.glob("[!.]*.txt")):
            try:
                points = read_points(path, n_landmarks=n_landmarks)
                missing = np.flatnonzero(np.isnan(points).any(axis=1)) + 1
                if len(missing):
                    numbers = ", ".join(map(str, missing))
                    problems.append(f"{path}: no place of a landmark in line {numbers}; left missing")
                films[path.stem] = points
            except AnnotationError as error:
                errors.append(error)
        if len(errors) > len(films):
            raise errors[0]
        problems += [f"{error}; left out" for error in errors]
    return found


def read_points(path: Path, *, n_landmarks: int) -> NDArray[np.float64]:
    """(L, 2) positions in px of a text file with one ``x,y`` line a landmark, NaN where missing.

    Empty lines and those after the last landmark are passed over. A landmark is missing where the file has
    NaN or NA, or a place where tools put what was not marked: (0, 0) and (-1, -1).

    Raises:
        AnnotationError: it is malformed; names file and line.
    """
    text = read_text(path, kind=AnnotationError)
    lines = [(place, line) for place, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(lines) < n_landmarks:
        raise AnnotationError(f"has {len(lines)} lines, expected {n_landmarks} of the form x,y", where=path)
    points = np.empty((n_landmarks, 2))
    for row, (place, line) in enumerate(lines[:n_landmarks]):
        where, cells = f"{path}:{place}", [cell.strip() for cell in line.split(",")]
        if len(cells) == 2 and all(map(is_missing, cells)):
            points[row] = np.nan
            continue
        try:
            x_px, y_px = (float(cell.replace("_", "?")) for cell in cells)
        except ValueError as error:
            raise AnnotationError(f"expected x,y in pixels, found {line[:40]!r}", where=where) from error
        if not (math.isfinite(x_px) and math.isfinite(y_px)):
            raise AnnotationError(f"the position is not finite: {line[:40]!r}", where=where)
        points[row] = (np.nan, np.nan) if (x_px, y_px) in NO_PLACE else (x_px, y_px)
    return points


def _points_of_film(
    film_id: str,
    annotations: Mapping[str, Mapping[str, NDArray[np.float64]]],
    *,
    n_landmarks: int,
    problems: list[str],
) -> dict[str, NDArray[np.float64]] | None:
    """Give each annotator's points, NaN where a file is missing, or None where nobody annotated the film."""
    missing = [name for name, films in annotations.items() if film_id not in films]
    if len(missing) == len(annotations):
        problems.append(f"film {film_id}: nobody annotated it; left out")
        return None
    problems += [
        f"film {film_id}: no annotation by {name} (400_{name}/{film_id}.txt is missing)" for name in missing
    ]
    nothing = np.full((n_landmarks, 2), np.nan)
    return {name: films.get(film_id, nothing.copy()) for name, films in annotations.items()}


def _report_annotated_without_image(root: Path, film_ids: list[str], problems: list[str]) -> None:
    """Name annotated films that have no image; a whole absent split takes one line."""
    absent: dict[str, list[str]] = defaultdict(list)
    for film_id in film_ids:
        number = int(film_id) if film_id.isascii() and film_id.isdigit() and len(film_id) < 10 else 0
        # The split to which the challenge's numbering assigns a film, "" for a number outside it.
        split = next((split for split, last in _LAST_NUMBERS.items() if 0 < number <= last), "")
        absent[split].append(film_id)
    for split, absent_ids in absent.items():
        folder = f"RawImage/{SPLIT_FOLDERS[split]}" if split else "RawImage"
        if split and not (root / folder).is_dir():
            problems.append(f"{split}: {folder} is missing; {len(absent_ids)} annotated films left out")
        else:
            problems += [
                f"film {film_id}: no image {film_id}.* in {folder}; left out" for film_id in absent_ids
            ]
