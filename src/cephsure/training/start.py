"""The model that a run goes on from: a copy of its bundle in the run's folder, checked before each use."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cephsure.bundles.bundle import FACTS_FILE, read_bundle
from cephsure.bundles.edit import edit_bundle
from cephsure.datasets.annotated_film import MEAN
from cephsure.errors import InputError
from cephsure.text_files import is_there, read_json_object

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.bundles.bundle import Bundle
    from cephsure.training.recipe import Recipe
    from cephsure.training.run_config import RunConfig

START_FOLDER = "start"
BEFORE_FOLDER = "before"
"""Of a job: networks that mark as those do who taught the start."""


@dataclass(frozen=True, slots=True)
class StartNetworks:
    """A member's networks that training goes on from.

    Attributes:
        folder: where their graphs are.
        shape: (L, 2) the mean shape by which they see films; None for recipes without one.
        taught_by: those whose maps stay beside the new annotators', in the order of their maps; none where no
            maps stay.
    """

    folder: Path
    shape: NDArray[np.float64] | None
    taught_by: tuple[str, ...] = ()


def keep_start(run: Path, start: Bundle) -> None:
    """Copy the model that a run goes on from into its folder, unless it is there already."""
    folder = run / START_FOLDER
    if is_there(folder):
        try:
            if read_bundle(folder).sha256 == start.sha256:
                return
        except InputError:  # of a copy that was killed
            pass
        shutil.rmtree(folder)
    with edit_bundle(start, folder):
        pass


def kept_start(run: Path, config: RunConfig) -> Bundle:
    """The model that a run goes on from.

    Raises:
        InputError: the copy is missing, or is not what the run was begun with.
    """
    bundle = read_bundle(run / START_FOLDER)
    if bundle.sha256 != config.start_sha256:
        raise InputError(
            "is not the model that this run was begun with", where=bundle.folder, remedy="begin a new run"
        )
    return bundle


def start_networks(run: Path, config: RunConfig, member: int) -> StartNetworks | None:
    """What a member of a run goes on from; None of a run from nothing."""
    if config.start_sha256 is None:
        return None
    bundle = kept_start(run, config)
    return StartNetworks(bundle.members[member], bundle.mean_shape, taught_by(run, config))


def taught_by(run: Path, config: RunConfig) -> tuple[str, ...]:
    """Whose maps stay beside the new annotators': of a run with old films, those who taught its start.

    Only where the recipe tells annotators apart, and all of the new ones are learned: else there is one map
    for everybody.
    """
    if config.old_films is None or config.truth != MEAN or not tells_apart(config.recipe):
        return ()
    origin = kept_start(run, config).provenance
    return origin.annotators or (origin.truth,)


def tells_apart(recipe: Recipe) -> bool:
    """Whether a recipe's networks have maps of their own for each annotator of a mean truth."""
    return bool(getattr(recipe, "tell_annotators_apart", False))


def start_facts(bundle: Bundle) -> dict[str, Any]:
    """What the bundle of a run says of the model that the run went on from, and of what that one has seen."""
    facts = read_json_object(bundle.folder / FACTS_FILE)
    origin = dict(facts["provenance"])
    earlier, _ = origin.pop("earlier", []), origin.pop("old_films", None)
    validated = sorted(set().union(*bundle.validation_films))
    seen = {key: origin[key] for key in ("data", "data_sha256", "split", "truth") if key in origin}
    return {
        "start": {"name": bundle.name, "sha256": bundle.sha256, "provenance": origin},
        "earlier": [*earlier, seen | {"validation_films": validated}],
    }
