from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from cephsure.errors import BundleError, InputError
from cephsure.model import shipped_models
from cephsure.uncertainty.gate import GATE_FILE, Gate, GateTarget, film_signs, fit_gate, read_gate, write_gate
from cephsure.uncertainty.gate.acceptance import AcceptanceCase
from cephsure.uncertainty.prediction import ReaderInfo
from cephsure.uncertainty.shape_model import ShapeModel

NOTHING = AcceptanceCase(*np.empty((3, 0, 8)), [], [])


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
        {"rules": {}},
        {"surprise": 1},
    ],
)
def test_damaged_gates_are_refused_in_one_line(gate, tmp_path, change):
    path = write_gate(gate, tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BundleError, match="gate"):
        read_gate(tmp_path)


def test_a_gate_whose_shape_is_of_other_landmarks_is_refused(gate):
    fewer = ShapeModel.fit(np.random.default_rng(0).normal(0, 9, (30, 7, 2)) + 90 * np.eye(7)[:, :2])
    with pytest.raises(ValidationError, match="of other landmarks"):
        Gate.model_validate({**gate.model_dump(), "shape": fewer.to_dict()})


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


@pytest.mark.parametrize("wrong", [{"max_missed_rate": 0.0}, {"false_alarm_rate": 1.0}, {"tolerance_mm": -1}])
def test_targets_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        GateTarget.of(**wrong)


def test_films_of_one_group_count_once(gate, gate_films, drawn_case, head_model):
    rng = np.random.default_rng(10)
    seen = [film_signs(drawn_case(rng)[0], gate_films(rng), head=head_model) for _ in range(6)]
    how = {"head": head_model, "shape_source": "drawn"}
    learned = fit_gate(gate.source, seen, ["a", "a", "c", "d", "b", "b"], {"0": NOTHING}, **how)
    assert (learned.films, learned.units, len(learned.reference.rows)) == (6, 4, 4)
    assert learned.rules["0"].threshold_mm is None
    with pytest.raises(InputError, match="signs of 5 films do not fit 6 films"):
        fit_gate(gate.source, seen[1:], ["a", "a", "c", "d", "b", "b"], {"0": NOTHING}, **how)


def test_a_reader_is_judged_by_the_rule_of_the_own_case(gate):
    easy = gate.rules["0"].model_copy(update={"threshold_mm": 9.0})
    two = gate.model_copy(update={"rules": {**gate.rules, "10": easy}})

    def rule(**about):
        return two.rule_for(ReaderInfo(name="n", truth_of="one", for_whom="n", **about))

    assert two.rule_for(None) == rule(kind="definition", films=0) == rule(kind="site", films=9)
    assert rule(kind="site", films=10) == easy
    assert two.usual_case == "0"
