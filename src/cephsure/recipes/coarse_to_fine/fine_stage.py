"""Fitting the fine network: patches round displaced landmarks, in a deformed frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from cephsure.geometry import Warp, local_centroids, softmax_maps
from cephsure.inference.session import channel_masks
from cephsure.recipes.coarse_to_fine.augmentation import blur_and_noise, fine_warp, grey_curve, patch_jitter
from cephsure.recipes.coarse_to_fine.networks import FineNet, UNetConfig
from cephsure.recipes.coarse_to_fine.patches import (
    frame_of,
    frame_to_map,
    grey_patches,
    map_to_frame,
    network_input,
)
from cephsure.training.losses import spatial_cross_entropy
from cephsure.training.material import TrainingFilm, mean_of_known, radial_errors_mm
from cephsure.training.stage import Batch, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cephsure.training.recipe import DefaultRecipe


class FineStage:
    """Stage of the fine network; ``coarse`` are the validation films' coarse positions (L, 2) in px."""

    name = "fine"

    def __init__(
        self,
        recipe: DefaultRecipe,
        train: Sequence[TrainingFilm],
        validation: Sequence[TrainingFilm],
        *,
        shape: NDArray[np.float64],
        coarse: Sequence[NDArray[np.float64]],
        dropout: bool,
    ) -> None:
        self.recipe = recipe
        self.train = [film for film in train if film.frame is not None]
        self.validation, self.coarse, self.shape = validation, coarse, shape
        self.settings = recipe.fine_fit
        annotators = train[0].marks_px.shape[0] if recipe.tell_annotators_apart else 1
        self.config = UNetConfig(shape.shape[0], recipe.fine_widths, annotators, dropout)

    def network(self) -> nn.Module:
        """A new fine network."""
        return FineNet(self.config, self.recipe.layout.channels)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Augmented patches (N, L, C, P, P) and the landmarks in map pixels (N, K, L, 2)."""
        for indices in shuffled(len(self.train), self.settings.batch_films, rng):
            patches, positions = zip(*(self._example(self.train[i], rng) for i in indices), strict=True)
            inputs: tuple[NDArray[np.float32], ...] = (np.stack(patches),)
            if self.config.dropout:
                inputs += (channel_masks(rng, len(indices), self.config.mask_sizes, self.recipe.dropout),)
            yield Batch(inputs, (np.stack(positions).astype(np.float32),))

    def _example(
        self, film: TrainingFilm, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        if film.frame is None or film.pyramid is None:  # left out when the stage was made
            raise AssertionError(film.film_id)
        layout = self.recipe.layout
        warp = fine_warp(film.frame, rng)
        points = warp.output(film.points_px)
        anchors = np.where(np.isfinite(points), points, self.shape)
        centres = anchors + patch_jitter(len(points), layout.jitter_reach, rng)
        fine, wide = grey_patches(film.pyramid, warp, centres, layout)
        if rng.uniform() < self.recipe.fine_grey_share:
            fine, wide = grey_curve([fine, wide], rng)
        if rng.uniform() < self.recipe.fine_grey_share:
            fine = blur_and_noise(fine, rng)
        marks = film.marks_px if self.recipe.tell_annotators_apart else film.points_px[None]
        return network_input(fine, wide), frame_to_map(warp.output(marks) - centres, layout)

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Spatial cross-entropy over all maps of the batch."""
        layout = self.recipe.layout
        return spatial_cross_entropy(
            outputs.flatten(0, 2),
            targets[0].flatten(0, 2),
            self.recipe.fine_sigma / layout.map_step,
            self.recipe.fine_distance_weight * layout.map_step,
        )

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """MRE in mm of the whole way: coarse positions, patches round them, fine positions."""
        errors = [
            radial_errors_mm(self.refine(network, film, start), film)
            for film, start in zip(self.validation, self.coarse, strict=True)
        ]
        mre = mean_of_known(errors)
        return mre, mre

    def refine(
        self, network: nn.Module, film: TrainingFilm, start: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(L, 2) fine positions in film px from coarse ones, without dropout."""
        if film.pyramid is None:
            return np.full_like(start, np.nan)
        device = next(network.parameters()).device
        layout = self.recipe.layout
        try:
            warp = Warp(frame_of(start, self.shape))
        except ValueError:  # a coarse network that knows nothing yet may put all points in one place
            return start
        centres = warp.output(start)
        patches = network_input(*grey_patches(film.pyramid, warp, centres, layout))
        with torch.inference_mode():
            logits = network(torch.from_numpy(patches)[None].to(device))[0].float().cpu().numpy()
        on_maps = [local_centroids(softmax_maps(maps), self.recipe.fine_radius_px) for maps in logits]
        return warp.source(centres + map_to_frame(np.mean(on_maps, axis=0), layout))
