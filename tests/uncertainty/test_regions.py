"""What all kinds of region have in common: contents are uniform under the model, score and region agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import made_errors as made
from cephsure.geometry import Affine
from cephsure.inference.samples import HeatMaps
from cephsure.reports.marks import region_outlines
from cephsure.uncertainty.calibration.calibration import FilmErrors, film_errors
from cephsure.uncertainty.calibration.rehearsal import drawn_of
from cephsure.uncertainty.prediction import Region
from cephsure.uncertainty.readers.habit import Habit
from cephsure.uncertainty.regions import REGION_KINDS, Density, holds, outlines

KINDS = tuple(REGION_KINDS)
CONTENTS = np.array([0.1, 0.5, 0.8, 0.95])


@pytest.fixture(scope="module", params=["faces left", "faces right"])
def film(request):
    """A film as a reader marks it who is known in part, with annotators' maps."""
    data = made.draw(np.random.default_rng(0), 2, two=True, left=True, with_maps=True, side=41)
    calibration = made.calibration(with_maps=True)
    prior = calibration.readers.prior()
    blocks = np.tile(np.diag([0.04, 0.09, 0.16]), (4, 1, 1))
    index = ["faces left", "faces right"].index(request.param)
    return film_errors(
        calibration.scatter["one"], drawn_of(data, index), Habit(prior.mean, blocks, prior.spread)
    )


def draw(kind, film, rng):
    """(L, 2) positions from the density that a kind of region takes for the true one."""
    if kind == "disc":  # a Rayleigh radius of the expected mean
        radius = rng.rayleigh(film.expected_mm / np.sqrt(np.pi / 2))
        angle = rng.uniform(0, 2 * np.pi, len(radius))
        away = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    elif kind == "ellipse":
        roots = np.linalg.cholesky(film.covariances_mm2)
        away = np.einsum("lij,lj->li", roots, rng.standard_normal((len(roots), 2)))
    else:
        maps = film.density.maps
        _, height, width = maps.probabilities.shape
        cells = [rng.choice(height * width, p=own.ravel() / own.sum()) for own in maps.probabilities]
        places = np.stack(np.divmod(cells, width)[::-1], axis=1) + rng.uniform(-0.5, 0.5, (len(cells), 2))
        return maps.origins_px + places @ maps.cell_px.T
    return film.points_px + away / film.upright_mm_per_px


@pytest.mark.parametrize("kind", KINDS)
def test_contents_of_points_from_the_model_are_uniform(film, kind):
    rng = np.random.default_rng(1)
    contents = np.ravel([REGION_KINDS[kind].contents(film, draw(kind, film, rng)) for _ in range(250)])
    for level in CONTENTS:
        # A thousand points: three and a half standard errors.
        wide = 3.5 * np.sqrt(level * (1 - level) / len(contents))
        assert (contents <= level).mean() == pytest.approx(level, abs=wide + 0.005)


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
def test_a_position_is_in_the_region_exactly_if_its_content_is_within_it(film, kind):
    score, rng = REGION_KINDS[kind], np.random.default_rng(1)
    chains = [region_outlines(score.region(film, landmark, 0.8, 0.8)) for landmark in range(4)]
    agreed = []
    for _ in range(50):
        positions = draw(kind, film, rng)
        contents = score.contents(film, positions)
        held = [surrounded(own, place + 1e-7) for own, place in zip(chains, positions, strict=True)]
        agreed += (np.array(held) == (contents <= 0.8)).tolist()
    # An ellipse's outline is drawn with corners: points in the sliver between may differ; cells' corners are
    # rounded to a thousandth of a pixel.
    assert np.mean(agreed) >= 0.985


@pytest.mark.parametrize("kind", KINDS)
def test_areas_are_those_of_the_outlines_and_grow_with_the_content(film, kind):
    areas = REGION_KINDS[kind].areas_mm2(film, CONTENTS)
    assert areas.shape == (4, len(CONTENTS))
    assert (np.diff(areas, axis=1) > 0).all()
    for landmark in range(4):
        region = REGION_KINDS[kind].region(film, landmark, 0.8, 0.9)
        total = sum(area(chain * film.upright_mm_per_px) for chain in region_outlines(region))
        assert abs(total) == pytest.approx(region.area_mm2, rel=3e-3)
        assert region.area_mm2 == pytest.approx(areas[landmark, 2])
        assert (region.level, region.kind, region.whole_film) == (0.9, kind, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mirrored_film_has_the_mirrored_region(film, kind):
    turn = Affine(np.diag([-1.0, 1.0]), np.array([1934.0, 0.0]))
    mirrored = FilmErrors(
        points_px=turn.apply(film.points_px),
        upright_mm_per_px=film.upright_mm_per_px * (-1, 1),
        expected_mm=film.expected_mm,
        covariances_mm2=film.covariances_mm2,
        density=Density(film.density.maps.mirrored(1935)),
    )
    positions = film.points_px + np.array([7.0, -4.0])
    score = REGION_KINDS[kind]
    assert score.contents(mirrored, turn.apply(positions)) == pytest.approx(score.contents(film, positions))
    for chain, other in zip(
        region_outlines(score.region(film, 1, 0.8, 0.8)),
        region_outlines(score.region(mirrored, 1, 0.8, 0.8)),
        strict=True,
    ):
        ends = [np.sort(chain, axis=0)[[0, -1]] for chain in (turn.apply(chain), other)]
        assert ends[0] == pytest.approx(ends[1], abs=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_contents_begin_at_the_point_and_end_far_off(film, kind):
    score = REGION_KINDS[kind]
    assert score.contents(film, film.points_px).max() < 0.15
    assert score.contents(film, film.points_px + 5000.0) == pytest.approx([1.0] * 4)
    assert np.isnan(score.contents(film, np.full((4, 2), np.nan))).all()


def with_maps(film, image):
    maps = film.density.maps
    images = np.repeat(image[None].astype(np.float32), 4, axis=0)
    return replace(film, density=Density(HeatMaps(images, maps.origins_px, maps.cell_px)))


def test_cells_of_one_density_are_in_or_out_together(film):
    even, score = with_maps(film, np.full((20, 20), 1 / 400)), REGION_KINDS["hdr"]
    assert score.areas_mm2(even, np.array([0.5]))[0, 0] == 0
    inside = film.density.maps.origins_px + film.density.maps.cell_px @ np.array([7.0, 3.0])
    assert score.contents(even, inside) == pytest.approx([1.0] * 4)
    # But a region is never empty: the likeliest cells are in it.
    region = score.region(even, 0, 0.5, 0.5)
    assert region.area_mm2 == pytest.approx(400 * abs(np.linalg.det(film.density.maps.cell_px)) * 0.01)


def test_highest_density_by_hand(film):
    image = np.zeros((3, 3))
    image[1] = (0.3, 0.5, 0.1)
    image[0, 1] = 0.1
    few, score = with_maps(film, image), REGION_KINDS["hdr"]
    cell = abs(np.linalg.det(film.density.maps.cell_px)) * 0.01
    counts = score.areas_mm2(few, np.array([0.49, 0.5, 0.79, 0.81, 0.99]))[0] / cell
    assert counts == pytest.approx([0, 1, 1, 2, 2])
    for (column, row), content in (((1, 1), 0.5), ((0, 1), 0.8), ((2, 1), 1.0), ((1, 0), 1.0), ((0, 0), 1.0)):
        place = few.density.maps.origins_px + few.density.maps.cell_px @ np.array([column, row], dtype=float)
        assert score.contents(few, place) == pytest.approx([content] * 4)


def test_a_highest_density_region_needs_maps(film):
    with pytest.raises(ValueError, match="heat maps"):
        REGION_KINDS["hdr"].contents(replace(film, density=None), film.points_px)


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


ELLIPSE = Region(level=0.9, kind="ellipse", centre_px=(10.0, 20.0), half_axes_px=((3.0, 3.0), (-1.0, 1.0)))
FRAME = Region(
    level=0.9,
    kind="hdr",
    outlines_px=(
        ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)),
        ((4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)),
    ),
)


@given(st.floats(0, 2 * np.pi), st.floats(0, 2))
def test_an_ellipse_holds_what_its_half_axes_say(angle, radius):
    axes = np.array(ELLIPSE.half_axes_px)
    point = np.array(ELLIPSE.centre_px) + radius * (np.cos(angle) * axes[0] + np.sin(angle) * axes[1])
    if abs(radius - 1) > 1e-6:
        assert holds(ELLIPSE, point) == (radius < 1)


@pytest.mark.parametrize(
    ("point", "inside"),
    [((1, 1), True), ((5, 5), False), ((5, 3), True), ((11, 5), False), ((-1, 5), False), ((8, 8), True)],
)
def test_a_hole_is_outside(point, inside):
    assert holds(FRAME, np.array(point, dtype=float)) is inside


def test_all_of_the_film_holds_everything_and_a_point_only_itself():
    assert holds(Region(level=0.9, kind="disc", whole_film=True), np.array([1e6, 0.0]))
    spot = Region(level=0.9, kind="disc", centre_px=(1.0, 1.0), half_axes_px=((0.0, 0.0), (0.0, 0.0)))
    assert holds(spot, np.array([1.0, 1.0]))
    assert not holds(spot, np.array([1.0, 2.0]))
    assert not holds(Region(level=0.9, kind="disc"), np.array([0.0, 0.0]))
