from __future__ import annotations

import re

import pytest
import torch

from cephsure.training import precision as module
from cephsure.training.precision import choose_precision


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
