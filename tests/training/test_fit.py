from __future__ import annotations

import itertools
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cephsure.training.checkpoint import CheckpointTimes
from cephsure.training.fit import Progress, _average, fit, learning_rate
from cephsure.training.stage import Batch, FitSettings

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


def test_it_learns(tmp_path):
    network, progress = run(Line(replace(PLAIN, epochs=80)), tmp_path)
    # What is left comes from batch norm's noise.
    assert progress.history[-1]["loss"] < 0.2 * progress.history[0]["loss"]
    assert progress.history[-1]["validation_score"] < 0.2 * progress.history[0]["validation_score"]
    assert progress.epoch == 80
    assert not network.training


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
