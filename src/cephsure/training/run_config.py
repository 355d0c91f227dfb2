"""What a training run is: written once when it begins, checked when it goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.datasets import group_folds, last_split
from cephsure.errors import InputError
from cephsure.training.recipe import (
    ModelKind,
    PaperRecipe,
    Precision,
    Recipe,
    recipe_from_dict,
    recipe_to_dict,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, DatasetFormat

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

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(asdict(self) | {"recipe": recipe_to_dict(self.recipe)}, indent=2)

    @staticmethod
    def load(run: Path) -> RunConfig:
        """The configuration of a run folder; InputError when there is none or it cannot be read."""
        path = run / RUN_FILE
        try:
            data: dict[str, Any] = json.loads(path.read_text())
            return RunConfig(**(data | {"recipe": recipe_from_dict(data["recipe"])}))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError("not a training run's configuration", where=path) from error


def settle(run: Path, wanted: RunConfig) -> RunConfig:
    """Write a new run's configuration, or check that a run to go on with is the same one.

    The precision of a run that has begun stays what it was, whatever the present machine's self-test says.
    Data that have moved are taken from where they are now: their hash says that they are the same.

    Raises:
        InputError: when the folder holds a different run.
    """
    if not (run / RUN_FILE).exists():
        run.mkdir(parents=True, exist_ok=True)
        write_atomically(run / RUN_FILE, wanted.to_json().encode())
        return wanted
    begun = RunConfig.load(run)
    old, new = asdict(begun), asdict(wanted)
    differing = [key for key in new if key not in {"precision", "data"} and old[key] != new[key]]
    if differing:
        raise InputError(
            f"holds another training run (differs in {', '.join(differing)})",
            where=run,
            remedy="choose another --out, or give the options the run was begun with",
        )
    if begun.data != wanted.data:
        begun = replace(begun, data=wanted.data)
        write_atomically(run / RUN_FILE, begun.to_json().encode())
    return begun


def member_films(
    films: Sequence[AnnotatedFilm], config: RunConfig, member: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the films that member ``member`` is trained and validated on.

    The paper recipe validates every member on the last films; the default recipe divides the films into
    folds and validates member k on fold k, so that the whole ensemble has seen them all, and every film has a
    member that has not.
    """
    if isinstance(config.recipe, PaperRecipe):
        return last_split(films, config.recipe.validation_share)
    groups = len({film.group or film.film_id for film in films})
    folds = group_folds(films, max(2, min(config.recipe.folds, groups)), seed=config.seed)
    held = folds[member % len(folds)]
    return np.setdiff1d(np.arange(len(films), dtype=np.int64), held), held


def derived_seed(config: RunConfig, member: int, stage: int) -> int:
    """An independent seed for a stage of a member."""
    return int(np.random.SeedSequence([config.seed, member, stage]).generate_state(1)[0])
