from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies.cases import Case, films_of_split, plain_cases, truths_px
from cephsure.studies.predictions import predict_cases


class Counted:
    """Cases that count how often their film is made."""

    def __init__(self, spot_film, names="abc", *, broken=None):
        self.made, self.broken = [], broken
        self.cases = [Case(name, "7", lambda name=name: self.film(spot_film, name)) for name in names]

    def film(self, spot_film, name):
        if name == self.broken:
            raise KeyboardInterrupt
        self.made.append(name)
        return spot_film(ord(name))


def test_what_was_found(study):
    items = films_of_split(study.dataset)
    table = predict_cases(study, "test1", plain_cases(items))["rule"]
    assert table.keys == (("c", ""), ("d", ""), ("e", ""), ("f", ""))
    assert table.numbers == (1, 2)
    np.testing.assert_allclose(table.errors_mm(truths_px(items, "mean")), 0, atol=1e-9)
    np.testing.assert_allclose(table.errors_mm(truths_px(items, "ann")), 0.5, rtol=1e-6)
    np.testing.assert_allclose(table.measures["activation"], 1)
    np.testing.assert_allclose(table.measures["spread_px"], 1)
    np.testing.assert_allclose(table.measures["spread_mm"], 0.1)
    np.testing.assert_array_equal(table.mm_per_px, np.full((4, 2), 0.1))


def test_without_a_scale_lengths_in_mm_are_missing(study, spot_film):
    cases = [Case("x", "", lambda: spot_film(0, scale=False)), Case("y", "", lambda: spot_film(1))]
    table = predict_cases(study, "mixed", cases)["rule"]
    assert np.isnan(table.mm_per_px[0]).all()
    np.testing.assert_array_equal(table.mm_per_px[1], [0.1, 0.2])
    assert np.isnan(table.measures["spread_mm"][0]).all()
    assert np.isfinite(table.measures["spread_mm"][1]).all()


def test_a_film_is_made_once_for_all_models(study, study_model, rule_model, spot_film):
    models = (study_model("one", model=rule_model()), study_model("two", model=rule_model()))
    counted = Counted(spot_film)
    found = predict_cases(replace(study, models=models), "part", counted.cases)
    assert counted.made == ["a", "b", "c"]
    assert list(found) == ["one", "two"]
    assert [len(model.model.asked) for model in models] == [3, 3]


def test_what_is_done_is_not_done_again(study, spot_film):
    first = predict_cases(study, "part", Counted(spot_film).cases)["rule"]
    again = Counted(spot_film, "cab")
    second = predict_cases(study, "part", again.cases)["rule"]
    assert again.made == []
    assert len(study.models[0].model.asked) == 3
    # The same to the last bit, whether just made or read, and in the order that was asked for.
    assert second.keys == (("c", "7"), ("a", "7"), ("b", "7"))
    np.testing.assert_array_equal(second.points_px, first.points_px[[2, 0, 1]])
    for name, values in first.measures.items():
        np.testing.assert_array_equal(second.measures[name], values[[2, 0, 1]])


def test_an_interrupted_part_goes_on(study, spot_film):
    with pytest.raises(KeyboardInterrupt):
        predict_cases(study, "part", Counted(spot_film, broken="c").cases)
    again = Counted(spot_film)
    table = predict_cases(study, "part", again.cases)["rule"]
    assert again.made == ["c"]
    assert len(table) == 3


def test_a_model_that_comes_later_makes_only_its_own(study, study_model, rule_model, spot_film):
    predict_cases(study, "part", Counted(spot_film).cases)
    both = replace(study, models=(*study.models, study_model("late", model=rule_model(), kind="baseline")))
    again = Counted(spot_film)
    predict_cases(both, "part", again.cases)
    assert again.made == ["a", "b", "c"]
    assert [len(model.model.asked) for model in both.models] == [3, 3]


def test_stored_predictions_need_no_bundle(study, study_model, spot_film, tmp_path):
    cases = Counted(spot_film).cases
    first = predict_cases(study, "part", cases)["rule"]
    stored = study_model(stored=study.folder_of(study.models[0]))
    elsewhere = replace(study, models=(stored,), out=tmp_path / "elsewhere")
    counted = Counted(spot_film)
    table = predict_cases(elsewhere, "part", counted.cases)["rule"]
    assert counted.made == []
    np.testing.assert_array_equal(table.points_px, first.points_px)
    assert not elsewhere.out.exists()


def test_a_prediction_that_cannot_be_made_is_missed_before_others_are_made(
    study, study_model, rule_model, spot_film, tmp_path
):
    predict_cases(study, "part", Counted(spot_film, "ab").cases)
    stored = study_model("old", stored=study.folder_of(study.models[0]))
    ready = study_model("new", model=rule_model())
    with pytest.raises(InputError, match=r"no stored prediction of film c \(7\) \(give the model's bundle"):
        predict_cases(replace(study, models=(ready, stored)), "part", Counted(spot_film).cases)
    assert ready.model.asked == []


def test_how_a_case_is_to_be_predicted_reaches_the_model(study, spot_film):
    case = Case("a", "", spot_film, facing="right", polarity="negative")
    predict_cases(replace(study, seed=7), "part", [case])
    (asked,) = study.models[0].model.asked
    assert (asked["seed"], asked["facing"], asked["polarity"]) == (7, "right", "negative")


def test_another_seed_is_another_prediction(study, spot_film):
    predict_cases(study, "part", Counted(spot_film).cases)
    predict_cases(replace(study, seed=1), "part", Counted(spot_film).cases)
    assert [asked["seed"] for asked in study.models[0].model.asked] == [0, 0, 0, 1, 1, 1]


def test_progress_counts_what_is_left(study, spot_film):
    predict_cases(study, "part", Counted(spot_film, "a").cases)
    seen = []

    class Shown:
        def __init__(self, what, total):
            seen.append((what, total))

        def __enter__(self):
            return lambda: seen.append("step")

        def __exit__(self, *_):
            seen.append("end")

    predict_cases(replace(study, progress=Shown), "part", Counted(spot_film).cases)
    assert seen == [("part", 2), "step", "step", "end"]


def test_two_cases_of_one_name_are_a_mistake(study, spot_film):
    with pytest.raises(ValueError, match="called"):
        predict_cases(study, "part", Counted(spot_film, "aba").cases)


def test_no_cases(study):
    table = predict_cases(study, "part", [])["rule"]
    assert len(table) == 0
    assert table.points_px.shape == (0, 0, 2)
    assert table.mm_per_px.shape == (0, 2)
