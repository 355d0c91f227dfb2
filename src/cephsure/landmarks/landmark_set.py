"""Landmark sets: which points, in which order, and how they are defined; shipped ones and any TOML file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import resources
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from cephsure.errors import InputError
from cephsure.text_files import is_there, read_toml, to_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_LANDMARK_SET = "isbi-19"

Tissue = Literal["bone", "soft", "tooth"]
Side = Literal["midline", "bilateral"]
_OPTIONAL = ("aliases", "extreme", "same_as")
EXTREMES = ("anterior", "posterior", "superior", "inferior")


@dataclass(frozen=True, slots=True)
class Landmark:
    """One landmark of a set."""

    number: int  # position in the set, from 1
    code: str  # short and unique in the set whatever the case of its letters; stands in tables and files
    name: str  # what it is called in full
    definition: str  # where it is found, in words
    tissue: Tissue  # what kind of outline it lies on
    side: Side  # "bilateral" where the right and left structures are averaged in the projection
    aliases: tuple[str, ...] = ()  # what people and files call it as well (``labels.match_labels``)
    extreme: str = ""  # where the definition is an extreme: "anterior", ..., or "behind A B" (codes)
    same_as: tuple[str, ...] = ()  # the same point in other sets: "isbi-19 S" is set and code


@dataclass(frozen=True, slots=True)
class LandmarkSet:
    """An ordered set of landmarks; arrays of positions follow its order."""

    name: str  # as in commands and files
    title: str  # one line for people
    source: str  # who chose the points, and where that is published
    landmarks: tuple[Landmark, ...]  # their numbers are 1, 2, 3, ...

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

        Gives the landmark's row in arrays of positions, from 0, or None where the set has no such landmark.

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
        form["landmarks"] = list(form["landmarks"])
        for entry in form["landmarks"]:
            entry["aliases"], same_as = list(entry["aliases"]), entry.pop("same_as")
            if same_as:
                entry["same_as"] = list(same_as)
        return form

    def rows_of(self, other: LandmarkSet) -> dict[int, int]:
        """Rows of the landmarks that another set has too, with their rows in that set.

        The same set, or one of the same codes under the same name, is matched code by code; of two others
        only what one of them declares to be the same (``same_as``).

        Examples:
            >>> load_landmark_set("aariz-29").rows_of(load_landmark_set("isbi-19"))[10]
            0
        """
        places = {landmark.code: row for row, landmark in enumerate(other.landmarks)}
        if self.name == other.name:
            return {row: places[code] for row, code in enumerate(self.codes) if code in places}
        declared = {
            (row, places[code])
            for row, landmark in enumerate(self.landmarks)
            for name, _, code in (same.rpartition(" ") for same in landmark.same_as)
            if name == other.name and code in places
        }
        mine = {landmark.code: row for row, landmark in enumerate(self.landmarks)}
        declared |= {
            (mine[code], row)
            for row, landmark in enumerate(other.landmarks)
            for name, _, code in (same.rpartition(" ") for same in landmark.same_as)
            if name == self.name and code in mine
        }
        return dict(sorted(declared))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, where: Path | str | None = None) -> Self:
        """Build a set from its JSON or TOML form, the keys of which are those of the classes, and check it.

        Raises:
            InputError: a key is missing, unknown or of the wrong kind, a number is out of order, or a code is
                given twice; the message names the file ``where`` and the key.
        """
        try:
            _check_keys(data, required=("name", "title", "source", "landmarks"))
            return cls(landmarks=_landmarks(data["landmarks"]), **_texts(data, "name", "title", "source"))
        except InputError as error:
            raise InputError(error.what, where=where, remedy=error.remedy) from None


def load_landmark_set(name_or_path: str | Path = DEFAULT_LANDMARK_SET) -> LandmarkSet:
    """Read a landmark set.

    Args:
        name_or_path: the name of a shipped set (`shipped_landmark_sets`), or the path of a TOML file with the
            keys ``name``, ``title``, ``source`` and one ``[[landmarks]]`` table a landmark: ``number``,
            ``code``, ``name``, ``definition``, ``tissue`` ("bone", "soft" or "tooth"), ``side`` ("midline" or
            "bilateral") and, if wanted, ``aliases``, ``extreme`` and ``same_as``.

    Raises:
        InputError: there is no such set or file, or the file is not a valid set; names the file and the key.

    Examples:
        >>> isbi = load_landmark_set("isbi-19")
        >>> len(isbi), isbi.landmarks[0].name, isbi.codes[:4]
        (19, 'Sella', ('S', 'N', 'Or', 'Po'))
    """
    shipped = _shipped()
    if isinstance(name_or_path, str) and name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if not is_there(path):
        raise InputError(
            f"there is no landmark set of this name and no such file: {str(name_or_path)!r}",
            remedy=f"shipped sets: {', '.join(shipped)}; any other set is given by its TOML file",
        )
    return LandmarkSet.from_dict(read_toml(path), where=path)


def shipped_landmark_sets() -> tuple[str, ...]:
    """Names of the landmark sets that come with the package, in alphabetical order.

    Examples:
        >>> shipped_landmark_sets()
        ('aariz-29', 'cl-detection-38', 'isbi-19')
    """
    return tuple(_shipped())


@cache
def _shipped() -> dict[str, LandmarkSet]:
    folder = resources.files("cephsure.landmarks") / "data"
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    sets = [
        LandmarkSet.from_dict(to_toml(file.read_bytes(), where=file.name), where=file.name) for file in files
    ]
    return {shipped.name: shipped for shipped in sorted(sets, key=attrgetter("name"))}


def _landmarks(entries: Any) -> tuple[Landmark, ...]:
    if not isinstance(entries, list) or not entries:
        raise InputError("landmarks: must be a list with at least one landmark")
    landmarks = tuple(_landmark(entry, number) for number, entry in enumerate(entries, start=1))
    seen: dict[str, int] = {}
    for landmark in landmarks:
        if (other := seen.setdefault(landmark.code.casefold(), landmark.number)) != landmark.number:
            raise InputError(
                f"landmarks[{landmark.number}].code: {landmark.code!r} is taken by landmark {other}",
                remedy="codes must differ in more than upper and lower case",
            )
    return landmarks


def _landmark(entry: Any, number: int) -> Landmark:
    """Read the landmark that stands at place ``number`` of the list."""
    place = f"landmarks[{number}]"
    if not isinstance(entry, dict):
        raise InputError(f"{place}: must be a table")
    keys = tuple(f.name for f in fields(Landmark) if f.name not in _OPTIONAL)
    _check_keys(entry, required=keys, optional=_OPTIONAL, place=f"{place}: ")
    if type(entry["number"]) is not int or entry["number"] != number:
        raise InputError(
            f"{place}.number: is {entry['number']!r}, expected {number}",
            remedy="number the landmarks 1, 2, 3, ... in the order they stand",
        )
    lists = {key: entry.get(key, ()) for key in ("aliases", "same_as")}
    for key, values in lists.items():
        if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
            raise InputError(f"{place}.{key}: must be a list of texts")
    texts = _texts(entry, "code", "name", "definition", place=f"{place}.")
    for key, choices in (("tissue", get_args(Tissue)), ("side", get_args(Side))):
        if entry[key] not in choices:
            raise InputError(f"{place}.{key}: is {entry[key]!r}, must be one of {', '.join(choices)}")
    extreme = entry.get("extreme", "")
    if extreme and extreme not in EXTREMES and not (len(extreme.split()) == 3 and extreme[:7] == "behind "):
        known = ", ".join(EXTREMES)
        raise InputError(f"{place}.extreme: is {extreme!r}, must be one of {known}, or 'behind CODE CODE'")
    return Landmark(
        number,
        **texts,
        tissue=entry["tissue"],
        side=entry["side"],
        aliases=tuple(lists["aliases"]),
        extreme=extreme,
        same_as=tuple(lists["same_as"]),
    )


def _check_keys(
    table: Mapping[str, Any], *, required: tuple[str, ...], optional: tuple[str, ...] = (), place: str = ""
) -> None:
    missing = [name for name in required if name not in table]
    if missing:
        raise InputError(f"{place}key {missing[0]!r} is missing")
    known = (*required, *optional)
    unknown = [name for name in table if name not in known]
    if unknown:
        raise InputError(f"{place}unknown key {unknown[0]!r}", remedy=f"known keys: {', '.join(known)}")


def _texts(table: Mapping[str, Any], *keys: str, place: str = "") -> dict[str, str]:
    for key in keys:
        value = table[key]
        if not isinstance(value, str) or value != value.strip() or not value or not value.isprintable():
            problem = f"must be one line of text without spaces at its ends, is {value!r}"
            raise InputError(f"{place}{key}: {problem}")
    return {key: table[key] for key in keys}
