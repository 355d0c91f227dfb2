"""Landmark sets: which points, in which order, and how they are defined."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Tissue = Literal["bone", "soft", "tooth"]
Side = Literal["midline", "bilateral"]


@dataclass(frozen=True, slots=True)
class Landmark:
    """One landmark: its number (1-based), short code, name and anatomical definition.

    Attributes:
        number: position in the set, from 1.
        code: short and unique in the set whatever the case of its letters; stands in tables and files.
        name: what it is called in full.
        definition: where it is found, in words.
        tissue: what kind of outline it lies on.
        side: "bilateral" where the right and left structures are averaged in the projection.
        aliases: other names in use. For people only: annotation files are not matched by them.
    """

    number: int
    code: str
    name: str
    definition: str
    tissue: Tissue
    side: Side
    aliases: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class LandmarkSet:
    """An ordered set of landmarks; arrays of positions follow its order.

    Attributes:
        name: what the set is called in commands and files.
        title: one line for people.
        source: who chose the points, and where that is published.
        landmarks: in order; the numbers are 1, 2, 3, ...
    """

    name: str
    title: str
    source: str
    landmarks: tuple[Landmark, ...]

    def __len__(self) -> int:
        return len(self.landmarks)

    @property
    def codes(self) -> tuple[str, ...]:
        """The short codes, in order."""
        return tuple(landmark.code for landmark in self.landmarks)

    def index(self, label: str | int) -> int | None:
        """Find a landmark by what an annotation file calls it.

        A code matches whatever the case of its letters; otherwise the landmark's number does, alone or after
        an "l" (``7``, ``"7"``, ``"l7"``, ``"L07"``). Codes go first: in a set with a code "L1", "l1" is that
        landmark.

        Args:
            label: code or number.

        Returns:
            The landmark's row in arrays of positions, from 0, or None where the set has no such landmark.

        Examples:
            >>> from cephsure.landmarks import load_landmark_set
            >>> isbi = load_landmark_set("isbi-19")
            >>> isbi.index("l7"), isbi.index("pog"), isbi.index(7), isbi.index("l20")
            (6, 6, 6, None)
        """
        text = str(label).strip().casefold()
        for row, landmark in enumerate(self.landmarks):
            if landmark.code.casefold() == text:
                return row
        digits = text.removeprefix("l")
        if not (digits.isascii() and digits.isdigit()):
            return None
        digits = digits.lstrip("0")
        # Longer numbers exist in no set, and Python refuses to read the very long ones.
        row = int(digits) - 1 if 0 < len(digits) < 10 else -1
        return row if 0 <= row < len(self) else None

    def to_dict(self) -> dict[str, Any]:
        """Give the set in its JSON form: the keys of the TOML files, plain lists and strings."""
        form = asdict(self)
        form["landmarks"] = [{**entry, "aliases": list(entry["aliases"])} for entry in form["landmarks"]]
        return form

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, where: Path | str | None = None) -> Self:
        """Build a set from its JSON or TOML form and check it.

        Args:
            data: keys ``name``, ``title``, ``source`` and ``landmarks``, a list of tables with the keys of
                `Landmark`.
            where: the file it comes from, for error messages.

        Returns:
            The landmark set.

        Raises:
            InputError: a key is missing, unknown or of the wrong kind, a number is out of order, or a code is
                given twice; the message names the file and the key.
        """
        _check_keys(data, required=("name", "title", "source", "landmarks"), optional=(), key="", where=where)
        entries = data["landmarks"]
        if not isinstance(entries, list) or not entries:
            raise InputError("landmarks: must be a list with at least one landmark", where=where)
        landmarks = tuple(
            _landmark(entry, number=position, where=where) for position, entry in enumerate(entries, start=1)
        )
        _check_codes_unique(landmarks, where=where)
        texts = {key: _text(data, key, prefix="", where=where) for key in ("name", "title", "source")}
        return cls(**texts, landmarks=landmarks)


def _landmark(entry: Any, *, number: int, where: Path | str | None) -> Landmark:
    """Read the landmark that stands at place ``number`` of the list."""
    prefix = f"landmarks[{number}]"
    if not isinstance(entry, dict):
        raise InputError(f"{prefix}: must be a table", where=where)
    keys = tuple(f.name for f in fields(Landmark) if f.name != "aliases")
    _check_keys(entry, required=keys, optional=("aliases",), key=prefix, where=where)
    if type(entry["number"]) is not int or entry["number"] != number:
        raise InputError(
            f"{prefix}.number: is {entry['number']!r}, expected {number}",
            where=where,
            remedy="number the landmarks 1, 2, 3, ... in the order they stand",
        )
    texts = {key: _text(entry, key, prefix=prefix, where=where) for key in ("code", "name", "definition")}
    return Landmark(
        number=number,
        **texts,
        tissue=_choice(entry, "tissue", get_args(Tissue), prefix=prefix, where=where),
        side=_choice(entry, "side", get_args(Side), prefix=prefix, where=where),
        aliases=_aliases(entry.get("aliases", ()), prefix=prefix, where=where),
    )


def _check_keys(
    table: Mapping[str, Any],
    *,
    required: tuple[str, ...],
    optional: tuple[str, ...],
    key: str,
    where: Path | str | None,
) -> None:
    label = f"{key}: " if key else ""
    missing = [name for name in required if name not in table]
    if missing:
        raise InputError(f"{label}key {missing[0]!r} is missing", where=where)
    unknown = [name for name in table if name not in required + optional]
    if unknown:
        raise InputError(
            f"{label}unknown key {unknown[0]!r}",
            where=where,
            remedy=f"known keys: {', '.join(required + optional)}",
        )


def _text(table: Mapping[str, Any], key: str, *, prefix: str, where: Path | str | None) -> str:
    value = table[key]
    label = f"{prefix}.{key}" if prefix else key
    if not isinstance(value, str) or not value.strip() or value != value.strip() or not value.isprintable():
        raise InputError(
            f"{label}: must be one line of text without spaces at its ends, is {value!r}", where=where
        )
    return value


def _choice(
    table: Mapping[str, Any], key: str, choices: tuple[Any, ...], *, prefix: str, where: Path | str | None
) -> Any:
    if table[key] not in choices:
        raise InputError(
            f"{prefix}.{key}: is {table[key]!r}, must be one of {', '.join(choices)}", where=where
        )
    return table[key]


def _aliases(value: Any, *, prefix: str, where: Path | str | None) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(alias, str) for alias in value):
        raise InputError(f"{prefix}.aliases: must be a list of texts", where=where)
    return tuple(value)


def _check_codes_unique(landmarks: tuple[Landmark, ...], *, where: Path | str | None) -> None:
    seen: dict[str, int] = {}
    for landmark in landmarks:
        folded = landmark.code.casefold()
        if folded in seen:
            raise InputError(
                f"landmarks[{landmark.number}].code: {landmark.code!r} is taken by landmark {seen[folded]}",
                where=where,
                remedy="codes must differ in more than upper and lower case",
            )
        seen[folded] = landmark.number
