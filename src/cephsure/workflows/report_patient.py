"""What a DICOM film states of the patient and the study, for a report; other films state nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cephsure.errors import FilmError
from cephsure.reports.film_report import Patient

if TYPE_CHECKING:
    from pathlib import Path

_HEAD_BYTES = 1024
_TAGS = (
    *("SpecificCharacterSet", "PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("AcquisitionDate", "StudyDate"),
)


def read_patient(path: Path | None) -> Patient:
    """The few attributes that a report shows, in the letters of the file's own character sets."""
    if path is None or not _is_dicom(path):
        return Patient()
    import pydicom

    from cephsure.dicom.discretion import discreetly

    with discreetly():
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS), force=True)
            return Patient(
                name=_name(header.get("PatientName")),
                identifier=_text(header.get("PatientID")),
                birth_date=_date(header.get("PatientBirthDate")),
                sex=_text(header.get("PatientSex")),
                study_date=_date(header.get("AcquisitionDate")) or _date(header.get("StudyDate")),
            )
        except Exception:  # noqa: BLE001 - pydicom raises nearly anything on damaged content
            return Patient()


def _is_dicom(path: Path) -> bool:
    from cephsure.films.recognition import FilmKind, recognise

    try:
        with path.open("rb") as stream:
            return recognise(stream.read(_HEAD_BYTES)) is FilmKind.DICOM
    except (OSError, FilmError):
        return False


def _name(stated: Any) -> str | None:
    """A name in each of its groups of letters: in Latin ones "family, given", in others as it is written.

    >>> _name("Yamada^Tarou=山田^太郎=やまだ^たろう")
    'Yamada, Tarou · 山田 太郎 · やまだ たろう'
    """
    groups = []
    for place, group in enumerate(str(stated or "").split("=")):
        family, *others = (part.strip() for part in group.split("^"))
        given = " ".join(filter(None, others))
        groups.append((", " if place == 0 else " ").join(filter(None, (family, given))))
    return " · ".join(filter(None, groups)) or None


def _text(stated: Any) -> str | None:
    return str(stated or "").strip() or None


def _date(stated: Any) -> str | None:
    """A date as "2009-03-31"; what is none is left out."""
    found = re.fullmatch(r"(\d{4})\.?(\d\d)\.?(\d\d)", str(stated or "").strip())
    return None if found is None else "-".join(found.groups())
