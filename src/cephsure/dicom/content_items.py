"""Content items of a structured report, as the writers here use them: highdicom's, with our codes' names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from highdicom.sr import (
    CodeContentItem,
    CodedConcept,
    Measurement,
    NumContentItem,
    PnameContentItem,
    QualitativeEvaluation,
    RelationshipTypeValues,
    ScoordContentItem,
    SourceImageForRegion,
    TextContentItem,
)
from pydicom.sr.codedict import codes

from cephsure.dicom.pixel_positions import to_dicom

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from highdicom.sr import ContentItem, GraphicTypeValues
    from numpy.typing import NDArray
    from pydicom.sr.coding import Code

    from cephsure.dicom.source import SourceObject

_PROPERTY = RelationshipTypeValues.HAS_PROPERTIES
_CONTAINS = RelationshipTypeValues.CONTAINS
_CONTEXT = RelationshipTypeValues.HAS_OBS_CONTEXT
_LONGEST_NAME = 64  # a component group of a person's name


def concept(code: Code) -> CodedConcept:
    """A code as highdicom's items hold it."""
    return CodedConcept.from_code(code)


def number(
    name: Code,
    value: float,
    unit: Code,
    *,
    properties: Iterable[ContentItem] = (),
    derivation: Code | None = None,
) -> Measurement:
    """A NUM item of a measurement group (TID 300), with items under it."""
    item = Measurement(name=concept(name), value=float(value), unit=concept(unit), derivation=derivation)
    under = list(properties)
    if under:
        item[0].ContentSequence = [*item[0].get("ContentSequence", ()), *under]
    return item


def number_property(name: Code, value: float, unit: Code) -> NumContentItem:
    """A NUM item under another item."""
    return NumContentItem(concept(name), float(value), concept(unit), relationship_type=_PROPERTY)


def text_property(name: Code, value: str) -> TextContentItem:
    """A TEXT item under another item."""
    return TextContentItem(concept(name), value, relationship_type=_PROPERTY)


def evaluation(name: Code, value: Code) -> QualitativeEvaluation:
    """A coded statement of a measurement group."""
    return QualitativeEvaluation(name=concept(name), value=concept(value))


def text(name: Code, value: str) -> TextContentItem:
    """A statement in words of a measurement group."""
    return TextContentItem(concept(name), value, relationship_type=_CONTAINS)


def outline(
    name: Code, graphic_type: GraphicTypeValues, points_px: NDArray[np.float64], source: SourceObject
) -> ScoordContentItem:
    """Positions (N, 2) in px of ours, from which a number comes, on the source's image."""
    item = ScoordContentItem(
        concept(name),
        graphic_type,
        to_dicom(points_px),
        relationship_type=RelationshipTypeValues.INFERRED_FROM,
    )
    item.ContentSequence = [image(source)]
    return item


def image(source: SourceObject) -> SourceImageForRegion:
    """The image that positions are of."""
    return SourceImageForRegion(source.sop_class_uid, source.sop_instance_uid, source.frames)


def person(name: str) -> list[ContentItem]:
    """Who decided what stands in a measurement group (TID 1003)."""
    return [
        CodeContentItem(codes.DCM.ObserverType, codes.DCM.Person, relationship_type=_CONTEXT),
        PnameContentItem(codes.DCM.PersonObserverName, person_name(name), relationship_type=_CONTEXT),
    ]


def person_name(name: str) -> str:
    """A name that somebody typed as the family name of a DICOM name: its parts are not guessed.

    Examples:
        >>> person_name("Dr. Müller")
        'Dr. Müller^'
    """
    readable = "".join(
        " " if character in "^=\\" or not character.isprintable() else character for character in name
    )
    return f"{readable.strip()[: _LONGEST_NAME - 1]}^"
