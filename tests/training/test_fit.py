from __future__ import annotations

import itertools
import math
import os
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from cephsure.errors import InputError
from cephsure.training import fit as module
from cephsure.training.fit import (
    CheckpointTimes,
    Progress,
    _average,
    fit,
    learning_rate,
    load_checkpoint,
    pack_optimiser,
    save_checkpoint,
    unpack_optimiser,
)
from cephsure.training.stage import Batch, FitSettings

pytestmark = pytest.mark.slow

NAN = float("nan")
PLAIN = FitSettings(epochs=6, batch_films=4, learning_rate=0.05, ema_decay=None, optimiser="adam")


class Line:
    """Learns y = 2 x + 1 by a straight line with batch norm before it."""

    name = "line"

    def __init__(self, settings):
        self.settings = settings

    def network(self):
        return nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))

    def batches(self, rng):
        for _ in range(3):
            x = rng.normal(3, 2, (self.settings.batch_films, 1)).astype(np.float32)
            yield Batch((x,), (2 * x + 1,))

    def loss(self, outputs, targets):
        return (outputs - targets[0]).square().mean()

    def validate(self, network):
        x = torch.linspace(-1, 7, 9)[:, None]
        with torch.inference_mode():
            error = float((network(x) - (2 * x + 1)).abs().mean())
        return error, 10 * error


class Scripted(Line):
    """Validates as written: the scores in turn; keeps the weights it was shown."""

    def __init__(self, settings, scores):
        super().__init__(settings)
        self.scores, self.shown = scores, []

    def validate(self, network):
        self.shown.append({name: value.clone() for name, value in network.state_dict().items()})
        score = self.scores[len(self.shown) - 1]
        return score, 10 * score


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def run(stage, folder, **options):
    given = {"seed": 5, "precision": "float32", "times": CheckpointTimes(every=1)} | options
    return fit(stage, checkpoint=folder / "line.checkpoint.safetensors", **given)


@pytest.mark.slow
def test_it_learns(tmp_path):
    network, progress = run(Line(replace(PLAIN, epochs=80)), tmp_path)
    # What is left comes from batch norm's noise.
    assert progress.history[-1]["loss"] < 0.2 * progress.history[0]["loss"]
    assert progress.history[-1]["validation_score"] < 0.2 * progress.history[0]["validation_score"]
    assert progress.epoch == 80
    assert not network.training


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        PLAIN,
        replace(PLAIN, optimiser="adamw", ema_decay=0.9),
        replace(PLAIN, schedule="plateau", plateau_patience=0, keep="best"),
        replace(PLAIN, ema_decay=0.5, keep="best", stop_patience=4),
    ],
    ids=["adam", "adamw-averaged", "plateau-best", "averaged-best"],
)
def test_going_on_from_any_epoch_ends_in_the_same_bits(settings, tmp_path):
    path = tmp_path / "line.checkpoint.safetensors"
    kept = []

    def report(rows):
        kept.append(tmp_path / f"after{len(rows)}")
        shutil.copyfile(path, kept[-1])

    network, progress = run(Line(settings), tmp_path, report=report)
    assert len(kept) == progress.epoch > 2
    for copy in kept:
        shutil.copyfile(copy, path)
        again, resumed = run(Line(settings), tmp_path)
        assert same(weights(again), weights(network))
        for row, other in zip(resumed.history, progress.history, strict=True):
            assert {**row, "seconds": 0} == {**other, "seconds": 0}


def test_another_seed_is_another_network(tmp_path):
    first, _ = run(Line(PLAIN), tmp_path)
    (tmp_path / "other").mkdir()
    second, _ = run(Line(PLAIN), tmp_path / "other", seed=6)
    assert not same(weights(first), weights(second))


def test_the_best_epochs_weights_are_kept(tmp_path):
    stage = Scripted(replace(PLAIN, keep="best"), [5.0, 3.0, 4.0, 3.0, 6.0, 9.0])
    network, progress = run(stage, tmp_path)
    # Epoch 4 is as good as epoch 2, not better.
    assert (progress.best_epoch, progress.best_score, progress.best_mm) == (2, 3.0, 30.0)
    assert same(weights(network), stage.shown[1])


def test_the_last_epochs_weights_are_kept(tmp_path):
    stage = Scripted(replace(PLAIN, keep="last"), [5.0, 3.0, 4.0, 3.0, 6.0, 9.0])
    network, _ = run(stage, tmp_path)
    assert same(weights(network), stage.shown[5])


def test_it_stops_after_epochs_without_gain(tmp_path):
    stage = Scripted(replace(PLAIN, epochs=99, stop_patience=3), [5, 4, 3, 3, 3.5, 3, *[0] * 99])
    _, progress = run(stage, tmp_path)
    assert (progress.epoch, progress.best_epoch) == (6, 3)


def test_a_gain_is_a_ten_thousandth_where_that_is_the_least(tmp_path):
    # 0.99995 is under the best, 1, by half a ten-thousandth: no gain. 0.9998 is under it by two.
    scores = [1.0, 0.99995, 0.9998, 0.99975, 0.5, 0.6]
    _, every = run(Scripted(replace(PLAIN, epochs=4, keep="best"), scores), tmp_path)
    assert every.best_epoch == 4
    (tmp_path / "least").mkdir()
    stage = Scripted(replace(PLAIN, epochs=4, keep="best", least_gain=1e-4), scores)
    network, progress = run(stage, tmp_path / "least")
    assert (progress.best_epoch, progress.best_score) == (3, 0.9998)
    assert same(weights(network), stage.shown[2])


def test_a_fit_saved_now_and_then_goes_on_to_the_same_bits(tmp_path):
    path = tmp_path / "line.checkpoint.safetensors"
    settings, saved = replace(PLAIN, epochs=7, ema_decay=0.9), []

    def report(rows):
        if path.exists() and (not saved or path.stat().st_mtime_ns != saved[-1][1]):
            saved.append((len(rows), path.stat().st_mtime_ns))
            shutil.copyfile(path, tmp_path / f"after{len(rows)}")

    network, _ = run(Line(settings), tmp_path, times=CheckpointTimes(every=3), report=report)
    assert [epochs for epochs, _ in saved] == [3, 6, 7]
    shutil.copyfile(tmp_path / "after3", path)
    counts = []
    again, _ = run(Line(settings), tmp_path, report=lambda rows: counts.append(len(rows)))
    assert counts == [3, 4, 5, 6, 7]
    assert same(weights(again), weights(network))


def test_a_fit_that_is_told_to_end_saves_the_epoch_it_is_at(tmp_path):
    times = CheckpointTimes(every=100)

    class Told(Line):
        def validate(self, network):
            times.told_to_end = True
            return super().validate(network)

    with pytest.raises(SystemExit):
        run(Told(PLAIN), tmp_path, times=times)
    assert times.unsaved == 0
    again, progress = run(Line(PLAIN), tmp_path)
    (tmp_path / "whole").mkdir()
    whole, _ = run(Line(PLAIN), tmp_path / "whole")
    assert progress.epoch == 6
    assert same(weights(again), weights(whole))


def test_it_stops_below_an_error_in_mm(tmp_path):
    stage = Scripted(replace(PLAIN, epochs=99, stop_below_mm=40), [5.0, 4.0, 3.9, *[0] * 99])
    _, progress = run(stage, tmp_path)
    assert progress.epoch == 3


def test_a_network_that_was_stopped_is_the_one_that_fell_below(tmp_path):
    # By its score the second epoch is the best; the error in mm falls below only in the third.
    class Apart(Scripted):
        def validate(self, network):
            score, _ = super().validate(network)
            return score, [9.0, 7.0, 5.0][len(self.shown) - 1]

    settings = replace(PLAIN, epochs=99, stop_below_mm=6.0, keep="best")
    stage = Apart(settings, [5.0, 3.0, 4.0])
    network, progress = run(stage, tmp_path)
    assert (progress.epoch, progress.best_epoch) == (3, 2)
    assert same(weights(network), stage.shown[2])
    again, _ = run(Apart(settings, []), tmp_path)
    assert same(weights(again), stage.shown[2])


@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
@pytest.mark.parametrize("keep", ["best", "last"])
def test_unknown_scores_break_nothing(schedule, keep, tmp_path):
    settings = replace(PLAIN, schedule=schedule, keep=keep, plateau_patience=1, epochs=6)
    network, progress = run(Scripted(settings, [NAN] * 6), tmp_path)
    assert progress.epoch == 6
    assert math.isinf(progress.best_score)
    assert all(torch.isfinite(value).all() for value in weights(network).values())
    again, resumed = run(Scripted(settings, []), tmp_path)
    assert resumed.epoch == 6
    assert same(weights(again), weights(network))


def test_one_unknown_score_is_no_gain_and_no_end(tmp_path):
    stage = Scripted(replace(PLAIN, keep="best", stop_patience=3), [5.0, NAN, 4.0, NAN, NAN, 3.0])
    network, progress = run(stage, tmp_path)
    assert (progress.epoch, progress.best_epoch) == (6, 6)
    assert same(weights(network), stage.shown[5])


def test_scores_never_known_stop_as_scores_without_gain(tmp_path):
    _, progress = run(Scripted(replace(PLAIN, epochs=99, stop_patience=4), [NAN] * 99), tmp_path)
    assert progress.epoch == 4


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_the_plateaus_rates_are_torchs(patience, tmp_path):
    scores = [9, 8, 8, 8.5, 8, 7, 7, 7, 7, 7, 7, 6.5, 6.5, 6.5, 7, 7, 7, 7, 7, 7]
    settings = replace(PLAIN, epochs=20, schedule="plateau", plateau_patience=patience)
    rates = []

    class Watched(Scripted):
        def batches(self, rng):
            rates.append(optimisers[-1].param_groups[0]["lr"])
            yield from super().batches(rng)

    optimisers = []
    adam = torch.optim.Adam

    def caught(*arguments, **options):
        optimisers.append(adam(*arguments, **options))
        return optimisers[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "Adam", caught)
        run(Watched(settings, scores), tmp_path)

    oracle = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.05)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        oracle, factor=0.1, patience=patience, threshold=0, eps=0
    )
    expected = []
    for score in scores:
        expected.append(oracle.param_groups[0]["lr"])
        scheduler.step(score)
    assert rates == pytest.approx(expected, rel=1e-9)


def test_the_cosine_by_hand():
    settings = replace(PLAIN, epochs=10, learning_rate=1.0)
    rates = [learning_rate(settings, Progress(epoch=epoch)) for epoch in range(10)]
    # One epoch of warm-up: half the rate in the first, then (1 + cos(pi e / 10)) / 2.
    assert rates[0] == pytest.approx(0.5)
    assert rates[5] == pytest.approx(0.5)
    assert rates[9] == pytest.approx((1 + math.cos(0.9 * math.pi)) / 2)
    assert all(a > b for a, b in itertools.pairwise(rates[1:]))


def test_warm_up_is_a_twentieth_of_the_epochs():
    settings = replace(PLAIN, epochs=100, learning_rate=1.0)
    # Five epochs of warm-up: 1/6, 2/6, ... of the cosine's rate.
    for epoch in range(8):
        cosine = (1 + math.cos(math.pi * epoch / 100)) / 2
        expected = min(1.0, (epoch + 1) / 6) * cosine
        assert learning_rate(settings, Progress(epoch=epoch)) == pytest.approx(expected)


def test_averaged_weights_by_hand():
    kept, new = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    with torch.no_grad():
        kept.weight.fill_(1.0)
        new.weight.fill_(3.0)
        new.running_mean.fill_(4.0)
        new.num_batches_tracked.fill_(9)
    _average(kept, new, 0.75)
    assert kept.weight.item() == pytest.approx(0.75 * 1.0 + 0.25 * 3.0)
    assert kept.running_mean.item() == pytest.approx(0.25 * 4.0)
    assert kept.num_batches_tracked.item() == 9


def test_bfloat16_runs_the_network_only(tmp_path):
    seen = []

    class Looking(Line):
        def loss(self, outputs, targets):
            seen.append((outputs.dtype, targets[0].dtype))
            return super().loss(outputs, targets)

    network, _ = run(Looking(replace(PLAIN, epochs=1)), tmp_path, precision="bfloat16")
    assert set(seen) == {(torch.float32, torch.float32)}
    assert all(p.dtype == torch.float32 for p in network.parameters())


def test_all_rows_are_reported_each_time(tmp_path):
    counts = []
    run(Line(PLAIN), tmp_path, report=lambda rows: counts.append(len(rows)))
    assert counts == [1, 2, 3, 4, 5, 6]
    run(Line(PLAIN), tmp_path, report=lambda rows: counts.append([row["epoch"] for row in rows]))
    assert counts[6:] == [[1, 2, 3, 4, 5, 6]]


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


def test_a_start_that_no_epoch_betters_is_kept(tmp_path):
    class Known(Line):
        def network(self):
            norm, line = network = super().network()
            with torch.no_grad():  # y = 2 x + 1 of what the norm leaves as it is
                norm.running_var.fill_(1.0 - norm.eps)
                line.weight.fill_(2.0)
                line.bias.fill_(1.0)
            return network

    settings = replace(PLAIN, epochs=4, learning_rate=1.0, keep="best", judge_start=True, stop_patience=2)
    network, progress = fit(Known(settings), seed=0, checkpoint=tmp_path / "a", precision="float32")
    assert (progress.best_epoch, progress.epoch) == (0, 2)
    assert progress.best_mm == pytest.approx(0.0, abs=1e-4)
    assert Known(settings).validate(network) == pytest.approx((0.0, 0.0), abs=1e-4)
    again, _ = fit(Known(settings), seed=0, checkpoint=tmp_path / "a", precision="float32")
    assert torch.equal(again[1].weight, network[1].weight)

    unjudged = replace(settings, judge_start=False)
    network, progress = fit(Known(unjudged), seed=0, checkpoint=tmp_path / "b", precision="float32")
    assert progress.best_epoch > 0
    assert Known(settings).validate(network)[0] > 0.01
