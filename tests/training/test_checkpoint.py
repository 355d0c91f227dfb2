from __future__ import annotations

import math
import os

import pytest
import torch
from safetensors import SafetensorError

from cephsure.errors import InputError
from cephsure.training.checkpoint import (
    load_checkpoint,
    pack_optimiser,
    save_checkpoint,
    unpack_optimiser,
)


def test_tensors_and_facts_come_back_bit_for_bit(tmp_path):
    torch.manual_seed(0)
    tensors = {
        "a.weight": torch.randn(3, 4, 2, 2).to(memory_format=torch.channels_last),
        "b.count": torch.tensor(7),
        "c": torch.randn(5)[::2],
    }
    facts = {"best": math.inf, "mre": math.nan, "history": [{"loss": 0.1 + 0.2}], "finished": False}
    save_checkpoint(tmp_path / "x.safetensors", tensors, facts)
    loaded, read = load_checkpoint(tmp_path / "x.safetensors")
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert loaded["b.count"].dtype == torch.int64
    assert math.isnan(read.pop("mre"))
    assert read == {"best": math.inf, "history": [{"loss": 0.1 + 0.2}], "finished": False}


def steps(network, optimiser, count):
    torch.manual_seed(1)
    for _ in range(count):
        optimiser.zero_grad()
        network(torch.randn(8, 3)).square().mean().backward()
        optimiser.step()


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_an_optimiser_goes_on_as_if_it_had_not_stopped(kind, tmp_path):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    optimiser = kind(network.parameters(), lr=0.01)
    steps(network, optimiser, 3)
    save_checkpoint(tmp_path / "x", dict(network.state_dict()) | pack_optimiser(optimiser), {})

    tensors, _ = load_checkpoint(tmp_path / "x")
    again = torch.nn.Linear(3, 2)
    again.load_state_dict({name: tensors[name] for name in again.state_dict()})
    fresh = kind(again.parameters(), lr=0.01)
    unpack_optimiser(fresh, tensors)
    steps(network, optimiser, 3)
    steps(again, fresh, 3)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    assert {k.split(".")[-1] for k in tensors if k.startswith("optimiser.")} == {
        "step",
        "exp_avg",
        "exp_avg_sq",
    }


def test_an_optimiser_before_its_first_step_has_nothing_to_pack():
    optimiser = torch.optim.Adam(torch.nn.Linear(2, 2).parameters())
    assert pack_optimiser(optimiser) == {}


def test_a_save_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "x"
    save_checkpoint(path, {"a": torch.ones(3)}, {"epoch": 1})

    def fail(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(InputError, match="No space left"):
            save_checkpoint(path, {"a": torch.zeros(3)}, {"epoch": 2})
    tensors, facts = load_checkpoint(path)
    assert (tensors["a"].tolist(), facts) == ([1.0, 1.0, 1.0], {"epoch": 1})
    assert list(tmp_path.iterdir()) == [path]


def test_a_cut_checkpoint_is_noticed(tmp_path):
    save_checkpoint(tmp_path / "x", {"a": torch.zeros(100)}, {})
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:-50])
    with pytest.raises(SafetensorError):
        load_checkpoint(tmp_path / "x")
