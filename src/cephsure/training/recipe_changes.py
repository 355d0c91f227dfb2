"""A recipe as a user asks for it: its own numbers, and the few that may be changed, marked as such."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from cephsure.errors import InputError
from cephsure.training.recipe import RECIPES, FitSettings, PaperRecipe, Recipe


def chosen_recipe(
    name: str,
    *,
    width: float | None = None,
    epochs: int | None = None,
    stop_below_mm: float | None = None,
) -> Recipe:
    """A recipe by name; what is changed of it stands in its ``changes``.

    Args:
        name: "paper" or "default".
        width: factor of the paper network's filters.
        epochs: passes over the films of every network (at most, where training stops by itself).
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
    if stop_below_mm is not None:
        if not stop_below_mm > 0:
            raise InputError(f"a validation error to stop below is positive, not {stop_below_mm}")
        change = f"stopped below {stop_below_mm:g} mm"
        recipe = _with_fits(recipe, change, orientation=False, stop_below_mm=stop_below_mm)
    return recipe


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
