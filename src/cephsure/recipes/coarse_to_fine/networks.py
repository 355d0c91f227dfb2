"""The recipe's two networks: one that sees the whole film, one that sees a patch round each landmark.

Both begin with space-to-depth (2 x 2 pixels become 4 channels), so that all convolutions run at half the
input's resolution; sub-pixel decoding makes up for it. Both are fitted with one loss on their maps, in which
landmarks that are missing take no part.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cephsure.training.graphs import export_network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
    from cephsure.recipes.start import Layer


@dataclass(frozen=True, slots=True)
class UNetConfig:
    """Shape of one of the two networks.

    Attributes:
        landmarks: number of landmarks L.
        widths: channels at each level, from the finest down.
        annotators: annotators K whose points are told apart, each with maps of its own (fine network).
        dropout: whether channel masks are taken as a second input (MC-Dropout).
    """

    landmarks: int
    widths: tuple[int, ...]
    annotators: int = 1
    dropout: bool = False

    @property
    def mask_sizes(self) -> tuple[int, ...]:
        """Channels at each dropout site: the output of each block but the finest of the way down."""
        return (*self.widths[1:], *reversed(self.widths[:-1])) if self.dropout else ()


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch norm and ReLU; with landmarks, scaled and shifted for each (FiLM)."""

    def __init__(self, inner: int, outer: int, landmarks: int | None) -> None:
        super().__init__()
        self.first = nn.Conv2d(inner, outer, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(outer)
        self.second = nn.Conv2d(outer, outer, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(outer)
        if landmarks is not None:
            self.scale = nn.Parameter(torch.ones(landmarks, outer))
            self.shift = nn.Parameter(torch.zeros(landmarks, outer))
        self.conditioned = landmarks is not None

    def forward(self, x: Tensor) -> Tensor:
        """(N, inner, H, W) to (N, outer, H, W); N is films x landmarks when conditioned."""
        x = F.relu(self.first_norm(self.first(x)))
        x = self.second_norm(self.second(x))
        if self.conditioned:
            films = x.shape[0] // self.scale.shape[0]
            # In the activations' own precision: a float32 parameter would lift all of them to float32.
            scale = self.scale.to(x.dtype).repeat(films, 1)[:, :, None, None]
            shift = self.shift.to(x.dtype).repeat(films, 1)[:, :, None, None]
            x = torch.addcmul(shift, x, scale)
        return F.relu(x)

    def layers(self) -> Iterator[Layer]:
        """All that has weights, in the order of use."""
        yield from ((self.first, self.first_norm), (self.second, self.second_norm))
        if self.conditioned:
            yield from (self.scale, self.shift)


class _Trunk(nn.Module):
    """The U shared by both networks: blocks down by max pooling, up by repeated pixels, skip connections."""

    def __init__(self, inputs: int, config: UNetConfig, landmarks: int | None) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.down = nn.ModuleList(
            Block(a, b, landmarks) for a, b in zip((inputs, *widths[:-1]), widths, strict=True)
        )
        self.up = nn.ModuleList(
            Block(below + here, here, landmarks)
            for below, here in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )

    def forward(self, x: Tensor, masks: Tensor | None) -> Tensor:
        """(N, inputs, H, W) to (N, widths[0], H, W)."""
        sites = iter(()) if masks is None else iter(torch.split(masks, list(self.config.mask_sizes), dim=1))

        def drop(x: Tensor) -> Tensor:
            return x if masks is None else x * next(sites)[:, :, None, None]

        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = drop(block(F.max_pool2d(x, 2))) if level else block(x)
            skips.append(x)
        skips.pop()
        for block in self.up:
            raised = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = drop(block(torch.cat([raised, skips.pop()], dim=1)))
        return x

    def layers(self) -> Iterator[Layer]:
        """All that has weights, in the order of use."""
        for block in (*self.down, *self.up):
            yield from cast("Block", block).layers()


class CoarseNet(nn.Module):
    """Whole film (N, 1, S, S) to logits (N, L, S/2, S/2); a spatial softmax makes each map a probability."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = _Trunk(4, config, None)
        self.head = nn.Conv2d(config.widths[0], config.landmarks, 1)

    def forward(self, film: Tensor, masks: Tensor | None = None) -> Tensor:
        """Logits of the coarse maps."""
        logits: Tensor = self.head(self.trunk(F.pixel_unshuffle(film, 2), masks))
        return logits

    def layers(self) -> Iterator[Layer]:
        """All that has weights, in the order of use."""
        yield from self.trunk.layers()
        yield self.head


class FineNet(nn.Module):
    """Patches round the landmarks (N, L, 4 + C, P, P) to logits (N, K, L, P, P), conditioned on the landmark.

    The first four channels are the patch at full resolution, space-to-depth; the others show its wider
    surroundings, coarser. One network serves all landmarks: each has its own scale and shift of every block's
    channels and its own output weights, a set for each of K annotators: where two experts mark different
    places, the mean of their marks is none that the image shows, but each one's own place is.
    """

    def __init__(self, config: UNetConfig, channels: int) -> None:
        super().__init__()
        self.config = config
        self.trunk = _Trunk(channels, config, config.landmarks)
        shape = (config.annotators, config.landmarks, config.widths[0])
        self.weight = nn.Parameter(torch.randn(shape) / config.widths[0] ** 0.5)

    def forward(self, patches: Tensor, masks: Tensor | None = None) -> Tensor:
        """Logits of the fine maps; ``masks`` (N, sum of mask_sizes) serve all patches of a film alike."""
        count, landmarks, channels, side, _ = patches.shape
        if masks is not None:
            masks = masks.repeat_interleave(landmarks, dim=0)
        x = self.trunk(patches.reshape(count * landmarks, channels, side, side), masks)
        maps = [(x * w.to(x.dtype).repeat(count, 1)[:, :, None, None]).sum(dim=1) for w in self.weight]
        return torch.stack([m.reshape(count, landmarks, side, side) for m in maps], dim=1)

    def layers(self) -> Iterator[Layer]:
        """All that has weights, in the order of use."""
        yield from self.trunk.layers()
        yield from self.weight.detach()

    def told_apart(self, annotators: int) -> FineNet:
        """The network with so many annotators' maps: as many as it has stay, others begin as their mean."""
        if annotators != self.config.annotators:
            self.config = replace(self.config, annotators=annotators)
            mean = self.weight.detach().mean(dim=0, keepdim=True)
            self.weight = nn.Parameter(mean.repeat(annotators, 1, 1))
        return self

    def beside(self, annotators: int) -> FineNet:
        """The network with so many annotators' maps before those it has; they begin as the mean of these."""
        known = self.weight.detach()
        new = known.mean(dim=0, keepdim=True).repeat(annotators, 1, 1)
        self.weight = nn.Parameter(torch.cat([new, known]))
        self.config = replace(self.config, annotators=len(self.weight))
        return self

    def with_maps(self, which: slice) -> FineNet:
        """A copy of the network with some annotators' maps only."""
        chosen = copy.deepcopy(self)
        chosen.weight = nn.Parameter(chosen.weight.detach()[which])
        chosen.config = replace(chosen.config, annotators=len(chosen.weight))
        return chosen


class OrientationNet(nn.Module):
    """Whole film (N, 1, S, S), S a multiple of 16, to logits (N, 2): does it face left, is it a negative."""

    def __init__(self, side: int = 64) -> None:
        super().__init__()
        widths = (16, 32, 48, 64)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in zip((1, *widths[:-1]), widths, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.hidden = nn.Linear(widths[-1] * (side // 16) ** 2, 64)
        self.head = nn.Linear(64, 2)

    def forward(self, film: Tensor) -> Tensor:
        """Logits (facing left, negative)."""
        x = film
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.max_pool2d(F.relu(norm(convolution(x))), 2)
        logits: Tensor = self.head(F.relu(self.hidden(x.flatten(1))))
        return logits


def spatial_cross_entropy(
    logits: Tensor, positions: Tensor, sigma_px: float, distance_weight: float
) -> Tensor:
    """Cross-entropy of spatially softmaxed maps against Gaussian targets, plus the expected radial error.

    Args:
        logits: (N, H, W).
        positions: (N, 2) true (x, y) in map pixels, not rounded; NaN where missing; may lie outside the map.
        sigma_px: the target's standard deviation in map pixels.
        distance_weight: weight of sum_u p(u) |u - position| in map pixels.
    """
    _, height, width = logits.shape
    known = torch.isfinite(positions).all(dim=1)
    x, y = torch.nan_to_num(positions).unbind(dim=1)
    dx = torch.arange(width, device=logits.device)[None, :] - x[:, None]
    dy = torch.arange(height, device=logits.device)[None, :] - y[:, None]
    square = dx[:, None, :] ** 2 + dy[:, :, None] ** 2  # (N, H, W)
    target = torch.softmax(-square.flatten(1) / (2 * sigma_px**2), dim=1)
    log_p = torch.log_softmax(logits.flatten(1), dim=1)
    losses = -(target * log_p).sum(dim=1)
    if distance_weight:
        distances = square.flatten(1).clamp_min(1e-6).sqrt()
        losses = losses + distance_weight * (log_p.exp() * distances).sum(dim=1)
    return (losses * known).sum() / known.sum().clamp_min(1)


def export_coarse(network: nn.Module, recipe: CoarseToFineRecipe, config: UNetConfig, folder: Path) -> None:
    """Write ``coarse.onnx``: (N, 1, S, S) film [and (N, M) masks] to (N, L, S/2, S/2) logits and features."""
    film = torch.zeros(2, 1, recipe.coarse_side, recipe.coarse_side)
    export_network(
        network, "coarse", folder, example=("film", film), mask_sizes=config.mask_sizes, with_features=True
    )


def export_fine(network: nn.Module, recipe: CoarseToFineRecipe, config: UNetConfig, folder: Path) -> None:
    """Write ``fine.onnx``: (N, L, C, P, P) patches [and (N, M) masks] to (N, K, L, P, P) logits."""
    layout = recipe.layout
    patches = torch.zeros(2, config.landmarks, layout.channels, layout.map_side, layout.map_side)
    export_network(network, "fine", folder, example=("patches", patches), mask_sizes=config.mask_sizes)


def export_orientation(network: nn.Module, recipe: CoarseToFineRecipe, folder: Path) -> None:
    """Write ``orientation.onnx``: (N, 1, S, S) film to (N, 2) logits of facing left and negative."""
    side = recipe.orientation_side
    export_network(network, "orientation", folder, example=("film", torch.zeros(2, 1, side, side)))
