from __future__ import annotations

import math

import pytest
import torch
from safetensors import SafetensorError

from cephsure.training import checkpoint as module
from cephsure.training.checkpoint import (
    load_checkpoint,
    pack_optimiser,
    save_checkpoint,
    unpack_optimiser,
    write_atomic,
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


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def fail(_):
        raise OSError("disk full")

    monkeypatch.setattr(module.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_write_replaces_the_whole_file(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, b"a longer content")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_cut_checkpoint_is_noticed(tmp_path):
    save_checkpoint(tmp_path / "x", {"a": torch.zeros(100)}, {})
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:-50])
    with pytest.raises(SafetensorError):
        load_checkpoint(tmp_path / "x")
