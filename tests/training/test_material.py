from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cephsure.datasets import AnnotatedFilm, open_dataset
from cephsure.errors import InputError
from cephsure.films import Spacing, SpacingSource
from cephsure.geometry import Affine, fit_similarity, linear
from cephsure.training.material import (
    TrainingFilm,
    load_films,
    marks,
    mean_error_mm,
    mean_shape,
    radial_errors_mm,
    run_films,
    square_mean_shape,
    usual_split,
)

NAN = np.nan
BASE = np.random.default_rng(7).normal(0, 30, (9, 2))


def posed(seed, count=6):
    """The same head on several films, turned, scaled and shifted."""
    rng = np.random.default_rng(seed)
    return [
        Affine(
            linear(rotation_deg=rng.uniform(-25, 25), scale=rng.uniform(2, 9)), rng.uniform(200, 900, 2)
        ).apply(BASE)
        for _ in range(count)
    ]


def distance_up_to_pose(shape, other):
    return np.abs(fit_similarity(shape, other).apply(shape) - other).max()


def test_the_mean_shape_is_centred_and_of_radius_50():
    shape = mean_shape(posed(0))
    assert shape.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert np.sqrt((shape**2).sum(axis=1).mean()) == pytest.approx(50)


def test_the_mean_of_one_head_in_many_poses_is_that_head():
    assert distance_up_to_pose(mean_shape(posed(1)), BASE) < 1e-6


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 999))
def test_missing_points_do_not_bend_the_mean_shape(seed):
    rng = np.random.default_rng(seed)
    points = posed(seed)
    for film in points:
        film[rng.permutation(9)[: rng.integers(0, 5)]] = NAN
    points[0][:] = posed(seed)[0]  # one film has them all
    assert distance_up_to_pose(mean_shape(points, rounds=60), BASE) < 0.05


def test_no_film_need_have_all_points():
    points = posed(2)
    points[0][:2] = NAN
    for film in points[1:]:
        film[5:7] = NAN
    assert distance_up_to_pose(mean_shape(points, rounds=60), BASE) < 0.1


def test_a_landmark_that_no_film_has_is_named():
    points = posed(3)
    for film in points:
        film[4] = NAN
    with pytest.raises(InputError, match="no film has landmark 5 and another one"):
        mean_shape(points)


def test_a_landmark_alone_on_its_film_places_no_head():
    points = posed(3)
    for film in points[1:]:
        film[4] = NAN
    points[0][[k for k in range(9) if k != 4]] = NAN
    with pytest.raises(InputError, match="landmark 5"):
        mean_shape(points)


def test_points_in_one_place_are_passed_over():
    doubled = np.full((9, 2), NAN)
    doubled[:2] = 77.0
    points = [*posed(4), doubled]
    assert distance_up_to_pose(mean_shape(points), BASE) < 1e-6


def film(tmp_path, points, *, annotations=None, spacing=None, name="a", size=(120, 90)):
    path = tmp_path / f"{name}.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, size, dtype=np.uint8)).save(path)
    given = {"me": points} if annotations is None else annotations
    return AnnotatedFilm(film_id=name, path=path, annotations=given, spacing=spacing)


def load(items, which="me", *, shape):
    return [film for film, _ in load_films(items, which, side=32, shape=shape)]


def test_a_film_is_loaded_with_all_that_training_needs(tmp_path):
    shape = mean_shape(posed(0))
    points = Affine(linear(rotation_deg=5, scale=0.6), np.array([45.0, 60.0])).apply(shape)
    spacing = Spacing(0.4, 0.4, SpacingSource.USER)
    (loaded,) = load([film(tmp_path, points, spacing=spacing)], shape=shape)
    assert loaded.mm_per_px.tolist() == [0.4, 0.4]
    assert loaded.frame.scale == pytest.approx(0.6)
    assert loaded.working.image.shape == (48, 36)


@pytest.mark.parametrize("known", [0, 1])
def test_fewer_than_two_points_give_no_frame(tmp_path, known):
    points = np.full((9, 2), NAN)
    points[:known] = 10.0
    (loaded,) = load([film(tmp_path, points)], shape=mean_shape(posed(0)))
    assert loaded.frame is None
    assert np.isnan(loaded.mm_per_px).all()


def test_a_film_comes_with_its_grey_values_stretched(tmp_path):
    shape = mean_shape(posed(0))
    item = film(tmp_path, shape + 100, size=(240, 210))
    ((loaded, pixels),) = load_films([item], "me", side=32, shape=shape)
    assert (loaded.film_id, pixels.shape) == ("a", (240, 210))
    assert (pixels.min(), pixels.max()) == (0.0, 1.0)


def test_marks_are_each_annotators_where_their_mean_is_the_truth():
    a, b = BASE, BASE + 2
    item = AnnotatedFilm(film_id="x", path=Path("x.png"), annotations={"b": b, "a": a})
    assert marks(item, "mean", ("a", "b", "c"))[:2].tolist() == [a.tolist(), b.tolist()]
    assert np.isnan(marks(item, "mean", ("a", "b", "c"))[2]).all()
    assert marks(item, "b", ("a", "b")).tolist() == [b.tolist()]


def test_radial_errors_by_hand(tmp_path):
    shape = mean_shape(posed(0))
    truth = shape + 100
    predicted = truth + np.array([3.0, 4.0])
    predicted[1] = NAN
    item = film(
        tmp_path,
        np.where(np.arange(9)[:, None] == 2, NAN, truth),
        spacing=Spacing(2, 2, SpacingSource.USER),
        size=(240, 210),
    )
    (loaded,) = load([item], shape=shape)
    errors = radial_errors_mm(predicted, loaded)
    # 3 px and 4 px of 2 mm.
    assert errors[[0, 3]] == pytest.approx(10)
    assert np.isnan(errors[[1, 2]]).all()


def test_without_a_scale_the_frames_unit_serves(tmp_path):
    shape = mean_shape(posed(0))
    truth = Affine(2.5 * np.eye(2), np.array([250.0, 250.0])).apply(shape)
    (loaded,) = load([film(tmp_path, truth, size=(500, 500))], shape=shape)
    # 5 px at 2.5 px a unit.
    assert radial_errors_mm(truth + np.array([3.0, 4.0]), loaded) == pytest.approx(np.full(9, 2.0))


def test_without_scale_and_frame_no_error_is_known(tmp_path):
    (loaded,) = load([film(tmp_path, BASE + 60)], shape=None)
    assert np.isnan(radial_errors_mm(BASE, loaded)).all()


def test_the_mean_is_over_what_is_known():
    mm_per_px, two = np.ones(2), np.zeros((2, 2))
    films = [TrainingFilm("x", two, two[None], mm_per_px, working=None, frame=None)] * 2
    found = [np.array([[1.0, 0.0], [NAN, NAN]]), np.array([[0.0, 3.0], [3.0, 4.0]])]
    assert mean_error_mm(found, films) == 3.0
    assert np.isnan(mean_error_mm([np.full((2, 2), NAN)], films[:1]))


def choose(data, **options):
    given = {"data_format": "auto", "split": "all", "truth": "mean", "mm_per_px": None, "landmark_set": None}
    given |= {"images": None, "labels": "auto"}
    return run_films(SimpleNamespace(data=str(data), **(given | options)))


def test_the_usual_split_is_train_where_there_are_splits(films, csv_films):
    assert usual_split(open_dataset(films)) == "train"
    assert usual_split(open_dataset(csv_films)) == "all"


def test_only_the_split_is_taken(films):
    assert [film.film_id for film in choose(films, split="train")] == [f"{k:03d}" for k in range(1, 9)]
    assert len(choose(films)) == 12


def test_the_users_scale_is_taken(csv_films):
    assert choose(csv_films)[0].spacing is None
    assert choose(csv_films, mm_per_px=0.3)[0].spacing.x_mm_per_px == 0.3


def write(folder, csv_films, keep):
    """The table with only those rows that ``keep`` says yes to."""
    for image in csv_films.parent.glob("*.png"):
        (folder / image.name).write_bytes(image.read_bytes())
    with csv_films.open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    with (folder / "points.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *filter(keep, rows)])
    return folder / "points.csv"


def test_films_with_one_point_are_left_out(tmp_path, csv_films):
    data = write(tmp_path, csv_films, lambda row: row[0] != "film2.png" or row[2] == "7")
    assert [film.film_id for film in choose(data)] == ["film0", "film1", "film3", "film4"]


def test_too_few_films_are_refused(tmp_path, csv_films):
    data = write(tmp_path, csv_films, lambda row: row[0] in {"film0.png", "film1.png", "film4.png"})
    with pytest.raises(InputError, match=r"3 films with at least 2 landmarks in split 'all'.*4 or more"):
        choose(data)


def test_an_unknown_annotator_and_split_are_refused(films):
    with pytest.raises(InputError, match="no annotator 'professor'"):
        choose(films, truth="professor")
    with pytest.raises(InputError, match="no split 'test2'"):
        choose(films, split="test2")


def head_like(tmp_path, *, aspect):
    """A smooth film and points on it, its pixels ``aspect`` times as high as wide, whatever their shape."""
    wide, high = max(aspect, 1.0), max(1 / aspect, 1.0)
    height, width = round(240 * high), round(200 * wide)
    # The middle of a pixel, in px of the film whose pixels are square.
    x, y = (np.arange(width) + 0.5) / wide - 0.5, (np.arange(height) + 0.5) / high - 0.5
    grey = 0.5 + 0.4 * np.sin(x / 25)[None] * np.cos(y / 31)[:, None]
    path = tmp_path / f"{aspect}.png"
    Image.fromarray(np.rint(grey * 65535).astype(np.uint16)).save(path)
    shape = mean_shape(posed(0))
    points = (shape + 105 + 0.5) * [wide, high] - 0.5
    spacing = Spacing(0.5 / wide, 0.5 / high, SpacingSource.DATASET)
    return AnnotatedFilm(
        film_id="a",
        path=path,
        annotations={"me": points, "you": points + np.array([wide, 0])},
        spacing=spacing,
    )


@pytest.mark.parametrize("aspect", [0.5, 0.8, 1.25, 2.0])
def test_a_film_with_other_pixels_is_the_same_material(tmp_path, aspect):
    square, twin = (head_like(tmp_path, aspect=each) for each in (1.0, aspect))
    shapes = [square_mean_shape([item], "me") for item in (square, twin)]
    np.testing.assert_allclose(*shapes, atol=1e-6)
    (mine, grey), (theirs, other) = (
        next(load_films([item], "mean", side=32, shape=shapes[0])) for item in (square, twin)
    )
    # As finely resampled as the finer side was: the same film at another size.
    times = theirs.working.film_size_px[0] / mine.working.film_size_px[0]
    assert theirs.working.film_size_px[1] / mine.working.film_size_px[1] == pytest.approx(times, rel=0.01)
    for name in ("points_px", "marks_px"):
        wanted = (getattr(mine, name) + 0.5) * times - 0.5
        np.testing.assert_allclose(getattr(theirs, name), wanted, atol=0.3)
    np.testing.assert_allclose(theirs.mm_per_px * times, mine.mm_per_px, rtol=0.01)
    assert theirs.frame.scale / times == pytest.approx(mine.frame.scale, rel=0.01)
    assert theirs.working.image.shape == mine.working.image.shape
    np.testing.assert_allclose(theirs.working.image, mine.working.image, atol=0.03)
    assert grey.std() == pytest.approx(other.std(), rel=0.02)
