"""A structured report of ours as a FHIR R5 bundle.

After HL7's guide to DICOM SR in FHIR (https://build.fhir.org/ig/HL7/dicom-sr/): a measurement group becomes
an Observation, its numbers and statements are components of it, positions on the image are ImagingSelections,
the finding site a BodyStructure, the algorithm a Device. Pixel positions stay as DICOM counts them: the
middle of the first pixel is 0.5, 0.5. All that is said comes from the report alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.dicom.codes import NOTICE
from cephsure.dicom.fhir_types import (
    concept,
    identifier,
    moment,
    oid,
    patient,
    person_text,
    quantity,
    reference,
    resource_id,
)
from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

    from cephsure.dicom.fhir_types import Json

# Concepts of PS3.16 by which the parts of a report are found (all of the scheme DCM).
_MEASUREMENTS, _GROUP = "126010", "125007"
_FINDING, _SITE = "121071", "363698007"
_TRACKING, _TRACKING_UID = "112039", "112040"
_ALGORITHM, _VERSION, _PARAMETERS, _MANUFACTURER = "111001", "111003", "111002", "122405"
_PERSON, _SERIAL_NUMBER = "121008", "121016"
_OF_THE_GROUP = {_FINDING, _SITE, _TRACKING, _TRACKING_UID, _ALGORITHM, _VERSION, _PARAMETERS, _MANUFACTURER}
_OF_THE_GROUP |= {"111000", "121005", _PERSON}
_REGIONS = {"POINT": "point", "POLYLINE": "polyline", "ELLIPSE": "ellipse", "CIRCLE": "circle"}
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def make_fhir(sr: Dataset) -> Json:
    """The FHIR R5 bundle (type collection) of a structured report, as JSON.

    The same report gives the same bundle. Observations are final where the report is complete and verified by
    a person, else preliminary.

    Raises:
        InputError: it is no report with measurement groups.
    """
    groups = [
        group
        for container in _items(sr, _MEASUREMENTS)
        for group in _items(container, _GROUP)
        if _items(group, _FINDING)
    ]
    if not groups:
        raise InputError("is no structured report with measurement groups (TID 1500)")
    writer = _Writer(sr)
    observations = [writer.observation(group) for group in groups]
    observations[0]["hasMember"] = [reference(each) for each in observations[1:]]
    if not observations[0]["hasMember"]:
        del observations[0]["hasMember"]
    resources = [writer.patient, *writer.others.values(), *observations]
    return {
        "resourceType": "Bundle",
        "id": resource_id(sr.SOPInstanceUID, "bundle"),
        "type": "collection",
        "identifier": identifier(sr.SOPInstanceUID, of="DICOM SOP Instance UID of the structured report"),
        "timestamp": moment(sr),
        "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in resources],
    }


@dataclass
class _Writer:
    """The resources of one report; ``others`` are those that Observations refer to, each once."""

    sr: Dataset
    others: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.patient = patient(self.sr)
        is_final = (
            self.sr.get("CompletionFlag") == "COMPLETE" and self.sr.get("VerificationFlag") == "VERIFIED"
        )
        self.status = "final" if is_final else "preliminary"
        said = {
            text for text in (_text(item) for item in _all_items(self.sr) if _is(item, NOTICE.value)) if text
        }
        self.notes = [{"text": text} for text in sorted(said)]

    def observation(self, group: Dataset) -> Json:
        """A measurement group."""
        finding = _items(group, _FINDING)[0]
        tracked = [item.UID for item in _items(group, _TRACKING_UID)]
        name = tracked[0] if tracked else str(id(group))
        found: Json = {
            "resourceType": "Observation",
            "id": resource_id(self.sr.SOPInstanceUID, "observation", name),
            "status": self.status,
            "category": [{"coding": [{"system": _CATEGORY, "code": "imaging", "display": "Imaging"}]}],
            "code": concept(finding.ConceptCodeSequence[0], text=_first_text(group, _TRACKING)),
            "subject": reference(self.patient),
            "effectiveDateTime": moment(self.sr),
        }
        found |= {"identifier": [identifier(name, of="DICOM Tracking UID")]} if tracked else {}
        if performers := self._performers(group):
            found["performer"] = performers
        if sites := _items(group, _SITE):
            found["bodyStructure"] = reference(self._body_structure(sites[0]))
        if (device := self._device(group)) is not None:
            found["device"] = reference(device)
        if selections := [reference(each) for each in self._selections(group, finding, name)]:
            found["derivedFrom"] = selections
        values = _said(group)
        if len(_numbers(group)) == 1 and _numbers(group)[0] == values[0]:
            found["valueQuantity"] = quantity(values[0].MeasuredValueSequence[0])
            values = [*_said(values[0]), *values[1:]]
        components = [component for item in values for component in _components(item)]
        if components:
            found["component"] = components
        if self.notes:
            found["note"] = self.notes
        return found

    def _performers(self, group: Dataset) -> list[Json]:
        """Who decided what stands in a group, else who verified the report."""
        names = [item.PersonName for item in _items(group, _PERSON)]
        if not names and self.status == "final":
            names = [each.VerifyingObserverName for each in self.sr.get("VerifyingObserverSequence", ())]
        return [{"display": person_text(name)} for name in names]

    def _body_structure(self, site: Dataset) -> Json:
        code = concept(site.ConceptCodeSequence[0])
        coding = code["coding"][0]
        key = f"{coding['system']} {coding['code']}"
        return self._once(
            {
                "resourceType": "BodyStructure",
                "id": resource_id(self.sr.SOPInstanceUID, "site", key),
                "includedStructure": [{"structure": code}],
                "patient": reference(self.patient),
            }
        )

    def _device(self, group: Dataset) -> Json | None:
        """The algorithm of a group, with the model's checksum."""
        name = _first_text(group, _ALGORITHM)
        if name is None:
            return None
        parameters = [text for item in _items(group, _PARAMETERS) if (text := _text(item))]
        found: Json = {
            "resourceType": "Device",
            "id": resource_id(self.sr.SOPInstanceUID, "device", name, *parameters),
            "status": "active",
            "name": [{"value": name, "type": "registered-name", "display": True}],
            "note": [*({"text": text} for text in parameters), *self.notes],
        }
        if (version := _first_text(group, _VERSION)) is not None:
            found["version"] = [{"value": version}]
        if (manufacturer := _first_text(group, _MANUFACTURER)) is not None:
            found["manufacturer"] = manufacturer
        if (digest := _first_text(self.sr, _SERIAL_NUMBER)) is not None:
            found["identifier"] = [{"type": {"text": "SHA-256 of the model"}, "value": digest}]
        return self._once(found)

    def _selections(self, group: Dataset, finding: Dataset, name: str) -> Iterator[Json]:
        """Positions of a group: its own, and those that its numbers come from."""
        for place, (item, of) in enumerate(_coordinates(group)):
            image = next(
                (each for each in item.get("ContentSequence", ()) if each.ValueType == "IMAGE"), None
            )
            if image is None or item.GraphicType not in _REGIONS:
                continue
            source = image.ReferencedSOPSequence[0]
            instance: Json = {
                "uid": str(source.ReferencedSOPInstanceUID),
                "sopClass": {"system": "urn:ietf:rfc:3986", "code": oid(source.ReferencedSOPClassUID)},
                "imageRegion2D": [
                    {
                        "regionType": _REGIONS[item.GraphicType],
                        "coordinate": np.float32(item.GraphicData).tolist(),  # as the file has them
                    }
                ],
            }
            if "ReferencedFrameNumber" in source:
                instance["subset"] = [str(source.ReferencedFrameNumber)]
            yield self._once(
                {
                    "resourceType": "ImagingSelection",
                    "id": resource_id(self.sr.SOPInstanceUID, "selection", name, place),
                    "status": "available",
                    "subject": reference(self.patient),
                    "code": concept(
                        (finding.ConceptCodeSequence if of is group else item.ConceptNameCodeSequence)[0]
                    ),
                    "studyUid": str(self.sr.StudyInstanceUID),
                    "seriesUid": self._series_of(instance["uid"]),
                    "instance": [instance],
                }
            )

    def _series_of(self, uid: str) -> str:
        """The series of an image, by the report's evidence."""
        evidence: list[Any] = [
            *self.sr.get("CurrentRequestedProcedureEvidenceSequence", ()),
            *self.sr.get("PertinentOtherEvidenceSequence", ()),
        ]
        series = [one for study in evidence for one in study.ReferencedSeriesSequence]
        return next(
            str(one.SeriesInstanceUID)
            for one in series
            if any(each.ReferencedSOPInstanceUID == uid for each in one.ReferencedSOPSequence)
        )

    def _once(self, resource: Json) -> Json:
        return self.others.setdefault(resource["id"], resource)


def _components(item: Dataset) -> Iterator[Json]:
    """A number or statement as a component, then those that stand under it."""
    under = _said(item)
    words = [text for each in under if each.ValueType == "TEXT" and (text := _text(each))]
    name = item.ConceptNameCodeSequence[0]
    spoken = None if not words or item.ValueType != "NUM" else f"{name.CodeMeaning}: {'; '.join(words)}"
    found: Json = {"code": concept(name, text=spoken)}
    if item.ValueType == "NUM":
        found["valueQuantity"] = quantity(item.MeasuredValueSequence[0])
        under = [each for each in under if each.ValueType != "TEXT"]
    elif item.ValueType == "CODE":
        found["valueCodeableConcept"] = concept(item.ConceptCodeSequence[0])
    else:
        found["valueString"] = _text(item)
    yield found
    for each in under:
        yield from _components(each)


def _said(item: Dataset) -> list[Dataset]:
    """The numbers and statements directly under an item, besides those that every group has."""
    return [
        each
        for each in item.get("ContentSequence", ())
        if each.ValueType in ("NUM", "CODE", "TEXT")
        and each.ConceptNameCodeSequence[0].CodeValue not in _OF_THE_GROUP
        and (each.ValueType != "NUM" or each.get("MeasuredValueSequence"))
    ]


def _numbers(group: Dataset) -> list[Dataset]:
    return [item for item in _said(group) if item.ValueType == "NUM"]


def _coordinates(group: Dataset) -> Iterator[tuple[Dataset, Dataset]]:
    """Each position of a group, and under which item it stands."""
    for item in group.get("ContentSequence", ()):
        if item.ValueType == "SCOORD":
            yield item, group
        elif item.ValueType == "NUM":
            yield from (
                (each, item) for each in item.get("ContentSequence", ()) if each.ValueType == "SCOORD"
            )


def _all_items(item: Dataset) -> Iterator[Dataset]:
    for each in item.get("ContentSequence", ()):
        yield each
        yield from _all_items(each)


def _items(item: Dataset, code: str) -> list[Dataset]:
    """The items of a concept directly under another one."""
    return [each for each in item.get("ContentSequence", ()) if _is(each, code)]


def _is(item: Dataset, code: str) -> bool:
    names = item.get("ConceptNameCodeSequence")
    return bool(names) and names[0].get("CodeValue") == code


def _text(item: Dataset) -> str:
    return str(item.get("TextValue", "")).strip()


def _first_text(item: Dataset, code: str) -> str | None:
    return next((text for each in _items(item, code) if (text := _text(each))), None)
