from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace

import pytest

from cephsure import __version__
from cephsure.errors import InputError
from cephsure.sample_films import sample_films
from cephsure.studies.study_record import (
    CREDITS,
    RECORD_FILE,
    Made,
    StudyFacts,
    StudyFolder,
    StudyRecord,
    read_record,
    study_facts,
)

DAY = 86400


@pytest.fixture
def dated(study, tmp_path):
    """The study with all films of 1970-01-02 and a CT of 1970-01-04."""
    for film in study.dataset.films:
        os.utime(film.path, (DAY, DAY))
    ct = tmp_path / "head.nii.gz"
    ct.write_bytes(b"volume")
    os.utime(ct, (3 * DAY, 3 * DAY))
    return replace(study, cts=(ct,), seed=5)


def test_what_is_known(dated):
    facts = study_facts(dated)
    (model,) = facts.models
    assert (model.label, model.samples, model.sha256) == ("rule", 2, "a" * 64)
    films, ct = facts.data
    assert (films.role, films.name, films.films) == ("films", "spots", {"train": 2, "test1": 4})
    assert (films.annotators, films.newest, films.credit) == (("ann", "bob"), "1970-01-02", "")
    assert (ct.role, ct.name, ct.newest) == ("head CT", "head.nii.gz", "1970-01-04")
    assert ct.sha256 == hashlib.sha256(b"volume").hexdigest()
    assert (facts.seed, facts.shift_films, facts.versions["cephsure"]) == (5, 10, __version__)
    assert StudyFacts.model_validate_json(facts.model_dump_json()) == facts


def test_the_newest_input(dated, study_model):
    assert study_facts(dated).newest == "1970-01-04"
    newer = replace(dated, models=(study_model(made="2020-02-20"), study_model("other")))
    assert study_facts(newer).newest == "2020-02-20"


def test_the_hash_tells_films_points_and_names(dated):
    first = study_facts(dated).data[0].sha256
    assert study_facts(dated).data[0].sha256 == first
    films = dated.dataset.films
    moved = {"ann": films[0].annotations["ann"] + 1, "bob": films[0].annotations["bob"] - 1}  # the mean stays
    for other in (
        replace(films[0], annotations=moved),
        replace(films[0], film_id="z"),
        replace(films[0], split="x"),
    ):
        changed = replace(dated, dataset=replace(dated.dataset, films=(other, *films[1:])))
        assert study_facts(changed).data[0].sha256 != first
    films[0].path.write_bytes(films[1].path.read_bytes())
    assert study_facts(dated).data[0].sha256 != first


def test_a_dicom_series_is_all_its_files(dated, tmp_path):
    series = tmp_path / "series"
    series.mkdir()
    with pytest.raises(InputError, match="series: no such file, or a folder without any"):
        study_facts(replace(dated, cts=(series,)))
    for index in range(3):
        (series / f"{index}.dcm").write_bytes(bytes([index]))
    first = study_facts(replace(dated, cts=(series,))).data[1]
    assert first.name == "series"
    (series / "2.dcm").write_bytes(b"x")
    assert study_facts(replace(dated, cts=(series,))).data[1].sha256 != first.sha256


def test_a_film_that_is_gone_is_named(dated):
    dated.dataset.films[2].path.unlink()
    with pytest.raises(InputError, match=r"c\.png: cannot be read"):
        study_facts(dated)


def test_another_site_has_its_own_line(dated):
    facts = study_facts(replace(dated, other_site=replace(dated.dataset, name="isbi-2015")))
    assert [one.role for one in facts.data] == ["films", "other site", "head CT"]
    assert "Wang" in facts.data[1].credit


def test_the_shipped_films_ct_is_credited():
    assert any(sample_films()[0].credit in line for line in CREDITS.values())


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


def test_an_experiment_is_made_and_recorded(study, counting):
    result = StudyFolder(study, arguments=["counted", "--seed", "0"]).make("counted", counting("counted"))
    assert len(result.tables["films"].frame) == 4
    assert sorted(path.name for path in (study.out / "counted").iterdir()) == ["counted.json", "films.csv"]
    record = json.loads((study.out / "study.json").read_text())
    made = record["experiments"]["counted"]
    assert made["arguments"] == ["counted", "--seed", "0"]
    assert made["study"]["models"][0]["label"] == "rule"
    assert made["study"]["data"][0]["films"] == {"train": 2, "test1": 4}


def test_another_study_in_the_folder_is_refused(study, counting):
    StudyFolder(study).make("accuracy", counting("accuracy"))
    with pytest.raises(InputError, match="of another study"):
        StudyFolder(replace(study, seed=1))
    with pytest.raises(InputError, match="differs in split test1"):
        StudyFolder(replace(study, split="test2"))
    # The same again is welcome, and predicts nothing.
    asked = len(study.models[0].model.asked)
    StudyFolder(study).make("accuracy", counting("accuracy"))
    assert len(study.models[0].model.asked) == asked
