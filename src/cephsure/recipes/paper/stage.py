"""The reference's U-Net (Drevický & Kodým 2020), from squeezed films to Gaussian maps; how it is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from cephsure.inference.session import channel_masks
from cephsure.recipes.paper.localizer import blur_matrix, squeezed_view, target_lines
from cephsure.recipes.start import go_on_from
from cephsure.training.device import part_size, place, send
from cephsure.training.graphs import export_network
from cephsure.training.material import TrainingFilm, mean_error_mm
from cephsure.training.stage import Batch, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cephsure.geometry import Affine
    from cephsure.recipes.paper.recipe import PaperRecipe
    from cephsure.recipes.start import Layer
    from cephsure.training.start import StartNetworks
    from cephsure.training.worker import Job


@dataclass(frozen=True, slots=True)
class PaperUNetConfig:
    """Shape of the reference network; the defaults are its own.

    Attributes:
        landmarks: number of output maps.
        filters: convolution filters from the first level down.
        dropout: whether channel masks are taken as a second input (MC-Dropout).
    """

    landmarks: int = 19
    filters: tuple[int, ...] = (64, 128, 256, 512, 1024)
    dropout: bool = False

    @property
    def mask_sizes(self) -> tuple[int, ...]:
        """Channels at each dropout site: after each pooling and after each concatenation.

        The film is no site: without its only channel two passes of five would see nothing.
        """
        down = self.filters[:-1]
        up = tuple(2 * width for width in reversed(down))
        return down + up if self.dropout else ()


def _double(inner: int, outer: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inner, outer, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outer),
        nn.Conv2d(outer, outer, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outer),
    )


class PaperUNet(nn.Module):
    """U-Net: (N, 1, 128, 128) film in [-1, 1] to (N, L, 128, 128) heat maps.

    With ``config.dropout`` a second input holds the channel masks (N, sum of ``config.mask_sizes``): 0 where
    a channel is dropped, 1 / (1 - p) where it is kept, so that a caller seeds and repeats them at will.
    """

    def __init__(self, config: PaperUNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.filters
        self.down = nn.ModuleList(_double(a, b) for a, b in zip((1, *widths[:-1]), widths, strict=True))
        self.pool = nn.MaxPool2d(2)
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.rise = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(_double(2 * b, b) for _, b in pairs)
        self.head = nn.Conv2d(widths[0], config.landmarks, 1)

    def forward(self, film: Tensor, masks: Tensor | None = None) -> Tensor:
        """Heat maps of films; ``masks`` only for a network made with dropout."""
        sites = iter(()) if masks is None else iter(torch.split(masks, list(self.config.mask_sizes), dim=1))

        def drop(x: Tensor) -> Tensor:
            return x if masks is None else x * next(sites)[:, :, None, None]

        skips: list[Tensor] = []
        x = film
        for level, block in enumerate(self.down):
            x = block(drop(self.pool(x)) if level else x)
            skips.append(x)
        skips.pop()
        for rise, block in zip(self.rise, self.up, strict=True):
            x = block(drop(torch.cat([rise(x), skips.pop()], dim=1)))
        maps: Tensor = self.head(x)  # (N, L, 128, 128)
        return maps

    def layers(self) -> Iterator[Layer]:
        """All that has weights, in the order of use."""
        ups = (part for pair in zip(self.rise, self.up, strict=True) for part in pair)
        for part in (*self.down, *ups):
            inside = part if isinstance(part, nn.Sequential) else [part]
            yield from (layer for layer in inside if not isinstance(layer, nn.ReLU))
        yield self.head


def train_member(recipe: PaperRecipe, job: Job) -> None:
    """Fit and export one member."""
    train, held = job.films(recipe.side, lambda film, _: film)
    stage = PaperStage(recipe, train, held, dropout=job.dropout, device=job.device, start=job.start)
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
        start: StartNetworks | None = None,
    ) -> None:
        self.start = start
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
        """A new U-Net, or the one to go on from."""
        network = PaperUNet(self.config)
        if self.start is not None:
            side = self.recipe.side
            go_on_from(
                network, network.layers(), self.start.folder / "paper.onnx", torch.ones(2, 1, side, side)
            )
        return network

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
        found = [to_film.apply(points) for to_film, points in zip(self._to_film, positions, strict=True)]
        return loss, mean_error_mm(found, self.validation)


def _squared_errors(outputs: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Sums (N,) of squared differences over the known landmarks' pixels, and how many those are."""
    known = torch.isfinite(maps)
    difference = torch.where(known, outputs - torch.nan_to_num(maps), 0.0)
    return difference.square().flatten(1).sum(dim=1), known.flatten(1).sum(dim=1)
