"""Which landmark a label of an annotation file means: a code, a name, what people call it, or a number."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from cephsure.errors import InputError
from cephsure.landmarks.landmark_set import Landmark, LandmarkSet, load_landmark_set, shipped_landmark_sets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

LabelKind = Literal["auto", "names", "numbers"]
"""How a label such as L1 is read that is a landmark's name and the number of another."""

_PRIMES = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u2032\u02b9\u02bc\u00b4\u0060\uff07\u02b4", "'"))
_PASSED_OVER = re.compile(r"[\s\-_.\u2010-\u2015\u2212]+")
_NUMBER = re.compile(r"(?:l|lm|landmark|p|pt|point|kp|keypoint)?0*(\d{1,9})")
_WHOLE, _PARTED_DIGITS = re.compile(r"(?<=\d)[.,]0+$"), re.compile(r"\d[\W_]+\d")
# "Sella (S)", "S: Sella", "01_Sella": the parts must mean the same.
_PARTS = re.compile(r"[()\[\]/:;,|]+|\s-\s|(?<=\d)[._\s-]+(?=\D)")
_SHOWN = 5


def match_labels(
    landmark_set: LandmarkSet, labels: Collection[str | int], how: LabelKind = "auto", *, whose: str = ""
) -> dict[str | int, int | None]:
    """The row in arrays of positions that each label means, from 0; None where the set has no such landmark.

    Code, name and aliases match whatever their case, spaces, hyphens and dots, and however a prime is
    written; case tells only where nothing else does (LI, Li) and the labels are not all of one case. A number
    counts from 1, alone or after ``l``, ``lm``, ``p``, ``pt``, ``kp``, "point" or "landmark".

    ``L1`` can be a tooth and a number. Which it is, the other labels say: L2, L3, ... that are no names mean
    numbers, any name means names. Where they say nothing or both, nothing is guessed.

    Args:
        landmark_set: the set.
        labels: all labels of one annotator.
        how: says it instead of the labels.
        whose: the labels are, for errors.

    Raises:
        InputError: a label has two readings, the numbers count from 0, or most labels mean nothing.

    Examples:
        >>> isbi = load_landmark_set("isbi-19")
        >>> match_labels(isbi, ["a-point", "L1", "Pog’", "x"])
        {'a-point': 4, 'L1': 10, 'Pog’': 15, 'x': None}
        >>> match_labels(isbi, ["L1", "L2", "L3"])
        {'L1': 0, 'L2': 1, 'L3': 2}
    """
    names = _names_of(landmark_set)
    case_tells = not _one_case(labels)
    readings = {label: _Reading.of(label, names, len(landmark_set), case_tells) for label in labels}
    _check_base(landmark_set, readings, whose)
    if how == "auto":
        how = _kind_of(readings.values())
    rows: dict[str | int, int | None] = {}
    for label, reading in readings.items():
        if len(reading.names) > 1:
            raise _unclear(landmark_set, label, sorted(reading.names), whose)
        name, number = next(iter(reading.names), None), reading.number
        if how == "auto" and None not in (name, number) and name != number:
            raise _unclear(landmark_set, label, [name, number], whose)
        first, second = (number, name) if how == "numbers" else (name, number)
        rows[label] = second if first is None else first
    _check_known(landmark_set, rows, whose)
    return rows


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a label can mean: rows by name, the row by number, and the number that is written."""

    names: frozenset[int]
    number: int | None
    written: int | None

    @classmethod
    def of(cls, label: str | int, names: _Names, count: int, case_tells: bool) -> _Reading:
        """Of a label beside a set of so many landmarks."""
        text = str(label)
        rows = names.rows(text, case_tells=case_tells)
        written = _number(text)
        if not rows and written is None:
            parts = [part for part in _PARTS.split(text) if part.strip()]
            found = [cls.of(part, names, count, case_tells) for part in parts] if len(parts) > 1 else []
            each = [part.names if part.number is None else part.names | {part.number} for part in found]
            rows = frozenset.intersection(*each) if each else frozenset()
        number = written - 1 if written is not None and 0 < written <= count else None
        return cls(rows, number, written)


class _Names:
    """Codes, names and aliases of a set, plainly written, with the rows that they mean."""

    def __init__(self, landmarks: Iterable[Landmark], more: Mapping[str, tuple[str, ...]]) -> None:
        self._exact: dict[str, set[int]] = defaultdict(set)
        self._folded: dict[str, set[int]] = defaultdict(set)
        self._codes: dict[str, int] = {}
        for row, landmark in enumerate(landmarks):
            self._codes[plain(landmark.code).casefold()] = row
            for name in (landmark.code, landmark.name, *landmark.aliases, *more.get(landmark.code, ())):
                self._exact[plain(name)].add(row)
                self._folded[plain(name).casefold()].add(row)

    def rows(self, label: str, *, case_tells: bool) -> frozenset[int]:
        """The rows that a label may mean by name; a code goes before other landmarks' aliases."""
        text = plain(label)
        exact = self._exact.get(text, set()) if case_tells else set()
        code = self._codes.get(text.casefold())
        if code is not None and (not exact or code in exact):
            return frozenset({code})
        return frozenset(exact or self._folded.get(text.casefold(), set()))


def plain(label: str) -> str:
    """A label without spaces, hyphens and dots, and with one kind of prime.

    >>> plain("Soft-tissue pogonion"), plain("Pog ′"), plain("A. point")
    ('Softtissuepogonion', "Pog'", 'Apoint')
    """
    text = unicodedata.normalize("NFKC", label.translate(_PRIMES)).translate(_PRIMES)
    return _PASSED_OVER.sub("", text)


@lru_cache(maxsize=8)
def _names_of(landmark_set: LandmarkSet) -> _Names:
    """A set's names; a shipped set that a model carries from earlier gets today's aliases."""
    more: dict[str, tuple[str, ...]] = {}
    if landmark_set.name in shipped_landmark_sets():
        shipped = load_landmark_set(landmark_set.name)
        if shipped.codes == landmark_set.codes:
            more = {landmark.code: landmark.aliases for landmark in shipped.landmarks}
    return _Names(landmark_set.landmarks, more)


def _number(label: str) -> int | None:
    """The number that a label is: 1.0 is 1, as tables write it; 1.1, a tooth, is none."""
    text = _WHOLE.sub("", label.strip())
    if _PARTED_DIGITS.search(text):
        return None
    found = _NUMBER.fullmatch(plain(text).casefold())
    return int(found[1]) if found and found[1].isascii() else None


def _one_case(labels: Iterable[str | int]) -> bool:
    """Whether a program may have changed the labels' case: none has capitals, or none has small letters."""
    # One capital alone (S, N, A) says nothing.
    letters = ["".join(filter(str.isalpha, str(label))) for label in labels]
    words = [word for word in letters if len(word) > 1]
    return all(word.isupper() for word in words) or all(word.islower() for word in words)


def _kind_of(readings: Iterable[_Reading]) -> LabelKind:
    """What the labels of one reading say of those with two: names, numbers, or (auto) nothing or both."""
    readings = list(readings)
    doubtful = [one for one in readings if one.names and one.written is not None]
    only_names = any(one.names and one.written is None for one in readings)
    only_numbers = any(one.number is not None and not one.names for one in readings)
    if not doubtful or only_names == only_numbers:
        return "auto"
    return "names" if only_names else "numbers"


def _check_base(landmark_set: LandmarkSet, readings: Mapping[str | int, _Reading], whose: str) -> None:
    numbered = [label for label, reading in readings.items() if reading.written is not None]
    zero = [label for label in numbered if readings[label].written == 0 and not readings[label].names]
    if zero and len(numbered) > 1:
        raise InputError(
            f"{_of(whose)}labels count from 0 ({zero[0]!r}), the landmarks of {landmark_set.name} from 1",
            remedy="write the landmarks' names or numbers: cephsure landmarks shows them",
        )


def _check_known(landmark_set: LandmarkSet, rows: Mapping[str | int, int | None], whose: str) -> None:
    unknown = [str(label) for label, row in rows.items() if row is None]
    if 2 * len(unknown) > len(rows):
        shown = ", ".join(repr(label[:40]) for label in unknown[:_SHOWN])
        more = ", ..." if len(unknown) > _SHOWN else ""
        raise InputError(
            f"{len(unknown)} of {len(rows)} {_of(whose)}labels are no landmarks of {landmark_set.name}: "
            f"{shown}{more}",
            remedy="cephsure landmarks shows its codes and names; another set: --landmarks or another model",
        )


def _unclear(
    landmark_set: LandmarkSet, label: str | int, rows: Iterable[int | None], whose: str
) -> InputError:
    """Both readings of a label, and how to say which."""
    landmarks = [landmark_set.landmarks[row] for row in rows if row is not None]
    readings = " or ".join(f"{one.number} {one.code} ({one.name})" for one in landmarks)
    by_number = _number(str(label)) in {one.number for one in landmarks}
    codes = " or ".join(one.code for one in landmarks)
    remedy = "say which: --labels names or --labels numbers" if by_number else f"write the code: {codes}"
    return InputError(f"{_of(whose)}label {label!r} could be {readings}", remedy=remedy)


def _of(whose: str) -> str:
    return f"{whose}'s " if whose else ""
