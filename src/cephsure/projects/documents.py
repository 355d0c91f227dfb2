"""What a project reads of a prediction's document (``cephsure.prediction/2``), which it keeps as it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from cephsure.errors import InputError
from cephsure.projects.records import Verdict
from cephsure.text_files import to_json

if TYPE_CHECKING:
    from cephsure.landmarks import LandmarkSet

SCHEMA = "cephsure.prediction/2"
_WHERE = "prediction"


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What a prediction's document says of the film as a whole; ``doubt`` is of its least certain point."""

    model: str
    model_sha256: str
    mm_per_px: tuple[float, float] | None
    verdict: Verdict | None
    why: str | None
    reasons: tuple[str, ...]
    doubt: float | None


def read_document(document: str, landmark_set: LandmarkSet) -> DocumentFacts:
    """Read a prediction's document.

    Raises:
        InputError: it is none, or of other landmarks.
    """
    content = to_json(document.encode("utf-8", "surrogatepass"), where=_WHERE)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(f"is no {SCHEMA}", where=_WHERE)
    try:
        codes = tuple(str(mark["code"]) for mark in content["landmarks"])
        scale = content["film"]["mm_per_px"]
        verdict = content["verdict"]
        facts = DocumentFacts(
            model=str(content["model"]["name"]),
            model_sha256=str(content["model"]["sha256"]),
            mm_per_px=None if scale is None else (float(scale[0]), float(scale[1])),
            verdict=verdict if verdict in get_args(Verdict) else None,
            why=None if content["why"] is None else str(content["why"]),
            reasons=tuple(map(str, content["reasons"])),
            doubt=largest_error(content["landmarks"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"is no {SCHEMA}: {error!r}", where=_WHERE) from error
    if codes != landmark_set.codes:
        raise InputError(
            f"its landmarks are not those of the project ({landmark_set.name})",
            where=_WHERE,
            remedy="use a model of this landmark set, or make another project",
        )
    return facts


def largest_error(landmarks: list[dict[str, Any]]) -> float | None:
    """The expected error of the least certain point: promised or withheld, in mm; else the heat maps' own."""

    def of(key: str) -> list[float]:
        found = [(mark.get("withheld") or mark).get(key, mark["measures"].get(key)) for mark in landmarks]
        return [float(value) for value in found if value is not None and math.isfinite(value)]

    for key in ("expected_error_mm", "raw_expected_error_mm", "raw_expected_error_px"):
        if values := of(key):
            return max(values)
    return None
