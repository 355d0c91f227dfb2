"""The numbers of the recipe, and its entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cephsure.datasets import last_split
from cephsure.recipes.registry import RecipeEntry
from cephsure.training.recipe import Recipe
from cephsure.training.stage import FitSettings, StageFacts
from toy_recipe.localizer import ToyLocalizer

if TYPE_CHECKING:
    from cephsure.training.worker import Job


@dataclass(frozen=True)
class ToyRecipe(Recipe):
    """One small network.

    Attributes:
        side: pixels of its square input and of its maps.
        filters: of its only layer.
        fit: how it is fitted.
    """

    name: str = "toy"
    samples: int = 1
    side: int = 32
    filters: int = 8
    fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=3, batch_films=4, ema_decay=None))

    member_stages: ClassVar[tuple[StageFacts, ...]] = (StageFacts("toy", "fit", 1.0, "nats"),)

    def member_films(self, films, member, *, seed):
        """The last quarter validates all."""
        return last_split(films, 0.25)

    def train(self, job: Job) -> dict[str, Any]:
        """Fit and export one member."""
        from toy_recipe.stage import train_member

        train_member(self, job)
        return {}


ENTRY = RecipeEntry(ToyRecipe, ToyLocalizer)
