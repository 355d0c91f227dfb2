from __future__ import annotations

import json
import zipfile
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from cephsure.errors import FilmError, InputError
from cephsure.films import Film, Spacing, SpacingSource
from cephsure.inference.samples import Samples
from cephsure.studies.cases import films_of_split
from cephsure.studies.sample_sources import (
    ALTERED,
    MAX_ANGLE_DEG,
    MAX_SHIFT_MM,
    PASSES,
    Cost,
    FilmSamples,
    SampleStore,
    moved_film,
    sample_films,
    sources_of,
    tta_samples,
)


class RandomModel:
    """Two landmarks somewhere; counts how often it is asked."""

    def __init__(self, fail_at=None):
        self.asked = []
        self.fail_at = fail_at

    def orientation(self, film):
        return film.width_px

    def sample(self, film, orientation, *, samples=None, seed=0):
        assert orientation == film.width_px
        if len(self.asked) == self.fail_at:
            raise KeyboardInterrupt
        self.asked.append(samples)
        count = samples or 1
        rng = np.random.default_rng(seed)
        return Samples(rng.uniform(10, 70, (count, 2, 2)), *rng.uniform(1, 2, (3, count, 2)))


@pytest.fixture
def of_kind(study, study_model):
    """Give ``of_kind(kind, model=...) -> (study, sources, items)``."""

    def make(kind, model=None, samples=4):
        made = study_model(label=kind, kind=kind, model=model, samples=samples)
        changed = replace(study, models=(made,))
        return changed, sources_of(made), films_of_split(study.dataset)

    return make


def test_each_kind_has_its_own_numbers(of_kind):
    counts = {
        kind: [source.counts for source in of_kind(kind)[1]]
        for kind in ("baseline", "ensemble", "mc-dropout")
    }
    assert counts == {"baseline": [(1,), ALTERED], "ensemble": [(1, 2, 3, 4)], "mc-dropout": [PASSES]}
    names = [source.name for kind in counts for source in of_kind(kind)[1]]
    assert names == ["baseline", "baseline_altered", "ensemble", "mc-dropout"]


def test_a_film_is_drawn_once_with_the_largest_number_and_timed_with_each(of_kind):
    model = RandomModel()
    study, sources, items = of_kind("ensemble", model)
    (store,) = sample_films(study, sources, items).values()
    # Four films, one drawing to warm up, then three films with each number.
    assert model.asked == [4] * 4 + [4] + [1, 2, 3, 4] * 3
    assert store.films["c"].positions_px.shape == (4, 2, 2)
    assert store.films["c"].mm_per_px.tolist() == [0.1, 0.1]
    assert store.cost.ms.shape == (3, 4)
    assert store.cost.median_ms(2) > 0


def test_a_rerun_draws_nothing_and_stored_samples_stand_for_their_model(of_kind):
    study, sources, items = of_kind("ensemble", RandomModel())
    (first,) = sample_films(study, sources, items).values()
    model = RandomModel()
    study, sources, items = of_kind("ensemble", model)
    (again,) = sample_films(study, sources, items).values()
    assert model.asked == []
    np.testing.assert_array_equal(again.films["d"].positions_px, first.films["d"].positions_px)
    np.testing.assert_array_equal(again.cost.ms, first.cost.ms)
    study, sources, items = of_kind("ensemble", None)
    assert list(sample_films(study, sources, items)) == ["ensemble"]


def test_what_is_neither_kept_nor_can_be_drawn_is_left_out(of_kind):
    study, sources, items = of_kind("ensemble", None)
    assert sample_films(study, sources, items) == {}


def test_an_interrupted_drawing_goes_on_where_it_was(of_kind):
    study, sources, items = of_kind("ensemble", RandomModel(fail_at=2))
    with pytest.raises(KeyboardInterrupt):
        sample_films(study, sources, items)
    model = RandomModel()
    study, sources, items = of_kind("ensemble", model)
    sample_films(study, sources, items)
    assert model.asked[:4] == [4, 4, 4, 1]  # two films were left, then the timing


def test_progress_counts_films_of_each_source(of_kind):
    steps = []

    @contextmanager
    def progress(what, total):
        steps.append((what, total))
        yield lambda: steps.append("step")

    study, sources, items = of_kind("baseline", RandomModel())
    sample_films(replace(study, progress=progress), sources, items)
    assert steps == [("samples", 8), *["step"] * 8]


POINT = np.array([[140.0, 90.0]])


def dot_film(*, scale=True):
    y, x = np.mgrid[:200, :240]
    pixels = 0.2 + 0.8 * np.exp(-0.5 * (((x - POINT[0, 0]) / 4) ** 2 + ((y - POINT[0, 1]) / 4) ** 2))
    return Film(pixels.astype(np.float32), Spacing(0.5, 0.5, SpacingSource.USER) if scale else None)


class DotModel:
    """Finds the one dot: the centre of mass of what is bright."""

    def __init__(self):
        self.shown = []

    def orientation(self, film):
        assert film.width_px == 240
        return "as it is"

    def sample(self, film, orientation, *, samples=None, seed=0):
        assert (orientation, samples) == ("as it is", None)
        self.shown.append(film)
        bright = np.where(film.pixels > 0.5, film.pixels, 0)
        y, x = ndimage.center_of_mass(bright)
        level = np.full((1, 1), float(film.pixels.max()))
        return Samples(np.array([[[x, y]]]), level, 2 * level, 3 * level)


def test_positions_come_back_to_the_film_as_given():
    model = DotModel()
    found = tta_samples(model, dot_film(), 6, 3)
    assert found.positions_px.shape == (6, 1, 2)
    assert np.abs(found.positions_px - POINT).max() < 0.25  # brightness in whole pixels: no finer
    assert found.activations.shape == found.entropies.shape == found.expected_errors_px.shape == (6, 1)
    # The model has seen the dot elsewhere each time.
    places = [np.unravel_index(film.pixels.argmax(), film.pixels.shape) for film in model.shown]
    assert len(set(places)) == 6


def test_fewer_copies_are_the_first_ones_and_a_seed_tells():
    of_five, of_two, other = (
        tta_samples(DotModel(), dot_film(), n, seed).positions_px for n, seed in ((5, 0), (2, 0), (2, 1))
    )
    np.testing.assert_array_equal(of_five[:2], of_two)
    assert not np.array_equal(of_two, other)


def test_alterations_are_within_their_bounds_and_change_the_greys():
    model = DotModel()
    tta_samples(model, dot_film(), 8, 0)
    farthest_px = MAX_SHIFT_MM / 0.5 * np.sqrt(2) + np.deg2rad(MAX_ANGLE_DEG) * 30 + 1
    for film in model.shown:
        y, x = np.unravel_index(film.pixels.argmax(), film.pixels.shape)
        assert np.hypot(x - POINT[0, 0], y - POINT[0, 1]) < farthest_px
    # The background, 0.2 on the film, is 0.2^gamma.
    backgrounds = {round(float(np.median(film.pixels)), 4) for film in model.shown}
    assert len(backgrounds) == 8
    assert all(0.2**1.35 <= grey <= 0.2**0.74 for grey in backgrounds)


@pytest.mark.parametrize("shift_mm", [(2.0, -3.5), (-2.0, 3.5), (0.0, 0.0)])
def test_a_shift_moves_pixels_as_its_map_says(shift_mm):
    film = dot_film()
    moved, to_moved = moved_film(film, angle_deg=0.0, shift_mm=shift_mm)
    assert moved.pixels.shape == film.pixels.shape
    (x, y), (there_x, there_y) = POINT[0].astype(int), to_moved.apply(POINT)[0].round().astype(int)
    assert (there_x - x, there_y - y) == (shift_mm[0] / 0.5, shift_mm[1] / 0.5)
    assert moved.pixels[there_y, there_x] == pytest.approx(film.pixels[y, x], abs=1e-5)


def test_a_film_without_a_scale_is_refused():
    with pytest.raises(FilmError, match="no scale"):
        tta_samples(DotModel(), dot_film(scale=False), 2, 0)


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
