"""Data types of FHIR R5 made of what a DICOM object says: codes, quantities, names, dates, references."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from cephsure.dicom.codes import SCHEME
from cephsure.dicom.source import derived_uid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.valuerep import PersonName

Json = dict[str, Any]

UCUM = "http://unitsofmeasure.org"
URN = "urn:ietf:rfc:3986"
# As HL7's terminology has them (https://terminology.hl7.org/external_terminologies.html); ours is in no list.
SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "LN": "http://loinc.org",
    "FMA": "http://terminology.hl7.org/CodeSystem/fma",
    "UCUM": UCUM,
    SCHEME: f"urn:oid:{derived_uid('coding scheme', SCHEME)}",
}
_REPRESENTATIONS = ("ABC", "IDE", "SYL")
_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_GENDERS = {"F": "female", "M": "male", "O": "other"}
_SPACE = uuid.UUID("6a0a9c1e-2c52-5a39-9f6d-1f6c1ab7a7d4")
"""Of our names for resources: the same report gives the same ones."""


def concept(code: Dataset, *, text: str | None = None) -> Json:
    """A code of DICOM as a CodeableConcept."""
    coding: Json = {"code": str(code.CodeValue), "display": str(code.CodeMeaning)}
    scheme = str(code.CodingSchemeDesignator)
    coding["system"] = SYSTEMS.get(scheme, f"urn:oid:{derived_uid('coding scheme', scheme)}")
    if "CodingSchemeVersion" in code:
        coding["version"] = str(code.CodingSchemeVersion)
    return {"coding": [coding], "text": text or str(code.CodeMeaning)}


def quantity(measured: Dataset) -> Json:
    """A Measured Value item as a Quantity in UCUM."""
    unit = measured.MeasurementUnitsCodeSequence[0]
    value = measured.get("FloatingPointValue", measured.NumericValue)
    return {
        "value": float(value),
        "unit": str(unit.CodeMeaning),
        "system": UCUM,
        "code": str(unit.CodeValue),
    }


def oid(uid: object) -> str:
    """A UID as a URI."""
    return f"urn:oid:{uid}"


def identifier(uid: object, *, of: str | None = None) -> Json:
    """A UID as an Identifier; ``of`` says of what."""
    found: Json = {"system": URN, "value": oid(uid)}
    return found if of is None else {"type": {"text": of}, **found}


def resource_id(*names: object) -> str:
    """The UUID of a resource that some names decide."""
    return str(uuid.uuid5(_SPACE, "\0".join(map(str, names))))


def reference(resource: Json) -> Json:
    """A reference to another resource of the same bundle."""
    return {"reference": f"urn:uuid:{resource['id']}", "type": resource["resourceType"]}


def human_names(name: PersonName | None) -> list[Json]:
    """A DICOM name, each of its three groups as a HumanName that says how it is written."""
    found = []
    groups = str(name or "").split("=")
    for group, representation in zip(groups, _REPRESENTATIONS, strict=False):
        family, given, middle, prefix, suffix = (group.split("^") + [""] * 5)[:5]
        parts = {
            "family": family,
            "given": [part for part in (given, middle) if part],
            "prefix": [prefix] if prefix else [],
            "suffix": [suffix] if suffix else [],
        }
        kept = {key: value for key, value in parts.items() if value}
        if kept:
            extension = [{"url": _REPRESENTATION, "valueCode": representation}]
            found.append({"extension": extension, "text": _spoken(group), **kept})
    return found


def _spoken(group: str) -> str:
    """A name's group as people write it."""
    family, given, middle, prefix, suffix = (group.split("^") + [""] * 5)[:5]
    return " ".join(part for part in (prefix, given, middle, family, suffix) if part)


def person_text(name: PersonName | str) -> str:
    """A DICOM name in one line, all its groups."""
    return " / ".join(spoken for group in str(name).split("=") if (spoken := _spoken(group)))


def patient(header: Dataset) -> Json:
    """The patient of a report; a resource without any fact where it names none."""
    number, born = str(header.get("PatientID") or ""), str(header.get("PatientBirthDate") or "")
    found: Json = {
        "resourceType": "Patient",
        "id": resource_id(header.StudyInstanceUID, "patient", header.get("IssuerOfPatientID"), number),
    }
    if number:
        found["identifier"] = [{"value": number}]
        if issuer := str(header.get("IssuerOfPatientID") or ""):
            found["identifier"][0]["assigner"] = {"display": issuer}
    if names := human_names(header.get("PatientName")):
        found["name"] = names
    if len(born) == 8 and born.isdigit():
        found["birthDate"] = f"{born[:4]}-{born[4:6]}-{born[6:]}"
    if (sex := str(header.get("PatientSex") or "")) in _GENDERS:
        found["gender"] = _GENDERS[sex]
    return found


def moment(header: Dataset) -> str:
    """When the report was written, as an instant; UTC where it names no time zone."""
    offset = str(header.get("TimezoneOffsetFromUTC") or "+0000")
    minutes = 60 * int(offset[1:3]) + int(offset[3:5])
    zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
    time = f"{header.ContentDate}{str(header.ContentTime)[:6]}"
    return datetime.strptime(time, "%Y%m%d%H%M%S").replace(tzinfo=zone).isoformat()
