"""Reads the measurements and analyses that come with the package, and a user's own norms."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, TypeVar

from pydantic import BaseModel, Field, model_validator

from cephsure.cephalometry.formula import Frozen
from cephsure.cephalometry.measurement import (
    AnalysisDefinition,
    ClassRange,
    Entry,
    Measurement,
    Norm,
    Text,
    classes_from,
    ordered_classes,
)
from cephsure.errors import InputError
from cephsure.text_files import read_toml, to_record, to_toml

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

Record = TypeVar("Record", bound=BaseModel)

DEFAULT_ANALYSIS = "isbi"
ALL = "all"


class _Measurements(Frozen):
    """A file of measurements."""

    measurements: tuple[Measurement, ...]


class _Judgement(Frozen):
    """What an analysis or a user says of a measurement: norms and classes."""

    measurement: Text
    norms: tuple[Norm, ...] = ()
    classes: tuple[ClassRange, ...] = ()
    classes_source: Text | None = None

    @model_validator(mode="after")
    def _classes_in_order(self) -> Self:
        ordered_classes(self.classes)
        if self.classes and self.classes_source is None:
            raise ValueError("classes need a classes_source")
        return self

    def entry(self, measurement: Measurement) -> Entry:
        """The measurement with what is said of it; classes from the norm where none are published."""
        classes = ordered_classes(self.classes) or classes_from(self.norms)
        return Entry(
            measurement=measurement, norms=self.norms, classes=classes, classes_source=self.classes_source
        )


class _AnalysisFile(Frozen):
    """A file of one analysis."""

    name: Text
    title: Text
    source: Text
    entries: tuple[_Judgement, ...]


class _OwnNorm(_Judgement):
    """A user's norms and classes for one measurement of one analysis."""

    analysis: Text


class _NormsFile(Frozen):
    """A user's file of norms."""

    entries: Annotated[tuple[_OwnNorm, ...], Field(min_length=1)]


@cache
def shipped_analyses() -> dict[str, AnalysisDefinition]:
    """The analyses that come with the package, by name; ``isbi`` first, then in alphabetical order.

    Examples:
        >>> list(shipped_analyses())
        ['isbi', 'bjork', 'downs', 'jarabak', 'mcnamara', 'soft-tissue', 'steiner']
        >>> [entry.measurement.code for entry in shipped_analyses()["isbi"].entries]
        ['ANB', 'SNB', 'SNA', 'ODI', 'APDI', 'FHI', 'FHA', 'MW', 'FMA']
    """
    folder = resources.files("cephsure.cephalometry") / "data"
    file = folder / "measurements.toml"
    known = {measurement.code: measurement for measurement in _read(_Measurements, file).measurements}
    analyses = {}
    for path in (folder / "analyses").iterdir():
        given = _read(_AnalysisFile, path)
        entries = tuple(said.entry(known[said.measurement]) for said in given.entries)
        analyses[given.name] = AnalysisDefinition(
            name=given.name, title=given.title, source=given.source, entries=entries
        )
    return {name: analyses[name] for name in sorted(analyses, key=lambda n: (n != DEFAULT_ANALYSIS, n))}


def load_analyses(
    name: str = DEFAULT_ANALYSIS, *, norms: Path | None = None
) -> tuple[AnalysisDefinition, ...]:
    """The analyses that a name stands for, with the user's norms in place of the shipped ones.

    Args:
        name: a shipped analysis, several with commas between, or "all".
        norms: a TOML file with one ``[[entries]]`` table for each measurement whose norms shall be others:
            ``analysis``, ``measurement``, ``norms`` (``source`` and ``mean``, ``sd``, ``low``, ``high``,
            ``group``) and ``classes`` (``name`` and ``from`` with ``to``, or ``above``, or ``below``) with
            ``classes_source``. It replaces norms and classes of that measurement in that analysis.

    Returns:
        The analyses, in the order asked for.

    Raises:
        InputError: there is no such analysis; the file cannot be read or is not valid (names file and key).
    """
    shipped = shipped_analyses()
    names = list(shipped) if name == ALL else [asked.strip() for asked in name.split(",")]
    if unknown := [asked for asked in names if asked not in shipped]:
        raise InputError(
            f"there is no analysis {unknown[0]!r}", remedy=f"known: {', '.join([*shipped, ALL])}"
        )
    changed = shipped if norms is None else _with_norms(shipped, norms)
    return tuple(changed[asked] for asked in dict.fromkeys(names))


def _with_norms(analyses: dict[str, AnalysisDefinition], path: Path) -> dict[str, AnalysisDefinition]:
    """The analyses with what a user's file says."""
    changed = dict(analyses)
    seen = set()
    for number, own in enumerate(_read(_NormsFile, path).entries, start=1):
        key = f"entries[{number}]"
        if own.analysis not in changed:
            raise InputError(
                f"{key}.analysis: there is no analysis {own.analysis!r}",
                where=path,
                remedy=f"known: {', '.join(changed)}",
            )
        entries = list(changed[own.analysis].entries)
        codes = [entry.measurement.code for entry in entries]
        if own.measurement not in codes:
            raise InputError(
                f"{key}.measurement: {own.analysis} has no measurement {own.measurement!r}",
                where=path,
                remedy=f"it has: {', '.join(codes)}",
            )
        if (own.analysis, own.measurement) in seen:
            raise InputError(f"{key}: {own.measurement} of {own.analysis} is given twice", where=path)
        seen.add((own.analysis, own.measurement))
        place = codes.index(own.measurement)
        entries[place] = own.entry(entries[place].measurement)
        changed[own.analysis] = changed[own.analysis].model_copy(update={"entries": tuple(entries)})
    return changed


def _read(record: type[Record], path: Path | Traversable) -> Record:
    """Read a TOML file; `InputError` if it cannot be read, is not TOML, or a key is wrong."""
    data = read_toml(path) if isinstance(path, Path) else to_toml(path.read_bytes(), where=path.name)
    return to_record(record, data, where=path if isinstance(path, Path) else path.name)
