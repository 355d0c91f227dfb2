"""Reads the points of DICOM structured reports of measurements (TID 1500): ours, and others' by their names.

A point is a spatial coordinate of one position in a measurement group. The group says what it is called by
its tracking identifier, its finding or its finding site: the first of these that is a landmark's name.
Positions count from the first pixel's corner. A report does not name the film's file: the film is called as
the report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any

from cephsure.datasets.label_file import HALF_A_PIXEL, LabelFile, LabelFormat
from cephsure.errors import AnnotationError, InputError
from cephsure.films.film import DEFAULT_LIMITS
from cephsure.films.third_party import captured_warnings
from cephsure.landmarks import match_labels
from cephsure.text_files import is_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom.dataset import Dataset

    from cephsure.datasets.builder import DatasetBuilder
    from cephsure.landmarks import LandmarkSet

_DEEPEST, _HEADER_BYTES = 24, 1 << 16
_TRACKING, _FINDING, _SITE, _GROUP = "112039", "121071", ("363698007", "G-C0E3"), "125007"
_SPACINGS = ("111026", "111066")  # horizontal, vertical
_NUMBER = re.compile(r"\W*(?:l|lm|landmark|p|pt|point|kp|keypoint)?\W*\d+\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReportedPoint:
    """A point of a report: what it may be called, the likeliest first, and where it is, in px of ours."""

    labels: tuple[str, ...]
    x_px: float
    y_px: float


def looks_like_report(file: LabelFile) -> bool:
    """Whether a file is a structured report: it says so within the first elements."""
    try:
        with file.path.open("rb") as stream:
            head = stream.read(_HEADER_BYTES)
    except OSError:
        return False
    return (
        head[128:132] == b"DICM"
        and re.search(rb"\x08\x00\x60\x00(?:CS\x02\x00|\x02\x00{3})SR", head) is not None
    )


def add_report(file: LabelFile, builder: DatasetBuilder) -> None:
    """Add a report's points.

    Raises:
        AnnotationError: it cannot be read.
    """
    points, scale = read_points(file.path)
    stem = re.sub(r"\.sr$", "", file.path.stem, flags=re.IGNORECASE)
    folder = file.path.parent
    path = builder.finder.find_stem(stem, (folder, folder.parent))
    if path is None or path.resolve() == file.path.resolve():
        path = folder / stem
    annotator = file.folder_name
    builder.add_film(path, annotator=annotator, mm_per_px=scale, is_named=is_file(path), where=file.path)
    for point in points:
        with builder.entry("point"):
            builder.add_mark(
                path, annotator, chosen_label(point, builder.landmark_set), point.x_px, point.y_px
            )


def read_points(path: Path) -> tuple[list[ReportedPoint], tuple[float, float] | None]:
    """The points of a report, and the scale that it states, in mm along x and y.

    Raises:
        AnnotationError: it cannot be read as a report.
    """
    try:
        with captured_warnings():
            report = read_report(path)
            groups = list(groups_of(report))
            points = [point for group in groups for point in _points(group)]
            scales = {code_of(item): _value(item) for group in groups for item in under(group)}
    except AnnotationError:
        raise
    except Exception as error:
        # pydicom raises whatever the content provokes; what it quotes may be of a patient.
        raise AnnotationError("cannot be read as a structured report", where=path) from error
    x, y = (scales.get(code) for code in _SPACINGS)
    return points, (x, y) if x is not None and y is not None and min(x, y) > 0 else None


def read_report(path: Path) -> Dataset:
    """The data set of a report, read within limits; whatever pydicom raises where it is malformed."""
    from cephsure.films.dicom_file import read_dataset_of  # brings pydicom, which other data sets do without

    report, _ = read_dataset_of(path.read_bytes(), DEFAULT_LIMITS)
    if report.get("Modality") != "SR" or "ContentSequence" not in report:
        raise AnnotationError("is no structured report", where=path)
    return report


def groups_of(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    """The measurement groups of a report, in its order."""
    for child in children(item):
        if child.get("ValueType") == "CONTAINER" and code_of(child) == _GROUP:
            yield child
        elif depth < _DEEPEST:
            yield from groups_of(child, depth + 1)


def under(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    """All items under one, from above down."""
    for child in children(item):
        yield child
        if depth < _DEEPEST:
            yield from under(child, depth + 1)


def children(item: Dataset) -> Any:
    """The items right under one."""
    return item.get("ContentSequence") or ()


def code_of(item: Dataset) -> str:
    """The code of an item's name; empty without one."""
    names = item.get("ConceptNameCodeSequence") or ()
    return str(names[0].get("CodeValue") or names[0].get("LongCodeValue") or "") if names else ""


def said_by(item: Dataset) -> str:
    """What a TEXT item says, or the meaning of a CODE item's value."""
    if item.get("ValueType") == "TEXT":
        return str(item.get("TextValue") or "")
    values = item.get("ConceptCodeSequence") or ()
    return str(values[0].get("CodeMeaning") or "") if values else ""


def chosen_label(point: ReportedPoint, landmark_set: LandmarkSet) -> str:
    """The first of a point's labels that is a landmark's name, else the first: nothing is numbered here."""
    for label in point.labels:
        if _NUMBER.fullmatch(label):
            continue
        try:
            if match_labels(landmark_set, [label], "names")[label] is not None:
                return label
        except InputError:
            continue
    return next(iter(point.labels), "unnamed")


def _points(group: Dataset) -> Iterator[ReportedPoint]:
    """The point of a group, if it has just one."""
    found: dict[tuple[float, float], None] = {}
    labels: dict[str, list[str]] = {_TRACKING: [], _FINDING: [], _SITE[0]: []}
    for item in under(group):
        if item.get("ValueType") == "SCOORD" and item.get("GraphicType") == "POINT":
            x, y = (float(value) - HALF_A_PIXEL for value in item.GraphicData)
            if isfinite(x) and isfinite(y):
                found[x, y] = None
        code = _SITE[0] if code_of(item) in _SITE else code_of(item)
        if code in labels and (said := said_by(item).strip()):
            labels[code].append(said)
    if len(found) == 1:
        ((x, y),) = found
        yield ReportedPoint(tuple(dict.fromkeys(chain.from_iterable(labels.values()))), x, y)


def _value(item: Dataset) -> float | None:
    measured = item.get("MeasuredValueSequence") or ()
    if not measured or code_of(item) not in _SPACINGS:
        return None
    return float(measured[0].get("FloatingPointValue") or measured[0].get("NumericValue") or 0)


DICOM_SR = LabelFormat(
    name="dicom-sr",
    title="DICOM structured report of measurements (TID 1500)",
    suffixes=(".dcm",),
    looks_like=looks_like_report,
    add=add_report,
)
