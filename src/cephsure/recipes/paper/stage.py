"""The reference recipe's stage: one U-Net from the film, squeezed to a square, to Gaussian heat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from cephsure.inference.session import channel_masks
from cephsure.recipes.paper.localizer import blur_maps, maximum_positions, squeezed_view
from cephsure.recipes.paper.network import PaperUNet, PaperUNetConfig
from cephsure.training.graphs import export_network
from cephsure.training.material import TrainingFilm, mean_of_known, radial_errors_mm
from cephsure.training.stage import Batch, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cephsure.geometry import Affine
    from cephsure.recipes.paper.recipe import PaperRecipe
    from cephsure.training.worker import Job


def train_member(recipe: PaperRecipe, job: Job) -> None:
    """Fit and export one member."""
    train, held = job.films(recipe.side, lambda film, _: film)
    stage = PaperStage(recipe, train, held, dropout=job.dropout)
    export_paper(job.fit(stage, 0), recipe, stage.config, job.folder)


def export_paper(network: nn.Module, recipe: PaperRecipe, config: PaperUNetConfig, folder: Path) -> None:
    """Write ``paper.onnx``: (N, 1, S, S) film [and (N, M) masks] to (N, L, S, S) maps and features."""
    film = torch.zeros(2, 1, recipe.side, recipe.side)
    export_network(
        network, "paper", folder, example=("film", film), mask_sizes=config.mask_sizes, with_features=True
    )


class PaperStage:
    """Stage of the reference's network; no augmentation, as the reference describes none."""

    name = "paper"

    def __init__(
        self,
        recipe: PaperRecipe,
        train: Sequence[TrainingFilm],
        validation: Sequence[TrainingFilm],
        *,
        dropout: bool,
    ) -> None:
        self.recipe, self.train, self.validation = recipe, train, validation
        self.settings = recipe.fit
        self.config = PaperUNetConfig(train[0].points_px.shape[0], recipe.filters, dropout)
        self._views = {
            film.film_id: squeezed_view(film.working, recipe.side) for film in (*train, *validation)
        }

    def network(self) -> nn.Module:
        """A new U-Net."""
        return PaperUNet(self.config)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Films in random order and their heat maps; maps of missing landmarks are NaN."""
        for indices in shuffled(len(self.train), self.settings.batch_films, rng):
            chosen = [self.train[i] for i in indices]
            inputs: tuple[NDArray[np.float32], ...] = (self._images(chosen),)
            if self.config.dropout:
                inputs += (channel_masks(rng, len(chosen), self.config.mask_sizes, self.recipe.dropout),)
            yield Batch(inputs, (self._targets(chosen),))

    def _images(self, films: Sequence[TrainingFilm]) -> NDArray[np.float32]:
        return np.stack([self._views[film.film_id][0] for film in films])[:, None]

    def _targets(self, films: Sequence[TrainingFilm]) -> NDArray[np.float32]:
        return np.stack([self._target(film, self._views[film.film_id][1]) for film in films])

    def _target(self, film: TrainingFilm, to_film: Affine) -> NDArray[np.float32]:
        """(L, S, S): amplitude times a Gaussian of unit mass about each landmark, NaN where it is missing."""
        sigma, axis = self.recipe.target_sigma_px, np.arange(self.recipe.side)
        x, y = to_film.inverse().apply(film.points_px).T
        along_x = np.exp(-((axis[None, :] - x[:, None]) ** 2) / (2 * sigma**2))
        along_y = np.exp(-((axis[None, :] - y[:, None]) ** 2) / (2 * sigma**2))
        height = self.recipe.target_amplitude / (2 * np.pi * sigma**2)
        maps: NDArray[np.float32] = (height * along_y[:, :, None] * along_x[:, None, :]).astype(np.float32)
        return maps

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Mean squared error over the known landmarks' maps."""
        known = torch.isfinite(targets[0])
        difference = torch.where(known, outputs - torch.nan_to_num(targets[0]), 0.0)
        return difference.square().sum() / known.sum().clamp_min(1)

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """(validation loss, MRE in mm); with dropout both are of the network without it."""
        device = next(network.parameters()).device
        losses, errors = [], []
        for film in self.validation:
            image = torch.from_numpy(self._images([film])).to(device)
            with torch.inference_mode():
                maps = network(image).float()
            losses.append(float(self.loss(maps, (torch.from_numpy(self._targets([film])).to(device),))))
            peaks, _ = maximum_positions(blur_maps(maps[0].cpu().numpy(), self.recipe.target_sigma_px))
            errors.append(radial_errors_mm(self._views[film.film_id][1].apply(peaks), film))
        return float(np.mean(losses)), mean_of_known(errors)
