from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cephsure.bundles.bundle import read_bundle
from cephsure.errors import BundleError
from cephsure.geometry import Affine, linear
from cephsure.inference.session import Session
from cephsure.preprocessing import stretch_grey, working_film
from cephsure.recipes.paper.localizer import (
    OneStage,
    blur_maps,
    maximum_positions,
    squeezed_view,
    target_lines,
)

FIELDS = ("positions_px", "activations", "expected_errors_px", "entropies")


@pytest.fixture(scope="module")
def localizer(dot_bundles):
    loaded = {}

    def load(kind="baseline", members=1):
        if (kind, members) not in loaded:
            loaded[kind, members] = OneStage(read_bundle(dot_bundles("paper", kind, members)))
        return loaded[kind, members]

    return load


@pytest.mark.parametrize(
    ("kind", "members", "samples"), [("baseline", 1, 1), ("ensemble", 3, 2), ("mc-dropout", 1, 4)]
)
def test_samples_of_every_landmark(dots, localizer, kind, members, samples):
    pixels = stretch_grey(dots.draw_dots(np.random.default_rng(0)).pixels)
    found = localizer(kind, members).sample([pixels], samples=samples, seed=0)[0]
    assert found.positions_px.shape == (samples, 4, 2)
    assert found.coarse_positions_px is None
    for values in (found.activations, found.expected_errors_px, found.entropies):
        assert values.shape == (samples, 4)
        assert values.dtype == np.float64


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.3])
def test_the_dots_are_found_to_half_a_pixel_of_the_squeezed_film(dots, localizer, scale):
    drawn = dots.draw_dots(np.random.default_rng(1), scale=scale)
    found = localizer().sample([stretch_grey(drawn.pixels)], samples=1, seed=0)[0]
    # 400 x 480 px on 64 x 64: a pixel is 6.25 x 7.5 px.
    assert (np.abs(found.positions_px[0] - drawn.points) <= np.array([6.25, 7.5]) * scale * 0.6).all()


def test_readings_are_those_of_the_blurred_maps(dots, dot_bundles, localizer):
    pixels = stretch_grey(dots.draw_dots(np.random.default_rng(2)).pixels)
    view, to_film = squeezed_view(working_film(pixels, dots.PAPER_SIDE), dots.PAPER_SIDE)
    maps = Session(dot_bundles("paper") / "members" / "00" / "paper.onnx").run(view[None, None])[0]
    blurred = np.stack([gaussian_filter(m, 1.5, mode="constant") for m in maps])
    found = localizer().sample([pixels], samples=1, seed=0)[0]
    step = np.sqrt(6.25 * 7.5)
    rows, columns = np.indices(maps.shape[1:])
    for number, one in enumerate(blurred):
        row, column = np.unravel_index(one.argmax(), one.shape)
        share = np.maximum(one, 1e-9) / np.maximum(one, 1e-9).sum()
        assert found.positions_px[0, number] == pytest.approx(to_film.apply(np.array([column, row], float)))
        assert found.activations[0, number] == pytest.approx(one.max(), rel=1e-5)
        assert found.expected_errors_px[0, number] == pytest.approx(
            step * (share * np.hypot(columns - column, rows - row)).sum(), rel=1e-4
        )
        assert found.entropies[0, number] == pytest.approx(-(share * np.log(share)).sum(), rel=1e-4)


def test_the_same_seed_gives_the_same_numbers(dots, localizer):
    pixels = stretch_grey(dots.draw_dots(np.random.default_rng(0)).pixels)
    one, again, other = (
        localizer("mc-dropout").sample([pixels], samples=6, seed=seed)[0] for seed in (3, 3, 4)
    )
    for name in FIELDS:
        assert getattr(one, name).tobytes() == getattr(again, name).tobytes()
        assert getattr(one, name).tobytes() != getattr(other, name).tobytes()
    assert (one.positions_px[..., 0].std(axis=0) > 1).all()


def test_the_first_members_and_passes_are_taken(dots, localizer):
    pixels = stretch_grey(dots.draw_dots(np.random.default_rng(0)).pixels)
    for kind, members in (("ensemble", 3), ("mc-dropout", 1)):
        few, many = (localizer(kind, members).sample([pixels], samples=n, seed=0)[0] for n in (2, 3))
        np.testing.assert_allclose(few.positions_px, many.positions_px[:2])


@pytest.mark.parametrize("size", [(3000, 100), (100, 3000), (64, 64), (5, 9), (1, 1)])
def test_weird_films_give_finite_numbers(localizer, size):
    noise = np.random.default_rng(0).uniform(size=size).astype(np.float32)
    found = localizer("mc-dropout").sample([stretch_grey(noise)], samples=3, seed=0)[0]
    for name in FIELDS:
        assert np.isfinite(getattr(found, name)).all()


def test_maps_lie_on_the_film_and_expect_the_errors_that_are_read(dots, localizer):
    pixels = stretch_grey(dots.draw_dots(np.random.default_rng(4)).pixels)
    found = localizer().sample([pixels], samples=1, seed=0, with_maps=True)[0]
    assert localizer().sample([pixels], samples=1, seed=0)[0].maps is None
    (maps,) = found.maps
    assert found.marks_px is None
    assert maps.probabilities.sum(axis=(1, 2)) == pytest.approx(np.ones(4), abs=1e-3)
    rows, columns = np.indices(maps.probabilities.shape[1:])
    grid = np.stack([columns, rows], axis=-1) @ maps.cell_px.T
    step = np.sqrt(np.linalg.det(maps.cell_px))
    for landmark, point in enumerate(found.positions_px[0]):
        away = (grid + maps.origins_px[landmark] - point) @ np.linalg.inv(maps.cell_px).T
        expected = (maps.probabilities[landmark] * np.hypot(away[..., 0], away[..., 1])).sum() * step
        assert expected == pytest.approx(found.expected_errors_px[0, landmark], rel=1e-3)


def test_some_members_alone_give_what_they_give_among_all(dots, localizer):
    pixels, whole = stretch_grey(dots.draw_dots(np.random.default_rng(4)).pixels), localizer("ensemble", 3)
    chosen = whole.only((2, 0)).sample([pixels], samples=2, seed=0)[0]
    assert (chosen.positions_px == whole.sample([pixels], samples=3, seed=0)[0].positions_px[[2, 0]]).all()
    assert len(whole.networks) == 3


@pytest.mark.parametrize(("kind", "members"), [("baseline", 1), ("ensemble", 3), ("mc-dropout", 1)])
def test_augmented_views_find_the_dots_where_they_are_on_the_film(dots, localizer, kind, members):
    drawn = dots.draw_dots(np.random.default_rng(4))
    pixels = stretch_grey(drawn.pixels)
    found = localizer(kind, members).augmented(pixels, count=5, seed=2)
    assert found.shape == (5, 4, 2)
    # A pixel of the network's view is 6.25 x 7.5 px, and the answer a whole pixel of a turned view.
    assert np.abs(found - drawn.points).max() < 9.0
    assert found.std(axis=0).max() > 0.1
    assert localizer(kind, members).features(pixels) is None  # these networks have no deepest level


def test_the_view_reaches_to_the_films_edges():
    # 200 x 100 px on 20 x 20: steps of 10 and 5 px; the first cell's centre is 4.5 and 2 px from the corner.
    _, to_film = squeezed_view(working_film(np.zeros((100, 200), np.float32), 20), 20)
    assert to_film.apply(np.array([[0.0, 0.0], [19.0, 19.0]])).tolist() == [[4.5, 2.0], [194.5, 97.0]]


def test_grey_values_are_in_minus_one_to_one():
    film = np.zeros((60, 80), np.float32)
    film[:, 40:] = 1.0
    view, _ = squeezed_view(working_film(film, 16), 16)
    assert view.shape == (16, 16)
    assert np.allclose(view[:, :7], -1)
    assert np.allclose(view[:, 9:], 1)


def test_a_blob_lies_where_the_map_says():
    y, x = np.mgrid[:300, :240]
    point = np.array([150.0, 90.0])
    film = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * 15.0**2)).astype(np.float32)
    view, to_film = squeezed_view(working_film(film, 64), 64)
    weights = view.astype(np.float64) + 1
    rows, columns = np.mgrid[:64, :64]
    centroid = np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()
    assert to_film.apply(centroid) == pytest.approx(point, abs=0.5)


def test_a_moved_view_still_knows_where_on_the_film_it_looks():
    y, x = np.mgrid[:300, :240]
    point = np.array([150.0, 90.0])
    film = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * 15.0**2)).astype(np.float32)
    move = Affine(linear(rotation_deg=10.0), np.array([20.0, -15.0]))
    view, to_film = squeezed_view(working_film(film, 64), 64, move=move)
    plain, _ = squeezed_view(working_film(film, 64), 64)
    weights = view.astype(np.float64) + 1
    rows, columns = np.mgrid[:64, :64]
    centroid = np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()
    assert to_film.apply(centroid) == pytest.approx(point, abs=0.5)
    assert np.abs(view - plain).max() > 0.5


def test_maxima_are_whole_pixels_column_first():
    maps = np.zeros((2, 5, 7), np.float32)
    maps[0, 4, 1] = 2.0
    maps[1, 0, 6] = 3.0
    positions, values = maximum_positions(maps)
    assert positions.tolist() == [[1.0, 4.0], [6.0, 0.0]]
    assert values.tolist() == [2.0, 3.0]


def test_blur_is_a_unit_gaussian_for_each_map():
    maps = np.zeros((2, 41, 41), np.float32)
    maps[0, 20, 20] = 1000.0
    blurred = blur_maps(maps, 5.0, version=1)
    # The height of a unit Gaussian: 1 / (2 pi sigma^2), as the targets have it.
    assert blurred[0, 20, 20] == pytest.approx(1000 / (2 * np.pi * 25), rel=2e-3)
    assert not blurred[1].any()


# exp(-k^2 / 50) at k = 0 ... 5, of sigma 5: what an 11 x 11 window has along each axis, before it is made to
# sum to one. 1 + 2 (0.98020 + 0.92312 + 0.83527 + 0.72615 + 0.60653) = 9.14253.
WINDOW = np.array([1.0, 0.98020, 0.92312, 0.83527, 0.72615, 0.60653])
WINDOW = np.concatenate([WINDOW[:0:-1], WINDOW]) / 9.14253


def test_the_papers_target_is_an_impulse_at_a_whole_pixel_blurred_in_a_window_of_eleven():
    along_x, along_y = target_lines(np.array([[60.4, 70.6]]), 128, 5.0, version=2)
    # Rounded to (60, 71); one sigma to each side.
    assert along_x[0, 55:66] == pytest.approx(WINDOW, rel=1e-4)
    assert along_y[0, 66:77] == pytest.approx(WINDOW, rel=1e-4)
    assert not np.delete(along_x[0], np.arange(55, 66)).any()
    assert not np.delete(along_y[0], np.arange(66, 77)).any()
    # An amplitude of 1000: 1000 / 9.14253^2 at the landmark.
    assert 1000 * along_y[0, 71] * along_x[0, 60] == pytest.approx(11.964, abs=1e-3)


def test_the_papers_blur_is_that_of_its_target():
    maps = np.zeros((1, 128, 128), np.float32)
    maps[0, 71, 60] = 1000.0
    along_x, along_y = target_lines(np.array([[60.0, 71.0]]), 128, 5.0, version=2)
    assert blur_maps(maps, 5.0, version=2)[0] == pytest.approx(1000 * np.outer(along_y, along_x), rel=1e-5)


def test_at_the_edge_the_window_loses_what_lies_outside():
    # The landmark is half a pixel off the first one's centre, rounded to even: 0; five pixels are cut off.
    along_x, _ = target_lines(np.array([[-0.5, 3.0]]), 128, 5.0, version=2)
    assert along_x[0, :6] == pytest.approx(WINDOW[5:], rel=1e-4)
    assert not along_x[0, 6:].any()


def test_the_first_versions_target_is_where_the_landmark_is_and_has_no_end():
    along_x, along_y = target_lines(np.array([[10.25, np.nan]]), 32, 2.0, version=1)
    offsets = np.arange(32) - 10.25
    assert along_x[0] == pytest.approx(np.exp(-(offsets**2) / 8) / np.sqrt(8 * np.pi), rel=1e-6)
    assert np.isnan(along_y).all()
    assert np.isnan(target_lines(np.array([[10.25, np.nan]]), 32, 2.0, version=2)[1]).all()


def test_a_bundle_is_decoded_by_its_recipes_version(dots, dot_bundles, tmp_path):
    pixels = stretch_grey(dots.draw_dots(np.random.default_rng(2)).pixels)
    folder = dot_bundles("paper")
    maps = Session(folder / "members" / "00" / "paper.onnx").run(
        squeezed_view(working_film(pixels, dots.PAPER_SIDE), dots.PAPER_SIDE)[0][None, None]
    )[0]
    for version, cut in ((None, 4.0), (1, 4.0), (2, 1.0)):
        bundle = read_bundle(folder)
        told = {} if version is None else {"version": version}
        facts = bundle.recipe.model_validate(bundle.recipe.model_dump(exclude={"version"}) | told)
        found = OneStage(replace(bundle, recipe=facts)).sample([pixels], samples=1, seed=0)[0]
        blurred = [gaussian_filter(m, 1.5, mode="constant", truncate=cut).max() for m in maps]
        assert found.activations[0] == pytest.approx(blurred, rel=1e-5)


def test_a_version_from_the_future_is_refused(dot_bundles):
    bundle = read_bundle(dot_bundles("paper"))
    with pytest.raises(BundleError, match="version 3 of the recipe 'paper' is unknown"):
        OneStage(replace(bundle, recipe=bundle.recipe.model_copy(update={"version": 3})))
