"""The U-Net of the reference work (Drevický & Kodým 2020), to the letter of its description."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


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
