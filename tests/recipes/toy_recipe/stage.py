"""What is trained: two convolutions from the small film to a map a landmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from cephsure.geometry import local_centroids, softmax_maps
from cephsure.training.graphs import export_network
from cephsure.training.material import mean_error_mm
from cephsure.training.stage import Batch, shuffled
from toy_recipe.localizer import small_view

if TYPE_CHECKING:
    from cephsure.training.worker import Job
    from toy_recipe.recipe import ToyRecipe


class ToyNet(nn.Module):
    """Films (N, 1, S, S) to logits (N, L, S, S)."""

    def __init__(self, filters: int, landmarks: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, filters, 7, padding=3)
        self.second = nn.Conv2d(filters, landmarks, 7, padding=3)

    def forward(self, film):
        return self.second(F.relu(self.first(film)))


class ToyStage:
    """Its examples, its loss, its validation."""

    name = "toy"

    def __init__(self, recipe: ToyRecipe, train, validation) -> None:
        self.recipe, self.settings = recipe, recipe.fit
        self.train, self.validation = train, validation

    def network(self) -> nn.Module:
        return ToyNet(self.recipe.filters, len(self.train[0].points_px))

    def batches(self, rng: np.random.Generator):
        for indices in shuffled(len(self.train), self.settings.batch_films, rng):
            views = [small_view(self.train[i].working, self.recipe.side) for i in indices]
            cells = [
                warp.output(self.train[i].points_px) for i, (_, warp) in zip(indices, views, strict=True)
            ]
            images = np.stack([image for image, _ in views])[:, None]
            yield Batch((images,), (np.clip(np.round(np.stack(cells)), 0, self.recipe.side - 1),))

    def loss(self, outputs, targets):
        column, row = targets[0].long().unbind(dim=-1)  # (N, L) each
        return F.cross_entropy(outputs.flatten(0, 1).flatten(1), (row * self.recipe.side + column).flatten())

    def validate(self, network: nn.Module) -> tuple[float, float]:
        points = []
        for film in self.validation:
            image, warp = small_view(film.working, self.recipe.side)
            with torch.inference_mode():
                logits = network(torch.from_numpy(image)[None, None])[0].numpy()
            points.append(warp.source(local_centroids(softmax_maps(logits), 2)))
        mre = mean_error_mm(points, self.validation)
        return mre, mre


def train_member(recipe: ToyRecipe, job: Job) -> None:
    """Fit and export one member."""
    train, held = job.films(recipe.side, lambda film, _: film)
    network = job.fit(ToyStage(recipe, train, held), 0)
    export_network(network, "toy", job.folder, example=("film", torch.zeros(2, 1, recipe.side, recipe.side)))
