from __future__ import annotations

from functools import partial

import pytest

import made_errors as made
from cephsure.errors import InputError
from cephsure.uncertainty.readers.choice import choose_reader
from cephsure.uncertainty.readers.reader import unknown_reader, write_reader

SHA = "a" * 64
PAIR = ("senior", "junior")


@pytest.fixture
def choose():
    return partial(
        choose_reader,
        name="m",
        sha256=SHA,
        numbers=(1, 2, 3, 4),
        told_apart=PAIR,
        calibration=made.calibration(),
    )


@pytest.mark.parametrize("asked", [None, "definition"])
def test_of_a_calibrated_bundle_the_usual_reader_is_one_not_met_before(choose, asked):
    found = choose(asked)
    assert found.kind == "definition"
    assert found.habit.mean[:, 0].tolist() == [mark.centre for mark in made.calibration().readers.landmarks]


def test_annotators_are_known_by_name(choose):
    found = choose("junior")
    assert (found.kind, found.landmarks) == ("annotator", made.calibration().annotators[1].landmarks)
    assert found.habit.mean[1, 0] == pytest.approx(1.0, abs=0.3)


def test_the_mean_is_that_of_the_two(choose):
    found = choose("mean")
    assert (found.kind, found.for_whom) == ("mean", "the mean of senior and junior")


def test_a_file_or_a_reader_of_this_bundle(choose, tmp_path):
    given = unknown_reader(made.calibration().readers, model="m", model_sha256=SHA)
    path = write_reader(given, tmp_path / "r.json")
    assert choose(given) == choose(path) == choose(str(path)) == given
    other = given.model_copy(update={"model_sha256": "b" * 64})
    for asked in (other, write_reader(other, tmp_path / "other.json")):
        with pytest.raises(InputError, match="with another bundle than m"):
            choose(asked)


def test_an_unknown_name_is_refused_with_those_known(choose):
    with pytest.raises(InputError, match="no reader 'nobody'") as caught:
        choose("nobody")
    assert "definition, mean, senior, junior, or a reader's file" in str(caught.value)


def test_of_one_annotator_alone_the_claim_is_for_this_one(choose):
    whole = made.calibration()
    one = [reader for reader in whole.readers.rests_on if reader.name == "senior"]
    alone = whole.model_copy(
        update={
            "readers": whole.readers.model_copy(update={"rests_on": tuple(one)}),
            "annotators": whole.annotators[:1],
        }
    )
    assert choose(None, calibration=alone).for_whom == "reader senior"


def test_a_bundle_without_calibration_knows_its_own_maps_alone(choose):
    choose = partial(choose, calibration=None)
    assert choose(None) is None
    assert choose("mean").for_whom == "the mean of senior and junior"
    ends = [choose(name).landmarks[0].mean for name in PAIR]
    assert ends == [(-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)]
    with pytest.raises(InputError, match="not calibrated"):
        choose("definition")
    with pytest.raises(InputError, match="no reader 'senior'"):
        choose("senior", told_apart=())


def test_who_has_no_mark_on_the_calibration_films_is_known_with_some_doubt(choose):
    whole = made.calibration()
    found = choose("junior", calibration=whole.model_copy(update={"annotators": whole.annotators[:1]}))
    assert (found.kind, found.for_whom) == ("profile", "a reader who marks as profile junior says")
    assert found.habit.mean[:, 0].tolist() == [1.0] * 4
    assert (found.habit.covariance[:, 0, 0] > 0).all()


def test_a_mean_that_was_not_rehearsed_is_not_promised(choose):
    whole = made.calibration()
    bounds = {case: bound for case, bound in whole.bounds.items() if case != "known mean"}
    with pytest.raises(InputError, match="is not calibrated for the mean of its annotators"):
        choose("mean", calibration=whole.model_copy(update={"bounds": bounds}))
    alone = whole.model_copy(update={"bounds": bounds, "annotators": whole.annotators[:1]})
    assert choose("mean", calibration=alone, told_apart=()).for_whom == "reader senior"


def test_an_only_annotator_called_mean_is_this_one(choose):
    whole = made.calibration()
    bounds = {case: bound for case, bound in whole.bounds.items() if case != "known mean"}
    only = whole.annotators[0].model_copy(update={"name": "mean"})
    alone = whole.model_copy(update={"bounds": bounds, "annotators": (only,)})
    found = choose("mean", calibration=alone, told_apart=())
    assert (found.kind, found.landmarks) == ("annotator", only.landmarks)
