"""Bundles: a folder with networks, configuration, card and checksums, read only when every checksum is right.

What a bundle holds and what is checked: docs/bundles.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cephsure.bundles.bundle_files import PICKLES, check_files
from cephsure.errors import BundleError, InputError
from cephsure.landmarks import LandmarkSet
from cephsure.text_files import is_folder, is_there, read_json, to_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


FORMAT = "cephsure.bundle/1"
FACTS_FILE = "bundle.json"
LONGEST = 1e6
"""Frame units, about mm: no mean shape reaches so far."""
MOST_SAMPLES, MOST_PIXELS = 10_000, 4096
"""Passes over a film, and the side of what a network sees: with more, a prediction would take hours."""


class _Member(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    folder: str
    validation_films: tuple[str, ...] = ()


class SeenBefore(BaseModel):
    """Films that networks were trained on before, by the model that a training went on from or beside it.

    Attributes:
        data: the data set's name.
        data_sha256: over its films' names, image files and chosen points.
        split: which of its films were meant.
        truth: whose points were true.
        validation_films: those that some member was validated on.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    data: str = "unknown"
    data_sha256: str = ""
    split: str = ""
    truth: str = "unknown"
    validation_films: tuple[str, ...] = ()


class Provenance(BaseModel):
    """What a bundle was made from; what else it names is not looked at.

    Attributes:
        data: the data set's name.
        data_sha256: over its films' names, image files and chosen points.
        split: which of its films were trained on.
        truth: whose points were true.
        annotators: those whom the networks tell apart, in the order of their maps; empty if not told.
        made: the day, as YYYY-MM-DD; "" if that is not known.
        earlier: what the networks were trained on before, where the training went on from another model.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    data: str = "unknown"
    data_sha256: str = ""
    split: str = ""
    truth: str = "unknown"
    annotators: tuple[str, ...] = ()
    made: str = ""
    earlier: tuple[SeenBefore, ...] = ()


class RecipeFacts(BaseModel):
    """What every recipe says of itself.

    Attributes:
        name: by which it is found.
        samples: stochastic passes of MC-Dropout, where it says so.
        version: the recipe's; the first where none is told.
        changes: what was changed of the recipe's own numbers, in words.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str
    samples: int | None = Field(default=None, ge=1, le=MOST_SAMPLES)
    version: int = Field(default=1, ge=1)
    changes: tuple[str, ...] = ()

    @property
    def numbers(self) -> dict[str, Any]:
        """The recipe's own numbers, as JSON data."""
        return self.model_extra or {}

    def whole(self, *keys: str, least: int = 1, most: int = MOST_PIXELS) -> int:
        """A whole number of the recipe's, as of ``number``."""
        found = self.number(*keys, least=least, most=most)
        if found != int(found):
            raise ValueError(f"{'.'.join(keys)} is {found:g}, and should be a whole number")
        return int(found)

    def number(self, *keys: str, least: float, most: float) -> float:
        """One of the recipe's own numbers, by the keys that lead to it.

        Raises:
            ValueError: it is missing, no number, or not from ``least`` to ``most``.
        """
        found: Any = self.numbers
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return checked_number(found, ".".join(keys), least=least, most=most)


def checked_number(value: Any, name: str, *, least: float, most: float) -> float:
    """A number that lies from ``least`` to ``most``; a ValueError names it where it does not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is {'missing' if value is None else 'no number'}")  # noqa: TRY004 - of a file
    if not least <= value <= most:
        raise ValueError(f"{name} lies from {least:g} to {most:g}, and is {_words(value)}")
    return float(value)


def _words(value: float) -> str:
    """A number in a few characters, though it have a thousand digits."""
    try:
        return f"{value:g}"
    except OverflowError:
        return "far larger"


class _Facts(BaseModel):
    """The part of ``bundle.json`` that prediction needs."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
    format: str
    name: str
    kind: Literal["baseline", "ensemble", "mc-dropout"]
    recipe: RecipeFacts
    landmark_set: dict[str, Any]
    mean_shape: tuple[tuple[float, float], ...] | None = None
    members: tuple[_Member, ...] = Field(min_length=1)
    orientation: _Member | None = None
    provenance: Provenance

    @model_validator(mode="after")
    def _members_differ(self) -> Self:
        folders = [PurePosixPath(member.folder) for member in self.members]
        if len(set(folders)) < len(folders):
            raise ValueError("members: one stands there twice, which would pass for agreement")
        if self.kind != "ensemble" and len(folders) > 1:
            raise ValueError(f"members: a {self.kind} has one, not {len(folders)}")
        return self


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle.

    Attributes:
        folder: where it lies.
        name: the model's name.
        kind: baseline, ensemble or mc-dropout.
        recipe: the recipe's name and numbers.
        landmark_set: which landmarks, in which order.
        mean_shape: (L, 2) the mean shape in frame units, or None for one-stage recipes.
        members: the members' folders.
        orientation: the orientation network's folder, or None.
        provenance: what it was made from.
        sha256: of its SHA256SUMS, which names every other file's: the identity of the whole.
        validation_films: for each member the names of films that it was not trained on, as far as told.
    """

    folder: Path
    name: str
    kind: Literal["baseline", "ensemble", "mc-dropout"]
    recipe: RecipeFacts
    landmark_set: LandmarkSet
    mean_shape: NDArray[np.float64] | None
    members: tuple[Path, ...]
    validation_films: tuple[frozenset[str], ...]
    orientation: Path | None
    provenance: Provenance
    sha256: str


def read_bundle(path: str | Path) -> Bundle:
    """Read a bundle and check every file of it.

    Raises:
        BundleError: no bundle there, a file that is missing, unlisted or changed, a pickle, an unknown
            version, or facts that do not fit together.
    """
    folder = Path(path)
    if folder.suffix.lower() in PICKLES and not is_folder(folder):
        raise BundleError(
            "a pickled file can run code and is refused", where=folder, remedy="give a bundle's folder"
        )
    if not is_folder(folder) or not is_there(folder / FACTS_FILE):
        raise BundleError(
            "not a model bundle", where=folder, remedy="give a shipped model's name or a bundle's folder"
        )
    sums = check_files(folder)
    facts = _read_facts(folder)
    try:
        landmark_set = LandmarkSet.from_dict(facts.landmark_set)
    except InputError as error:
        raise BundleError(f"landmark_set: {error.what}", where=folder / FACTS_FILE) from error
    return Bundle(
        folder=folder,
        name=facts.name,
        kind=facts.kind,
        recipe=facts.recipe,
        landmark_set=landmark_set,
        mean_shape=_mean_shape(facts, len(landmark_set), folder / FACTS_FILE),
        members=tuple(_inside(folder, member.folder) for member in facts.members),
        validation_films=tuple(frozenset(member.validation_films) for member in facts.members),
        orientation=None if facts.orientation is None else _inside(folder, facts.orientation.folder),
        provenance=facts.provenance,
        sha256=hashlib.sha256(sums).hexdigest(),
    )


def read_versioned(
    path: Path,
    *,
    version: str,
    what: str,
    remedy: str = "update cephsure",
    kind: type[InputError] = BundleError,
    former: Mapping[str, tuple[str, str]] | None = None,
) -> dict[str, Any]:
    """The JSON object of one of cephsure's own files, whose key ``format`` is ``version``.

    Args:
        path: the file.
        version: the one that this program reads.
        what: the file is, for the error.
        remedy: what to do about another version.
        kind: of the error.
        former: version -> what a file of it is, and what to do about it.

    Raises:
        InputError: it cannot be read, is no JSON object, has a key twice, or is of another version; of the
            kind asked for.
    """
    data = read_json(path, kind=kind, strict=True)
    found = data.get("format") if isinstance(data, dict) else None
    if found == version:
        return dict(data)
    if isinstance(found, str) and former and found in former:
        said, instead = former[found]
        raise kind(said, where=path, remedy=instead)
    raise kind(
        f"{what} version {found!r} is unknown, this program reads {version}", where=path, remedy=remedy
    )


def _read_facts(folder: Path) -> _Facts:
    path = folder / FACTS_FILE
    data = read_versioned(path, version=FORMAT, what="bundle")
    return to_record(_Facts, data, where=path, kind=BundleError)


def _mean_shape(facts: _Facts, landmarks: int, path: Path) -> NDArray[np.float64] | None:
    """The mean shape (L, 2) of the landmarks, for recipes that have one."""
    if facts.mean_shape is None:
        return None
    shape = np.array(facts.mean_shape, dtype=np.float64)
    if len(shape) != landmarks:
        raise BundleError(f"mean_shape: {landmarks} points are needed, one a landmark", where=path)
    if not np.abs(shape).max() < LONGEST or not np.ptp(shape, axis=0).max() > 1.0 / LONGEST:
        raise BundleError("mean_shape: has no size, or none of a head", where=path)
    return shape


def _inside(folder: Path, name: str) -> Path:
    """A folder of the bundle; one that leads out of it is refused."""
    path = folder / name
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts or "\\" in name or "\0" in name or name.strip() != name:
        raise BundleError(f"names a folder outside of it: {name}", where=folder / FACTS_FILE)
    return path
