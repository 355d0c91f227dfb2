from __future__ import annotations

import re

import pytest
import torch

from cephsure.errors import InputError
from cephsure.training import device as module
from cephsure.training.device import choose_precision, find_device


@pytest.mark.parametrize(
    ("difference", "seconds", "chosen"),
    [
        (0.01, 0.5, "bfloat16"),
        (0.01, 0.9, "float32"),  # 1.11 times as fast: not worth it
        (0.01, 2.0, "float32"),
        (0.10, 0.1, "float32"),  # other gradients
        (float("nan"), 0.1, "float32"),
    ],
)
def test_bfloat16_must_be_right_and_quick(monkeypatch, difference, seconds, chosen):
    def fake(net, x, *, enabled):
        if enabled:
            return torch.tensor([1.0 + difference]), seconds
        return torch.tensor([1.0]), 1.0

    monkeypatch.setattr(module, "_run", fake)
    precision, words = choose_precision()
    assert precision == chosen
    assert f"{1 / seconds:.1f} times" in words


def test_the_real_test_measures_both():
    precision, words = choose_precision("cpu")
    assert precision in {"float32", "bfloat16"}
    found = re.fullmatch(
        r"bfloat16 is ([\d.]+) times as fast as float32, gradients differ by ([\d.]+) %", words
    )
    # Eight bits of mantissa: gradients differ, by less than some per cent.
    assert 0 < float(found[2]) < 5


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
