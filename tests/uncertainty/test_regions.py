"""What all kinds of region have in common: score and region agree, and the promise is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cephsure.geometry import Affine
from cephsure.reports.marks import region_outlines
from cephsure.uncertainty.calibration.calibration import FilmErrors
from cephsure.uncertainty.calibration.fitting import films_and_truths, fit_regions, score_films
from cephsure.uncertainty.quantile import LEVELS, conformal_rank
from cephsure.uncertainty.regions import REGION_KINDS, outlines

KINDS = tuple(REGION_KINDS)


@pytest.fixture(scope="module")
def fitted(made_errors):
    """Forty films with maps, every other one facing left, and what is fitted on them."""
    data = made_errors.draw(
        np.random.default_rng(0), 40, offset_mm=(0.4, -0.3), left=True, with_maps=True, side=31
    )
    return data, fit_regions(data, seed=0)


def surrounded(chains, point):
    odd = False
    for chain in chains:
        x, y = (chain - point).T
        nx, ny = np.roll(x, -1), np.roll(y, -1)
        crosses = (y > 0) != (ny > 0)
        at = x + (nx - x) * -y / np.where(crosses, ny - y, 1)
        odd ^= bool((crosses & (at > 0)).sum() % 2)
    return odd


@pytest.mark.parametrize("kind", KINDS)
def test_a_position_is_in_the_region_exactly_if_its_score_is_within_the_bound(fitted, kind):
    data, regions = fitted
    score, rng = REGION_KINDS[kind], np.random.default_rng(1)
    agreed = []
    for film, _ in list(films_and_truths(data, regions.landmarks))[:4]:
        for _ in range(25):
            positions = film.points_px + rng.normal(0, 15, film.points_px.shape)
            scores = score.scores(film, positions)
            for landmark, bound in enumerate(regions.bounds(kind, 0.8)):
                region = score.region(film, landmark, float(bound), 0.8)
                held = surrounded(region_outlines(region), positions[landmark] + 1e-7)
                agreed.append(held == (scores[landmark] <= bound))
    # An ellipse's outline is drawn with corners: points in the sliver between may differ.
    assert np.mean(agreed) >= (1.0 if kind == "hdr" else 0.995)


@pytest.mark.parametrize("kind", KINDS)
def test_areas_are_the_outlines(fitted, kind):
    data, regions = fitted
    film, _ = next(iter(films_and_truths(data, regions.landmarks)))
    for landmark, bound in enumerate(regions.bounds(kind, 0.8)):
        region = REGION_KINDS[kind].region(film, landmark, float(bound), 0.8)
        total = 0.0
        for chain in region_outlines(region):
            x, y = (chain * film.upright_mm_per_px).T
            total += 0.5 * float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
        assert abs(total) == pytest.approx(region.area_mm2, rel=2e-3)
        assert region.area_mm2 == REGION_KINDS[kind].area_mm2(film, landmark, float(bound))


@pytest.mark.parametrize("kind", KINDS)
def test_a_mirrored_film_has_the_mirrored_region(fitted, kind):
    data, regions = fitted
    film, _ = next(iter(films_and_truths(data, regions.landmarks)))
    turn = Affine(np.diag([-1.0, 1.0]), np.array([1934.0, 0.0]))
    mirrored = FilmErrors(
        points_px=turn.apply(film.points_px),
        upright_mm_per_px=film.upright_mm_per_px * (-1, 1),
        expected_mm=film.expected_mm,
        offsets_mm=film.offsets_mm,
        covariances_mm2=film.covariances_mm2,
        temperatures=film.temperatures,
        maps=film.maps.mirrored(1935),
    )
    positions = film.points_px + np.array([7.0, -4.0])
    score = REGION_KINDS[kind]
    assert score.scores(mirrored, turn.apply(positions)) == pytest.approx(score.scores(film, positions))
    for chain, other in zip(
        region_outlines(score.region(film, 1, float(regions.bounds(kind, 0.8)[1]), 0.8)),
        region_outlines(score.region(mirrored, 1, float(regions.bounds(kind, 0.8)[1]), 0.8)),
        strict=True,
    ):
        ends = [np.sort(chain, axis=0)[[0, -1]] for chain in (turn.apply(chain), other)]
        assert ends[0] == pytest.approx(ends[1], abs=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_larger_bounds_give_larger_regions(fitted, kind):
    data, regions = fitted
    film, _ = next(iter(films_and_truths(data, regions.landmarks)))
    bounds = [regions.bounds(kind, level)[0] for level in LEVELS[:3]]
    areas = [REGION_KINDS[kind].area_mm2(film, 0, float(bound)) for bound in bounds]
    assert areas == sorted(areas)


def test_a_position_off_the_map_never_fits(fitted):
    data, regions = fitted
    film, _ = next(iter(films_and_truths(data, regions.landmarks)))
    scores = REGION_KINDS["hdr"].scores(film, film.points_px + 5000.0)
    assert np.isposinf(scores).all()
    assert np.isnan(REGION_KINDS["hdr"].scores(film, np.full(film.points_px.shape, np.nan))).all()


def test_cells_of_one_density_are_in_or_out_together(fitted):
    data, regions = fitted
    film, _ = next(iter(films_and_truths(data, regions.landmarks)))
    flat = np.full_like(film.maps.probabilities, 1 / film.maps.probabilities[0].size)
    level = type(film.maps)(flat, film.maps.origins_px, film.maps.cell_px)
    even = FilmErrors(
        film.points_px,
        film.upright_mm_per_px,
        film.expected_mm,
        film.offsets_mm,
        film.covariances_mm2,
        film.temperatures,
        level,
    )
    assert REGION_KINDS["hdr"].area_mm2(even, 0, 0.5) == 0
    assert REGION_KINDS["hdr"].scores(even, even.points_px) == pytest.approx(1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("films", "scored"), [(7, 4), (15, 10), (28, 19), (30, 19)])
def test_the_whole_way_keeps_its_promise_with_few_films(made_errors, films, scored):
    """Over many calibrations, shapes fitted each time: coverage k / (n + 1), neither less nor more."""
    rng = np.random.default_rng(films)
    held: dict[tuple[str, float], list[float]] = {}
    for draw in range(60):
        regions = fit_regions(made_errors.draw(rng, films, offset_mm=(0.5, 0.0)), seed=draw)
        assert len(regions.scored_on) == scored
        new = made_errors.draw(rng, 12, offset_mm=(0.5, 0.0))
        for kind in ("ellipse", "disc"):
            scores = score_films(kind, new, regions.landmarks)
            for level in (0.5, 0.8, 0.9):
                held.setdefault((kind, level), []).append(
                    float((scores <= regions.bounds(kind, level)).mean())
                )
    for (_, level), shares in held.items():
        rank = conformal_rank(scored, level)
        if rank > scored:
            assert min(shares) == 1.0
        else:
            error = np.std(shares, ddof=1) / np.sqrt(len(shares))
            assert abs(np.mean(shares) - rank / (scored + 1)) < 3.5 * error
            assert rank / (scored + 1) >= level


@pytest.mark.slow
def test_level_sets_keep_their_promise_too(made_errors):
    rng = np.random.default_rng(5)
    shares = []
    for draw in range(12):
        data = made_errors.draw(rng, 28 + 12, offset_mm=(0.5, 0.0), with_maps=True, side=25)
        regions = fit_regions(data.take(range(28)), seed=draw)
        scores = score_films("hdr", data.take(range(28, 40)), regions.landmarks)
        shares.append((scores <= regions.bounds("hdr", 0.9)).mean())
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert abs(np.mean(shares) - 0.9) < 3 * error


def area(chain):
    x, y = chain.T
    return 0.5 * float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def inside(chains, points):
    """Whether an odd number of chains surrounds each point (even-odd rule, by crossings to the right)."""
    odd = np.zeros(len(points), dtype=bool)
    for chain in chains:
        for (x0, y0), (x1, y1) in zip(chain, np.roll(chain, -1, axis=0), strict=True):
            if x0 == x1:  # only upright sides cross a horizontal ray
                between = (points[:, 1] > min(y0, y1)) & (points[:, 1] < max(y0, y1))
                odd ^= between & (points[:, 0] < x0)
    return odd


def test_a_bar_has_four_corners():
    chains = outlines(np.array([[False, True, True]]))
    assert [chain.tolist() for chain in chains] == [[[0.5, -0.5], [2.5, -0.5], [2.5, 0.5], [0.5, 0.5]]]


def test_a_ring_has_a_hole():
    cells = np.ones((3, 3), dtype=bool)
    cells[1, 1] = False
    outer, hole = outlines(cells)
    assert (area(outer), area(hole)) == (9.0, -1.0)


def test_cells_that_touch_at_a_corner_have_chains_of_their_own():
    chains = outlines(np.array([[True, False], [False, True]]))
    assert sorted(len(chain) for chain in chains) == [4, 4]
    assert [area(chain) for chain in chains] == [1.0, 1.0]


def test_nothing_has_no_outline():
    assert outlines(np.zeros((3, 4), dtype=bool)) == []


@pytest.mark.slow
@settings(max_examples=200)
@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_the_outlines_hold_exactly_the_cells(cells):
    chains = outlines(cells)
    assert sum(map(area, chains)) == pytest.approx(cells.sum())
    rows, columns = np.indices(cells.shape)
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(float)
    assert (inside(chains, centres) == cells.ravel()).all()
    for chain in chains:
        steps = np.roll(chain, -1, axis=0) - chain
        assert ((steps == 0).sum(axis=1) == 1).all()  # along rows and columns
        turned = np.roll(steps, -1, axis=0)
        assert (steps[:, 0] * turned[:, 0] + steps[:, 1] * turned[:, 1] == 0).all()  # and each corner a turn
