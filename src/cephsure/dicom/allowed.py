"""What a de-identified film may say: the attributes that are kept, and which values they may have.

The list is ours, for single projection films; everything else goes, whatever it is. It is stricter than the
Basic Application Level Confidentiality Profile (PS3.15, table E.1-1), which lists what must go. A word is
kept only if it is one of those that the standard defines, a number only if it is one, a code only with the
meaning that the standard gives it: text of a person's hand has no place to stand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.sr._concepts_dict import concepts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataelem import DataElement

_SPACING_MM, _DISTANCE_MM, _GREY = (0.001, 10.0, 2), (1.0, 10_000.0, 1), (-(2.0**31), 2.0**32, 16)
_PIXEL_VALUE = (-(2.0**31), 2.0**32, 1)
NUMBERS: dict[str, tuple[float, float, int]] = {
    "DistanceSourceToDetector": _DISTANCE_MM,
    "DistanceSourceToPatient": _DISTANCE_MM,
    "EstimatedRadiographicMagnificationFactor": (0.1, 10.0, 1),
    "ImagerPixelSpacing": _SPACING_MM,
    "KVP": (1.0, 1000.0, 1),
    "LargestImagePixelValue": _PIXEL_VALUE,
    "LossyImageCompressionRatio": (1.0, 1000.0, 4),
    "NominalScannedPixelSpacing": _SPACING_MM,
    "PixelAspectRatio": (1.0, 100_000.0, 2),
    "PixelIntensityRelationshipSign": (-1.0, 1.0, 1),
    "PixelPaddingRangeLimit": _PIXEL_VALUE,
    "PixelPaddingValue": _PIXEL_VALUE,
    "PixelSpacing": _SPACING_MM,
    "RescaleIntercept": _GREY,
    "RescaleSlope": _GREY,
    "SmallestImagePixelValue": _PIXEL_VALUE,
    "WindowCenter": _GREY,
    "WindowWidth": _GREY,
}
"""From what to what a number can be, and how many there can be: a patient's number is not one of these."""
TABLES = frozenset(
    {
        "BluePaletteColorLookupTableData",
        "BluePaletteColorLookupTableDescriptor",
        "GreenPaletteColorLookupTableData",
        "GreenPaletteColorLookupTableDescriptor",
        "RedPaletteColorLookupTableData",
        "RedPaletteColorLookupTableDescriptor",
    }
)
_YES_NO = frozenset({"YES", "NO"})
WORDS: dict[str, frozenset[str]] = {
    "BodyPartExamined": frozenset({"FACE", "HEAD", "JAW", "MAXILLA", "MANDIBLE", "SKULL"}),
    "BurnedInAnnotation": _YES_NO,
    "ConversionType": frozenset({"DV", "DI", "DF", "WSD", "SD", "SI", "DRW", "SYN"}),
    "DetectorType": frozenset({"DIRECT", "SCINTILLATOR", "STORAGE", "FILM"}),
    "ImageLaterality": frozenset({"R", "L", "U", "B"}),
    "ImageType": frozenset({"ORIGINAL", "DERIVED", "PRIMARY", "SECONDARY"}),
    "LossyImageCompression": frozenset({"00", "01"}),
    "LossyImageCompressionMethod": frozenset(
        {"ISO_10918_1", "ISO_14495_1", "ISO_15444_1", "ISO_15444_15", "ISO_13818_2", "ISO_14496_10"}
    ),
    "Modality": frozenset({"CR", "DX", "IO", "OT", "PX", "RF", "RG", "SC", "XA", "XC"}),
    "PatientOrientation": frozenset({a + b for a in "ALRPHF" for b in ("", *"ALRPHF") if a != b}),
    "PhotometricInterpretation": frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB"}),
    "PixelIntensityRelationship": frozenset({"LIN", "LOG"}),
    "PixelSpacingCalibrationType": frozenset({"GEOMETRY", "FIDUCIAL"}),
    "PositionerType": frozenset({"CEPHALOSTAT", "COLUMN", "C_ARM", "MAMMOGRAPHIC", "NONE", "PANORAMIC"}),
    "PresentationIntentType": frozenset({"FOR PRESENTATION", "FOR PROCESSING"}),
    "PresentationLUTShape": frozenset({"IDENTITY", "INVERSE"}),
    "QualityControlImage": _YES_NO,
    "RescaleType": frozenset({"HU", "OD", "US"}),
    "VOILUTFunction": frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"}),
    "ViewPosition": frozenset({"AP", "LL", "LLD", "LLO", "PA", "RL", "RLD", "RLO"}),
}
_READ_AS = {"VOILUTFunction": "LINEAR_EXACT"}
"""As what an unknown word is read, where it is not read as if there were none."""
LOOKUP_TABLES = ("ModalityLUTSequence", "VOILUTSequence")
"""Sequences whose items hold a table of numbers."""
CODED = ("AnatomicRegionSequence", "ViewCodeSequence", "ViewModifierCodeSequence")
"""Sequences of codes."""
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


def kept(source: Dataset) -> Dataset:
    """What may be kept of a film's data set, but for identifiers and pixels."""
    found = Dataset()
    has_palette = str(source.get("PhotometricInterpretation", "")).strip() == "PALETTE COLOR"
    for keyword in (*NUMBERS, *WORDS, *LOOKUP_TABLES, *CODED, *(TABLES if has_palette else ())):
        element = _element(source, keyword)
        if element is None:
            continue
        if keyword in TABLES:
            found.add(element)  # as it stands: its value representation is not one alone
        elif (value := _allowed(element)) is not None:
            setattr(found, keyword, value)
    return found


def _element(source: Dataset, keyword: str) -> DataElement | None:
    """An attribute; None where there is none, or where it is malformed."""
    try:
        return source[keyword]
    except Exception:  # noqa: BLE001 - pydicom converts on access and raises whatever the value provokes
        return None


def _allowed(element: DataElement) -> Any:
    """An element's value, as far as it may be kept; None for nothing of it."""
    keyword = element.keyword
    if keyword in NUMBERS:
        return _numbers(element)
    if keyword in WORDS:
        values = [str(value).strip() for value in _values(element)]
        words = [value for value in values if value in WORDS[keyword]]
        if not words and values and values[0] and keyword in _READ_AS:
            return _READ_AS[keyword]
        return words if len(words) > 1 else words[0] if words else None
    if keyword in LOOKUP_TABLES:
        return [table for item in element.value if (table := _lookup_table(item)) is not None] or None
    if keyword in CODED:
        return [code for item in element.value if (code := _code(item)) is not None]
    return None


def _values(element: DataElement) -> Sequence[Any]:
    value = element.value
    if value is None or value == "":
        return ()
    return value if isinstance(value, list | tuple) or element.VM > 1 else (value,)


def _numbers(element: DataElement) -> Any:
    """Numbers, written as they were where that is a number's text; None if one of them cannot be."""
    low, high, most = NUMBERS[element.keyword]
    values = list(_values(element))
    if not 0 < len(values) <= most or not all(_NUMBER.fullmatch(str(value)) for value in values):
        return None
    if not all(low <= float(value) <= high for value in values):
        return None
    return values if len(values) > 1 else values[0]


def _lookup_table(item: Dataset) -> Dataset | None:
    """A table with as many entries as it says, and nothing behind them; None of a malformed one."""
    descriptor, data = _element(item, "LUTDescriptor"), _element(item, "LUTData")
    if descriptor is None or data is None or descriptor.VM != 3:
        return None
    count = int(descriptor.value[0]) % 65_536 or 65_536
    entries = data.value if isinstance(data.value, bytes) else list(_values(data))
    if len(entries) < count:
        return None
    made = Dataset()
    made.add(descriptor)
    made.add_new("LUTData", data.VR, entries[: 2 * count if isinstance(entries, bytes) else count])
    if (kind := str(item.get("ModalityLUTType", ""))) in ("OD", "HU", "US"):
        made.ModalityLUTType = kind
    elif "ModalityLUTType" in item:
        made.ModalityLUTType = "US"  # unspecified
    return made


def _code(item: Dataset) -> Dataset | None:
    """A code that the standard knows, with the standard's own meaning; None of any other."""
    value, scheme = str(item.get("CodeValue", "")), str(item.get("CodingSchemeDesignator", ""))
    tables: Any = concepts  # scheme -> keyword -> value -> its meaning, and the lists that it is on
    for meanings in tables.get(scheme, {}).values():
        if value in meanings:
            made = Dataset()
            made.CodeValue, made.CodingSchemeDesignator = value, scheme
            made.CodeMeaning = meanings[value][0][:64]
            return made
    return None
