"""Reads a structured report of ours back: points, what became of them, verdicts, and who vouches for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cephsure.datasets.dicom_sr import children, code_of, groups_of, read_report, said_by
from cephsure.dicom import codes
from cephsure.dicom.discretion import discreetly
from cephsure.dicom.pixel_positions import from_dicom
from cephsure.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_ORIGINS = {code.value: origin for origin, code in codes.ORIGINS.items()}
_VERDICTS = {code.value: verdict for verdict, code in codes.VERDICTS.items()}
_FILM_VERDICTS = {code.value: verdict for verdict, code in codes.FILM_VERDICTS.items()}


@dataclass(frozen=True, slots=True)
class ReadPoint:
    """A landmark of a report.

    Attributes:
        code: the landmark's in its set.
        x_px: along x, in px of the film as given, the first pixel's centre at 0; None where it is missing.
        y_px: likewise along y.
        origin: what became of the point, as of `cephsure.cephalometry.reviewed_film.SettledPoint`.
        verdict: the model's, None for a point of which it says nothing.
        expected_error_mm: None where none is promised.
    """

    code: str
    x_px: float | None
    y_px: float | None
    origin: str
    verdict: str | None = None
    why: str | None = None
    expected_error_mm: float | None = None


@dataclass(frozen=True, slots=True)
class ReadReport:
    """A structured report of ours.

    Attributes:
        landmark_set: its name.
        is_complete: whether somebody said that the film is reviewed.
        observer: who verified it, as a DICOM name.
        image_uid: the object that the positions are on.
        measured: tracking identifier ("isbi SNA") -> value in its unit.
    """

    points: tuple[ReadPoint, ...]
    landmark_set: str
    verdict: str | None
    is_complete: bool
    observer: str | None
    image_uid: str | None
    measured: dict[str, float]


def read_sr(path: Path | str) -> ReadReport:
    """Read a structured report that cephsure wrote.

    Raises:
        InputError: it cannot be read, or is not ours.
    """
    path = Path(path)
    try:
        with discreetly():
            return _read(path)
    except InputError:
        raise
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", where=path) from error
    except Exception as error:
        # pydicom raises whatever the content provokes; what it quotes may be of a patient.
        raise InputError("cannot be read as a structured report", where=path) from error


def _read(path: Path) -> ReadReport:
    report = read_report(path)
    schemes = report.get("CodingSchemeIdentificationSequence") or ()
    if codes.SCHEME not in {scheme.get("CodingSchemeDesignator") for scheme in schemes}:
        raise InputError(
            "is no report of cephsure's",
            where=path,
            remedy="its points are read all the same: cephsure analyze --points",
        )
    groups = [_Group(group) for group in groups_of(report)]
    film = next(group for group in groups if group.tracking == "film")
    verifying = report.get("VerifyingObserverSequence") or ()
    return ReadReport(
        points=tuple(_point(group) for group in groups if group.coded(codes.ORIGIN.value)),
        landmark_set=film.said(codes.LANDMARK_SET.value) or "",
        verdict=_FILM_VERDICTS.get(film.coded(codes.FILM_VERDICT.value)),
        is_complete=report.get("CompletionFlag") == "COMPLETE",
        observer=str(verifying[0].VerifyingObserverName) if verifying else None,
        image_uid=next((uid for group in groups if (uid := group.image_uid)), None),
        measured={
            group.tracking: value for group in groups for value in [group.measured] if value is not None
        },
    )


class _Group:
    """A measurement group's items by the codes of their names."""

    def __init__(self, group: Dataset) -> None:
        self.items: dict[str, Dataset] = {}
        for item in children(group):
            self.items.setdefault(code_of(item), item)
        self.tracking = self.said("112039") or ""

    def said(self, code: str) -> str | None:
        """What an item says in words."""
        return said_by(self.items[code]) if code in self.items else None

    def coded(self, code: str) -> str:
        """The code that an item's value is; empty without such an item."""
        item = self.items.get(code)
        return "" if item is None else str(item.ConceptCodeSequence[0].CodeValue)

    def number(self, code: str) -> float | None:
        """An item's number."""
        if code not in self.items:
            return None
        return float(self.items[code].MeasuredValueSequence[0].FloatingPointValue)

    @property
    def position(self) -> tuple[float, float] | tuple[None, None]:
        """Where the point is, in px of ours."""
        region = self.items.get("111030")
        if region is None:
            return None, None
        x, y = from_dicom(region.GraphicData).tolist()
        return x, y

    @property
    def image_uid(self) -> str | None:
        """The object that the point is on."""
        region = self.items.get("111030")
        if region is None:
            return None
        return str(region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID)

    @property
    def measured(self) -> float | None:
        """The value of a measurement's group; None for another group."""
        return self.number(self.coded("121071")) if codes.ANALYSIS.value in self.items else None


def _point(group: _Group) -> ReadPoint:
    x, y = group.position
    return ReadPoint(
        code=group.tracking,
        x_px=x,
        y_px=y,
        origin=_ORIGINS[group.coded(codes.ORIGIN.value)],
        verdict=_VERDICTS.get(group.coded(codes.VERDICT.value)),
        why=group.said(codes.REASON.value),
        expected_error_mm=group.number(codes.EXPECTED_ERROR.value),
    )
