"""Where networks are trained, how arrays get there, and in what arithmetic: bfloat16 is tried before use."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from cephsure.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cephsure.training.stage import Precision

DEVICE_SHARE = 0.1
"""Share of a GPU's free memory that a job's films may take: several jobs may share a card."""
GPU_PART, CPU_PART = 64, 8
LARGEST_DIFFERENCE = 0.05
LEAST_SPEED_UP = 1.15


def find_device(wanted: Literal["auto", "cpu", "cuda"] = "auto") -> Literal["cpu", "cuda"]:
    """The device to train on; "auto" is a GPU where torch finds one.

    Raises:
        InputError: "cuda" where there is none.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise InputError("torch finds no CUDA GPU here", remedy="--device cpu, or a torch built for CUDA")
    return "cuda" if there and wanted != "cpu" else "cpu"


def make_repeatable(device: torch.device) -> None:
    """Let cuDNN take algorithms that repeat their sums, without trials; atomic additions may differ."""
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def send(array: NDArray[Any] | Tensor, device: torch.device) -> Tensor:
    """An array on a device; to a GPU through pinned memory, so that nobody waits for the copy."""
    tensor = torch.as_tensor(array)
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def place(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array that stays: on the device where it takes a tenth of what is free at most, else on the host."""
    if device.type == "cuda" and array.nbytes > DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]:
        return torch.as_tensor(array)
    return send(array, device)


def part_size(device: torch.device) -> int:
    """How many validation films a network is given at once."""
    return GPU_PART if device.type == "cuda" else CPU_PART


def run_in_parts(network: nn.Module, images: NDArray[np.float32] | Tensor) -> Tensor:
    """A network's float32 outputs (N, ...) of images (N, ...) without gradients, some at a time."""
    device = next(network.parameters()).device
    parts = torch.split(torch.as_tensor(images), part_size(device))
    with torch.inference_mode():
        return torch.cat([network(send(part, device)).float() for part in parts])


def choose_precision(device: str = "cpu") -> tuple[Precision, str]:
    """bfloat16 if a small network gives the same to within 5 % and at least 1.15 times as fast, else float32.

    On a GPU it is larger: a small one would time how quickly its work is handed over, not how it is done.

    Returns:
        The precision, and the measurement in words.
    """
    torch.manual_seed(0)
    width, side = (64, 48) if device == "cpu" else (256, 128)
    net = nn.Sequential(
        nn.Conv2d(width // 2, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
    ).to(device)
    # torch's stubs leave memory_format out.
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(16, width // 2, side, side, device=device).to(memory_format=torch.channels_last)
    exact, exact_s = _run(net, x, enabled=False)
    rough, rough_s = _run(net, x, enabled=True)
    difference = float((exact - rough).norm() / exact.norm())
    speed_up = exact_s / rough_s
    good = difference < LARGEST_DIFFERENCE and speed_up > LEAST_SPEED_UP
    words = f"{speed_up:.1f} times as fast as float32, gradients differ by {100 * difference:.1f} %"
    return ("bfloat16" if good else "float32"), f"bfloat16 is {words}"


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
