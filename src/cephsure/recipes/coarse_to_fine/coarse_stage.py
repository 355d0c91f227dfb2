"""Fitting the coarse network: the whole film in random poses, shapes and grey curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from cephsure.geometry import Warp, local_centroids, softmax_maps
from cephsure.inference.session import channel_masks
from cephsure.preprocessing import standardise, whole_view, whole_warp
from cephsure.recipes.coarse_to_fine.augmentation import blur_and_noise, coarse_warp, furniture, grey_curve
from cephsure.recipes.coarse_to_fine.networks import CoarseNet, UNetConfig
from cephsure.training.losses import spatial_cross_entropy
from cephsure.training.material import TrainingFilm, mean_of_known, radial_errors_mm
from cephsure.training.stage import Batch, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cephsure.training.recipe import DefaultRecipe


def coarse_input(film: TrainingFilm, side: int) -> tuple[NDArray[np.float32], Warp]:
    """The plain view (side, side) as the network sees it in prediction, and its map to film px."""
    warp = whole_warp(film.working, side)
    return standardise(whole_view(film.working, warp, side)), warp


class CoarseStage:
    """Stage of the coarse network."""

    name = "coarse"

    def __init__(
        self,
        recipe: DefaultRecipe,
        train: Sequence[TrainingFilm],
        validation: Sequence[TrainingFilm],
        *,
        dropout: bool,
    ) -> None:
        self.recipe, self.train, self.validation = recipe, train, validation
        self.settings = recipe.coarse_fit
        landmarks = train[0].points_px.shape[0]
        self.config = UNetConfig(landmarks, recipe.coarse_widths, dropout=dropout)

    def network(self) -> nn.Module:
        """A new coarse network."""
        return CoarseNet(self.config)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Augmented whole views and the landmarks in map pixels."""
        for indices in shuffled(len(self.train), self.settings.batch_films, rng):
            images, positions = zip(*(self._example(self.train[i], rng) for i in indices), strict=True)
            inputs: tuple[NDArray[np.float32], ...] = (np.stack(images)[:, None],)
            if self.config.dropout:
                inputs += (channel_masks(rng, len(indices), self.config.mask_sizes, self.recipe.dropout),)
            yield Batch(inputs, (np.stack(positions).astype(np.float32),))

    def _example(
        self, film: TrainingFilm, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        side = self.recipe.coarse_side
        warp = coarse_warp(whole_warp(film.working, side), side, rng)
        surround = rng.choice([0.0, 1.0, rng.uniform()]) if rng.uniform() < 0.5 else None
        image = whole_view(film.working, warp, side, fill=surround)
        image = furniture(grey_curve([image], rng)[0], rng)
        image = blur_and_noise(image[None], rng)[0]
        on_grid = warp.output(film.points_px)
        on_grid[((on_grid < 0) | (on_grid > side - 1)).any(axis=1)] = np.nan
        return standardise(image), (on_grid - 0.5) / 2

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Spatial cross-entropy over all maps of the batch."""
        return spatial_cross_entropy(
            outputs.flatten(0, 1), targets[0].flatten(0, 1), self.recipe.coarse_sigma_px, 0.0
        )

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """MRE in mm of the plain views of the validation films."""
        errors = [
            radial_errors_mm(p, f)
            for p, f in zip(self.positions(network, self.validation), self.validation, strict=True)
        ]
        mre = mean_of_known(errors)
        return mre, mre

    def positions(self, network: nn.Module, films: Sequence[TrainingFilm]) -> list[NDArray[np.float64]]:
        """(L, 2) coarse positions in film px, without dropout."""
        device = next(network.parameters()).device
        found = []
        for film in films:
            image, warp = coarse_input(film, self.recipe.coarse_side)
            with torch.inference_mode():
                logits = network(torch.from_numpy(image)[None, None].to(device))[0].float().cpu().numpy()
            on_map = local_centroids(softmax_maps(logits), self.recipe.coarse_radius_px)
            found.append(warp.source(2 * on_map + 0.5))
        return found
