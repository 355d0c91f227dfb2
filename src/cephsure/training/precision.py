"""Whether bfloat16 is right and quick on this machine: tried before it is used."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from cephsure.training.settings import Precision

LARGEST_DIFFERENCE = 0.05
LEAST_SPEED_UP = 1.15


def choose_precision(device: str = "cpu") -> tuple[Precision, str]:
    """bfloat16 if a small network gives the same to within 5 % and at least 1.15 times as fast, else float32.

    Returns:
        The precision, and the measurement in words.
    """
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1)
    ).to(device)
    # torch's stubs leave memory_format out.
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(16, 32, 48, 48, device=device).to(memory_format=torch.channels_last)
    exact, exact_s = _run(net, x, enabled=False)
    rough, rough_s = _run(net, x, enabled=True)
    difference = float((exact - rough).norm() / exact.norm())
    speed_up = exact_s / rough_s
    words = (
        f"bfloat16 is {speed_up:.1f} times as fast as float32, gradients differ by {100 * difference:.1f} %"
    )
    good = difference < LARGEST_DIFFERENCE and speed_up > LEAST_SPEED_UP
    return ("bfloat16" if good else "float32"), words


def _run(net: nn.Module, x: Tensor, *, enabled: bool) -> tuple[Tensor, float]:
    """Gradients of one step, and the quickest of four steps in seconds."""
    times = []
    for _ in range(4):
        net.zero_grad()
        start = _now(x)
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=enabled):
            y = net(x)
        y.float().square().mean().backward()
        times.append(_now(x) - start)
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]), min(times)


def _now(x: Tensor) -> float:
    """Seconds, when all work on the tensor's device is done."""
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter()
