from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cephsure.evaluation.correlation import pearson, spearman
from cephsure.evaluation.roc import auc
from cephsure.studies.by_count import at_count, subsets
from cephsure.studies.sample_store import DrawnFilm

FILMS, SAMPLES, LANDMARKS = 12, 6, 5


@pytest.fixture(scope="module")
def films():
    """Films of 0.1 mm/px and their truths (F, L, 2) in mm: samples spread as far as they err."""
    rng = np.random.default_rng(4)
    truths = rng.uniform(50, 150, (FILMS, LANDMARKS, 2))
    hard = rng.gamma(2.0, 1.0, (FILMS, LANDMARKS, 1))
    away = hard[:, None] * rng.normal(0, 1, (FILMS, SAMPLES, LANDMARKS, 2)) + hard[:, None] * rng.normal(
        0, 1, (FILMS, 1, LANDMARKS, 2)
    )
    drawn = [
        DrawnFilm(
            ((truth + one) * 10).astype(np.float32),
            *(rng.uniform(0.1, 1, (3, SAMPLES, LANDMARKS)).astype(np.float32)),
            np.array([0.1, 0.1]),
        )
        for truth, one in zip(truths, away, strict=True)
    ]
    return drawn, truths


def test_subsets_share_nothing_as_long_as_they_can():
    found = subsets(15, 3, seed=0)
    assert len(found) == 5
    assert sorted(np.concatenate(found).tolist()) == list(range(15))
    for count in (1, 7, 14):
        chosen = subsets(15, count, seed=0)
        assert [len(set(one.tolist())) for one in chosen] == [count] * 5


def test_all_samples_are_one_subset_and_a_seed_gives_the_same():
    (only,) = subsets(4, 4, seed=7)
    assert only.tolist() == [0, 1, 2, 3]
    pairs = [[one.tolist() for one in subsets(9, 2, seed=seed)] for seed in (1, 1, 2)]
    assert pairs[0] == pairs[1] != pairs[2]


def test_figures_of_all_samples_are_those_of_the_definitions(films):
    drawn, truths = films
    found = at_count(drawn, truths, subsets(SAMPLES, SAMPLES, seed=0), seed=0)
    positions = np.stack([film.positions_px.astype(float) / 10 for film in drawn])
    points = positions.mean(axis=1)
    errors = np.linalg.norm(points - truths, axis=-1)
    spread = np.linalg.norm(positions - points[:, None], axis=-1).mean(axis=1)
    assert (found.count, found.n_subsets, found.n_films, found.n_points) == (SAMPLES, 1, FILMS, 60)
    assert found.mre_mm.value == pytest.approx(errors.mean())
    assert found.mre_mm.interval[0] < errors.mean() < found.mre_mm.interval[1]
    assert found.n_large == (errors > 4).sum()
    ours = found.measures["spread"]
    assert ours["pearson"].value == pytest.approx(pearson(spread, errors))
    assert ours["spearman"].value == pytest.approx(spearman(spread, errors))
    assert ours["auc_4mm"].value == pytest.approx(auc((errors > 4).ravel(), spread.ravel()))
    referred = np.argsort(-spread.ravel())[:12]  # 20 % of 60
    assert ours["caught_20"].value == pytest.approx((errors.ravel()[referred] > 4).sum() / (errors > 4).sum())


def test_a_measure_that_falls_with_uncertainty_is_turned_where_it_chooses(films):
    drawn, truths = films
    errors = np.linalg.norm(drawn[0].positions_px[:1] / 10 - truths[0], axis=-1)
    sure = [
        DrawnFilm(
            film.positions_px,
            (1 / np.linalg.norm(film.positions_px / 10 - truth, axis=-1)).astype(np.float32),
            film.expected_errors_px,
            film.entropies,
            film.mm_per_px,
        )
        for film, truth in zip(drawn, truths, strict=True)
    ]
    assert errors.shape == (1, LANDMARKS)
    found = at_count(sure, truths, [np.array([0])], seed=0).measures["activation"]
    assert found["spearman"].value == pytest.approx(-1.0)
    assert found["auc_4mm"].value == pytest.approx(1.0)


def test_figures_of_fewer_are_means_over_the_subsets(films):
    drawn, truths = films
    chosen = [np.array(pair) for pair in combinations(range(4), 2)]
    together = at_count(drawn, truths, chosen, seed=0)
    apart = [at_count(drawn, truths, [one], seed=0) for one in chosen]
    assert together.n_subsets == 6
    assert together.mre_mm.value == pytest.approx(np.mean([one.mre_mm.value for one in apart]))
    assert together.n_large == np.mean([one.n_large for one in apart])
    areas = [one.measures["spread"]["auc_4mm"].value for one in apart]
    assert together.measures["spread"]["auc_4mm"].value == pytest.approx(np.mean(areas))


def test_more_samples_err_less_and_know_better(films):
    drawn, truths = films
    two, six = (at_count(drawn, truths, subsets(SAMPLES, n, seed=0), seed=0) for n in (2, 6))
    assert six.mre_mm.value < two.mre_mm.value
    assert six.measures["spread"]["spearman"].value > two.measures["spread"]["spearman"].value


def test_a_measure_that_is_the_same_everywhere_is_left_out(films):
    drawn, truths = films
    names = {n: set(at_count(drawn, truths, subsets(SAMPLES, n, seed=0), seed=0).measures) for n in (1, 2, 3)}
    assert names[1] == {"activation", "expected_error", "entropy"}
    assert names[3] - names[2] == {"covariance_radius"}
    assert names[2] - names[1] == {"spread"}


def test_points_without_a_truth_do_not_count_and_one_film_has_no_interval(films):
    drawn, truths = films
    some = truths.copy()
    some[:, 2:] = np.nan
    found = at_count(drawn[:1], some[:1], subsets(SAMPLES, SAMPLES, seed=0), seed=0)
    assert found.n_points == 2
    assert found.mre_mm.interval is None
    assert at_count(drawn, truths * np.nan, subsets(SAMPLES, 2, seed=0), seed=0).mre_mm.value is None
