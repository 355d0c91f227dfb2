"""A process that writes is killed again and again, as benchmarks/kill_store.py does: nothing is lost."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kill_store.py"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_no_acknowledged_edit_is_lost(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("kill_store", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "kill_store", script)
    spec.loader.exec_module(script)
    tally = script.run(tmp_path / "project", edits=120, kills=10)
    assert tally.faults == []
    assert (tally.acknowledged, tally.kills) == (120, 10)
