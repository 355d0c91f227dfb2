"""Where networks are trained, and how arrays get there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from cephsure.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


DEVICE_SHARE = 0.1
"""Share of a GPU's free memory that a job's films may take: several jobs may share a card."""
GPU_PART, CPU_PART = 64, 8


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
