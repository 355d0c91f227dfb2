"""What a training run is: written once when it begins, checked when it goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.text_files import read_json_object
from cephsure.training.stage import Precision

if TYPE_CHECKING:
    from pathlib import Path

    from cephsure.datasets import DatasetFormat
    from cephsure.landmarks import LabelKind
    from cephsure.training.recipe import Recipe

ModelKind = Literal["baseline", "ensemble", "mc-dropout"]

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class RunConfig:
    """All that decides the weights a run ends in.

    Attributes:
        data: the data set's folder or file, absolute.
        data_format: as ``cephsure.datasets.open_dataset`` takes it.
        split: which of its films are trained on.
        truth: annotator's name or "mean".
        mm_per_px: scale given by the user, or None.
        landmark_set: a shipped set's name or a file.
        data_sha256: over film names, image files and chosen annotations.
        kind: baseline, ensemble or mc-dropout.
        members: independent networks.
        seed: of everything random.
        precision: of the networks' arithmetic in training.
        recipe: the recipe.
        images: where the films lie, absolute, if not where the label files say.
        labels: how a label is read that is a landmark's name and another one's number.
        start: name of the model that the run goes on from, if it does.
        start_sha256: of that model's bundle.
        old_films: the data set, absolute, of which films are mixed in, so that they are not unlearned.
        old_films_sha256: over that data set as ``data_sha256`` is over the run's.
    """

    data: str
    data_format: DatasetFormat
    split: str
    truth: str
    mm_per_px: float | None
    landmark_set: str | None
    data_sha256: str
    kind: ModelKind
    members: int
    seed: int
    precision: Precision
    recipe: Recipe
    images: str | None = None
    labels: LabelKind = "auto"
    start: str | None = None
    start_sha256: str | None = None
    old_films: str | None = None
    old_films_sha256: str | None = None

    @property
    def job_names(self) -> list[str]:
        """The members' numbers, and the jobs that the recipe has once: a run that goes on takes them over."""
        names = self.recipe.job_names(self.members)
        return names if self.start is None else names[: self.members]

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(asdict(self) | {"recipe": self.recipe.to_dict()}, indent=2)

    @staticmethod
    def load(run: Path, recipe: type[Recipe]) -> RunConfig:
        """The configuration of a run folder; InputError when there is none or it cannot be read."""
        try:
            data = read_json_object(run / RUN_FILE)
            known = {name: name for name in get_args(Precision)}
            changed = {"recipe": recipe.from_dict(data["recipe"]), "precision": known[data["precision"]]}
            return RunConfig(**(data | changed))
        except (ArithmeticError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError("not a training run's configuration", where=run / RUN_FILE) from error


def settle(run: Path, wanted: RunConfig, *, same_precision: bool = True) -> RunConfig:
    """Write a new run's configuration, or check that a run to go on with is the same one.

    The version of the recipe stays what it was when the run began, with the numbers it had then; so does the
    precision, unless it must be the ``same_precision``.
    Data that have moved are taken from where they are now: their hash says that they are the same.

    Raises:
        InputError: when the folder holds a different run.
    """
    if not (run / RUN_FILE).exists():
        run.mkdir(parents=True, exist_ok=True)
        write_atomically(run / RUN_FILE, wanted.to_json().encode())
        return wanted
    differing = ["recipe"]
    if _recipe_name(run) in {None, wanted.recipe.name}:
        begun = RunConfig.load(run, type(wanted.recipe))
        if begun.recipe.version < wanted.recipe.version and begun.recipe.changes == wanted.recipe.changes:
            wanted = replace(wanted, recipe=begun.recipe)
        moving = {"data", "images", "old_films", "start"}
        passed_over = moving if same_precision else moving | {"precision"}
        deciding = [field.name for field in fields(RunConfig) if field.name not in passed_over]
        differing = [name for name in deciding if getattr(begun, name) != getattr(wanted, name)]
    if differing:
        raise InputError(
            f"holds another training run (differs in {', '.join(differing)})",
            where=run,
            remedy="choose another --out, or give the options the run was begun with",
        )
    places = {name: getattr(wanted, name) for name in ("data", "images", "old_films")}
    if any(getattr(begun, name) != place for name, place in places.items()):
        begun = replace(begun, **places)
        write_atomically(run / RUN_FILE, begun.to_json().encode())
    return begun


def _recipe_name(run: Path) -> str | None:
    """Which recipe a run was begun with; None where its configuration does not tell."""
    try:
        name = read_json_object(run / RUN_FILE)["recipe"]["name"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(name)


def derived_seed(config: RunConfig, member: int, stage: int) -> int:
    """An independent seed for a stage of a member."""
    return int(np.random.SeedSequence([config.seed, member, stage]).generate_state(1)[0])
