from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.errors import BundleError, InputError
from cephsure.model import shipped_models
from cephsure.uncertainty.gate import GATE_FILE, Gate, GateTarget, film_signs, fit_gate, read_gate, write_gate


def test_nineteen_films_are_the_fewest_for_five_percent(learn):
    assert not learn(18).judges_films
    nineteen = learn(19)
    assert nineteen.judges_films
    assert nineteen.unfit_rate == pytest.approx(0.05)


def test_a_gate_is_the_same_when_read(gate, tmp_path):
    assert read_gate(tmp_path) is None
    path = write_gate(gate, tmp_path)
    assert read_gate(tmp_path) == gate
    assert json.loads(path.read_text())["format"] == "cephsure.gate/2"


@pytest.mark.parametrize(
    "change",
    [
        {"format": "cephsure.gate/9"},
        {"reference": {"signs": ["shape"]}},
        {"numbers": [1, 2]},
        {"reference": None},
        {"shape": {"mean": []}},
        {"target": {"max_missed_rate": 2.0}},
        {"source": {"dataset": "drawn"}},
        {"surprise": 1},
    ],
)
def test_damaged_gates_are_refused_in_one_line(gate, tmp_path, change):
    path = write_gate(gate, tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BundleError, match="gate"):
        read_gate(tmp_path)


@pytest.mark.parametrize("folder", shipped_models().values(), ids=lambda folder: folder.name)
def test_a_shipped_gate_is_written_as_it_was_read(folder, tmp_path):
    gate = read_gate(folder)
    assert gate.source.dataset == "isbi-2015"
    assert write_gate(gate, tmp_path).read_bytes() == (folder / GATE_FILE).read_bytes()


def test_a_gate_of_version_1_is_left_out_and_said_so(tmp_path, caplog):
    (tmp_path / "gate.json").write_text('{"format": "cephsure.gate/1", "measure": "spread_mm"}')
    assert read_gate(tmp_path) is None
    assert "calibrate the bundle anew" in caplog.text


def test_a_gate_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "gate.json").write_text("{")
    with pytest.raises(BundleError, match="JSON"):
        read_gate(tmp_path)


def test_signs_must_be_of_the_same_films(drawn_case, as_data, head_model):
    prediction, truth = drawn_case(np.random.default_rng(9))
    with pytest.raises(InputError, match="do not fit"):
        fit_gate(as_data([prediction], [truth]), [], head=head_model, shape_source="none")


@pytest.mark.parametrize("wrong", [{"max_missed_rate": 0.0}, {"false_alarm_rate": 1.0}, {"tolerance_mm": -1}])
def test_targets_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        GateTarget.of(**wrong)


def test_films_of_one_group_count_once(gate_films, drawn_case, as_data, head_model):
    rng = np.random.default_rng(10)
    cases = [drawn_case(rng) for _ in range(6)]
    seen = [film_signs(prediction, gate_films(rng), head=head_model) for prediction, _ in cases]
    data = as_data(
        [prediction for prediction, _ in cases],
        [t for _, t in cases],
        groups=["a", "a", None, None, "b", "b"],
    )
    learned = fit_gate(data, seen, head=head_model, shape_source="drawn")
    assert isinstance(learned, Gate)
    assert (learned.films, learned.units, len(learned.reference.rows)) == (6, 4, 4)
