from __future__ import annotations

import numpy as np
import pytest
import torch

from cephsure.errors import InputError
from cephsure.training import device as module
from cephsure.training.device import find_device


@pytest.mark.parametrize(
    ("wanted", "there", "found"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_a_gpu_is_used_where_there_is_one_and_none_is_refused(monkeypatch, wanted, there, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert find_device(wanted) == found


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA GPU here"):
        find_device("cuda")


GPU = torch.device("cuda")


@pytest.fixture
def sent(monkeypatch):
    """What is sent to a GPU that is not there: shapes, and whether they are waited for."""
    gone = []

    def to(tensor, device, *, non_blocking=False):
        gone.append((tuple(tensor.shape), device.type, non_blocking))
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    monkeypatch.setattr(torch.Tensor, "to", to)
    return gone


def test_nobody_waits_for_a_copy_to_a_gpu(sent):
    module.send(np.zeros((2, 3), np.float32), GPU)
    assert sent == [((2, 3), "cuda", True)]


@pytest.mark.parametrize(("free", "placed"), [(10 * 24, 1), (10 * 24 - 1, 0)])
def test_films_lie_on_a_gpu_where_they_take_a_tenth_of_it(monkeypatch, sent, free, placed):
    # Six numbers of four bytes.
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 10**9))
    module.place(np.zeros((2, 3), np.float32), GPU)
    assert len(sent) == placed


def test_a_gpus_sums_are_not_left_to_chance(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    module.make_repeatable(torch.device("cpu"))
    assert torch.backends.cudnn.benchmark
    module.make_repeatable(GPU)
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.benchmark


def test_a_gpu_is_given_more_films_at_once():
    assert module.part_size(GPU) > module.part_size(torch.device("cpu"))


@pytest.mark.parametrize("count", [1, 8, 11])
def test_parts_are_put_together_in_their_order(count):
    network = torch.nn.Linear(1, 1)
    films = np.arange(count, dtype=np.float32)[:, None]
    found = module.run_in_parts(network, films)
    assert torch.equal(found, network(torch.from_numpy(films)))
    assert not found.requires_grad
