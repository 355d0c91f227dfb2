"""The recipes there are: one entry each, those of other packages too."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, Protocol

from cephsure.errors import InputError
from cephsure.recipes.coarse_to_fine.localizer import CoarseToFine
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper.localizer import OneStage
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.training.recipe import Recipe, stopped_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.bundles.bundle import Bundle
    from cephsure.inference.orientation import AskedFacing, AskedPolarity, Orientation
    from cephsure.inference.samples import Samples
    from cephsure.inference.session import Device
    from cephsure.training.stage import Schedule

ENTRY_POINTS = "cephsure.recipes"
"""Group of the entry points by which installed packages bring recipes."""


class Localizer(Protocol):
    """A bundle's networks, from films to samples. Films (H, W) are upright: positive, facing right.

    Attributes:
        device: where the networks are computed.
    """

    device: Literal["cpu", "cuda"]

    def only(self, members: Sequence[int]) -> Localizer:
        """The same networks, of some members only."""

    def find_orientation(
        self, stretched: NDArray[np.float32], *, facing: AskedFacing, polarity: AskedPolarity
    ) -> Orientation:
        """How a film, its grey stretched to [0, 1], is turned: as given, found, or assumed."""

    def sample(
        self, films: Sequence[NDArray[np.float32]], *, samples: int, seed: int, with_maps: bool = False
    ) -> list[Samples]:
        """``samples`` samples of each film, in the upright film's px; with maps' mixture, in more time.

        They have the features where the networks that drew them told them by the way.
        """

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """(C,) what the first network's deepest level makes of the film; None if it does not tell."""

    def augmented(self, pixels: NDArray[np.float32], *, count: int, seed: int) -> NDArray[np.float64]:
        """Positions (K, L, 2) that the first network finds, without dropout, on K augmented copies."""


class MakesLocalizer(Protocol):
    """What makes the localizer of a bundle."""

    def __call__(self, bundle: Bundle, *, device: Device) -> Localizer:
        """Load the networks; BundleError for a bundle that does not suit."""


@dataclass(frozen=True, slots=True)
class RecipeEntry:
    """A recipe's one entry: its numbers, its jobs and how one is trained; what predicts from a bundle."""

    recipe: type[Recipe]
    localizer: MakesLocalizer

    def usual(self) -> Recipe:
        """The recipe with its own numbers."""
        return self.recipe()  # type: ignore[call-arg]  # every recipe has its own name and samples


_entries: dict[str, RecipeEntry] = {}


def register_recipe(entry: RecipeEntry) -> None:
    """Make a recipe known to this process; installed packages name theirs by an entry point instead.

    Raises:
        ValueError: another recipe has this name.
    """
    name = entry.usual().name
    if _entries.setdefault(name, entry) != entry:
        raise ValueError(f"there is a recipe {name!r} already")


register_recipe(RecipeEntry(PaperRecipe, OneStage))
register_recipe(RecipeEntry(CoarseToFineRecipe, CoarseToFine))


def recipe_names() -> tuple[str, ...]:
    """All recipes that can be used, ours first."""
    return tuple(_entries | dict.fromkeys(point.name for point in entry_points(group=ENTRY_POINTS)))


def recipe_entry(name: str) -> RecipeEntry:
    """A recipe's entry.

    Raises:
        InputError: there is no such recipe.
    """
    if name not in _entries:
        for point in entry_points(group=ENTRY_POINTS, name=name):
            register_recipe(point.load())
    if name not in _entries:
        raise InputError(f"there is no recipe {name!r}", remedy=f"known: {', '.join(recipe_names())}")
    return _entries[name]


def chosen_recipe(
    name: str | Recipe,
    *,
    width: float | None = None,
    folds: int | None = None,
    fold: int = 0,
    epochs: int | None = None,
    schedule: Schedule | None = None,
    stop_below_mm: float | None = None,
) -> Recipe:
    """A recipe by name; what is changed of it stands in its ``changes``.

    Args:
        name: of a recipe of ours, or of one of another package; or a recipe to be changed.
        width: factor of its networks' filters, for recipes that can be made wider or narrower.
        folds: parts that the films are divided into, for recipes whose members are validated on one each.
        fold: the part that the first member is validated on, counted from 0.
        epochs: passes over the films of every network (at most, where training stops by itself).
        schedule: how the learning rate of every network falls.
        stop_below_mm: stop each landmark network as soon as its validation MRE falls under this.

    Raises:
        InputError: there is no such recipe, or a change does not fit it.
    """
    recipe = recipe_entry(name).usual() if isinstance(name, str) else name
    if width is not None:
        recipe = recipe.with_width(width)
    if folds is not None:
        recipe = recipe.with_folds(folds, fold)
    elif fold:
        raise InputError(f"which folds is fold {fold} one of?", remedy="give --folds too")
    if epochs is not None:
        if epochs < 1:
            raise InputError(f"a network needs one epoch or more, not {epochs}")
        recipe = recipe.with_fits(f"{epochs} epochs", epochs=epochs)
    if schedule is not None:
        recipe = recipe.with_fits(f"{schedule} schedule", schedule=schedule)
    if stop_below_mm is not None:
        if not stop_below_mm > 0:
            raise InputError(f"a validation error to stop below is positive, not {stop_below_mm}")
        words = stopped_words(stop_below_mm)
        recipe = recipe.with_fits(words, landmarks_only=True, stop_below_mm=stop_below_mm)
    return recipe
