"""The recipe of the reference work (Drevický & Kodým 2020): its numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cephsure.datasets import last_split
from cephsure.errors import InputError
from cephsure.training.recipe import Recipe
from cephsure.training.stage import FitSettings, StageFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.training.worker import Job


@dataclass(frozen=True)
class PaperRecipe(Recipe):
    """The reference's recipe, to the letter unless ``changes`` says otherwise.

    Version 1, of what was trained before there were versions, is less to the letter: its Gaussian reaches
    four sigma, landmarks are not rounded to the maps' pixels, every gain counts, and training stops after 30
    epochs without one.

    Attributes:
        side: pixels of the network's square input, and of its maps.
        filters: convolution filters from the first level down.
        target_sigma_px: Gaussian targets' sigma in map pixels.
        target_amplitude: their mass.
        dropout: probability of the channel masks (MC-Dropout only).
        validation_share: share of the films, the last ones, that every member is validated on.
        fit: how the network is fitted.
    """

    name: str = "paper"
    samples: int = 15
    version: int = 2
    side: int = 128
    filters: tuple[int, ...] = (64, 128, 256, 512, 1024)
    target_sigma_px: float = 5.0
    target_amplitude: float = 1000.0
    dropout: float = 0.4
    validation_share: float = 0.15
    fit: FitSettings = field(
        default_factory=lambda: FitSettings(
            epochs=400,
            learning_rate=1e-3,
            optimiser="adam",
            schedule="plateau",
            stop_patience=31,
            ema_decay=None,
            keep="best",
            least_gain=1e-4,
        )
    )

    can_go_on: ClassVar[bool] = True
    member_stages: ClassVar[tuple[StageFacts, ...]] = (StageFacts("paper", "fit", 1.0, "squared map units"),)

    def member_films(
        self, films: Sequence[AnnotatedFilm], member: int, *, seed: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every member is validated on the last films."""
        del member, seed  # the same films for all
        return last_split(films, self.validation_share)

    @classmethod
    def of_version(cls, version: int) -> Self:
        """The recipe as it was in an earlier version."""
        recipe = super().of_version(version)
        earlier = replace(recipe, version=1, fit=replace(recipe.fit, stop_patience=30, least_gain=0.0))
        return recipe if version > 1 else earlier

    def with_width(self, factor: float) -> Self:
        """The recipe with ``factor`` times as many filters."""
        filters = tuple(round(factor * count) for count in self.filters) if math.isfinite(factor) else (0,)
        if min(filters) < 1:
            raise InputError(f"a network {factor:g} times as wide would have no filters")
        return replace(self, filters=filters, changes=(*self.changes, f"filters x {factor:g}"))

    def train(self, job: Job) -> dict[str, Any]:
        """Fit and export one member."""
        from cephsure.recipes.paper.stage import train_member

        train_member(self, job)
        return {}
