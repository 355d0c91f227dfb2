"""The reference recipe's stage: one U-Net from the film, squeezed to a square, to Gaussian heat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from cephsure.inference.session import channel_masks
from cephsure.recipes.paper.localizer import blur_matrix, squeezed_view, target_lines
from cephsure.recipes.paper.network import PaperUNet, PaperUNetConfig
from cephsure.training.device import part_size, place, send
from cephsure.training.graphs import export_network
from cephsure.training.material import TrainingFilm, mean_of_known, radial_errors_mm
from cephsure.training.stage import Batch, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from cephsure.geometry import Affine
    from cephsure.recipes.paper.recipe import PaperRecipe
    from cephsure.training.worker import Job


def train_member(recipe: PaperRecipe, job: Job) -> None:
    """Fit and export one member."""
    train, held = job.films(recipe.side, lambda film, _: film)
    stage = PaperStage(recipe, train, held, dropout=job.dropout, device=job.device)
    export_paper(job.fit(stage, 0), recipe, stage.config, job.folder)


def export_paper(network: nn.Module, recipe: PaperRecipe, config: PaperUNetConfig, folder: Path) -> None:
    """Write ``paper.onnx``: (N, 1, S, S) film [and (N, M) masks] to (N, L, S, S) maps and features."""
    film = torch.zeros(2, 1, recipe.side, recipe.side)
    export_network(
        network, "paper", folder, example=("film", film), mask_sizes=config.mask_sizes, with_features=True
    )


class PaperStage:
    """Stage of the reference's network; no augmentation, as the reference has none.

    The films' views are few and small: they lie on the device, where the heat maps are made as well.
    """

    name = "paper"

    def __init__(
        self,
        recipe: PaperRecipe,
        train: Sequence[TrainingFilm],
        validation: Sequence[TrainingFilm],
        *,
        dropout: bool,
        device: str = "cpu",
    ) -> None:
        self.recipe, self.validation = recipe, validation
        self.settings = recipe.fit
        self.config = PaperUNetConfig(train[0].points_px.shape[0], recipe.filters, dropout)
        self._device = torch.device(device)
        self._images, self._lines, _ = self._views(train)
        self._held_images, self._held_lines, self._to_film = self._views(validation)

    def _views(self, films: Sequence[TrainingFilm]) -> tuple[Tensor, Tensor, tuple[Affine, ...]]:
        """Squeezed films (F, 1, S, S), the lines (F, 2, L, S) of their heat maps, and the maps to film px."""
        recipe = self.recipe
        images, to_film = zip(*(squeezed_view(film.working, recipe.side) for film in films), strict=True)
        points = [way.inverse().apply(film.points_px) for film, way in zip(films, to_film, strict=True)]
        lines = [target_lines(p, recipe.side, recipe.target_sigma_px, recipe.version) for p in points]
        seen = np.stack(images)[:, None].astype(np.float32)
        return place(seen, self._device), place(np.stack(lines), self._device), to_film

    def network(self) -> nn.Module:
        """A new U-Net."""
        return PaperUNet(self.config)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Films in random order and their heat maps; maps of missing landmarks are NaN."""
        parts = list(shuffled(len(self._images), self.settings.batch_films, rng))
        sizes = [len(part) for part in parts]
        # One copy an epoch, not one a step.
        order = torch.split(send(np.concatenate(parts), self._images.device), sizes)
        masks: Sequence[Tensor] = ()
        if self.config.dropout:
            drawn = channel_masks(rng, len(self._images), self.config.mask_sizes, self.recipe.dropout)
            masks = torch.split(send(drawn, self._device), sizes)
        for step, films in enumerate(order):
            inputs = (self._images[films], *masks[step : step + 1])
            yield Batch(inputs, (self._maps(send(self._lines[films], self._device)),))

    def _maps(self, lines: Tensor) -> Tensor:
        """Heat maps (N, L, S, S) from lines (N, 2, L, S) along x and y; NaN where a landmark is missing."""
        along_x, along_y = self.recipe.target_amplitude * lines[:, 0], lines[:, 1]
        return along_y[:, :, :, None] * along_x[:, :, None, :]

    def loss(self, outputs: Tensor, targets: tuple[Tensor, ...]) -> Tensor:
        """Mean squared error over the known landmarks' maps."""
        squares, known = _squared_errors(outputs, targets[0])
        return squares.sum() / known.sum().clamp_min(1)

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """(validation loss, the films' mean; MRE in mm); with dropout both are of the network without it."""
        recipe, size = self.recipe, part_size(self._device)
        blur = send(blur_matrix(recipe.side, recipe.target_sigma_px, recipe.version), self._device)
        losses, peaks = [], []
        with torch.inference_mode():
            parts = [torch.split(held, size) for held in (self._held_images, self._held_lines)]
            for images, lines in zip(*parts, strict=True):
                maps = network(send(images, self._device)).float()  # (N, L, S, S)
                squares, known = _squared_errors(maps, self._maps(send(lines, self._device)))
                losses.append(squares / known.clamp_min(1))
                peaks.append((blur @ maps @ blur).flatten(2).argmax(dim=2))
        loss = float(torch.cat(losses).double().mean())
        cells = torch.cat(peaks).cpu().numpy()  # (F, L)
        positions = np.stack([cells % recipe.side, cells // recipe.side], axis=-1).astype(np.float64)
        errors = [
            radial_errors_mm(to_film.apply(found), film)
            for to_film, found, film in zip(self._to_film, positions, self.validation, strict=True)
        ]
        return loss, mean_of_known(errors)


def _squared_errors(outputs: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Sums (N,) of squared differences over the known landmarks' pixels, and how many those are."""
    known = torch.isfinite(maps)
    difference = torch.where(known, outputs - torch.nan_to_num(maps), 0.0)
    return difference.square().flatten(1).sum(dim=1), known.flatten(1).sum(dim=1)
