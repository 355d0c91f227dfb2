from __future__ import annotations

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.evaluation.trust import Outcomes, check_tolerance, strata, trust, trust_of_all
from cephsure.uncertainty.prediction import (
    FilmInfo,
    LandmarkPrediction,
    Measures,
    ModelInfo,
    Prediction,
    Region,
)

CODES = ("S", "N", "Or")


def film(errors_px, *, radius_px=10.0, mm_per_px=0.1, facing="right", verdict="fit", accepted=(), level=0.9):
    """A film whose truth is at (100, 100): points off by ``errors_px``, discs round them, 1 mm expected."""
    scale = None if mm_per_px is None else (mm_per_px, mm_per_px)
    marks = []
    for place, (code, (dx, dy)) in enumerate(zip(CODES, errors_px, strict=True)):
        region = None
        if radius_px is not None:
            whole, area = radius_px == np.inf, np.pi * (radius_px * 0.1) ** 2
            region = Region(
                level=level,
                kind="disc",
                whole_film=whole,
                centre_px=None if whole else (100 + dx, 100 + dy),
                half_axes_px=None if whole else ((radius_px, 0), (0, radius_px)),
                area_mm2=None if whole else area,
            )
        measures = Measures(
            activation=1,
            spread_px=1,
            spread_mm=1,
            raw_expected_error_px=1,
            raw_expected_error_mm=9,
            entropy=1,
        )
        marks.append(
            LandmarkPrediction(
                number=place + 1,
                code=code,
                name=code,
                x_px=100 + dx,
                y_px=100 + dy,
                x_mm=None,
                y_mm=None,
                measures=measures,
                samples_px=(),
                expected_error_mm=None if radius_px is None else 1.0 + place,
                region=region,
                verdict=None if verdict is None else "accept" if code in accepted else "review",
            )
        )
    info = FilmInfo(
        path=None,
        width_px=200,
        height_px=200,
        mm_per_px=scale,
        spacing_source="user",
        facing=facing,
        facing_source="given",
        polarity="positive",
        polarity_source="given",
    )
    model = ModelInfo(name="made", kind="baseline", recipe="none", samples=1, seed=0, sha256="0" * 64)
    return Prediction(film=info, model=model, landmarks=tuple(marks), verdict=verdict)


def outcomes(*films, truth=None):
    points = np.full((len(films), 3, 2), 100.0) if truth is None else truth
    return Outcomes.of(films, points)


def test_bias_is_found_minus_true_on_the_upright_film():
    # On a film that faces left the face lies towards smaller x: found 10 px further there is +1 mm.
    right, left = film([(10, 5)] * 3), film([(-10, 5)] * 3, facing="left")
    found = trust(outcomes(right, left), "mean")
    assert found.bias_mm == pytest.approx((1.0, 0.5))
    assert found.per_landmark[1].bias_mm == pytest.approx((1.0, 0.5))
    opposite = trust(outcomes(right, film([(10, 5)] * 3, facing="left")), "mean")
    assert opposite.bias_mm == pytest.approx((0.0, 0.5))


def test_errors_their_95th_percentile_and_detection_rate():
    # 0.1, 0.2, ... 2.1 mm: of 21 ordered values the 95th percentile is the 20th.
    films = [film([(3 * k + 1, 0), (3 * k + 2, 0), (3 * k + 3, 0)]) for k in range(7)]
    found = trust(outcomes(*films), "senior")
    assert (found.truth, found.n_films, found.n_points) == ("senior", 7, 21)
    assert found.mre_mm == pytest.approx(1.1)
    assert found.p95_mm == pytest.approx(2.0)
    assert found.sdr_2mm == pytest.approx(20 / 21)
    assert [mark.p95_mm for mark in found.per_landmark] == pytest.approx([1.81, 1.91, 2.01], abs=0.011)


def test_coverage_counts_true_points_in_their_regions():
    inside, outside = film([(0, 9), (0, 9), (0, 11)]), film([(0, 9), (0, 11), (0, 11)], radius_px=10)
    found = trust(outcomes(inside, outside), "mean").regions
    assert (found.level, found.n_points) == (0.9, 6)
    assert found.coverage == pytest.approx(3 / 6)
    assert found.median_area_mm2 == pytest.approx(np.pi)
    assert found.whole_film_share == 0
    low, high = found.coverage_ci95  # resamples of one film or the other: 2 / 3 and 1 / 3
    assert (low, high) == pytest.approx((1 / 3, 2 / 3))
    judged = trust(outcomes(inside, outside), "mean")
    assert (judged.worst_landmark, judged.worst_coverage) == ("Or", 0.0)
    assert [mark.regions.coverage for mark in judged.per_landmark] == [1.0, 0.5, 0.0]


def test_regions_of_all_of_the_film_hold_every_point_and_are_told():
    found = trust(outcomes(film([(0, 50)] * 3, radius_px=np.inf), film([(0, 50)] * 3)), "mean").regions
    assert (found.coverage, found.whole_film_share) == (0.5, 0.5)
    assert found.median_area_mm2 == pytest.approx(np.pi)
    assert trust(outcomes(film([(0, 0)] * 3, radius_px=np.inf)), "mean").regions.median_area_mm2 is None


def test_expected_errors_are_the_calibrated_ones():
    # Expected 1, 2 and 3 mm (the heat maps say 9), actual 2, 2 and 2.
    found = trust(outcomes(film([(20, 0)] * 3)), "mean")
    assert (found.expected.mean_expected_mm, found.expected.mean_actual_mm) == pytest.approx((2.0, 2.0))
    assert found.expected.ratio == pytest.approx(1.0)
    assert [tenth.expected_mm for tenth in found.tenths] == [1.0, 2.0, 3.0]
    assert found.per_landmark[0].expected.ratio == pytest.approx(0.5)


def test_what_a_gate_accepts_and_how_much_of_that_is_wrong():
    good = film([(0, 0), (21, 0), (0, 0)], accepted=("S", "N"))
    poor = film([(0, 0), (0, 0), (31, 0)], verdict="unfit")
    found = trust(outcomes(good, poor), "mean").gate
    assert found.films == {"fit": 1, "review": 0, "unfit": 1}
    assert found.accepted_share == pytest.approx(2 / 6)
    assert (found.wrong_among_accepted, found.wrong_share) == (pytest.approx(1 / 2), pytest.approx(2 / 6))
    wide = trust(outcomes(good, poor), "mean", tolerance_mm=3.0).gate
    assert (wide.wrong_among_accepted, wide.wrong_share) == (0.0, pytest.approx(1 / 6))
    nothing = trust(outcomes(poor), "mean").gate
    assert (nothing.accepted_share, nothing.wrong_among_accepted) == (0.0, None)
    assert trust(outcomes(good), "mean").per_landmark[2].gate.wrong_among_accepted is None


def test_an_error_of_exactly_the_tolerance_is_not_wrong():
    assert trust(outcomes(film([(20, 0)] * 3, accepted=CODES)), "mean").gate.wrong_among_accepted == 0.0


def test_a_model_without_calibration_and_gate_has_errors_alone():
    found = trust(outcomes(film([(10, 0)] * 3, radius_px=None, verdict=None)), "mean")
    assert (found.regions, found.expected, found.gate, found.worst_landmark) == (None, None, None, None)
    assert (found.tenths, found.mre_mm) == ((), pytest.approx(1.0))


def test_points_without_truth_and_films_without_scale_do_not_count():
    true = np.full((2, 3, 2), 100.0)
    true[0, 2, 0] = np.nan  # half a point is none
    no_scale = film([(0, 0)] * 3, mm_per_px=None, radius_px=None, accepted=CODES)
    found = trust(outcomes(film([(0, 11)] * 3, accepted=("S", "Or")), no_scale, truth=true), "mean")
    assert (found.n_films, found.n_points, found.regions.n_points) == (1, 2, 2)
    assert found.gate.films == {"fit": 1, "review": 0, "unfit": 0}
    assert found.gate.accepted_share == pytest.approx(1 / 2)
    assert [mark.code for mark in found.per_landmark] == ["S", "N"]
    assert trust(outcomes(no_scale), "mean") is None
    assert trust(outcomes(film([(0, 0)] * 3), truth=np.full((1, 3, 2), np.nan)), "mean") is None


def test_truths_are_judged_side_by_side():
    films = [film([(0, 0)] * 3), film([(0, 0)] * 3)]
    truths = {"a": np.full((2, 3, 2), 100.0), "b": np.full((2, 3, 2), 130.0), "c": np.full((2, 3, 2), np.nan)}
    found = trust_of_all({name: outcomes(*films, truth=points) for name, points in truths.items()})
    assert [(one.truth, one.regions.coverage) for one in found] == [("a", 1.0), ("b", 0.0)]


def test_strata_divide_the_films_and_keep_the_unknown_last():
    films = {
        "1": film([(0, 0)] * 3),
        "2": film([(30, 0)] * 3),
        "3": film([(0, 0)] * 3),
        "4": film([(9, 0)] * 3),
    }
    values = {"1": "zebra", "2": "ape", "3": "zebra", "other": "cat"}
    found = strata({"mean": outcomes(*films.values())}, list(films), values, column="device")
    assert [(group.name, group.n_films) for group in found.groups] == [
        ("ape", 1),
        ("zebra", 2),
        ("unknown", 1),
    ]
    assert [group.trust[0].mre_mm for group in found.groups] == pytest.approx([3.0, 0.0, 0.9])
    assert (found.column, found.not_in_table) == ("device", ("4",))


def test_a_stratum_that_nobody_of_that_name_marked_has_no_figures():
    unmarked = Outcomes.of([film([(0, 0)] * 3)], np.full((1, 3, 2), np.nan))
    assert strata({"eve": unmarked}, ["1"], {"1": "a"}, column="x").groups[0].trust == ()


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_tolerance_is_a_positive_number(tolerance):
    with pytest.raises(InputError, match="positive number of mm"):
        check_tolerance(tolerance)
