"""A study's folder: making experiments in it, and ``study.json``, which says what each was made from."""

from __future__ import annotations

import hashlib
import platform
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from cephsure import __version__
from cephsure.atomic import write_atomically
from cephsure.datasets import annotators
from cephsure.errors import InputError
from cephsure.studies.study import ModelFacts
from cephsure.text_files import is_there, read_json_object, sha256_of, to_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from cephsure.datasets import Dataset
    from cephsure.studies.result import ExperimentResult
    from cephsure.studies.study import Study

RECORD_FILE = "study.json"
_PACKAGES = ("numpy", "onnxruntime", "scipy", "scikit-learn", "pandas", "matplotlib")

CREDITS: dict[str, str] = {
    "isbi-2015": (
        "Films of the ISBI 2015 challenge: C.-W. Wang et al., A benchmark for comparison of dental "
        "radiography analysis algorithms, Medical Image Analysis 31 (2016), 63-76."
    ),
    # The Visible Human male's head CT, whatever its file is called.
    "1b021b5552c2f41eee2297bd89bf701d7ed8f53e0407a78aed80c197f522f3f4": (
        "Head CT of the Visible Human male: Courtesy of the U.S. National Library of Medicine."
    ),
    # Cranium.inv3 of Debian's invesalius-examples.
    "3b34f11f7c4f557f4c65cd6543c412a2f6ceb0cfecfd9c41184420e02d9b7e2a": (
        "Head CT Cranium: InVesalius, Centro de Tecnologia da Informação Renato Archer."
    ),
}
"""By a data set's name, or by the SHA-256 of a file."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataFacts(_Frozen):
    """Films or a CT."""

    role: Literal["films", "other site", "head CT"]
    name: str  # of the data set or file
    films: dict[str, int] = {}  # by split, how many; none for a CT
    annotators: tuple[str, ...] = ()
    sha256: str  # over names, files and points
    newest: str  # the day of its newest file, YYYY-MM-DD
    credit: str = ""  # whom to name


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
        return max([model.made for model in self.models] + [item.newest for item in self.data])


def study_facts(study: Study) -> StudyFacts:
    """Look a study's inputs over; reads all films once, for the sake of their checksums.

    Raises:
        InputError: a file cannot be read.
    """
    data = [_of_films("films", study.dataset)]
    if study.other_site is not None:
        data.append(_of_films("other site", study.other_site))
    versions = {"cephsure": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return StudyFacts(
        models=tuple(ModelFacts(**model.facts()) for model in study.models),
        data=(*data, *map(_of_ct, study.cts)),
        split=study.split,
        seed=study.seed,
        shift_films=study.shift_films,
        versions=versions,
    )


def _of_films(role: Literal["films", "other site"], dataset: Dataset) -> DataFacts:
    digest = hashlib.sha256()
    for film in dataset.films:
        digest.update(f"{film.film_id}\n{film.split}\n{film.spacing}\n".encode())
        digest.update(_digest(film.path))
        for name, points in sorted(film.annotations.items()):
            digest.update(name.encode() + np.ascontiguousarray(points, dtype="<f8").tobytes())
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
    digests = b"".join(map(_digest, files))
    sha256 = digests.hex() if len(files) == 1 else hashlib.sha256(digests).hexdigest()
    return DataFacts(
        role="head CT", name=path.name, sha256=sha256, newest=_newest(files), credit=CREDITS.get(sha256, "")
    )


def _digest(path: Path) -> bytes:
    """The SHA-256 of a file."""
    return bytes.fromhex(sha256_of(path))


def _newest(paths: Iterable[Path]) -> str:
    seconds = max((path.stat().st_mtime for path in paths), default=0.0)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


class Made(_Frozen):
    """How one experiment's result came about."""

    study: StudyFacts  # what it was made from
    arguments: tuple[str, ...] = ()  # of the command that made it, without the place of folders
    seconds: float = 0.0  # that the last call took; what earlier calls had predicted is not in it


class StudyRecord(_Frozen):
    """The experiments of a folder by name."""

    format: Literal["cephsure.study/1"] = "cephsure.study/1"
    experiments: dict[str, Made] = {}

    def with_experiment(self, name: str, made: Made) -> StudyRecord:
        """The record with one more experiment, or one made anew."""
        return self.model_copy(update={"experiments": {**self.experiments, name: made}})

    def check(self, facts: StudyFacts, folder: Path) -> None:
        """Refuse to mix data, splits, seeds or readers: what a film's name stores must be of that film.

        Raises:
            InputError: data of that name and role, the split, the seed, or the reader were others.
        """
        new = {(item.role, item.name): item.sha256 for item in facts.data}
        for name, made in self.experiments.items():
            study = made.study
            data = {(item.role, item.name): item.sha256 for item in study.data}
            differing = [" ".join(item) for item, sha256 in data.items() if new.get(item, sha256) != sha256]
            differing += [f"split {study.split}"] if study.split != facts.split else []
            differing += [f"seed {study.seed}"] if study.seed != facts.seed else []
            readers = {model.reader for model in study.models}
            if readers != {model.reader for model in facts.models}:
                differing += [f"reader {reader}" if reader else "no reader" for reader in sorted(readers)]
            if differing:
                raise InputError(
                    f"holds the experiment {name} of another study (differs in {', '.join(differing)})",
                    where=folder,
                    remedy="choose another --out, or give the options it was made with",
                )

    def write(self, folder: Path) -> Path:
        """Write ``study.json``."""
        return write_atomically(folder / RECORD_FILE, f"{self.model_dump_json(indent=1)}\n".encode())


def read_record(folder: Path) -> StudyRecord:
    """The record of a folder; an empty one where there is none.

    Raises:
        InputError: it is damaged.
    """
    path = folder / RECORD_FILE
    if not is_there(path):
        return StudyRecord()
    try:
        return to_record(StudyRecord, read_json_object(path), where=path)
    except InputError as error:
        remedy = "choose another --out, or delete it: experiments are then made anew"
        raise InputError(f"not a study's record: {error.what}", where=path, remedy=remedy) from error


class StudyFolder:
    """A study's folder while experiments are made in it.

    Args:
        study: models, data and folder.
        arguments: of the command that makes them, kept in ``study.json``.

    Raises:
        InputError: the folder holds results of other data or of another seed, or an input cannot be read.
    """

    def __init__(self, study: Study, *, arguments: Sequence[str] = ()) -> None:
        self._study, self._facts, self._arguments = study, study_facts(study), tuple(arguments)
        self._record = read_record(study.out)
        self._record.check(self._facts, study.out)

    def make(self, name: str, experiment: Callable[[Study], ExperimentResult]) -> ExperimentResult:
        """Make an experiment and write its files to the folder of its name.

        Raises:
            InputError: an input cannot be used, or a file cannot be written.
        """
        start = time.monotonic()
        result = experiment(self._study)
        result.write(self._study.out / name)
        seconds = round(time.monotonic() - start, 1)
        made = Made(study=self._facts, arguments=self._arguments, seconds=seconds)
        self._record = self._record.with_experiment(name, made)
        self._record.write(self._study.out)
        return result
