from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from cephsure.uncertainty.readers.habit import (
    Habit,
    MarkedFilms,
    Prior,
    block_diagonal,
    diagonal_blocks,
    in_plane,
    mean_length,
    observe,
)

NAN = np.nan


def prior_of(w_sd=0.6, b_sd=0.4, landmarks=2, common=0.5, spread_films=4.0):
    covariance = np.diag(np.tile([w_sd**2, b_sd**2, b_sd**2], landmarks))
    covariance[::3, ::3] += common * w_sd**2 * (1 - np.eye(landmarks))
    return Prior(np.tile([0.2, 0.0, 0.0], (landmarks, 1)), covariance, np.ones(landmarks), spread_films)


def draw(rng, habit, films, spread=1.0):
    """Lines (F, L, 2), covariances and marks (F, L, 2) of a reader."""
    lines = np.array([1.5, 0.5]) * np.exp(0.3 * rng.standard_normal((films, len(habit), 1)))
    covariances = np.broadcast_to([[0.5, 0.2], [0.2, 0.8]], (films, len(habit), 2, 2))
    root = np.linalg.cholesky(covariances[0, 0]) * np.sqrt(spread)
    away = habit[:, :1] * lines + habit[:, 1:] + rng.standard_normal(lines.shape) @ root.T
    return MarkedFilms.of(away, lines, covariances)


def nothing(landmarks=2):
    return MarkedFilms.of(*np.empty((2, 0, landmarks, 2)), np.empty((0, landmarks, 2, 2)))


def test_blocks_of_landmarks_that_have_nothing_in_common():
    blocks = np.arange(18.0).reshape(2, 3, 3)
    joint = block_diagonal(blocks)
    assert joint[3:, 3:].tolist() == blocks[1].tolist()
    assert not joint[:3, 3:].any()
    assert not joint[3:, :3].any()
    assert diagonal_blocks(joint + np.kron(1 - np.eye(2), np.ones((3, 3)))).tolist() == blocks.tolist()


def test_sums_of_one_film_by_hand():
    # C = 2: X = ((3, 1, 0), (4, 0, 1)), y = (1, 2).
    films = MarkedFilms.of(np.array([[[1.0, 2.0]]]), np.array([[[3.0, 4.0]]]), 2 * np.eye(2)[None, None])
    assert films.information[0].tolist() == [[12.5, 1.5, 2.0], [1.5, 0.5, 0.0], [2.0, 0.0, 0.5]]
    assert films.right[0].tolist() == [5.5, 0.5, 1.0]
    assert (films.counts[0], films.squares[0]) == (1, 2.5)


def test_films_add_up_and_what_is_not_marked_counts_for_nothing():
    rng = np.random.default_rng(0)
    away, lines = rng.standard_normal((2, 6, 2, 2))
    covariances = np.broadcast_to(np.eye(2), (6, 2, 2, 2))
    away[4:, 1, 0] = NAN
    together = MarkedFilms.of(away, lines, covariances)
    parts = [MarkedFilms.of(away[k], lines[k], covariances[k]) for k in (slice(0, 2), slice(2, 6))]
    for name in MarkedFilms.__slots__:
        assert getattr(parts[0] + parts[1], name) == pytest.approx(getattr(together, name))
    marked = MarkedFilms.of(away[:4, 1:], lines[:4, 1:], covariances[:4, 1:])
    # Of a film without a scale nothing is known in mm.
    lines[4:, 1] = NAN
    spoilt = np.where(np.isnan(away[:, :, :1, None]), NAN, covariances)
    assert MarkedFilms.of(away, lines, spoilt).information == pytest.approx(together.information)
    assert together.counts.tolist() == [6, 4]
    assert together.information[1] == pytest.approx(marked.information[0])


def test_without_films_what_is_believed_stays():
    prior = prior_of()
    habit = observe(prior, nothing())
    assert habit.mean == pytest.approx(prior.mean)
    assert habit.covariance == pytest.approx(np.tile(np.diag([0.36, 0.16, 0.16]), (2, 1, 1)))
    assert habit.spread == pytest.approx([1.0, 1.0])


def test_many_films_show_the_habit_and_the_scatter():
    truth = np.array([[-1.0, 0.5, -0.3], [0.8, 0.0, 0.4]])
    habit = observe(prior_of(), draw(np.random.default_rng(1), truth, 800, spread=2.25))
    assert habit.mean == pytest.approx(truth, abs=0.2)
    assert habit.spread == pytest.approx([2.25, 2.25], rel=0.12)
    assert (np.diagonal(habit.covariance, axis1=1, axis2=2) < 0.03).all()


@pytest.mark.parametrize("films", [1, 3, 10])
def test_a_readers_habit_lies_in_the_posteriors_ellipsoid_as_often_as_stated(films):
    """Readers drawn from the prior; scatter as usual, and believed to be."""
    rng = np.random.default_rng(films)
    prior = prior_of(spread_films=1e9)
    root = np.linalg.cholesky(prior.covariance)
    distances = []
    for _ in range(400):
        truth = prior.mean + (root @ rng.standard_normal(6)).reshape(2, 3)
        habit = observe(prior, draw(rng, truth, films))
        away = truth - habit.mean
        distances.append(np.einsum("li,lij,lj->l", away, np.linalg.inv(habit.covariance), away))
    for level in (0.5, 0.9):
        # 400 readers: three standard errors.
        wide = 3 * np.sqrt(level * (1 - level) / 400)
        assert np.mean(np.array(distances) <= chi2.ppf(level, 3)) == pytest.approx(level, abs=wide)


def test_few_films_hardly_change_what_is_believed_of_the_scatter():
    rng = np.random.default_rng(2)
    spreads = [observe(prior_of(), draw(rng, np.zeros((2, 3)), 1, spread=4.0)).spread for _ in range(200)]
    # One film beside four films' worth of belief: (4 + 4) / 5 at most.
    assert 1.1 < np.mean(spreads) < 1.6


def test_of_readers_who_scatter_as_usual_few_films_do_not_say_that_they_scatter_less():
    """Three numbers a landmark are fitted to a film's two: what is not known of them counts as scatter."""
    rng, prior = np.random.default_rng(5), prior_of()
    root = np.linalg.cholesky(prior.covariance)
    spreads = []
    for _ in range(300):
        truth = prior.mean + (root @ rng.standard_normal(6)).reshape(2, 3)
        spreads.append(observe(prior, draw(rng, truth, 4)).spread)
    assert np.mean(spreads) == pytest.approx(1.0, abs=0.05)


def test_w_of_one_landmark_tells_of_the_others_and_b_does_not():
    films = draw(np.random.default_rng(3), np.array([[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]]), 200)
    first = replace(
        films,
        counts=films.counts * [1, 0],
        information=films.information * np.array([1, 0])[:, None, None],
        right=films.right * np.array([[1], [0]]),
        squares=films.squares * [1, 0],
    )
    together, apart = observe(prior_of(), first), observe(prior_of(common=0.0), first)
    assert together.mean[1, 0] == pytest.approx(0.2 + 0.5 * (together.mean[0, 0] - 0.2), abs=0.02)
    assert together.covariance[1, 0, 0] == pytest.approx(0.36 * (1 - 0.25), rel=0.05)
    assert apart.mean[1] == pytest.approx([0.2, 0.0, 0.0])
    assert together.mean[1, 1:] == pytest.approx([0.0, 0.0])


def test_a_reader_who_is_known_is_not_moved_by_films():
    prior = replace(prior_of(), covariance=np.zeros((6, 6)))
    habit = observe(prior, draw(np.random.default_rng(4), np.ones((2, 3)), 20))
    assert habit.mean == pytest.approx(prior.mean)
    assert not habit.covariance.any()


def test_moves_and_what_is_not_known_of_them_by_hand():
    habit = Habit(np.array([[0.5, 1.0, -2.0]]), np.diag([0.25, 1.0, 4.0])[None], np.ones(1))
    lines = np.array([[[2.0, 4.0]], [[0.0, 0.0]]])
    assert habit.moves_mm(lines)[:, 0].tolist() == [[2.0, 0.0], [1.0, -2.0]]
    assert habit.covariances_mm2(lines)[0, 0].tolist() == [[2.0, 2.0], [2.0, 8.0]]
    assert in_plane(lines, habit.covariance)[1, 0].tolist() == [[1.0, 0.0], [0.0, 4.0]]


def test_mean_length_is_exact_for_a_circle_and_a_line():
    round_one, line = 4.0 * np.eye(2), np.array([[9.0, 0.0], [0.0, 0.0]])
    expected = [2 * np.sqrt(np.pi / 2), 3 * np.sqrt(2 / np.pi), 0.0]
    assert mean_length(np.stack([round_one, line, np.zeros((2, 2))])) == pytest.approx(expected)


@given(st.floats(0, 1), st.floats(0, np.pi), st.floats(0.1, 10))
def test_mean_length_is_short_by_little_at_most(ratio, angle, size):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = size**2 * turn @ np.diag([1.0, ratio]) @ turn.T
    # E|x| of a normal x: the mean over directions u of sqrt(u^T C u), times the mean of a Rayleigh.
    around = np.linspace(0, 2 * np.pi, 401)[:-1]
    squares = np.cos(around) ** 2 + ratio * np.sin(around) ** 2
    exact = size * np.sqrt(squares).mean() * np.sqrt(np.pi / 2)
    assert -0.0165 * exact < mean_length(covariance) - exact < 1e-3 * exact
