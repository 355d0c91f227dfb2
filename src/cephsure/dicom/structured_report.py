"""A film's points and measurements as a DICOM structured report: Comprehensive 3D SR, TID 1500."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
)
from pydicom.sr.codedict import codes as standard
from pydicom.uid import ExplicitVRLittleEndian

from cephsure import __version__
from cephsure.dicom import codes
from cephsure.dicom.content_items import person_name
from cephsure.dicom.discretion import discreetly
from cephsure.dicom.instances import MANUFACTURER, RESEARCH_ONLY, SERIES_NUMBERS, series_uid
from cephsure.dicom.landmark_groups import LandmarkGroups, algorithm_of
from cephsure.dicom.measurement_groups import film_group, measurement_groups
from cephsure.dicom.source import UNICODE, derived_uid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from cephsure.cephalometry import Analysis
    from cephsure.cephalometry.reviewed_film import ReviewedFilm
    from cephsure.dicom.source import SourceObject

_NOT_STATED = "not stated"


def make_sr(
    film: ReviewedFilm,
    source: SourceObject,
    *,
    analysis: Analysis | None = None,
    made_at: datetime | None = None,
) -> Dataset:
    """Make the structured report of one film.

    The same film, decisions and source give the same UIDs, however often it is made. It is PARTIAL and
    UNVERIFIED until somebody said that the film is reviewed, then COMPLETE and VERIFIED by this person.

    Args:
        film: the points as they stand.
        source: the object that they are on, whose patient and study the report takes over.
        analysis: measurements of these points (``film.analysis``); none if None.
        made_at: the report's date; by default when the film was decided last, else now.
    """
    with discreetly():
        return _make_sr(film, source, analysis, made_at or decided_at(film))


def _make_sr(
    film: ReviewedFilm, source: SourceObject, analysis: Analysis | None, made_at: datetime
) -> Dataset:
    algorithm = algorithm_of(film.prediction.model, __version__)
    report = MeasurementReport(
        observation_context=_observers(film),
        procedure_reported=standard.LN.XRUnspecifiedBodyRegion,
        imaging_measurements=[film_group(film, source, algorithm)],
        title=standard.DCM.ImagingMeasurementReport,
    )
    is_verified = film.is_complete and film.observer is not None
    written = Comprehensive3DSR(
        evidence=[source.evidence],
        content=report[0],
        series_instance_uid=series_uid(source, "SR"),
        series_number=SERIES_NUMBERS["SR"],
        sop_instance_uid=derived_uid(source.sop_instance_uid, "SR", content_digest(film, analysis)),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="cephsure",
        software_versions=__version__,
        series_description=f"Cephalometric landmarks. {RESEARCH_ONLY}",
        is_complete=film.is_complete,
        is_final=film.is_complete,
        is_verified=is_verified,
        verifying_observer_name=person_name(film.observer) if is_verified and film.observer else None,
        verifying_organization=source.header.get("InstitutionName") or _NOT_STATED if is_verified else None,
        coding_schemes=[coding_scheme()],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        specific_character_set=UNICODE,
    )
    # highdicom copies and searches what it is given several times: the many groups are added afterwards.
    measurements = written.ContentSequence[-1].ContentSequence
    for group in LandmarkGroups(film, source, algorithm).groups():
        measurements.extend(group)
    for group in measurement_groups(analysis, source) if analysis is not None else ():
        measurements.extend(group)
    if is_verified:
        written.VerifyingObserverSequence[0].VerificationDateTime = _date_time(made_at)
    return finished(written, source, made_at)


def finished(written: Dataset, source: SourceObject, made_at: datetime) -> Dataset:
    """An object with its date, what highdicom leaves out of the patient, and its character set."""
    local = made_at.astimezone(source.time_zone)
    written.ContentDate = written.InstanceCreationDate = f"{local:%Y%m%d}"
    written.ContentTime = written.InstanceCreationTime = f"{local:%H%M%S}"
    for equipment in written.get("ContributingEquipmentSequence", ()):
        equipment.ContributionDateTime = _date_time(made_at)
    for keyword in source.carried:
        if keyword not in written:
            written[keyword] = source.header[keyword]
    source.set_characters(written)
    return written


def content_digest(film: ReviewedFilm, analysis: Analysis | None) -> str:
    """A digest of all that a report says: another content makes another object."""
    said: list[object] = [film.prediction.model_dump_json(exclude={"film": {"path"}}), film.points]
    said += [film.observer, film.decided_at, film.is_complete, film.mm_per_px, __version__]
    said += [None if analysis is None else analysis.measurements]
    return hashlib.sha256("\0".join(map(repr, said)).encode()).hexdigest()


def decided_at(film: ReviewedFilm) -> datetime:
    """When the film was decided last, else now; in UTC."""
    if film.decided_at is None:
        return datetime.now(UTC)
    return datetime.fromisoformat(film.decided_at).astimezone(UTC)


def coding_scheme() -> CodingSchemeIdentificationItem:
    """What our private code scheme is, as each object that uses it says."""
    return CodingSchemeIdentificationItem(
        designator=codes.SCHEME,
        name=codes.SCHEME_NAME,
        version=codes.VERSION,
        responsible_organization=MANUFACTURER,
    )


def _observers(film: ReviewedFilm) -> ObservationContext:
    """The program, and the person who reviewed the film or decided something of it."""
    device = ObserverContext(
        observer_type=standard.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=derived_uid("device", __version__),
            name="cephsure",
            manufacturer_name=MANUFACTURER,
            model_name=f"{film.prediction.model.name}, cephsure {__version__}",
            serial_number=film.prediction.model.sha256,
        ),
    )
    if film.observer is None:
        return ObservationContext(observer_device_context=device)
    person = ObserverContext(
        observer_type=standard.DCM.Person,
        observer_identifying_attributes=PersonObserverIdentifyingAttributes(name=person_name(film.observer)),
    )
    return ObservationContext(observer_person_context=person, observer_device_context=device)


def _date_time(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M%S}+0000"
