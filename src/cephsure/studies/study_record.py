"""``study.json``: which experiments a folder holds, and what each was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.studies.study_facts import StudyFacts  # noqa: TC001 - pydantic reads the annotation

if TYPE_CHECKING:
    from pathlib import Path

RECORD_FILE = "study.json"


class Made(BaseModel):
    """How one experiment's result came about.

    Attributes:
        study: what it was made from.
        arguments: of the command that made it, without the place of folders.
        seconds: what the last call took; what earlier calls had predicted is not in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    study: StudyFacts
    arguments: tuple[str, ...] = ()
    seconds: float = 0.0


class StudyRecord(BaseModel):
    """The experiments of a folder by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["cephsure.study/1"] = "cephsure.study/1"
    experiments: dict[str, Made] = {}

    def with_experiment(self, name: str, made: Made) -> StudyRecord:
        """The record with one more experiment, or one made anew."""
        return self.model_copy(update={"experiments": {**self.experiments, name: made}})

    def check(self, facts: StudyFacts, folder: Path) -> None:
        """Refuse to mix data, splits or seeds: what is stored under a film's name must be of that film.

        Raises:
            InputError: data of that name and role, the split, or the seed were others.
        """
        new = {(one.role, one.name): one.sha256 for one in facts.data}
        for name, made in self.experiments.items():
            differing = [
                f"{one.role} {one.name}"
                for one in made.study.data
                if new.get((one.role, one.name), one.sha256) != one.sha256
            ]
            if made.study.split != facts.split:
                differing.append(f"split {made.study.split}")
            if made.study.seed != facts.seed:
                differing.append(f"seed {made.study.seed}")
            if differing:
                raise InputError(
                    f"holds the experiment {name} of another study (differs in {', '.join(differing)})",
                    where=folder,
                    remedy="choose another --out, or give the options it was made with",
                )

    def write(self, folder: Path) -> Path:
        """Write ``study.json``."""
        text = self.model_dump_json(indent=1) + "\n"
        return write_atomically(folder / RECORD_FILE, text.encode("utf-8"))


def read_record(folder: Path) -> StudyRecord:
    """The record of a folder; an empty one where there is none.

    Raises:
        InputError: it is damaged.
    """
    path = folder / RECORD_FILE
    if not path.exists():
        return StudyRecord()
    try:
        return StudyRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(
            f"not a study's record: {str(error).splitlines()[0]}",
            where=path,
            remedy="choose another --out, or delete it: experiments are then made anew",
        ) from error
