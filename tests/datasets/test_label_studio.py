"""What else is in Label Studio's exports: cancelled annotations, predictions, a single task."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from cephsure.errors import InputError
from label_files import POINTS, label_studio, write_film


def _read(tmp_path, three, value):
    write_film(tmp_path / "a.png")
    (tmp_path / "e.json").write_text(json.dumps(value), encoding="utf-8")
    return open_dataset(tmp_path / "e.json", landmark_set=three)


def test_what_was_cancelled_or_predicted_is_named(tmp_path, three):
    (task,) = json.loads(label_studio())
    cancelled = task["annotations"][0] | {"was_cancelled": True, "completed_by": 2}
    task["annotations"].append(cancelled)
    task["predictions"] = [{"model_version": "m", "result": []}]
    dataset = _read(tmp_path, three, [task])
    assert "e.json: cancelled annotations are not read: 1" in dataset.problems
    assert "e.json: predictions are not read: 1" in dataset.problems
    task["annotations"] = []
    with pytest.raises(InputError, match=r"holds no annotated film \(e\.json: predictions are not read: 1"):
        _read(tmp_path, three, [task])


def test_a_single_task_is_read(tmp_path, three):
    dataset = _read(tmp_path, three, json.loads(label_studio())[0])
    np.testing.assert_allclose(dataset.films[0].annotations["e"], POINTS, atol=1e-9)
