"""What things are called in DICOM: our own versioned code scheme, and the standard codes that are used.

A standard code is taken from pydicom's dictionary, which is made from the standard's own tables (PS3.16):
none is typed in here. Of the landmarks only sella turcica and nasion have one; a landmark's finding site is
the structure that it lies on.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from cephsure.landmarks import load_landmark_set, shipped_landmark_sets

if TYPE_CHECKING:
    from cephsure.landmarks import LandmarkSet
    from cephsure.landmarks.landmark_set import Landmark

SCHEME = "99CEPHSURE"
VERSION = "1"
"""Goes up when a code comes to mean something else; a code that is only added leaves it."""
SCHEME_NAME = "cephsure landmarks, measurements and their uncertainty"
_PREFIXES = {"isbi-19": "ISBI19", "aariz-29": "AARIZ29", "cl-detection-38": "CLDET38"}
_LONGEST_VALUE, _LONGEST_MEANING = 16, 64  # of the value representations SH and LO


def _own(value: str, meaning: str) -> Code:
    return Code(value, SCHEME, meaning, VERSION)


# What is said of a point.
ORIGIN = _own("ORIGIN", "What became of the point")
ORIGINS = {
    "predicted": _own("PREDICTED", "Found by the model, looked at by nobody"),
    "accepted": _own("ACCEPTED", "Found by the model, accepted by a person"),
    "edited": _own("EDITED", "Moved by a person"),
    "placed": _own("PLACED", "Set by a person where there was none"),
    "missing": _own("MISSING", "Cannot be seen"),
    "referred": _own("REFERRED", "Left by a person to somebody else"),
}
VERDICT = _own("VERDICT", "The model's verdict on the point")
VERDICTS = {
    "accept": _own("ACCEPT", "Can be taken as it is"),
    "review": _own("REVIEW", "Should be looked at"),
}
REASON = _own("REASON", "Reason of the verdict")
NOTE = _own("NOTE", "Note")
EXPECTED_ERROR = _own("EXPERR", "Expected distance from the true point")
ERROR_SD_X = _own("SDX", "Standard deviation of the error along rows")
ERROR_SD_Y = _own("SDY", "Standard deviation of the error along columns")
ERROR_CORRELATION = _own("CORRXY", "Correlation of the error's two parts")
REGION_AREA = _own("REGION", "Area of the region of the true point")
REGION_LEVEL = _own("LEVEL", "Probability that the region holds it")
REGION_OUTLINE = _own("OUTLINE", "Region of the true point")
HALF_AXIS_1 = _own("HALFAXIS1", "Longer half axis of the region")
HALF_AXIS_2 = _own("HALFAXIS2", "Shorter half axis of the region")

# What is said of the film.
FILM = _own("FILM", "Lateral cephalogram")
FILM_VERDICT = _own("FILMVERDICT", "The model's verdict on the film")
FILM_VERDICTS = {
    "fit": _own("FIT", "Fit for automatic evaluation"),
    "review": _own("FILMREVIEW", "A person should look at the film"),
    "unfit": _own("UNFIT", "Not fit for automatic evaluation"),
}
PROMISE = _own("PROMISE", "What is promised, or why nothing is")
FOR_WHOM = _own("FORWHOM", "For whose marks errors and regions hold")
NOTICE = _own("NOTICE", "Notice on use")
SCALE_SOURCE = _own("SCALESOURCE", "Where the millimetre scale comes from")
LANDMARK_SET = _own("LANDMARKSET", "Landmark set")

# What is said of a measurement.
MEASURED_SD = _own("MEASSD", "Standard deviation of the measurement")
INTERVAL_LOW = _own("LOW90", "Lower end of the 90 % interval")
INTERVAL_HIGH = _own("HIGH90", "Upper end of the 90 % interval")
CLASS_OF_VALUE = _own("CLASS", "Class that the value lies in")
DECISION = _own("DECISION", "Class that is decided")
CLASS_PROBABILITY = _own("CLASSPROB", "Probability of a class")
NOT_DECIDED = _own("NOTDECIDED", "Why no class is decided")
NO_VALUE = _own("NOVALUE", "Why there is no value")
NO_INTERVAL = _own("NOINTERVAL", "Why there is no interval")
ANALYSIS = _own("ANALYSIS", "Analysis that the measurement is of")

UNITS = {"mm": codes.UCUM.Millimeter, "deg": codes.UCUM.Degree, "ratio": codes.UCUM.NoUnits}
SQUARE_MM, PERCENT, NO_UNIT = codes.UCUM.SquareMillimeter, codes.UCUM.Percent, codes.UCUM.NoUnits

_SCT = codes.SCT
_SITES: dict[Code, str] = {
    _SCT.OrbitalStructure: "Or",
    _SCT.ExternalAuditoryCanal: "Po",
    _SCT.Maxilla: "A ANS",
    _SCT.Mandible: "B Pog Me Gn Go D Co R",
    _SCT.MandibularIncisorTeeth: "LIT LIA",
    _SCT.MaxillaryIncisorTeeth: "UIT UIA",
    _SCT.Lip: "UL LL UL' LL' Ls Li",
    _SCT.Nose: "Pn Prn Cm",
    _SCT.SellaTurcica: "S",
    codes.FMA.Nasion: "N",
}
_SITE_OF = {landmark: site for site, landmarks in _SITES.items() for landmark in landmarks.split()}
_SITE_OF_TISSUE = {"bone": _SCT.Skull, "soft": _SCT.Face, "tooth": _SCT.Tooth}


def landmark_code(landmark: Landmark, landmark_set: LandmarkSet) -> Code:
    """The code of a landmark in our scheme.

    Of a shipped set it is the set's short name and the landmark's own code, of another set a digest of both
    names: the same set always gives the same codes, and the tracking identifier says the landmark's.

    Examples:
        >>> isbi = load_landmark_set("isbi-19")
        >>> landmark_code(isbi.landmarks[0], isbi).value
        'ISBI19-S'
    """
    prefix = _PREFIXES.get(landmark_set.name)
    shipped = prefix is not None and landmark_set.name in shipped_landmark_sets()
    if shipped and landmark.code in load_landmark_set(landmark_set.name).codes:
        return _own(f"{prefix}-{landmark.code}", _meaning(landmark.name))
    return _own(_digest("L", landmark_set.name, landmark.code), _meaning(landmark.name))


def finding_site(landmark: Landmark) -> Code:
    """The standard code of the structure that a landmark lies on."""
    return _SITE_OF.get(landmark.code) or _SITE_OF_TISSUE[landmark.tissue]


def measurement_code(code: str, name: str) -> Code:
    """The code of a measurement in our scheme: M- and its own code, or a digest of a long one."""
    value = f"M-{code}"
    if len(value) > _LONGEST_VALUE or not value.isascii() or "\\" in value:
        value = _digest("M", code)
    return _own(value, _meaning(name))


def own_concepts() -> tuple[Code, ...]:
    """All codes of the scheme that are no landmark's and no measurement's."""
    found: list[Code] = []
    for value in globals().values():
        some = value.values() if isinstance(value, dict) else [value]
        found += [code for code in some if isinstance(code, Code) and code.scheme_designator == SCHEME]
    return tuple(dict.fromkeys(found))


def _meaning(name: str) -> str:
    return name if len(name) <= _LONGEST_MEANING else f"{name[: _LONGEST_MEANING - 1]}…"


def _digest(prefix: str, *names: str) -> str:
    return f"{prefix}-{hashlib.sha256(chr(0).join(names).encode()).hexdigest()[:12].upper()}"
