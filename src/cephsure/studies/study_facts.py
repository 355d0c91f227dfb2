"""What an experiment was made from, kept beside its result: models, data, seed and versions."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from cephsure import __version__
from cephsure.datasets import annotators
from cephsure.errors import InputError
from cephsure.studies.credits import CREDITS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cephsure.datasets import Dataset
    from cephsure.studies.study import Study

_PACKAGES = ("numpy", "onnxruntime", "scipy", "matplotlib")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFacts(_Frozen):
    """A model of the study; ``StudyModel`` says what the fields mean."""

    label: str
    recipe: str
    kind: str
    truth: str
    samples: int
    changes: tuple[str, ...]
    sha256: str
    made: str


class DataFacts(_Frozen):
    """Films or a CT.

    Attributes:
        role: what the study uses it for.
        name: of the data set or file.
        films: by split, how many; none for a CT.
        annotators: who marked points.
        sha256: over names, files and points.
        newest: the day of its newest file, YYYY-MM-DD.
        credit: whom to name, or "".
    """

    role: Literal["films", "other site", "head CT"]
    name: str
    films: dict[str, int] = {}
    annotators: tuple[str, ...] = ()
    sha256: str
    newest: str
    credit: str = ""


class StudyFacts(_Frozen):
    """All that a result depends on."""

    models: tuple[ModelFacts, ...]
    data: tuple[DataFacts, ...]
    split: str = "test1"
    seed: int
    shift_films: int
    versions: dict[str, str]

    @property
    def newest(self) -> str:
        """The day of the newest input, YYYY-MM-DD."""
        return max([model.made for model in self.models] + [one.newest for one in self.data])


def study_facts(study: Study) -> StudyFacts:
    """Look a study's inputs over; reads all films once, for the sake of their checksums.

    Raises:
        InputError: a file cannot be read.
    """
    data = [_of_films("films", study.dataset)]
    if study.other_site is not None:
        data.append(_of_films("other site", study.other_site))
    data += [_of_ct(path) for path in study.cts]
    return StudyFacts(
        models=tuple(ModelFacts(**model.facts()) for model in study.models),
        data=tuple(data),
        split=study.split,
        seed=study.seed,
        shift_films=study.shift_films,
        versions=_versions(),
    )


def _of_films(role: Literal["films", "other site"], dataset: Dataset) -> DataFacts:
    digest = hashlib.sha256()
    for film in dataset.films:
        digest.update(f"{film.film_id}\n{film.split}\n{film.spacing}\n".encode())
        digest.update(hashlib.sha256(_content(film.path)).digest())
        for name, points in sorted(film.annotations.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(points, dtype="<f8").tobytes())
    return DataFacts(
        role=role,
        name=dataset.name,
        films=dict(Counter(film.split or "all" for film in dataset.films)),
        annotators=tuple(annotators(dataset.films)),
        sha256=digest.hexdigest(),
        newest=_newest(film.path for film in dataset.films),
        credit=CREDITS.get(dataset.name, ""),
    )


def _of_ct(path: Path) -> DataFacts:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    if not files:
        raise InputError("no such file, or a folder without any", where=path)
    digests = [hashlib.sha256(_content(file)) for file in files]
    whole = digests[0] if len(files) == 1 else hashlib.sha256(b"".join(one.digest() for one in digests))
    sha256 = whole.hexdigest()
    return DataFacts(
        role="head CT", name=path.name, sha256=sha256, newest=_newest(files), credit=CREDITS.get(sha256, "")
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=path) from error


def _newest(paths: Iterable[Path]) -> str:
    seconds = max((path.stat().st_mtime for path in paths), default=0.0)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _versions() -> dict[str, str]:
    found = {"cephsure": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
