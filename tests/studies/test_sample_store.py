from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.inference.samples import Samples
from cephsure.studies.sample_store import Cost, FilmSamples, SampleStore

SAMPLES = Samples(
    np.array([[[100.0, 200.0]], [[104.0, 203.0]], [[90.0, 80.0]]]),
    np.array([[0.5], [0.25], [0.75]]),
    np.array([[4.0], [8.0], [2.0]]),
    np.array([[1.0], [2.0], [3.0]]),
)


@pytest.fixture
def drawn(spot_film):
    return FilmSamples.of(SAMPLES, spot_film())  # of 0.1 x 0.2 mm


@pytest.fixture
def ready(study_model):
    return study_model(model=object())


def store_of(folder, model, **changes):
    return SampleStore(folder, "samples", model, **{"seed": 0, "count": 3} | changes)


def test_some_samples_in_mm(drawn):
    found = drawn.in_mm(np.array([1, 2]))
    np.testing.assert_allclose(found.positions_px, [[[10.4, 40.6]], [[9.0, 16.0]]], rtol=1e-6)
    np.testing.assert_allclose(found.expected_errors_px, np.sqrt(0.02) * np.array([[8.0], [2.0]]))
    np.testing.assert_array_equal(found.entropies, [[2.0], [3.0]])


def test_without_a_scale_nothing_is_in_mm(spot_film):
    found = FilmSamples.of(SAMPLES, spot_film(scale=False)).in_mm(np.array([0]))
    assert np.isnan(found.positions_px).all()


def test_what_is_kept_is_read_back(tmp_path, ready, drawn):
    store = store_of(tmp_path, ready)
    store.add("b", drawn)
    store.add("a", replace(drawn, activations=drawn.activations + 1))
    store.add_cost(Cost(np.array([1, 3]), np.array([[10.0, 30.0], [12.0, 31.0], [50.0, 29.0]]), "here"))
    store.save()
    assert json.loads((tmp_path / "model.json").read_text())["sha256"] == "a" * 64
    again = store_of(tmp_path, ready)
    assert again.missing(["a", "c", "b"]) == ["c"]
    np.testing.assert_array_equal(again.films["b"].positions_px, drawn.positions_px)
    np.testing.assert_array_equal(again.films["a"].activations, drawn.activations + 1)
    assert (again.cost.median_ms(1), again.cost.median_ms(3), again.cost.machine) == (12.0, 30.0, "here")
    assert np.isnan(again.cost.median_ms(2))


def test_the_same_samples_are_the_same_file_and_need_no_pickle(tmp_path, ready, drawn):
    for folder, order in (("one", "ab"), ("two", "ba")):
        store = store_of(tmp_path / folder, ready)
        for film_id in order:
            store.add(film_id, drawn)
        store.save()
    first, second = ((tmp_path / name / "samples.npz").read_bytes() for name in ("one", "two"))
    assert first == second
    with np.load(tmp_path / "one" / "samples.npz", allow_pickle=False) as stored:
        assert {name: stored[name].dtype.kind for name in stored.files}.items() >= {"films": "U"}.items()


@pytest.mark.parametrize("change", [{"seed": 1}, {"count": 4}])
def test_what_was_drawn_otherwise_is_drawn_anew_where_that_can_be(
    tmp_path, study_model, ready, drawn, change
):
    store = store_of(tmp_path, ready)
    store.add("a", drawn)
    store.save()
    assert store_of(tmp_path, ready, **change).films == {}
    with pytest.raises(InputError, match="give the model's bundle"):
        store_of(tmp_path, study_model(stored=tmp_path), **change)
    assert list(store_of(tmp_path, study_model(stored=tmp_path)).films) == ["a"]
    assert store_of(tmp_path, replace(ready, sha256="c" * 64)).films == {}


def test_a_damaged_file_is_refused(tmp_path, ready):
    (tmp_path / "samples.npz").write_bytes(b"PK no archive")
    with pytest.raises(InputError, match="delete it to draw them anew"):
        store_of(tmp_path, ready)
    with zipfile.ZipFile(tmp_path / "samples.npz", "w") as archive:
        archive.writestr("else.npy", b"")
    with pytest.raises(InputError, match="not a file of samples"):
        store_of(tmp_path, ready)


def test_nothing_new_writes_nothing(tmp_path, ready):
    store_of(tmp_path, ready).save()
    assert list(tmp_path.glob("*.npz")) == []
