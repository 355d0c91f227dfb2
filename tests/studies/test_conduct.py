from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cephsure.errors import InputError
from cephsure.studies.cases import films_of_split, plain_cases
from cephsure.studies.conduct import Conduct, write_report
from cephsure.studies.predictions import predict_cases
from cephsure.studies.result import ExperimentResult, ResultTable


def counting(name):
    """An experiment that counts what it predicts."""

    def experiment(study):
        table = predict_cases(study, "test1", plain_cases(films_of_split(study.dataset)))["rule"]
        rows = tuple((film, 1.0) for film in table.film_ids)
        return ExperimentResult(
            name,
            f"Title of {name}",
            ("Counted.",),
            {"films": ResultTable.from_rows("Films", ("film", "value"), rows)},
        )

    return experiment


def no_damage(error):
    raise AssertionError(error)


def test_an_experiment_is_made_and_recorded(study):
    result = Conduct(study, arguments=["counted", "--seed", "0"]).make("counted", counting("counted"))
    assert len(result.tables["films"].frame) == 4
    assert sorted(path.name for path in (study.out / "counted").iterdir()) == ["counted.json", "films.csv"]
    record = json.loads((study.out / "study.json").read_text())
    made = record["experiments"]["counted"]
    assert made["arguments"] == ["counted", "--seed", "0"]
    assert made["study"]["models"][0]["label"] == "rule"
    assert made["study"]["data"][0]["films"] == {"train": 2, "test1": 4}


def test_the_report_has_the_experiments_of_earlier_calls_too(study):
    Conduct(study).make("mine", counting("mine"))
    Conduct(study).make("distortion", counting("distortion"))
    Conduct(study).make("accuracy", counting("accuracy"))
    html = write_report(study.out, on_damage=no_damage).read_text("utf-8")
    places = [html.index(f'id="{name}"') for name in ("accuracy", "distortion", "mine")]
    assert places == sorted(places)
    assert write_report(study.out, on_damage=no_damage).read_text("utf-8") == html


def test_a_damaged_result_is_left_out_and_said(study):
    for name in ("accuracy", "distortion"):
        Conduct(study).make(name, counting(name))
    (study.out / "distortion" / "distortion.json").write_text("{")
    said = []
    html = write_report(study.out, on_damage=said.append).read_text("utf-8")
    assert 'id="accuracy"' in html
    assert 'id="distortion"' not in html
    assert "distortion.json: not an experiment's result" in str(said[0])


def test_all_models_in_one_table(study):
    def experiment(study):
        columns = ("model", "own_measure", "films", "landmarks", "pearson", "pearson_low", "pearson_high")
        row = ("rule", True, "official", "all", 0.4321, 0.3, 0.5)
        tables = {"error_correlation": ResultTable.from_rows("Errors", columns, (row,))}
        return ExperimentResult("error-correlation", "Errors", (), tables)

    Conduct(study).make("error-correlation", experiment)
    html = write_report(study.out, on_damage=no_damage).read_text("utf-8")
    table = (study.out / "overview.csv").read_text("utf-8").splitlines()
    assert table[:2] == ["model,error_pearson,error_pearson_low,error_pearson_high", "rule,0.4321,0.3,0.5"]
    assert html.index("At a glance") < html.index("0.432 [0.300, 0.500]") < html.index("Contents")


def test_nothing_to_report(tmp_path):
    assert write_report(tmp_path, on_damage=no_damage) is None
    assert list(tmp_path.iterdir()) == []


def test_another_study_in_the_folder_is_refused(study):
    Conduct(study).make("accuracy", counting("accuracy"))
    with pytest.raises(InputError, match="of another study"):
        Conduct(replace(study, seed=1))
    with pytest.raises(InputError, match="differs in split test1"):
        Conduct(replace(study, split="test2"))
    # The same again is welcome, and predicts nothing.
    asked = len(study.models[0].model.asked)
    Conduct(study).make("accuracy", counting("accuracy"))
    assert len(study.models[0].model.asked) == asked
