from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.bundles.bundle import read_bundle
from cephsure.geometry import Affine, Warp, linear, local_centroids, read_maps, sample_bilinear, softmax_maps
from cephsure.inference.session import Session
from cephsure.preprocessing import standardise, stretch_grey, whole_view, whole_warp, working_film
from cephsure.recipes.coarse_to_fine.localizer import (
    CoarseToFine,
    PatchLayout,
    build_pyramid,
    frame_of,
    frame_to_map,
    grey_patches,
    map_to_frame,
    network_input,
)

LAYOUT = PatchLayout(map_side=16, step=0.5, context_steps=(1.5, 3.0))
SHAPE = np.array([[-30.0, -20.0], [40.0, -10.0], [10.0, 45.0], [-20.0, 15.0]])
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
    assert found.marks_px.shape == (samples, 2, 4, 2)
    assert found.marks_px.mean(axis=1) == pytest.approx(found.positions_px)
    for maps, marks in zip(found.maps, found.marks_px.mean(axis=0), strict=True):
        images = maps.probabilities
        assert images.sum(axis=(1, 2)) == pytest.approx(np.ones(4), abs=1e-3)
        rows, columns = np.indices(images.shape[1:])
        means = np.stack([(images * grid).sum(axis=(1, 2)) for grid in (columns, rows)], axis=1)
        # The mark is a centroid round the maximum, the mean is that of all of the map.
        away = maps.origins_px + means @ maps.cell_px.T - marks
        assert (np.hypot(*away.T) < 2 * found.expected_errors_px.mean(axis=0)).all()
        assert maps.middles_px == pytest.approx(marks)


def test_annotators_marks_lie_apart_and_their_mean_is_the_point(dots, tmp_path, film):
    folder = dots.write_dot_bundle(tmp_path / "bundle", apart=dots.APART)
    found = CoarseToFine(read_bundle(folder)).sample([film[0]], samples=1, seed=0)[0]
    apart = found.marks_px[0, 1] - found.marks_px[0, 0]
    assert apart.mean(axis=0) == pytest.approx((0.0, dots.APART_PX * film[0].shape[1] / dots.WIDTH), abs=0.5)
    assert found.marks_px.mean(axis=1) == pytest.approx(found.positions_px)


def test_some_members_alone_give_what_they_give_among_all(localizer, film):
    whole = localizer("ensemble", 3)
    chosen = whole.only((2, 0)).sample([film[0]], samples=2, seed=0)[0]
    among = whole.sample([film[0]], samples=3, seed=0)[0]
    np.testing.assert_allclose(chosen.coarse_positions_px, among.coarse_positions_px[[2, 0]])
    np.testing.assert_allclose(chosen.positions_px, among.positions_px[[2, 0]], atol=0.2)
    assert (len(whole.coarse), len(whole.fine)) == (3, 3)


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
    masks = np.concatenate([drawn.fine_masks for drawn in dropout._passes(400, seed=0)])
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


def blobs(width, height, points, sigma):
    y, x = np.mgrid[:height, :width]
    squared = [(x - px) ** 2 + (y - py) ** 2 for px, py in points]
    return np.exp(-np.array(squared) / (2 * sigma**2)).sum(axis=0).astype(np.float32)


def centroid(image):
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    weights = image.astype(np.float64)
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


def test_lengths_of_a_layout():
    layout = PatchLayout(map_side=32, step=0.4, context_steps=(1.6, 3.2))
    assert (layout.map_step, layout.channels) == (0.8, 6)
    assert layout.level_steps == pytest.approx((0.32, 1.28, 2.56))


@settings(max_examples=30, deadline=None)
@given(
    x=st.floats(-20, 20),
    y=st.floats(-20, 20),
)
def test_map_pixels_and_offsets_are_inverse(x, y):
    offset = np.array([[x, y]])
    assert map_to_frame(frame_to_map(offset, LAYOUT), LAYOUT) == pytest.approx(offset, abs=1e-9)


def test_the_maps_middle_is_the_patchs_centre():
    # Between the 8th and the 9th of 16 pixels, one frame unit each.
    assert frame_to_map(np.array([[0.0, 0.0], [1.0, -7.5]]), LAYOUT).tolist() == [[7.5, 7.5], [8.5, 0.0]]


def test_the_frame_carries_the_mean_shape_onto_the_film():
    pose = Affine(linear(rotation_deg=17, scale=4.0), np.array([300.0, 250.0]))
    frame = frame_of(pose.apply(SHAPE), SHAPE)
    assert frame.scale == pytest.approx(4.0)
    assert frame.apply(SHAPE) == pytest.approx(pose.apply(SHAPE))


def test_a_missing_point_has_no_say_in_the_frame():
    pose = Affine(linear(rotation_deg=-30, scale=2.5), np.array([100.0, 80.0]))
    points = pose.apply(SHAPE)
    points[2] = np.nan
    assert frame_of(points, SHAPE).matrix == pytest.approx(pose.matrix)


def test_pyramid_levels_have_four_fifths_of_their_patches_steps():
    # 8 px a frame unit: levels of 0.4, 1.2 and 2.4 units a pixel are 3.2, 9.6 and 19.2 film px a pixel.
    pyramid = build_pyramid(np.zeros((960, 800), np.float32), 8.0, LAYOUT)
    sizes = [image.shape for image, _ in pyramid.levels]
    assert sizes == [(300, 250), (100, 83), (50, 42)]
    for (image, from_film), step in zip(pyramid.levels, (3.2, 9.6, 19.2), strict=True):
        assert from_film.scale == pytest.approx(1 / step, rel=0.02)
        corner = from_film.apply(np.array([[-0.5, -0.5], [799.5, 959.5]]))
        assert corner == pytest.approx(np.array([[-0.5, -0.5], np.array(image.shape[::-1]) - 0.5]), abs=1e-6)


def test_a_coarse_film_is_never_enlarged():
    pyramid = build_pyramid(np.zeros((60, 50), np.float32), 0.5, LAYOUT)
    assert pyramid.levels[0][0].shape == (60, 50)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    angle=st.floats(-40, 40),
    scale=st.floats(2.0, 3.4),
    jitter=st.lists(st.floats(-3, 3), min_size=8, max_size=8),
)
def test_image_and_points_go_through_one_map(angle, scale, jitter):
    pose = Affine(linear(rotation_deg=angle, scale=scale), np.array([230.0, 235.0]))
    points = pose.apply(SHAPE)
    pyramid = build_pyramid(blobs(460, 470, points, 1.5 * scale), pose.scale, LAYOUT)
    warp = Warp(frame_of(points, SHAPE))
    centres = SHAPE + np.array(jitter).reshape(4, 2)
    fine, wide = grey_patches(pyramid, warp, centres, LAYOUT)
    assert fine.shape == (4, 32, 32)
    assert wide.shape == (4, 2, 16, 16)
    for index in range(4):
        offset = (centroid(fine[index]) - 15.5) * LAYOUT.step
        assert offset == pytest.approx(warp.output(points[index]) - centres[index], abs=0.15)
        # The wider patch looks at the same place, three times as coarsely; other blobs may come into it.
        peak = np.unravel_index(np.argmax(wide[index, 0]), (16, 16))
        offset = (np.array(peak[::-1]) - 7.5) * LAYOUT.context_steps[0]
        assert np.abs(offset - (SHAPE - centres[index])).max(axis=1).min() <= 1.6


def test_the_finest_patch_is_folded_without_losing_its_place():
    fine = np.random.default_rng(0).uniform(size=(2, 32, 32)).astype(np.float32)
    wide = np.random.default_rng(1).uniform(size=(2, 2, 16, 16)).astype(np.float32)
    folded = network_input(fine, wide)
    assert folded.shape == (2, 6, 16, 16)
    plain = (fine - fine.mean(axis=(1, 2), keepdims=True)) / (fine.std(axis=(1, 2), keepdims=True) + 0.01)
    for channel, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        assert folded[:, channel] == pytest.approx(plain[:, row::2, column::2], abs=1e-5)
