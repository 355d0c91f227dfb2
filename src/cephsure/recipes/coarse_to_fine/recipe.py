"""The recipe ``default``, coarse to fine: its numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from cephsure.datasets import group_folds
from cephsure.errors import InputError
from cephsure.recipes.coarse_to_fine.localizer import PatchLayout
from cephsure.training.recipe import Recipe
from cephsure.training.stage import FitSettings, StageFacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm
    from cephsure.training.worker import Job

ORIENTATION = "orientation"


@dataclass(frozen=True)
class CoarseToFineRecipe(Recipe):
    """Coarse to fine: a small network over the whole film, then one over patches in the head's own frame.

    Version 1, of what was trained before there were versions, fits the fine network for 24 epochs.

    Attributes:
        orientation_side: pixels of the orientation network's square input.
        coarse_side: pixels of the coarse network's square input; its maps have half as many.
        coarse_widths: its channels at each level.
        coarse_sigma_px: Gaussian target's sigma in map pixels.
        coarse_radius_px: decoder's window in map pixels.
        layout: sizes of the fine patches, in frame units (about mm).
        fine_widths: the fine network's channels at each level.
        fine_sigma: Gaussian target's sigma, in frame units.
        fine_radius_px: decoder's window in map pixels.
        fine_distance_weight: weight of the expected radial error (frame units) beside the cross-entropy.
        fine_grey_share: share of the films whose patches get another grey curve, and that get blur and grain.
        tell_annotators_apart: whether a mean truth is learnt as its annotators' points, each with own maps.
        dropout: probability of the channel masks (MC-Dropout only).
        folds: parts the training films are divided into; member k is validated on part k, trained on others.
        first_fold: the part that member 0 is validated on.
        coarse_fit: how the coarse network is fitted.
        fine_fit: how the fine network is.
        orientation_fit: how the orientation network is.
    """

    name: str = "default"
    samples: int = 15
    version: int = 2
    orientation_side: int = 64
    coarse_side: int = 160
    coarse_widths: tuple[int, ...] = (24, 40, 64, 64, 64)
    coarse_sigma_px: float = 1.0
    coarse_radius_px: int = 3
    layout: PatchLayout = field(default_factory=PatchLayout)
    fine_widths: tuple[int, ...] = (32, 48, 64, 64)
    fine_sigma: float = 1.0
    fine_radius_px: int = 3
    fine_distance_weight: float = 0.3
    fine_grey_share: float = 0.5
    tell_annotators_apart: bool = True
    dropout: float = 0.15
    folds: int = 15
    first_fold: int = 0
    coarse_fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=30))
    fine_fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=48, batch_films=4))
    orientation_fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=12, batch_films=16))

    can_go_on: ClassVar[bool] = True
    draws_old_films: ClassVar[bool] = True
    member_stages: ClassVar[tuple[StageFacts, ...]] = (
        StageFacts("coarse", "coarse_fit", 1.0, "nats"),
        StageFacts("fine", "fine_fit", 2.5, "nats, and expected error"),
    )
    extra_jobs: ClassVar[Mapping[str, tuple[StageFacts, ...]]] = {
        ORIENTATION: (StageFacts(ORIENTATION, "orientation_fit", 0.7, "nats", counts_wrong=True),)
    }

    @classmethod
    def of_version(cls, version: int) -> Self:
        """The recipe as it was in an earlier version."""
        recipe = super().of_version(version)
        earlier = replace(recipe, version=1, fine_fit=replace(recipe.fine_fit, epochs=24))
        return recipe if version > 1 else earlier

    def member_films(
        self, films: Sequence[AnnotatedFilm], member: int, *, seed: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Member k is validated on fold k, counted from the first one.

        So the whole ensemble has seen all films, and every film has a member that has not seen it.
        """
        groups = len({film.group or film.film_id for film in films})
        folds = group_folds(films, max(2, min(self.folds, groups)), seed=seed)
        held = folds[(member + self.first_fold) % len(folds)]
        return np.setdiff1d(np.arange(len(films), dtype=np.int64), held), held

    def with_folds(self, count: int, first: int = 0) -> Self:
        """The recipe with the films in ``count`` folds, its first member validated on fold ``first``."""
        if count < 2:
            raise InputError(f"films are divided into two folds or more, not {count}")
        if not 0 <= first < count:
            raise InputError(f"of {count} folds there is no fold {first}", remedy=f"give 0 to {count - 1}")
        words = f"{count} folds" + (f", from fold {first}" if first else "")
        return replace(self, folds=count, first_fold=first, changes=(*self.changes, words))

    def train(self, job: Job) -> dict[str, Any]:
        """Fit and export the two networks of a member, or the orientation network."""
        from cephsure.recipes.coarse_to_fine.stages import train_member, train_orientation

        if job.name == ORIENTATION:
            train_orientation(self, job)
            return {}
        return train_member(self, job)
