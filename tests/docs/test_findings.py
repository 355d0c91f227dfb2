"""The page of findings: its numbers are those that results/ holds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from cephsure.studies.result import ResultTable

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("write_findings", ROOT / "scripts" / "write_findings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def kept(script, tmp_path):
    frame = pd.DataFrame({"model": ["a", "b"], "mre_mm": [1.234, 0.5], "mre_low_mm": [1.1, None]})
    frame["mre_high_mm"] = [1.3, None]
    best = {"task": ["t"], "figure": ["AUC"], "model": ["a"], "measure": ["spread"], "value": [0.5]}
    best = pd.DataFrame(best | {"combination": [None], "combination_value": [None]})
    study = tmp_path / "findings.json"
    tables = {"accuracy": ResultTable("Accuracy", frame, "A note."), "best_of": ResultTable("Best", best)}
    study.write_text(script.json.dumps({name: table.document() for name, table in tables.items()}))
    return script.Kept(study)


def test_the_page_is_what_the_script_writes(script):
    assert script.PAGE.read_text("utf-8") == script.page()


def test_numbers_and_tables_of_the_page(kept):
    assert kept.value("accuracy", "mre_mm", model="a") == "1.23 [1.10, 1.30]"
    assert kept.value("accuracy", "mre_mm", 1, model="b") == "0.5"
    assert kept.span("accuracy", "mre_mm") == "0.50 to 1.23"
    assert kept.span("accuracy", "mre_mm", model=["b"]) == "0.50"
    with pytest.raises(ValueError, match="0 rows of accuracy are"):
        kept.value("accuracy", "mre_mm", model="c")
    assert kept.table("accuracy", "model", "mre_mm", model=["b"]).splitlines() == [
        *("**Accuracy.**", "", "| model | MRE, mm |", "| --- | ---: |", "| b | 0.50 |", "", "A note.")
    ]
    assert "| t (AUC) | spread 0.50 |" in kept.table("best")
