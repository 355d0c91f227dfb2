from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from cephsure.inference.samples import Samples
from cephsure.studies.cases import films_of_split
from cephsure.studies.drawing import ALTERED, PASSES, draw_films, drawings_of


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
    """Give ``of_kind(kind, model=...) -> (study, drawings, items)``."""

    def make(kind, model=None, samples=4):
        one = study_model(label=kind, kind=kind, model=model, samples=samples)
        changed = replace(study, models=(one,))
        return changed, drawings_of(one), films_of_split(study.dataset)

    return make


def test_each_kind_has_its_own_numbers(of_kind):
    counts = {
        kind: [one.counts for one in of_kind(kind)[1]] for kind in ("baseline", "ensemble", "mc-dropout")
    }
    assert counts == {"baseline": [(1,), ALTERED], "ensemble": [(1, 2, 3, 4)], "mc-dropout": [PASSES]}
    names = [one.name for kind in counts for one in of_kind(kind)[1]]
    assert names == ["baseline", "baseline_altered", "ensemble", "mc-dropout"]


def test_a_film_is_drawn_once_with_the_largest_number_and_timed_with_each(of_kind):
    model = RandomModel()
    study, drawings, items = of_kind("ensemble", model)
    (store,) = draw_films(study, drawings, items).values()
    # Four films, one drawing to warm up, then three films with each number.
    assert model.asked == [4] * 4 + [4] + [1, 2, 3, 4] * 3
    assert store.films["c"].positions_px.shape == (4, 2, 2)
    assert store.films["c"].mm_per_px.tolist() == [0.1, 0.1]
    assert store.cost.ms.shape == (3, 4)
    assert store.cost.median_ms(2) > 0


def test_a_rerun_draws_nothing_and_stored_samples_stand_for_their_model(of_kind):
    study, drawings, items = of_kind("ensemble", RandomModel())
    (first,) = draw_films(study, drawings, items).values()
    model = RandomModel()
    study, drawings, items = of_kind("ensemble", model)
    (again,) = draw_films(study, drawings, items).values()
    assert model.asked == []
    np.testing.assert_array_equal(again.films["d"].positions_px, first.films["d"].positions_px)
    np.testing.assert_array_equal(again.cost.ms, first.cost.ms)
    study, drawings, items = of_kind("ensemble", None)
    assert list(draw_films(study, drawings, items)) == ["ensemble"]


def test_what_is_neither_kept_nor_can_be_drawn_is_left_out(of_kind):
    study, drawings, items = of_kind("ensemble", None)
    assert draw_films(study, drawings, items) == {}


def test_an_interrupted_drawing_goes_on_where_it_was(of_kind):
    study, drawings, items = of_kind("ensemble", RandomModel(fail_at=2))
    with pytest.raises(KeyboardInterrupt):
        draw_films(study, drawings, items)
    model = RandomModel()
    study, drawings, items = of_kind("ensemble", model)
    draw_films(study, drawings, items)
    assert model.asked[:4] == [4, 4, 4, 1]  # two films were left, then the timing


def test_progress_counts_films_of_each_drawing(of_kind):
    steps = []

    @contextmanager
    def progress(what, total):
        steps.append((what, total))
        yield lambda: steps.append("step")

    study, drawings, items = of_kind("baseline", RandomModel())
    draw_films(replace(study, progress=progress), drawings, items)
    assert steps == [("samples", 8), *["step"] * 8]
