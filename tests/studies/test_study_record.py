from __future__ import annotations

from dataclasses import replace

import pytest

from cephsure.errors import InputError
from cephsure.studies.study_record import RECORD_FILE, Made, StudyRecord, read_record, study_facts


@pytest.fixture
def facts(study):
    return study_facts(study)


def test_round_trip(facts, tmp_path):
    record = StudyRecord().with_experiment(
        "accuracy", Made(study=facts, arguments=("all", "--seed", "0"), seconds=1.5)
    )
    record = record.with_experiment("distortion", Made(study=facts))
    assert record.write(tmp_path) == tmp_path / RECORD_FILE
    assert read_record(tmp_path) == record


def test_no_record_is_an_empty_one(tmp_path):
    assert read_record(tmp_path).experiments == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "cephsure.study/9"}', '{"experiments": {"x": 1}}'])
def test_a_damaged_record_is_one_line(tmp_path, text):
    (tmp_path / RECORD_FILE).write_text(text)
    with pytest.raises(InputError, match=r"study\.json: not a study's record") as error:
        read_record(tmp_path)
    assert "\n" not in str(error.value)


def test_other_models_and_more_data_may_join(facts, study, study_model, tmp_path):
    record = StudyRecord().with_experiment("accuracy", Made(study=facts))
    ct = tmp_path / "ct.nii"
    ct.write_bytes(b"x")
    more = replace(study, models=(study_model("other", sha256="b" * 64),), cts=(ct,), shift_films=3)
    record.check(study_facts(more), tmp_path)


def test_other_data_or_another_seed_are_refused(facts, study, tmp_path):
    record = StudyRecord().with_experiment("accuracy", Made(study=facts))
    with pytest.raises(
        InputError, match=r"holds the experiment accuracy of another study \(differs in seed 0\)"
    ):
        record.check(study_facts(replace(study, seed=1)), tmp_path)
    fewer = replace(study, dataset=replace(study.dataset, films=study.dataset.films[:3]))
    with pytest.raises(InputError, match=r"differs in films spots\) \(choose another --out"):
        record.check(study_facts(fewer), tmp_path)
