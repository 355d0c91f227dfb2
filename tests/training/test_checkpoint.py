from __future__ import annotations

import math
import os
import signal

import pytest
import torch
from safetensors import SafetensorError

from cephsure.errors import InputError
from cephsure.training import checkpoint as module
from cephsure.training.checkpoint import (
    CheckpointTimes,
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


def test_moments_lie_in_memory_as_their_weights_do(tmp_path):
    network = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.randn(1, 3, 5, 5)).sum().backward()
    optimiser.step()
    save_checkpoint(tmp_path / "x", pack_optimiser(optimiser), {})
    fresh = torch.optim.Adam(network.parameters())
    unpack_optimiser(fresh, load_checkpoint(tmp_path / "x")[0])
    moment = fresh.state[network.weight]["exp_avg"]
    assert moment.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(moment, optimiser.state[network.weight]["exp_avg"])


@pytest.fixture
def saved_after(monkeypatch):
    """The epochs after which a fit is saved, by the seconds that each epoch and each checkpoint takes."""

    def saved_after(times, epochs_s, saving_s):
        clock, saved = [0.0], []
        monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
        for number, seconds in enumerate(epochs_s, 1):

            def write(number=number):
                saved.append(number)
                clock[0] += saving_s

            times.after_epoch(seconds, finished=number == len(epochs_s), write=write)
        return saved

    return saved_after


def test_long_epochs_are_each_saved_and_short_ones_when_ten_savings_have_passed(saved_after):
    # A checkpoint of 2 s: after the first epoch, then after 20 s of training each.
    assert saved_after(CheckpointTimes(), [25.0] * 4, 2.0) == [1, 2, 3, 4]
    assert saved_after(CheckpointTimes(), [5.0] * 11, 2.0) == [1, 5, 9, 11]


def test_an_interval_in_epochs_is_kept_and_the_end_is_always_saved(saved_after):
    assert saved_after(CheckpointTimes(every=4), [0.1] * 10, 9.0) == [4, 8, 10]


def test_a_signal_ends_at_once_what_is_saved_and_else_after_the_epoch():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        times = CheckpointTimes(every=2)
        times.end_on_signals()
        times.after_epoch(1.0, finished=False, write=lambda: pytest.fail("not due"))
        signal.raise_signal(signal.SIGTERM)  # nothing happens yet
        written = []
        with pytest.raises(SystemExit):
            times.after_epoch(1.0, finished=False, write=lambda: written.append(1))
        assert written == [1]

        times = CheckpointTimes(every=2)
        times.end_on_signals()
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
