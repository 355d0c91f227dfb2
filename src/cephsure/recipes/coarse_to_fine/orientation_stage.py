"""Fitting the orientation network: which way the head faces, and whether the film is a negative."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from cephsure.preprocessing import orient, standardise, thumbnail, whole_warp
from cephsure.recipes.coarse_to_fine.augmentation import blur_and_noise, coarse_warp, furniture, grey_curve
from cephsure.recipes.coarse_to_fine.networks import OrientationNet
from cephsure.training.stage import Batch, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cephsure.training.material import TrainingFilm
    from cephsure.training.recipe import DefaultRecipe


class OrientationStage:
    """Stage of the orientation network; the training films face right and are positives."""

    name = "orientation"

    def __init__(
        self, recipe: DefaultRecipe, train: Sequence[TrainingFilm], validation: Sequence[TrainingFilm]
    ) -> None:
        self.side, self.settings = recipe.orientation_side, recipe.orientation_fit
        self.train, self.validation = train, validation

    def network(self) -> nn.Module:
        """A new orientation network."""
        return OrientationNet(self.side)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Every film once in each of the four orientations, in random poses and grey curves."""
        for indices in shuffled(4 * len(self.train), self.settings.batch_films, rng):
            examples = [self._example(self.train[i // 4], bool(i & 1), bool(i & 2), rng) for i in indices]
            labels = np.array([(bool(i & 1), bool(i & 2)) for i in indices], dtype=np.float32)
            yield Batch((np.stack(examples)[:, None],), (labels,))

    def _example(
        self, film: TrainingFilm, left: bool, negative: bool, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        grid = 2 * self.side
        warp = coarse_warp(whole_warp(film.working, grid), grid, rng)
        surround = float(rng.choice([0.0, 1.0, rng.uniform()])) if rng.uniform() < 0.5 else None
        image = thumbnail(film.working, warp, self.side, fill=surround)
        image = furniture(grey_curve([image], rng)[0], rng)
        image = blur_and_noise(image[None], rng)[0]
        return standardise(orient(image, left=left, negative=negative))

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Binary cross-entropy of both answers, targets softened by 2 %."""
        soft = 0.02 + 0.96 * targets[0]
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, soft)

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """(share of wrong answers over augmented validation films in all orientations, NaN: no length)."""
        rng = np.random.default_rng(0)
        device = next(network.parameters()).device
        wrong = []
        for number in range(4 * len(self.validation)):
            left, negative = bool(number & 1), bool(number & 2)
            image = self._example(self.validation[number // 4], left, negative, rng)
            with torch.inference_mode():
                answer = network(torch.from_numpy(image)[None, None].to(device))[0].float().cpu().numpy() > 0
            wrong.append(float((answer != np.array([left, negative])).any()))
        return float(np.mean(wrong)), float("nan")
