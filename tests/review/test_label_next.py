from __future__ import annotations

import numpy as np

from cephsure.projects import PointEdit
from cephsure.review.label_next import choose, label_next


def test_doubtful_films_come_first_where_nothing_else_is_known():
    chosen = choose(np.array([1.0, 3.0, 2.0]), [None, None, None], [], 2)
    assert chosen == [(1, False), (2, False)]


def test_films_alike_are_not_labelled_twice():
    features = [np.array([0.0, 0.0]), np.array([0.01, 0.0]), np.array([1.0, 1.0]), np.array([1.0, 0.9])]
    chosen = [place for place, _ in choose(np.array([2.0, 1.9, 1.0, 0.9]), features, [], 2)]
    assert chosen == [0, 2]


def test_films_like_labelled_ones_wait():
    features = [np.array([0.0, 0.0]), np.array([1.0, 1.0])]
    (place, is_unlike), _ = choose(np.array([1.1, 1.0]), features, [np.array([0.0, 0.01])], 2)
    assert (place, is_unlike) == (1, True)


def test_film_without_features_counts_by_its_doubt():
    features = [None, np.array([0.0, 1.0]), np.array([1.0, 0.0])]
    chosen = [place for place, _ in choose(np.array([9.0, 1.0, 2.0]), features, [], 3)]
    assert chosen == [0, 2, 1]


def test_films_of_one_look():
    same = [np.ones(3)] * 3
    assert len(choose(np.array([1.0, 2.0, 3.0]), same, [np.ones(3)], 5)) == 3


def test_films_of_a_project(desk):
    found = label_next(desk)
    usual = [row for row in desk.queue() if row.verdict != "unfit" and row.state == "predicted"]
    assert {row["film_id"] for row in found} == {row.film_id for row in usual}
    for row in usual:
        desk.project.record(
            row.film_id, [PointEdit(1, "accept")], who="a", request_id=f"request-{row.film_id}"
        )
    desk.bulletin.post(*(row.film_id for row in usual))
    assert label_next(desk) == []
