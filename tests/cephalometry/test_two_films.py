from __future__ import annotations

import json

import numpy as np
import pytest

from cephsure.cephalometry import analyse, analyse_points
from cephsure.cephalometry.superimposition import PlacedPoints
from cephsure.cephalometry.two_films import lay_together, placed_points
from cephsure.errors import InputError
from cephsure.landmarks import load_landmark_set

NAMES = {mark.code: mark.name for mark in load_landmark_set().landmarks}
CODES = tuple(NAMES)
ROW = CODES.index


@pytest.fixture
def pair(make_prediction, judge, head):
    """Two films, the second one's lower face moved; a verdict for each, None for a person's points."""

    def make(
        first="fit", second="fit", *, down_px=60.0, sd_mm=0.3, mm_per_px=(0.1, 0.1), doubtful=(), **more
    ):
        later = np.array(head)
        later[[ROW(code) for code in ("B", "Pog", "Me", "Gn")]] += 0, down_px
        covariances = np.tile(sd_mm**2 * np.eye(2), (len(CODES), 1, 1))
        analyses, predictions = [], []
        for points, verdict, scale in ((head, first, (0.1, 0.1)), (later, second, mm_per_px)):
            if verdict is None:
                at = dict(zip(CODES, np.array(points), strict=True))
                analyses.append(analyse_points(at, (), mm_per_px=scale))
                predictions.append(None)
                continue
            found = make_prediction(
                points, mm_per_px=scale, covariances_mm2=None if scale is None else covariances
            )
            found = judge(found, verdict, doubtful=doubtful)
            analyses.append(analyse(found, ()))
            predictions.append(found)
        return lay_together(tuple(analyses), tuple(predictions), NAMES, **more)

    return make


def by_code(films):
    return {point.code: point for point in films.found.points}


def test_what_moved_is_said_of_two_fit_films(pair):
    films = pair()
    point = by_code(films)["Me"]
    assert point.displacement_mm == pytest.approx(6.0)
    assert [code for code, at in by_code(films).items() if at.moved] == ["B", "Pog", "Me", "Gn"]
    assert films.headline() == (
        "T2 laid on T1: S-N at S; 4 of 18 landmarks moved by more than the points may be off"
    )
    assert not any(films.is_for_review(each) for each in films.found.points)
    assert films.notes == ()


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        (("unfit", "fit"), "first film: the film is unfit for automatic evaluation"),
        (("fit", "unfit"), "second film: the film is unfit for automatic evaluation"),
        (("fit", None), "second film: how far a person's points are off is not known"),
        ((None, None), "first film: how far a person's points are off is not known"),
    ],
)
def test_nothing_is_claimed_from_an_unfit_film_or_a_persons_points(pair, verdicts, why):
    films = pair(*verdicts)
    assert all(point.moved is None and point.interval_90_mm is None for point in films.found.points)
    assert by_code(films)["Me"].displacement_mm == pytest.approx(6.0)
    assert films.headline() == "T2 laid on T1: S-N at S; what moved is not judged"
    assert films.found.no_interval == why


def test_a_displacement_is_for_review_with_its_point_or_the_reference(pair):
    films = pair(doubtful=("Me",))
    assert [code for code, point in by_code(films).items() if films.is_for_review(point)] == ["Me"]
    films = pair(doubtful=("N",))
    assert all(films.is_for_review(point) for point in films.found.points)
    films = pair(doubtful=("N",), on="frankfort")
    assert [code for code, point in by_code(films).items() if films.is_for_review(point)] == ["N"]
    assert all(pair("fit", "review").is_for_review(point) for point in films.found.points)


def test_stable_points_are_named(pair):
    films = pair(on="best", stable=("S", "N", "Ar"))
    assert films.headline().startswith("T2 laid on T1: best fit of S, N, Ar; 4 of 19 landmarks")
    assert not any(films.found.is_laid(point) for point in films.found.points)
    with pytest.raises(InputError, match="no landmark 'Zy'"):
        pair(on="best", stable=("S", "Zy"))


def test_the_document_has_both_films_and_up_is_positive(pair):
    films = pair()
    said = json.loads(json.dumps(films.document(), allow_nan=False))
    assert (said["schema"], said["on"], said["title"]) == ("cephsure.superimposition/1", "sn", "S-N at S")
    assert (said["first"]["verdict"], said["second"]["points_from"]) == ("fit", "test-ensemble")
    assert said["first"]["film"]["path"] == "films/001.png"
    row = next(row for row in said["points"] if row["code"] == "Me")
    point = by_code(films)["Me"]
    assert row["up_mm"] == pytest.approx(-point.down_mm) != 0
    (a, b), (_, d) = point.covariance_mm2
    assert row["covariance_mm2"] == [[a, -b], [-b, d]]
    assert (row["name"], row["moved"], row["for_review"]) == ("Menton", True, False)
    assert "down_mm" not in row
    assert "measurements" not in said["first"]


def test_a_person_has_no_model_in_the_document(pair):
    said = pair("fit", None).document()
    assert said["second"]["model"] is None
    assert said["no_interval"].startswith("second film: ")
    assert all(row["covariance_mm2"] is None for row in said["points"])


def test_a_line_that_grew_by_too_much_makes_the_scales_doubtful(pair):
    (note,) = pair(mm_per_px=(0.14, 0.14)).notes
    assert note.startswith("S-N is ")
    assert note.endswith("are both scales right? (--mm-per-px2)")
    assert pair(mm_per_px=(0.12, 0.12)).notes == ()
    assert pair(mm_per_px=None).notes == ()


def test_a_persons_points_keep_the_sets_order_and_what_is_missing(head):
    at = {code: point for code, point in zip(CODES, np.array(head), strict=True) if code != "Or"}
    placed = placed_points(analyse_points(at, (), mm_per_px=0.2), CODES, None)
    assert isinstance(placed, PlacedPoints)
    assert np.isnan(placed.points_px[ROW("Or")]).all()
    np.testing.assert_array_equal(placed.points_px[ROW("Ar")], head[ROW("Ar")])
    assert (placed.mm_per_px, placed.facing, placed.covariance_px) == ((0.2, 0.2), "right", None)


def test_where_nothing_moved_one_landmark_in_ten_at_most_is_called_moved(make_prediction, head):
    """Both films show the same head; each landmark is off by its calibrated error, on each film anew."""
    rng = np.random.default_rng(5)
    roots = rng.normal(size=(len(CODES), 2, 2))
    covariances = 0.5 * roots @ roots.transpose(0, 2, 1) + 0.05 * np.eye(2)
    called = []
    for _ in range(40):
        films = []
        for angle in (0.0, 0.1):
            errors = np.array([rng.multivariate_normal((0, 0), each) for each in covariances])
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            films.append(make_prediction((head * 0.1 + errors) @ turn.T / 0.1, covariances_mm2=covariances))
        # The second film's errors lie turned with it, as its covariances do.
        turned = [[turn @ np.array(each) @ turn.T] for each in covariances]
        films[1] = make_prediction(films[1].points_px, covariances_mm2=np.concatenate(turned))
        analyses = tuple(analyse(found, ()) for found in films)
        found = lay_together(analyses, tuple(films), NAMES)
        called += [point.moved for point in found.found.points if point.code not in found.found.reference]
    assert 0.05 < np.mean(called) < 0.15
