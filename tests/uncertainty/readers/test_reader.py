from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.uncertainty.readers.population import (
    SPREAD_FILMS,
    LandmarkHabits,
    Population,
    ReaderSet,
)
from cephsure.uncertainty.readers.reader import (
    PROFILE_SD,
    AcceptedOnFilms,
    Reader,
    plain_mean,
    profiled,
    read_reader,
    unknown_reader,
    write_reader,
)

SHA = "a" * 64
POPULATION = Population(
    annotators=("senior", "junior"),
    landmarks=(
        LandmarkHabits(number=1, centre=0.25, w_sd=0.5, b_sd_mm=0.3, readers=3, apart_mm=3.0),
        LandmarkHabits(number=2, centre=-1.0, w_sd=0.7, b_sd_mm=0.4, readers=3, apart_mm=2.0),
    ),
    spread=1.1,
    rests_on=(ReaderSet(name="a", person="a", films=3),),
)


@pytest.fixture
def reader():
    return unknown_reader(POPULATION, model="m", model_sha256=SHA)


def test_a_reader_not_met_before_is_as_the_population_is(reader):
    prior, habit = POPULATION.prior(), reader.habit
    assert habit.mean == pytest.approx(prior.mean)
    assert [np.diag(own).tolist() for own in habit.covariance] == [
        pytest.approx([0.25, 0.09, 0.09]),
        pytest.approx([0.49, 0.16, 0.16]),
    ]
    assert habit.spread.tolist() == [1.1, 1.1]
    assert (reader.kind, reader.films, reader.for_whom) == ("definition", 0, "a reader not met before")


def test_a_file_is_the_same_when_read(reader, tmp_path):
    full = reader.model_copy(
        update={
            "kind": "site",
            "films": 7,
            "truth_of": "mean",
            "acceptance": AcceptedOnFilms(points=30, wrong=9, withdrawn="too many"),
        }
    )
    assert read_reader(write_reader(full, tmp_path / "deep" / "here.json")) == full


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "cephsure.site/1"}, "cephsure 0.1, which knew nothing of how readers differ"),
        ({"format": "cephsure.reader/2"}, "version 'cephsure.reader/2' is unknown"),
        ({"format": None}, "version None is unknown"),
        ({"kind": "colleague"}, "not a reader's file: kind: Input should be"),
        ({"surprise": 1}, "not a reader's file: surprise: Extra"),
        ({"films": -1}, "not a reader's file"),
        ({"landmarks": [{"number": 1, "mean": [0, 0, float("nan")], "covariance": [[0] * 3] * 3}]}, "finite"),
        (
            {"landmarks": [{"number": 1, "mean": [0, 0, 0], "covariance": [[0, 0, 0], [0, -1, 0], [0] * 3]}]},
            "a covariance is negative",
        ),
        ({"landmarks": [{"number": 1, "mean": [0] * 3, "covariance": [[0] * 3] * 3, "spread": 0}]}, "great"),
        ({"landmarks": []}, "at least 1 item"),
    ],
)
def test_damaged_files_are_refused_in_one_line(reader, tmp_path, change, complaint):
    path = write_reader(reader, tmp_path / "here.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=complaint) as caught:
        read_reader(path)
    assert str(path) in str(caught.value)
    assert "\n" not in caught.value.what


@pytest.mark.parametrize("text", ["[", "[]", "[" * 100_000, "\udcff"])
def test_what_is_no_such_file_is_refused(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError):
        read_reader(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_reader(tmp_path / "none.json")


def test_a_profile_lies_at_the_ends_that_were_named_and_elsewhere_as_usual(reader):
    made = profiled(POPULATION, {1: "junior"}, name="Dr X", model="m", model_sha256=SHA)
    assert made.landmarks[0].mean == (1.0, 0.0, 0.0)
    assert made.habit.covariance[0].diagonal() == pytest.approx([PROFILE_SD**2, 0.09, 0.09])
    assert made.landmarks[1] == reader.landmarks[1]
    assert made.for_whom == "a reader who marks as profile Dr X says"
    ends = [
        profiled(POPULATION, {2: answer}, name="x", model="m", model_sha256=SHA).landmarks[1].mean[0]
        for answer in ("senior", "between")
    ]
    assert ends == [-1.0, 0.0]


@pytest.mark.parametrize(
    ("answers", "complaint"), [({3: "junior"}, "no landmark 3"), ({1: "me"}, "'me' is no answer")]
)
def test_answers_that_are_none_are_refused(answers, complaint):
    with pytest.raises(InputError, match=complaint):
        profiled(POPULATION, answers, name="x", model="m", model_sha256=SHA)


def test_without_two_annotators_there_is_nothing_to_choose():
    with pytest.raises(InputError, match="nothing to choose"):
        profiled(POPULATION.model_copy(update={"annotators": ()}), {}, name="x", model="m", model_sha256=SHA)


def test_the_plain_mean_is_known_and_moves_nothing():
    made = plain_mean((1, 2), name="senior and junior", model="m", model_sha256=SHA)
    assert not made.habit.mean.any()
    assert not made.habit.covariance.any()
    assert (made.truth_of, made.for_whom) == ("mean", "the mean of senior and junior")


def test_for_whom_the_claim_holds():
    made = plain_mean((1,), name="Hamedan", model="m", model_sha256=SHA)
    said = [
        Reader.model_copy(made, update=update).for_whom
        for update in (
            {"kind": "annotator"},
            {"kind": "site", "films": 1, "truth_of": "one"},
            {"kind": "site", "films": 10},
        )
    ]
    assert said == [
        "reader Hamedan",
        "site Hamedan, 1 film",
        "site Hamedan, 10 films, the mean of two readers",
    ]


def test_a_reader_is_where_further_films_start(reader):
    prior = reader.prior
    assert prior.mean == pytest.approx(reader.habit.mean)
    assert prior.covariance[3:, 3:] == pytest.approx(reader.habit.covariance[1])
    assert not prior.covariance[:3, 3:].any()
    assert prior.spread_films == SPREAD_FILMS
    assert reader.model_copy(update={"films": 6}).prior.spread_films == SPREAD_FILMS + 6


def test_what_films_taught_holds_for_the_marks_that_taught_it():
    usual = unknown_reader(POPULATION, model="m", model_sha256=SHA)
    assert usual.whose("mean").for_whom == "the mean of two readers not met before"
    mean = plain_mean((1, 2), name="a and b", model="m", model_sha256=SHA)
    assert mean.whose("mean") == mean
    with pytest.raises(InputError, match="the mean of a and b: regions for this are those for the mean"):
        mean.whose("one")
    site = usual.model_copy(update={"kind": "site", "name": "here", "films": 3})
    with pytest.raises(InputError, match="site here, 3 films: regions for this are those for one reader"):
        site.whose("mean")
