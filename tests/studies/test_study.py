from __future__ import annotations

import json
import shutil

import pytest

from cephsure import films
from cephsure.errors import BundleError, InputError
from cephsure.sample_films import sample_film
from cephsure.studies import study as module
from cephsure.studies.study import PUBLISHED_MEASURE, open_models
from cephsure.uncertainty import ALWAYS, MEASURES


@pytest.fixture
def in_place(dot_bundles, tmp_path):
    """Give ``in_place("runs/a/bundle", kind, provenance=...)``: a hand-made bundle at that place."""

    def copy(place, kind="baseline", *, dots=None, recipe=None, **provenance):
        folder = tmp_path / place
        shutil.copytree(dot_bundles("default", kind), folder)
        if provenance or recipe:
            facts = json.loads((folder / "bundle.json").read_text())
            facts["provenance"] |= provenance
            facts["recipe"] |= recipe or {}
            (folder / "bundle.json").write_text(json.dumps(facts))
            dots.seal(folder)
        return folder

    return copy


def test_the_shipped_models_go_by_their_names():
    (model,) = open_models(["default-baseline"])
    assert (model.label, model.recipe, model.kind, model.truth) == (
        "default-baseline",
        "default",
        "baseline",
        "mean",
    )
    assert (model.samples, model.stored) == (1, None)
    assert model.changes == model.model.bundle.recipe.changes
    assert model.model.landmark_set.name == "isbi-19"
    assert len(model.sha256) == 64
    assert model.made.startswith("20")
    assert model.title.startswith("default baseline, mean")


@pytest.mark.slow
def test_quick_models_leave_out_what_takes_time():
    (whole,), (quick,) = (open_models(["default-baseline"], quick=quick) for quick in (False, True))
    assert whole.measures == tuple(MEASURES)
    assert quick.measures == tuple(measure.name for measure in ALWAYS)
    sample = sample_film("vhm_lateral_0deg")
    found = [
        one.model.predict(sample.path, mm_per_px=sample.mm_per_px).landmarks[0].measures.model_dump()
        for one in (whole, quick)
    ]
    assert {measure.key(in_mm=True) for measure in MEASURES.values()} <= set(found[0])
    assert {"feature_distance", "augmentation_spread_mm", "mixture_activation"} <= set(found[0]) - set(
        found[1]
    )
    assert all(found[0][name] == value for name, value in found[1].items())


def test_a_runs_folder_names_its_bundle(in_place, dots, tmp_path):
    changes = {"changes": ["filters x 0.5", "stopped below 6 mm"]}
    in_place("runs/mine/bundle", "mc-dropout", dots=dots, recipe=changes, truth="senior", made="2020-02-20")
    in_place("runs/other/bundle")
    for place in ("runs/mine", "runs/mine/bundle"):
        (model,) = open_models([str(tmp_path / place)])
        assert model.label == "mine"
    assert model.title == "default mc-dropout (6), senior, filters x 0.5, stopped below 6 mm"
    assert model.under_trained
    assert (model.own_measure, model.made) == ("spread", "2020-02-20")
    (other,) = open_models([str(tmp_path / "runs/other")])
    assert (other.truth, other.made, other.own_measure) == ("unknown", "", "activation")
    assert not other.under_trained


def test_a_bundle_by_its_own_folder(in_place, tmp_path, monkeypatch):
    in_place("good")
    assert open_models([str(tmp_path / "good")])[0].label == "good"
    monkeypatch.chdir(tmp_path / "good")
    assert open_models(["."])[0].label == "good"


def test_stored_predictions_stand_for_a_model(study_model, tmp_path):
    made = study_model("mine", kind="mc-dropout", changes=("7 epochs",), made="2020-02-20")
    (tmp_path / "model.json").write_text(json.dumps(made.facts()))
    (model,) = open_models([str(tmp_path)])
    assert model == study_model(
        "mine", kind="mc-dropout", changes=("7 epochs",), made="2020-02-20", stored=tmp_path
    )


def test_stored_predictions_are_of_one_reader_and_stand_for_no_other(study_model, tmp_path):
    facts = study_model("mine", reader="senior").facts()
    (tmp_path / "model.json").write_text(json.dumps(facts))
    (model,) = open_models([str(tmp_path)], reader="senior")
    assert (model.reader, model.title) == ("senior", "default ensemble (2), mean, for senior")
    with pytest.raises(InputError, match="these stored predictions are of senior, not of the reader junior"):
        open_models([str(tmp_path)], reader="junior")
    (tmp_path / "model.json").write_text(json.dumps(facts | {"reader": ""}))
    with pytest.raises(InputError, match="are of the annotators' mean, not of the reader junior"):
        open_models([str(tmp_path)], reader="junior")


@pytest.mark.slow
def test_a_models_points_are_those_of_the_reader(read_dots):
    film = read_dots.films.parent / "000.png"
    means, anns = (
        open_models([str(read_dots.calibrated)], quick=True, reader=reader)[0]
        .predict(films.read(film, mm_per_px=0.5))
        .points_px
        for reader in (None, "ann")
    )
    # Bob marks lower than Ann; the annotators' mean lies between the two.
    assert ((means - anns)[:, 1] > 1.0).all()
    with pytest.raises(InputError, match="there is no reader 'nobody'"):
        open_models([str(read_dots.calibrated)], reader="nobody")


def test_a_folder_of_models_stands_for_all_of_them(in_place, study_model, tmp_path):
    in_place("several/b/bundle")
    in_place("several/c")
    (tmp_path / "several" / "a").mkdir()
    (tmp_path / "several" / "a" / "model.json").write_text(json.dumps(study_model("first").facts()))
    (tmp_path / "several" / "notes").mkdir()
    models = open_models([str(tmp_path / "several"), "default-baseline"])
    assert [model.label for model in models] == ["first", "b", "c", "default-baseline"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "oracle"}, "oracle"),
        ({"samples": "many"}, "many"),
        ({"changes": None}, "NoneType"),
        ({"label": ...}, "label"),
    ],
)
def test_damaged_facts_are_one_line(study_model, tmp_path, change, complaint):
    facts = study_model().facts() | change
    facts = {key: value for key, value in facts.items() if value is not ...}
    (tmp_path / "model.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match=rf"model\.json: not a stored model's facts: .*{complaint}"):
        open_models([str(tmp_path)])


def test_facts_that_are_no_json(tmp_path):
    (tmp_path / "model.json").write_text("[1, 2")
    with pytest.raises(InputError, match="not a stored model's facts"):
        open_models([str(tmp_path)])


@pytest.mark.parametrize("name", ["nothing-there", "empty"])
def test_no_model_there(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match=f"{name}: not a model bundle"):
        open_models([str(tmp_path / name)])


def test_two_of_one_label_are_refused(in_place, tmp_path):
    in_place("one/same/bundle")
    in_place("two/same")
    with pytest.raises(InputError, match=r"two models of the study are called same \(rename"):
        open_models([str(tmp_path / "one" / "same"), str(tmp_path / "two" / "same")])


def test_every_kind_has_the_references_measure():
    assert PUBLISHED_MEASURE == {"baseline": "activation", "ensemble": "spread", "mc-dropout": "spread"}
    assert set(module.ModelKind.__args__) == set(PUBLISHED_MEASURE)
