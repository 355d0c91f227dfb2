from __future__ import annotations

import numpy as np
import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.geometry import Warp, local_centroids, read_maps, sample_bilinear, softmax_maps
from cephsure.inference.session import Session
from cephsure.preprocessing import standardise, stretch_grey, whole_view, whole_warp, working_film
from cephsure.recipes.coarse_to_fine.localizer import CoarseToFine
from cephsure.recipes.coarse_to_fine.patches import (
    PatchLayout,
    build_pyramid,
    frame_of,
    map_to_frame,
    network_input,
)

FIELDS = ("positions_px", "activations", "expected_errors_px", "entropies", "coarse_positions_px")


@pytest.fixture(scope="module")
def localizer(dot_bundles):
    loaded = {}

    def load(kind="baseline", members=1):
        if (kind, members) not in loaded:
            loaded[kind, members] = CoarseToFine(read_bundle(dot_bundles("default", kind, members)))
        return loaded[kind, members]

    return load


@pytest.fixture(scope="module")
def film(dots):
    drawn = dots.draw_dots(np.random.default_rng(7), scale=1.7)
    return stretch_grey(drawn.pixels), drawn.points


def plainly_refined(pyramid, coarse, fine, layout, shape):
    """One member's fine stage, written as one would explain it: every point by itself, float64."""
    frame = frame_of(coarse, shape)
    centres = frame.inverse().apply(coarse)
    sides = (2 * layout.map_side, *[layout.map_side] * len(layout.context_steps))
    patches = []
    levels = zip(pyramid.levels, sides, (layout.step, *layout.context_steps), strict=True)
    for (image, from_film), side, step in levels:
        offset = (np.arange(side) - (side - 1) / 2) * step
        grid = np.stack(np.meshgrid(offset, offset), axis=-1)
        points = from_film.apply(frame.apply(centres[:, None, None] + grid))
        patches.append(sample_bilinear(image, points))
    logits = fine.run(network_input(patches[0], np.stack(patches[1:], axis=1))[None])[0]
    annotators = []
    for maps in logits:
        probabilities = softmax_maps(maps)
        annotators.append(read_maps(probabilities, local_centroids(probabilities, 3)))
    on_map = np.mean([a.positions for a in annotators], axis=0)
    errors = np.sqrt(np.sum([a.expected_errors**2 for a in annotators], axis=0)) / len(annotators)
    return (
        Warp(frame).source(centres + map_to_frame(on_map, layout)),
        np.mean([a.activations for a in annotators], axis=0),
        errors * layout.map_step * frame.scale,
        np.mean([a.entropies for a in annotators], axis=0),
    )


def test_the_quick_way_gives_what_the_plain_way_gives(dots, dot_bundles, localizer, film):
    pixels, _ = film
    members = dot_bundles("default", "ensemble", 3) / "members"
    folders = [members / f"{k:02d}" for k in range(3)]
    working = working_film(pixels, dots.SIDE)
    coarse = []
    for folder in folders:
        warp = whole_warp(working, dots.SIDE)
        view = standardise(whole_view(working, warp, dots.SIDE))
        maps = softmax_maps(Session(folder / "coarse.onnx").run(view[None, None])[0])
        coarse.append(warp.source(2 * local_centroids(maps, 3) + 0.5))
    scale = float(np.median([frame_of(points, dots.SHAPE).scale for points in coarse]))
    layout = PatchLayout(dots.MAP_SIDE, 0.4, (1.6, 3.2))
    pyramid = build_pyramid(pixels, scale, layout)
    plain = [
        plainly_refined(pyramid, points, Session(folder / "fine.onnx"), layout, dots.SHAPE)
        for points, folder in zip(coarse, folders, strict=True)
    ]
    found = localizer("ensemble", 3).sample([pixels], samples=3, seed=0)[0]
    np.testing.assert_allclose(found.coarse_positions_px, coarse, atol=1e-6)
    for number, name in enumerate(FIELDS[:4]):
        np.testing.assert_allclose(getattr(found, name), [one[number] for one in plain], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "members", "samples"), [("baseline", 1, 1), ("ensemble", 3, 2), ("mc-dropout", 1, 4)]
)
def test_samples_of_every_landmark(localizer, film, kind, members, samples):
    found = localizer(kind, members).sample([film[0]], samples=samples, seed=0)[0]
    assert found.positions_px.shape == found.coarse_positions_px.shape == (samples, 4, 2)
    for values in (found.activations, found.expected_errors_px, found.entropies):
        assert values.shape == (samples, 4)
    for name in FIELDS:
        assert getattr(found, name).dtype == np.float64


@pytest.mark.parametrize(("kind", "members", "samples"), [("baseline", 1, 1), ("ensemble", 3, 3)])
def test_maps_lie_round_the_points_and_change_nothing_else(localizer, film, kind, members, samples):
    pixels, _ = film
    found = localizer(kind, members).sample([pixels], samples=samples, seed=0, with_maps=True)[0]
    plain = localizer(kind, members).sample([pixels], samples=samples, seed=0)[0]
    assert plain.maps is None
    for name in FIELDS:
        assert (getattr(found, name) == getattr(plain, name)).all()
    images = found.maps.probabilities
    assert images.sum(axis=(1, 2)) == pytest.approx(np.ones(4), abs=1e-3)
    rows, columns = np.indices(images.shape[1:])
    means = np.stack([(images * grid).sum(axis=(1, 2)) for grid in (columns, rows)], axis=1)
    points = found.positions_px.mean(axis=0)
    # The point is a centroid round the maximum, the mean is that of all of the map.
    away = found.maps.origins_px + means @ found.maps.cell_px.T - points
    assert (np.hypot(*away.T) < found.expected_errors_px.mean(axis=0)).all()
    assert (found.maps.cells(points) >= 0).all()


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.1])
def test_the_dots_are_found_whatever_the_films_size(dots, localizer, scale):
    drawn = dots.draw_dots(np.random.default_rng(3), scale=scale)
    found = localizer("ensemble", 3).sample([stretch_grey(drawn.pixels)], samples=3, seed=0)[0]
    np.testing.assert_allclose(found.positions_px.mean(axis=0), drawn.points, atol=0.4 * scale)
    np.testing.assert_allclose(found.coarse_positions_px.mean(axis=0), drawn.points, atol=2.5 * scale)
    # The maps' Gaussians are some px wide on a film of 400 px: so is what they say of the error.
    assert ((found.expected_errors_px > scale) & (found.expected_errors_px < 8 * scale)).all()


def test_members_differ_and_the_first_ones_are_taken(localizer, film):
    three = localizer("ensemble", 3).sample([film[0]], samples=3, seed=0)[0]
    two = localizer("ensemble", 3).sample([film[0]], samples=2, seed=0)[0]
    # The pyramid's resolution is by the median frame of the members asked: a little else.
    np.testing.assert_allclose(two.coarse_positions_px, three.coarse_positions_px[:2])
    np.testing.assert_allclose(two.positions_px, three.positions_px[:2], atol=0.2)
    assert (three.positions_px.std(axis=0) > 1e-3).any(axis=1).all()


def test_the_same_seed_gives_the_same_numbers(localizer, film):
    dropout = localizer("mc-dropout")
    one, again, other = (dropout.sample([film[0]], samples=5, seed=seed)[0] for seed in (3, 3, 4))
    for name in FIELDS:
        assert getattr(one, name).tobytes() == getattr(again, name).tobytes()
        assert getattr(one, name).tobytes() != getattr(other, name).tobytes()
    assert (one.positions_px.std(axis=0) > 1e-3).all()
    assert (one.coarse_positions_px.std(axis=0) > 0).all()


def test_the_first_passes_are_the_same_however_many_are_drawn(localizer, film):
    few, many = (localizer("mc-dropout").sample([film[0]], samples=n, seed=0)[0] for n in (2, 6))
    np.testing.assert_allclose(few.coarse_positions_px, many.coarse_positions_px[:2])


def test_networks_without_dropout_do_not_care_for_the_seed(localizer, film):
    one, other = (localizer("ensemble", 3).sample([film[0]], samples=3, seed=seed)[0] for seed in (0, 1))
    assert one.positions_px.tobytes() == other.positions_px.tobytes()


def test_a_masked_channel_is_dropped_by_its_probability(dots, localizer):
    dropout = localizer("mc-dropout")
    masks = np.concatenate(
        [dropout._masks(np.random.default_rng(seed), dropout.fine[0]) for seed in range(400)]
    )
    assert masks.dtype == np.float32
    assert set(np.unique(masks)) == {np.float32(0), np.float32(1 / (1 - dots.DROPOUT))}
    # 2400 channels: the standard error of the share is 0.01.
    assert (masks == 0).mean() == pytest.approx(dots.DROPOUT, abs=0.04)


@pytest.mark.parametrize("size", [(3000, 100), (100, 3000), (64, 64), (65, 200), (17, 9), (1, 1), (500, 2)])
@pytest.mark.parametrize("content", ["noise", "black", "one dot"])
def test_weird_films_give_finite_numbers(localizer, size, content):
    pixels = np.zeros(size, dtype=np.float32)
    if content == "noise":
        pixels = np.random.default_rng(0).uniform(size=size).astype(np.float32)
    elif content == "one dot":
        pixels[size[0] // 2, size[1] // 2] = 1
    found = localizer("ensemble", 3).sample([stretch_grey(pixels)], samples=3, seed=0)[0]
    for name in FIELDS:
        assert np.isfinite(getattr(found, name)).all()


def test_coarse_points_that_make_no_head_get_a_frame_of_a_sane_size(dots, localizer, film):
    model, working = localizer(), working_film(film[0], dots.SIDE)
    longest = max(working.film_size_px)
    same = np.full((4, 2), 123.4)
    rng = np.random.default_rng(0)
    clouds = [same, 50.0 * dots.PLACES, *[same + rng.normal(0, sd, (4, 2)) for sd in (1e-11, 1e-8, 1e-5, 1)]]
    clouds.append(dots.PLACES[[1, 0, 2, 3]] * [1, -1])  # whose best similarity has no size
    for points in clouds:
        frame = model._frame(points, working)
        # The mean shape, of radius 50, on the film: between a twentieth and the whole of its longer side.
        assert 0.05 * longest <= 50 * frame.scale * (1 + 1e-9)
        assert 50 * frame.scale <= longest * (1 + 1e-9)
        np.testing.assert_allclose(frame.apply(dots.SHAPE).mean(axis=0), points.mean(axis=0), atol=1e-6)


def test_the_frame_of_a_head_is_the_similarity_of_its_points(dots, localizer, film):
    working = working_film(film[0], dots.SIDE)
    frame = localizer()._frame(film[1], working)
    expected = frame_of(film[1], dots.SHAPE)
    np.testing.assert_allclose(frame.matrix, expected.matrix)
    np.testing.assert_allclose(frame.offset, expected.offset)


@pytest.mark.parametrize(("kind", "members"), [("baseline", 1), ("ensemble", 3), ("mc-dropout", 1)])
def test_augmented_views_find_the_dots_where_they_are_on_the_film(localizer, film, kind, members):
    pixels, points = film
    found = localizer(kind, members).augmented(pixels, count=4, seed=1)
    assert found.shape == (4, 4, 2)
    np.testing.assert_allclose(found, np.broadcast_to(points, (4, 4, 2)), atol=1.5)
    assert found.std(axis=0).max() > 1e-3
    assert localizer(kind, members).features(pixels) is None  # these networks have no deepest level
    again = localizer(kind, members).augmented(pixels, count=4, seed=1)
    assert found.tobytes() == again.tobytes()
