"""Bundles: a folder with networks, configuration, card and checksums, read only when every checksum is right.

What a bundle holds and what is checked: docs/bundles.md.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cephsure.errors import BundleError, InputError
from cephsure.landmarks import LandmarkSet

if TYPE_CHECKING:
    from numpy.typing import NDArray


FORMAT = "cephsure.bundle/1"
FACTS_FILE = "bundle.json"
SUMS_FILE = "SHA256SUMS"
PICKLES = frozenset({".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin", ".joblib"})


class _Member(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    folder: str
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
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    data: str = "unknown"
    data_sha256: str = ""
    split: str = ""
    truth: str = "unknown"
    annotators: tuple[str, ...] = ()
    made: str = ""


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
    samples: int | None = Field(default=None, ge=1)
    version: int = Field(default=1, ge=1)
    changes: tuple[str, ...] = ()

    @property
    def numbers(self) -> dict[str, Any]:
        """The recipe's own numbers, as JSON data."""
        return self.model_extra or {}


class _Facts(BaseModel):
    """The part of ``bundle.json`` that prediction needs."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    format: str
    name: str
    kind: Literal["baseline", "ensemble", "mc-dropout"]
    recipe: RecipeFacts
    landmark_set: dict[str, Any]
    mean_shape: tuple[tuple[float, float], ...] | None = None
    members: tuple[_Member, ...] = Field(min_length=1)
    orientation: _Member | None = None
    provenance: Provenance


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
    if folder.suffix.lower() in PICKLES and not folder.is_dir():
        raise BundleError(
            "a pickled file can run code and is refused", where=folder, remedy="give a bundle's folder"
        )
    if not folder.is_dir() or not (folder / FACTS_FILE).is_file():
        raise BundleError(
            "not a model bundle", where=folder, remedy="give a shipped model's name or a bundle's folder"
        )
    sums = _check_files(folder)
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


def read_versioned(path: Path, *, version: str, what: str, remedy: str = "update cephsure") -> dict[str, Any]:
    """The JSON object of one of a bundle's files, whose key ``format`` is ``version``.

    ``what`` it is and the ``remedy`` of another version are for the error.

    Raises:
        BundleError: it cannot be read, is no JSON or of another version.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BundleError(f"cannot be read: {error.strerror or error}", where=path) from error
    except (ValueError, RecursionError) as error:
        raise BundleError("not valid JSON", where=path) from error
    found = data.get("format") if isinstance(data, dict) else None
    if found != version:
        unknown = f"{what} version {found!r} is unknown, this program reads {version}"
        raise BundleError(unknown, where=path, remedy=remedy)
    return dict(data)


def checksums(folder: Path) -> str:
    """The text of a folder's SHA256SUMS, as ``sha256sum`` writes it, over all files but itself."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != SUMS_FILE)
    return "".join(f"{_sha256(file)}  {file.relative_to(folder).as_posix()}\n" for file in files)


def _check_files(folder: Path) -> bytes:
    """Compare all files with SHA256SUMS, and give its content."""
    try:
        sums = (folder / SUMS_FILE).read_bytes()
        rows = [line.split("  ", 1) for line in sums.decode().splitlines()]
        listed = {name: digest for digest, name in rows}
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise BundleError("its SHA256SUMS is missing or unreadable", where=folder) from error
    present = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    present.discard(SUMS_FILE)
    for name in sorted(present | listed.keys()):
        if Path(name).suffix.lower() in PICKLES:
            raise BundleError("a pickled file can run code and is refused", where=folder / name)
        if name not in present:
            wrong = "listed in SHA256SUMS but missing"
        elif name not in listed:
            wrong = "not listed in SHA256SUMS"
        elif _sha256(folder / name) != listed[name]:
            wrong = "wrong checksum: the file was changed or damaged"
        else:
            continue
        raise BundleError(wrong, where=folder / name, remedy="get the bundle again")
    return sums


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise BundleError(f"cannot be read: {error.strerror or error}", where=path) from error


def _read_facts(folder: Path) -> _Facts:
    path = folder / FACTS_FILE
    data = read_versioned(path, version=FORMAT, what="bundle")
    try:
        return _Facts.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{place}: {first['msg']}", where=path) from error


def _mean_shape(facts: _Facts, landmarks: int, path: Path) -> NDArray[np.float64] | None:
    """The mean shape (L, 2) of the landmarks, for recipes that have one."""
    if facts.mean_shape is None:
        return None
    shape = np.array(facts.mean_shape, dtype=np.float64)
    if len(shape) != landmarks or not np.isfinite(shape).all():
        raise BundleError(f"mean_shape: {landmarks} points are needed, one a landmark", where=path)
    return shape


def _inside(folder: Path, name: str) -> Path:
    """A folder of the bundle; one that leads out of it is refused."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"names a folder outside of it: {name}", where=folder / FACTS_FILE)
    return path
