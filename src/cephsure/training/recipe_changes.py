"""A recipe as a user asks for it: its own numbers, and the few that may be changed, marked as such."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cephsure.errors import InputError
from cephsure.training.recipe import RECIPES, FitSettings, PaperRecipe, Recipe, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STOPPED = "stopped below"
"""How the change begins by which under-trained models are known."""


def chosen_recipe(
    name: str,
    *,
    width: float | None = None,
    epochs: int | None = None,
    schedule: Schedule | None = None,
    stop_below_mm: float | None = None,
) -> Recipe:
    """A recipe by name; what is changed of it stands in its ``changes``.

    Args:
        name: "paper" or "default".
        width: factor of the paper network's filters.
        epochs: passes over the films of every network (at most, where training stops by itself).
        schedule: how the learning rate of every network falls.
        stop_below_mm: stop each landmark network as soon as its validation MRE falls under this.

    Raises:
        InputError: there is no such recipe, or a change does not fit it.
    """
    if name not in RECIPES:
        raise InputError(f"there is no recipe {name!r}", remedy=f"known: {', '.join(RECIPES)}")
    recipe = RECIPES[name]()
    if width is not None:
        recipe = _with_width(recipe, width)
    if epochs is not None:
        if epochs < 1:
            raise InputError(f"a network needs one epoch or more, not {epochs}")
        recipe = _with_fits(recipe, f"{epochs} epochs", orientation=True, epochs=epochs)
    if schedule is not None:
        recipe = _with_fits(recipe, f"{schedule} schedule", orientation=True, schedule=schedule)
    if stop_below_mm is not None:
        if not stop_below_mm > 0:
            raise InputError(f"a validation error to stop below is positive, not {stop_below_mm}")
        recipe = _with_fits(recipe, _stopped(stop_below_mm), orientation=False, stop_below_mm=stop_below_mm)
    return recipe


def changes_as_trained(recipe: Recipe, members: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """A recipe's ``changes`` once it is known which networks were stopped.

    A network that never fell below the error it was to be stopped at is trained to its end, and must not pass
    for one that was stopped.

    Args:
        recipe: the run's.
        members: each member's facts: "stages", by name, with their last "validation_mre_mm".
    """
    fits = (
        {"paper": recipe.fit}
        if isinstance(recipe, PaperRecipe)
        else {"coarse": recipe.coarse_fit, "fine": recipe.fine_fit}
    )
    below_mm = next(iter(fits.values())).stop_below_mm
    if below_mm is None:
        return recipe.changes
    errors = [member["stages"][stage]["validation_mre_mm"] for member in members for stage in fits]
    never = sum(error is None or not error < below_mm for error in errors)
    if never == len(errors):
        words = f"never below {below_mm:g} mm, so not stopped"
    else:
        words = _stopped(below_mm) + (f" ({never} of {len(errors)} networks never were)" if never else "")
    return tuple(words if change == _stopped(below_mm) else change for change in recipe.changes)


def _stopped(below_mm: float) -> str:
    return f"{STOPPED} {below_mm:g} mm"


def _with_width(recipe: Recipe, width: float) -> Recipe:
    if not isinstance(recipe, PaperRecipe):
        raise InputError(f"recipe {recipe.name!r} has one width", remedy="--width is for the recipe 'paper'")
    filters = tuple(round(width * count) for count in recipe.filters) if math.isfinite(width) else (0,)
    if min(filters) < 1:
        raise InputError(f"a network {width:g} times as wide would have no filters")
    return replace(recipe, filters=filters, changes=(*recipe.changes, f"filters x {width:g}"))


def _with_fits(recipe: Recipe, change: str, *, orientation: bool, **settings: Any) -> Recipe:
    """The recipe with other settings in its networks' fits, the orientation network's only if asked."""
    fits: dict[str, Any] = {
        name: replace(value, **settings)
        for name in recipe.__dataclass_fields__
        if isinstance(value := getattr(recipe, name), FitSettings)
        and (orientation or name != "orientation_fit")
    }
    return replace(recipe, **fits, changes=(*recipe.changes, change))
