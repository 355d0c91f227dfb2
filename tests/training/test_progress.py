from __future__ import annotations

import json
from dataclasses import replace

import pytest
from PIL import Image

from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.training.progress import (
    curves_figure,
    draw_curves,
    epoch_words,
    plan,
    read_logs,
    seconds_an_epoch,
    seconds_left,
    share_done,
    time_words,
)
from cephsure.training.run_config import RunConfig
from cephsure.training.runner import JobState
from cephsure.training.stage import FitSettings

RECIPE = CoarseToFineRecipe(
    coarse_fit=FitSettings(epochs=10), fine_fit=FitSettings(epochs=4), orientation_fit=FitSettings(epochs=6)
)


def config(recipe=RECIPE, members=2):
    return RunConfig("d", "auto", "all", "mean", None, None, "0", "ensemble", members, 0, "float32", recipe)


def rows(stage, epochs, seconds):
    """Rows of a stage, each epoch taking so many seconds."""
    return [{"stage": stage, "epoch": k, "seconds": k * seconds} for k in range(1, epochs + 1)]


def test_a_plan_names_the_jobs_that_are_done():
    assert plan(config()).epochs == {
        "0": {"coarse": 10, "fine": 4},
        "1": {"coarse": 10, "fine": 4},
        "orientation": {"orientation": 6},
    }
    paper = config(replace(PaperRecipe(), fit=FitSettings(epochs=7)), members=3)
    assert plan(paper).epochs == {"0": {"paper": 7}, "1": {"paper": 7}, "2": {"paper": 7}}
    for one in (config(), paper):
        assert list(plan(one).epochs) == one.job_names


def test_the_mean_time_an_epoch_over_all_jobs():
    # 3 epochs of 2 s and 1 of 6 s: 12 s for 4.
    states = [JobState("0", rows("coarse", 3, 2.0)), JobState("1", rows("coarse", 1, 6.0)), JobState("2")]
    assert seconds_an_epoch(states) == {"coarse": 3.0}


def test_nothing_is_known_before_the_first_epoch():
    states = [JobState("0", running=True), JobState("1"), JobState("orientation")]
    assert seconds_left(plan(config()), states, at_once=2) is None
    assert share_done(plan(config()), states) == 0.0
    assert time_words(plan(config()), states, at_once=2) == "time left unknown yet"


@pytest.fixture
def jobs():
    """The run's plan, its stages' usual costs in round numbers."""
    return replace(plan(config()), usual_costs={"coarse": 1.0, "fine": 3.0, "orientation": 0.5})


def test_the_time_left_by_hand(jobs):
    # Coarse epochs of 2 s are known; fine ones are taken for 6 s, the orientation network's for 1 s.
    states = [
        JobState("0", rows("coarse", 4, 2.0), running=True),  # 6 x 2 + 4 x 6 = 36 s
        JobState("1"),  # 10 x 2 + 4 x 6 = 44 s
        JobState("orientation"),  # 6 s
    ]
    assert seconds_left(jobs, states, at_once=1) == pytest.approx(36 + 44 + 6)
    # Two at once: member 1 beside member 0; the orientation network after member 0 (36 + 6 < 44).
    assert seconds_left(jobs, states, at_once=2) == pytest.approx(44)
    assert seconds_left(jobs, states, at_once=9) == pytest.approx(44)
    # 44 + 44 + 6 = 94 s of work, 8 s of it done.
    assert share_done(jobs, states) == pytest.approx(8 / 94)


def test_measured_times_go_before_what_is_usual(jobs):
    first = rows("coarse", 10, 2.0) + rows("fine", 1, 20.0)
    states = [JobState("0", first, running=True), JobState("1"), JobState("orientation", done=True)]
    # 3 fine epochs left; member 1 needs 10 x 2 + 4 x 20.
    assert seconds_left(jobs, states, at_once=2) == pytest.approx(100)
    assert seconds_left(jobs, states, at_once=1) == pytest.approx(60 + 100)


def test_a_stage_that_ended_early_is_over():
    states = [
        JobState("0", rows("coarse", 3, 1.0) + rows("fine", 1, 5.0), running=True),
        JobState("1", rows("coarse", 3, 1.0), done=True),
        JobState("orientation", done=True),
    ]
    assert seconds_left(plan(config()), states, at_once=2) == pytest.approx(15)


def test_a_run_that_is_done():
    states = [JobState(name, rows("coarse", 1, 1.0), done=True) for name in config().job_names]
    assert seconds_left(plan(config()), states, at_once=2) == 0.0
    assert share_done(plan(config()), states) == 1.0


def test_the_time_left_is_an_upper_bound_where_networks_may_stop():
    assert not plan(config()).may_end_early
    assert plan(config(PaperRecipe())).may_end_early
    assert plan(config(replace(RECIPE, fine_fit=replace(RECIPE.fine_fit, stop_below_mm=3.0)))).may_end_early
    states = [JobState("0", rows("coarse", 9, 60.0), running=True), *map(JobState, ("1", "orientation"))]
    jobs = plan(config())
    for name in ("1", "orientation"):
        next(state for state in states if state.name == name).done = True
    words = time_words(jobs, states, at_once=1)
    assert words == "11 min left"  # 1 coarse epoch of a minute and 4 fine ones of two and a half
    assert time_words(replace(jobs, may_end_early=True), states, at_once=1) == f"at most {words}"


def test_rows_in_words():
    row = {"stage": "coarse", "epoch": 2, "epochs": 9, "loss": 3.14159, "validation_mre_mm": 2.345}
    assert epoch_words(row) == "coarse 2/9, loss 3.14, validation MRE 2.35 mm"
    assert epoch_words(row | {"validation_unit": "frame units"}).endswith("2.35 frame units")
    assert epoch_words(row | {"validation_mre_mm": None}) == "coarse 2/9, loss 3.14"
    turned = row | {"stage": "orientation", "validation_mre_mm": None, "validation_score": 0.125}
    turned["validation_unit"] = "wrong answers"
    assert epoch_words(turned) == "orientation 2/9, loss 3.14, wrong answers 12 %"


UNITS = {"coarse": "nats", "fine": "nats, and expected error", "orientation": "nats", "paper": "squares"}


def curve_rows(stage, count, *, unit="mm", start=40.0):
    return [
        {
            "stage": stage,
            "epoch": epoch,
            "loss": 9.0 / epoch,
            "validation_score": 0.5 / epoch,
            "validation_mre_mm": None if stage == "orientation" else start / epoch,
            "validation_unit": unit,
        }
        for epoch in range(1, count + 1)
    ]


@pytest.fixture
def logs():
    members = {str(k): curve_rows("coarse", 8 + k) + curve_rows("fine", 3 - k, start=2.0) for k in range(2)}
    return members | {"orientation": curve_rows("orientation", 4, unit="wrong answers")}


def test_a_column_for_each_stage_and_a_line_for_each_job(logs):
    axes = curves_figure(logs, loss_units=UNITS).axes
    assert [axis.get_title() for axis in axes] == [
        "coarse network",
        "fine network",
        "orientation network",
        *[""] * 3,
    ]
    assert [len(axis.lines) for axis in axes] == [2, 2, 1, 2, 2, 1]
    assert [axis.get_ylabel() for axis in axes[:2]] == [
        "training loss (nats)",
        "training loss (nats, and expected error)",
    ]
    assert [axis.get_xlabel() for axis in axes[3:]] == ["epoch"] * 3
    assert [axis.get_ylabel() for axis in axes[3:]] == [
        "validation MRE (mm)",
        "validation MRE (mm)",
        "wrong answers in validation (%)",
    ]
    loss, error, wrong = axes[0].lines[1], axes[3].lines[1], axes[5].lines[0]
    assert loss.get_label() == "member 01"
    assert loss.get_xdata().tolist() == list(range(1, 10))
    assert loss.get_ydata().tolist() == [9.0 / k for k in range(1, 10)]
    assert error.get_ydata().tolist() == [40.0 / k for k in range(1, 10)]
    assert wrong.get_ydata().tolist() == [50.0, 25.0, pytest.approx(50 / 3), 12.5]


def test_a_wide_range_of_errors_is_shown_by_its_logarithm(logs):
    _, _, _, coarse, fine, _ = curves_figure(logs, loss_units=UNITS).axes
    assert (coarse.get_yscale(), fine.get_yscale()) == ("log", "linear")


def test_the_unit_is_the_logs():
    axes = curves_figure({"0": curve_rows("fine", 3, unit="frame units")}, loss_units=UNITS).axes
    assert axes[1].get_ylabel() == "validation MRE (frame units)"


def test_unknown_errors_are_left_out():
    found = curve_rows("paper", 3)
    found[1]["validation_mre_mm"] = None
    axis = curves_figure({"0": found}, loss_units=UNITS).axes[1]
    assert axis.lines[0].get_xdata().tolist() == [1, 3]
    for row in found:
        row["validation_mre_mm"] = None
    assert not curves_figure({"0": found}, loss_units=UNITS).axes[1].lines


@pytest.mark.slow
def test_a_picture_is_written(logs, tmp_path):
    draw_curves(logs, tmp_path / "curves.png", loss_units=UNITS)
    with Image.open(tmp_path / "curves.png") as image:
        assert image.format == "PNG"
        assert image.width > 1000
        assert len(set(image.convert("L").resize((300, 150)).tobytes())) > 20


def test_no_rows_no_picture(tmp_path):
    draw_curves({"0": []}, tmp_path / "curves.png", loss_units=UNITS)
    assert not (tmp_path / "curves.png").exists()


def test_logs_are_read_of_those_jobs_that_have_begun(logs, tmp_path):
    for job, folder in (("1", "member_01"), ("orientation", "orientation")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in logs[job]))
    assert read_logs(tmp_path, ["0", "1", "orientation"]) == {k: logs[k] for k in ("1", "orientation")}
