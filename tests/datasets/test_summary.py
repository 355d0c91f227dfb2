"""What is in a data set, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cephsure.datasets import AnnotatedFilm, Dataset, read_isbi, select, summarize
from cephsure.films import Spacing, SpacingSource

NAN = float("nan")


def _dataset(three, *, spacings):
    marks = [
        {"anna": [[0, 0], [1, 1], [NAN, NAN]], "ben": [[3, 4], [1, 1], [5, 5]]},
        {"anna": [[0, 0], [NAN, NAN], [NAN, NAN]], "ben": [[0, 10], [NAN, NAN], [NAN, NAN]]},
        {"anna": [[2, 2], [2, 2], [NAN, NAN]], "ben": [[NAN, NAN]] * 3},
    ]
    films = tuple(
        AnnotatedFilm(
            film_id=str(i),
            path=Path(f"{i}.png"),
            annotations={name: np.array(points, dtype=np.float64) for name, points in one.items()},
            spacing=spacing,
        )
        for i, (one, spacing) in enumerate(zip(marks, spacings, strict=True))
    )
    return Dataset(name="three films", landmark_set=three, films=films, problems=("something",))


def test_counts_and_distances(three):
    spacing = Spacing(0.5, 0.1, SpacingSource.USER)
    summary = summarize(_dataset(three, spacings=[spacing] * 3))
    assert (summary.name, summary.n_films, summary.problems) == ("three films", 3, ("something",))
    anna, ben = summary.annotators
    assert (anna.name, anna.n_films, anna.n_points, anna.missing) == ("anna", 3, 5, (0, 1, 3))
    assert (ben.name, ben.n_films, ben.n_points, ben.missing) == ("ben", 2, 4, (1, 2, 2))
    (pair,) = summary.distances
    # Both marked S on two films, (3, 4) and (0, 10) px apart, and N on one, at the same place.
    assert (pair.first, pair.second, pair.n_points) == ("anna", "ben", 3)
    assert pair.mean_px == pytest.approx((5 + 10 + 0) / 3)
    assert pair.per_landmark_px[:2] == pytest.approx((7.5, 0.0))
    assert np.isnan(pair.per_landmark_px[2])
    first_mm = np.hypot(1.5, 0.4)
    assert pair.mean_mm == pytest.approx((first_mm + 1.0) / 3)
    assert pair.per_landmark_mm[:2] == pytest.approx(((first_mm + 1.0) / 2, 0.0))


def test_without_every_films_scale_there_are_no_millimetres(three):
    spacing = Spacing(0.1, 0.1, SpacingSource.USER)
    (pair,) = summarize(_dataset(three, spacings=[spacing, None, spacing])).distances
    assert pair.mean_mm is None
    assert pair.per_landmark_mm is None
    assert pair.mean_px == pytest.approx(5.0)


def test_annotators_without_a_common_point_have_no_distance(three):
    nothing = np.full((3, 2), NAN)
    film = AnnotatedFilm(film_id="1", path=Path("1.png"), annotations={"anna": nothing, "ben": nothing})
    summary = summarize(Dataset(name="x", landmark_set=three, films=(film,)))
    assert summary.distances == ()
    assert [one.n_films for one in summary.annotators] == [0, 0]


def test_an_empty_split_has_no_annotators(three):
    assert summarize(Dataset(name="x", landmark_set=three, films=())).annotators == ()


@pytest.mark.shared
@pytest.mark.parametrize(("split", "mean_mm"), [("train", 2.35), ("test1", 2.36)])
def test_the_challenges_annotators(shared_data, split, mean_mm):
    summary = summarize(select(read_isbi(shared_data / "isbi2015"), split))
    assert [(one.n_films, one.n_points) for one in summary.annotators] == [(150, 2850), (150, 2850)]
    assert summary.distances[0].mean_mm == pytest.approx(mean_mm, abs=0.005)
