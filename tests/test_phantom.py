"""The drawn heads themselves: reproducible, all points inside, features where the points say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from cephsure.datasets import read_isbi, select, truth
from cephsure.landmarks import load_landmark_set


def test_the_same_seed_draws_the_same_film(draw_head):
    one, other = draw_head(np.random.default_rng(5)), draw_head(np.random.default_rng(5))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])
    assert not np.array_equal(one[1], draw_head(np.random.default_rng(6))[1])


@pytest.mark.parametrize(("width_px", "height_px"), [(128, 160), (387, 480), (300, 200)])
def test_every_size_holds_all_points(draw_head, width_px, height_px):
    rng = np.random.default_rng(1)
    for _ in range(20):
        pixels, points = draw_head(rng, width_px=width_px, height_px=height_px)
        assert pixels.shape == (height_px, width_px)
        assert pixels.dtype == np.float32
        assert 0.0 <= pixels.min() < pixels.max() <= 1.0
        assert points.shape == (19, 2)
        assert (points > 0).all()
        assert (points < np.array([width_px, height_px]) - 1).all()


def _grey(pixels, position):
    x, y = np.round(position).astype(int)
    return pixels[y - 1 : y + 2, x - 1 : x + 2].mean()


def test_the_head_is_drawn_where_its_points_are(draw_head):
    codes = load_landmark_set("isbi-19").codes
    rng = np.random.default_rng(2)
    for _ in range(10):
        pixels, points = draw_head(rng, width_px=774, height_px=960)
        at = dict(zip(codes, points, strict=True))
        forward = (at["ANS"] - at["PNS"]) / np.linalg.norm(at["ANS"] - at["PNS"])
        # Bone is bright at nasion and menton; before the lips there is air.
        for code in ("N", "Me", "Po", "Or"):
            assert _grey(pixels, at[code]) > _grey(pixels, at["UL"] + 30 * forward) + 0.2
        for code in ("UL", "LL", "Pog'"):
            assert _grey(pixels, at[code] - 8 * forward) > _grey(pixels, at[code] + 8 * forward) + 0.05
        # The teeth end at their tips, the lower jaw ends below menton.
        assert _grey(pixels, at["UIT"] - [0.0, 6.0]) > _grey(pixels, at["UIT"] + [0.0, 8.0]) + 0.2
        assert _grey(pixels, at["Me"]) > _grey(pixels, at["Me"] + [0.0, 14.0]) + 0.2


def test_one_film_with_its_points(phantom):
    film, points = phantom
    assert (film.width_px, film.height_px) == (387, 480)
    assert film.spacing.x_mm_per_px == 0.5
    assert points.shape == (19, 2)


def test_the_written_data_set_reads_back(phantom_isbi):
    root = phantom_isbi(3, 2, width_px=194, height_px=240, noise_px=0.3)
    dataset = read_isbi(root)
    assert dataset.problems == ()
    assert [film.film_id for film in dataset.films] == ["001", "002", "003", "151", "152"]
    assert [film.film_id for film in select(dataset, "test1-clean").films] == ["151"]
    true_points = json.loads((root / "truth.json").read_text(encoding="utf-8"))
    errors = np.array([truth(film, "mean") - true_points[film.film_id] for film in dataset.films])
    # 5 films x 19 points x 2 axes of a mean of two draws: 0.3 / sqrt(2), give or take four standard errors.
    assert errors.std() == pytest.approx(0.3 / np.sqrt(2), rel=4 / np.sqrt(2 * errors.size))
    with Image.open(dataset.films[0].path) as image:
        assert image.size == (194, 240)
        assert image.mode == "L"


def test_a_doubled_exposure_is_the_same_film_with_other_annotations(phantom_isbi):
    films = {film.film_id: film for film in read_isbi(phantom_isbi(2, 3)).films}
    with Image.open(films["001"].path) as one, Image.open(films["153"].path) as other:
        assert one.tobytes() == other.tobytes()
    assert not np.array_equal(truth(films["001"]), truth(films["153"]))
