"""Losses on heat maps; landmarks that are missing take no part."""

from __future__ import annotations

import torch
from torch import Tensor


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
        losses = losses + distance_weight * (log_p.exp() * square.flatten(1).clamp_min(1e-6).sqrt()).sum(
            dim=1
        )
    return (losses * known).sum() / known.sum().clamp_min(1)
