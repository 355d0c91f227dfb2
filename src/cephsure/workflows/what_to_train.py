"""What a training is asked for, decided: recipe, kind and members, from nothing or from another model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.errors import InputError

if TYPE_CHECKING:
    from cephsure.bundles.bundle import Bundle
    from cephsure.training.recipe import Recipe
    from cephsure.training.run_config import ModelKind
    from cephsure.workflows.train_bundle import TrainOptions

USUAL_MEMBERS = 15


@dataclass(frozen=True, slots=True)
class Wanted:
    """A training's recipe, its kind, its members, and the model that it goes on from, if any."""

    recipe: Recipe
    kind: ModelKind
    members: int
    start: Bundle | None = None


def what_to_train(options: TrainOptions) -> Wanted:
    """Decide what the options leave open.

    Raises:
        InputError: there is no such recipe or model, or the options do not fit each other.
    """
    if options.start_from is not None:
        return _going_on(options)
    if options.old_films is not None:
        raise InputError("old films are for a model that goes on", remedy="name it by --start-from")
    recipe = _changed("default" if options.recipe is None else options.recipe, options)
    return Wanted(recipe, options.kind or "ensemble", options.members or USUAL_MEMBERS)


def _going_on(options: TrainOptions) -> Wanted:
    """As the model to go on from is, with a recipe that trains it on."""
    from cephsure.bundles.bundle import read_bundle
    from cephsure.model import shipped_models
    from cephsure.recipes.registry import recipe_entry

    name = str(options.start_from)
    start = read_bundle(shipped_models().get(name, name))
    if options.kind not in {None, start.kind}:
        raise InputError(f"{start.name} is of kind {start.kind}", remedy="leave out --model")
    if options.width is not None:
        raise InputError(f"{start.name} has its width", remedy="leave out --width")
    members = options.members or len(start.members)
    if members > len(start.members):
        raise InputError(f"{start.name} has {len(start.members)} members, not {members}")
    kind = recipe_entry(start.recipe.name).recipe
    if not kind.can_go_on:
        raise InputError(f"models of the recipe {start.recipe.name!r} cannot be trained on")
    if isinstance(options.recipe, str) and options.recipe != start.recipe.name:
        raise InputError(f"{start.name} is of the recipe {start.recipe.name!r}", remedy="leave out --recipe")
    if options.recipe is None or isinstance(options.recipe, str):
        try:
            trained = kind.from_dict(start.recipe.model_dump(exclude_none=True))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError("its recipe cannot be trained on", where=start.folder) from error
        going_on = trained.going_on(start.name, with_old_films=options.old_films is not None)
        recipe = _changed(going_on, options)
    else:
        recipe = options.recipe
    return Wanted(recipe, start.kind, members, start)


def _changed(recipe: str | Recipe, options: TrainOptions) -> Recipe:
    """A recipe by name with the options' changes; one with numbers of its own is left alone."""
    from cephsure.recipes.registry import chosen_recipe

    if not isinstance(recipe, str) and options.start_from is None:
        return recipe
    return chosen_recipe(
        recipe,
        width=options.width,
        folds=options.folds,
        fold=options.fold,
        epochs=options.epochs,
        schedule=options.schedule,
        stop_below_mm=options.stop_below_mm,
    )
