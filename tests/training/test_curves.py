from __future__ import annotations

import json

import pytest
from PIL import Image

from cephsure.training.curves import curves_figure, draw_curves, read_logs

UNITS = {"coarse": "nats", "fine": "nats, and expected error", "orientation": "nats", "paper": "squares"}


def rows(stage, count, *, unit="mm", start=40.0):
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
    members = {str(k): rows("coarse", 8 + k) + rows("fine", 3 - k, start=2.0) for k in range(2)}
    return members | {"orientation": rows("orientation", 4, unit="wrong answers")}


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
    axes = curves_figure({"0": rows("fine", 3, unit="frame units")}, loss_units=UNITS).axes
    assert axes[1].get_ylabel() == "validation MRE (frame units)"


def test_unknown_errors_are_left_out():
    found = rows("paper", 3)
    found[1]["validation_mre_mm"] = None
    axis = curves_figure({"0": found}, loss_units=UNITS).axes[1]
    assert axis.lines[0].get_xdata().tolist() == [1, 3]
    for row in found:
        row["validation_mre_mm"] = None
    assert not curves_figure({"0": found}, loss_units=UNITS).axes[1].lines


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
