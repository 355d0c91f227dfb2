from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.studies import predictions as store_module
from cephsure.studies.cases import Case, films_of_split, plain_cases, truths_px
from cephsure.studies.predictions import PredictionStore, predict_cases
from cephsure.studies.shifted_films import NO_CEPHALOGRAM
from cephsure.uncertainty import MEASURES
from cephsure.uncertainty.readers.reader import plain_mean

NAN = float("nan")
POINT = {"x_px": 1.25, "y_px": 1234.5678, "mm_per_px_x": 0.1, "mm_per_px_y": 0.2, "activation": 0.123456789}


def rows(x=1.25, **changes):
    return {1: POINT | {"x_px": x} | changes, 2: POINT | {"x_px": x + 10}}


@pytest.fixture
def ready(study_model):
    return study_model(model=object())


@pytest.fixture
def opened(tmp_path, ready):
    def make(model=ready, **options):
        return PredictionStore(tmp_path / "m", "part", model, **options)

    return make


def test_round_trip(opened, tmp_path):
    kept = opened()
    kept.add(("a", "70"), rows(entropy=NAN))
    kept.add(("b", ""), rows(2.0))
    kept.save()
    read = opened()
    assert ("a", "70") in read
    assert ("a", "") not in read
    keys = [("b", ""), ("a", "70")]
    table = read.table(keys)
    assert (table.keys, table.numbers) == (tuple(keys), (1, 2))
    np.testing.assert_array_equal(table.points_px[:, :, 0], [[2, 12], [1.25, 11.25]])
    np.testing.assert_array_equal(table.mm_per_px, [[0.1, 0.2], [0.1, 0.2]])
    # Seven digits are kept, of what is just made too; what is unknown has no column.
    np.testing.assert_array_equal(table.points_px[:, :, 1], 1234.568)
    assert table.measures.keys() == {"activation"}
    before = kept.table(keys)
    np.testing.assert_array_equal(before.points_px, table.points_px)
    np.testing.assert_array_equal(before.measures["activation"], table.measures["activation"])


def test_the_word_of_version_0_1_for_a_condition_is_read(opened):
    kept = opened()
    kept.add(("shapes-0", "stranger"), rows())
    kept.add(("stranger", "70"), rows(2.0))
    kept.save()
    read = opened()
    assert ("shapes-0", "stranger") not in read
    keys = [("shapes-0", NO_CEPHALOGRAM), ("stranger", "70")]
    np.testing.assert_array_equal(read.table(keys).points_px[:, :, 0], [[1.25, 11.25], [2, 12]])


def test_the_file_is_a_table_that_says_what_made_it(opened, tmp_path, ready):
    kept = opened(seed=3)
    kept.add(("a", "70"), rows(entropy=2.0))
    kept.save()
    first, _, rest = gzip.decompress((tmp_path / "m" / "part.csv.gz").read_bytes()).decode().partition("\n")
    assert json.loads(first.removeprefix("# ")) == {"sha256": "a" * 64, "seed": 3, "measures": [*MEASURES]}
    (one, two) = csv.DictReader(io.StringIO(rest))
    assert list(one) == ["film", "condition", "number", *list(POINT), "entropy"]
    assert (one["film"], one["condition"], one["number"]) == ("a", "70", "1")
    assert (two["entropy"], two["x_px"]) == ("", "11.25")
    facts = json.loads((tmp_path / "m" / "model.json").read_text())
    assert facts == ready.facts() | {"changes": []}


def test_the_same_predictions_are_the_same_bytes(opened, tmp_path):
    def bytes_of(*names):
        (tmp_path / "m" / "part.csv.gz").unlink(missing_ok=True)
        kept = opened()
        for name in names:
            kept.add((name, ""), rows(float(ord(name))))
            kept.save()
        return kept.path.read_bytes()

    assert bytes_of("a", "b", "c") == bytes_of("c", "a", "b")


SOMEBODY = plain_mean((1, 2), name="ann and bob", model="rule", model_sha256="a" * 64)


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"sha256": "b" * 64}, {}),
        ({}, {"seed": 1}),
        ({"reader": "mean", "marks_as": SOMEBODY}, {}),
    ],
)
def test_what_another_bundle_seed_or_reader_made_is_not_used(opened, study_model, changes, options):
    kept = opened()
    kept.add(("a", ""), rows())
    kept.save()
    other = opened(study_model(model=object(), **changes), **options)
    assert ("a", "") not in other
    other.add(("b", ""), rows())
    other.save()
    assert ("b", "") in opened(study_model(model=object(), **changes), **options)
    assert ("b", "") not in opened()


def test_what_another_bundle_left_in_other_parts_is_not_used_either(tmp_path, ready, study_model):
    # The first part is made anew by the new bundle; the second is still the old one's.
    new = study_model(model=object(), sha256="b" * 64)
    for part in ("one", "two"):
        kept = PredictionStore(tmp_path / "m", part, ready)
        kept.add(("a", ""), rows())
        kept.save()
    anew = PredictionStore(tmp_path / "m", "one", new)
    anew.add(("a", ""), rows(9.0))
    anew.save()
    assert ("a", "") not in PredictionStore(tmp_path / "m", "two", new)
    stored = study_model(stored=tmp_path / "m", sha256="b" * 64)
    with pytest.raises(InputError, match="made by another bundle than model"):
        PredictionStore(tmp_path / "m", "two", stored)


def test_a_new_measure_is_measured(opened, ready, study_model):
    kept = opened()
    kept.add(("a", ""), rows())
    kept.save()
    assert ("a", "") in opened()
    assert ("a", "") not in opened(replace(ready, measures=(*MEASURES, "wobble")))
    # Where there is no bundle to measure it with, the old ones are all there is.
    assert ("a", "") in opened(study_model())


def test_predictions_of_another_source_are_made_anew_or_refused(opened, study_model):
    kept = opened(source="one head")
    kept.add(("a", ""), rows())
    kept.save()
    assert ("a", "") in opened(source="one head")
    assert ("a", "") not in opened(source="another")
    assert ("a", "") not in opened()
    assert ("a", "") in opened(study_model(), source="one head")
    with pytest.raises(InputError, match="another head CT, or from films of another scale"):
        opened(study_model(), source="another")
    # What was stored before sources were is taken as it is where nothing can be made anew.
    old = opened()
    old.add(("a", ""), rows())
    old.save()
    assert ("a", "") in opened(study_model(), source="one head")


def test_stored_predictions_of_another_seed_are_refused(opened, study_model):
    kept = opened(seed=3)
    kept.add(("a", ""), rows())
    kept.save()
    assert ("a", "") in opened(study_model(), seed=3)
    with pytest.raises(InputError, match=r"part\.csv\.gz: made with seed 3, not 0 \(give --seed 3"):
        opened(study_model())


def test_what_is_missing_is_named(opened):
    kept = opened()
    kept.add(("a", ""), rows())
    with pytest.raises(InputError, match=r"no stored prediction of film b \(70\), and 1 more"):
        kept.table([("b", "70"), ("a", ""), ("c", "")])
    with pytest.raises(InputError, match="film b "):
        kept.table([("b", "")])


def cut(content):
    return content[: len(content) // 2]


def overwritten(content):
    return content[:40] + bytes(40) + content[80:]


def without_header(content):
    return gzip.compress(gzip.decompress(content).split(b"\n", 1)[1])


def other_columns(content):
    return gzip.compress(gzip.decompress(content).replace(b"number,", b"no,"))


def longer_line(content):
    return gzip.compress(gzip.decompress(content) + b"a,,1,2,3,4,5,6,7,8,9,10\n")


def word_for_number(content):
    return gzip.compress(gzip.decompress(content).replace(b"1.25", b"here"))


@pytest.mark.parametrize(
    "damage",
    [
        *(cut, overwritten, without_header, other_columns, longer_line, word_for_number),
        lambda _: b"",
        lambda _: gzip.compress(b""),
        lambda _: b"not compressed",
        lambda _: gzip.compress(b"\xff\xfe"),
        lambda _: gzip.compress(b"# []\nfilm,condition,number\n"),
    ],
)
def test_a_damaged_file_is_one_clear_line(opened, study_model, damage):
    kept = opened()
    for name in "abcdefgh":
        kept.add((name, ""), rows())
    kept.save()
    kept.path.write_bytes(damage(kept.path.read_bytes()))
    with pytest.raises(InputError, match=r"part\.csv\.gz: not a table of predictions.*delete it"):
        opened(study_model())


def test_a_film_without_all_landmarks_is_damage(opened):
    kept = opened()
    kept.add(("a", ""), rows())
    kept.add(("b", ""), {1: POINT})
    with pytest.raises(InputError, match="landmarks of film b"):
        kept.table([("a", ""), ("b", "")])


def test_saving_now_and_then_costs_little(opened, monkeypatch):
    now, written = [0.0], []
    monkeypatch.setattr(store_module.time, "monotonic", lambda: now[0])

    def write(path, content):
        now[0] += 1.0  # two files: a save costs two seconds
        written.append(path.name)

    monkeypatch.setattr(store_module, "write_atomically", write)
    kept = opened()
    for name in range(1000):
        kept.add((f"{name}", ""), rows())
        now[0] += 0.5
        kept.save(when_due=True)
    saves = written.count("part.csv.gz")
    # 500 s of work, one save after 15 s, then one for every 40 s.
    assert saves == 1 + (500 - 15) // 40
    kept.save()
    kept.save()
    assert written.count("part.csv.gz") == saves + 1


def test_nothing_new_writes_nothing(opened, tmp_path):
    opened().save()
    assert not (tmp_path / "m").exists()


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


def test_models_are_asked_for_the_studys_reader(study_model, spot_film):
    class Asked:
        def predict(self, film, **how):
            return how

    plain = study_model(model=Asked())
    assert plain.predict(spot_film(), seed=3) == {"seed": 3}
    own = replace(plain, reader="mean", marks_as=SOMEBODY)
    assert own.predict(spot_film(), seed=3) == {"seed": 3, "reader": SOMEBODY}
    assert own.title == f"{plain.title}, for mean"
    with pytest.raises(InputError, match="only stored predictions are at hand"):
        replace(own, model=None).predict(spot_film())
