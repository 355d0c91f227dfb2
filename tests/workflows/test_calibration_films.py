from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cephsure.bundles.bundle import Provenance, read_bundle
from cephsure.datasets import data_sha256, open_dataset, select
from cephsure.datasets.observers import OBSERVED_LANDMARKS
from cephsure.errors import InputError
from cephsure.films import Film, Spacing, SpacingSource
from cephsure.model import load_model
from cephsure.uncertainty.gate import SIGNS, FilmSigns
from cephsure.workflows import calibration_films, site_films
from cephsure.workflows.assess import AssessedFilms
from cephsure.workflows.batch import Workplace
from cephsure.workflows.calibration_films import (
    SAME_AS_TRAINING,
    beside_own_features,
    collect,
    means_of,
    not_trained_on,
    out_of_fold,
    read_films,
)
from cephsure.workflows.networks import Networks, folds_of

pytestmark = pytest.mark.slow


@pytest.fixture
def bundle(dot_dataset, dot_model):
    """A bundle that was trained on the six training films."""
    films = select(dot_dataset, "train").films
    provenance = Provenance(
        data=dot_dataset.name, split="train", truth="one", data_sha256=data_sha256(films, "one")
    )
    return replace(dot_model.bundle, provenance=provenance)


def _of(bundle, **changed):
    return replace(bundle, provenance=bundle.provenance.model_copy(update=changed))


def test_films_of_a_training_films_group_are_left_out(dot_dataset, bundle):
    found = not_trained_on(dot_dataset, "test1", bundle)
    names = [film.film_id for film in found.dataset.films]
    assert len(names) == 33
    (last,) = found.left_out[SAME_AS_TRAINING]
    assert last not in names
    assert "039" in last
    assert "trained on 6 films of this data set, none of these" in found.checked


@pytest.mark.parametrize("split", ["train", "all"])
def test_training_films_are_refused(dot_dataset, bundle, split):
    with pytest.raises(InputError, match=r"6 of the .* were trained on"):
        not_trained_on(dot_dataset, split, bundle)


def test_a_changed_copy_is_told_by_its_split(dot_dataset, bundle):
    changed = _of(bundle, data_sha256="0" * 64)
    assert len(not_trained_on(dot_dataset, "test1", changed).dataset.films) == 33
    with pytest.raises(InputError, match="were trained on"):
        not_trained_on(dot_dataset, "train", changed)


def test_other_data_are_all_taken(dot_dataset, dot_model):
    found = not_trained_on(dot_dataset, "all", dot_model.bundle)
    assert len(found.dataset.films) == 40
    assert found.left_out == {}
    assert "other data (dots)" in found.checked


def test_nothing_left_is_refused(dot_dataset, bundle):
    films = tuple(film for film in dot_dataset.films if film.split == "train" or film.group is not None)
    with pytest.raises(InputError, match="no film that is not"):
        not_trained_on(replace(dot_dataset, films=films), "test1", bundle)


@pytest.fixture(scope="module")
def collected(dot_model, dot_dataset):
    chosen = select(dot_dataset, "test1")
    return collect(Networks(dot_model), chosen, dot_dataset, split="test1", truth="one", seed=3)


def test_errors_are_the_models(collected):
    data = collected.data
    assert data.errors_mm.shape == (34, 4, 2)
    # The truth is 2 px to the right of the dots, 1 mm: what is found lies to the left.
    assert data.errors_mm.mean(axis=(0, 1)) == pytest.approx((-1.0, 0.0), abs=0.3)
    assert data.errors_mm.std(axis=(0, 1)) == pytest.approx((1.5, 0.75), rel=0.25)
    for row, film in enumerate(collected.films):
        assert film.film_id == film.annotated.film_id == data.film_ids[row]
        assert film.errors_mm == pytest.approx(data.radial_mm[row])


def test_maps_are_the_films_own(collected, dot_model):
    data = collected.data
    assert len(data.maps) == len(collected.films) == 34
    assert data.tempered_mm.shape[:2] == (34, 4)
    raw = dot_model.predict_raw(collected.films[5].annotated.path, seed=3)
    assert data.marks_px[5] == pytest.approx(raw.marks_px.mean(axis=0))
    for own, kept, marks in zip(raw.maps, data.maps[5], data.marks_px[5], strict=True):
        assert (own.probabilities == kept.probabilities).all()
        assert (kept.cells(marks) >= 0).all()


def test_it_says_where_it_comes_from(collected, dot_model):
    source = collected.data.source
    assert (source.split, source.truth, source.samples, source.seed) == ("test1", "one", 3, 3)
    assert source.model_sha256 == dot_model.bundle.sha256
    assert source.data_sha256 == data_sha256([film.annotated for film in collected.films], "one")
    assert len(set(collected.data.groups)) == 34
    assert sum(group.startswith("group ") for group in collected.data.groups) == 1


def test_a_film_that_cannot_be_read_is_told_and_the_rest_goes_on(dot_model, dot_dataset, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no film")
    films = list(select(dot_dataset, "test1").films[:4])
    films[1] = replace(films[1], path=broken)
    told, training = [], list(select(dot_dataset, "train").films)
    training[0] = replace(training[0], path=broken)
    found = collect(
        Networks(dot_model),
        replace(dot_dataset, films=tuple(films)),
        replace(dot_dataset, films=(*training, *films)),
        split="test1",
        truth="one",
        at=Workplace(on_progress=lambda step: told.append((step.film.stem, step.error is not None))),
    )
    # A third of the films, which gives the shape of heads, is looked at before the others.
    assert dict(told) == {"006": False, "broken": True, "008": False, "009": False}
    assert len(found.data.maps) == len(found.films) == 3
    assert found.data.film_ids == tuple(film.film_id for film in found.films)
    assert np.isfinite(found.data.errors_mm).all()


@pytest.fixture(scope="module")
def read_dataset(read_dots, dot_set):
    return open_dataset(read_dots.films, landmark_set=dot_set, mm_per_px=0.5)


@pytest.fixture(scope="module")
def folds(dots, read_dots, tmp_path_factory):
    """Two networks, each trained on half of the films; the second one's marks lie 4 cells too far right."""
    unseen = read_bundle(read_dots.bundle).validation_films
    root, about = tmp_path_factory.mktemp("folds"), dots.trained_on(read_dots.films)
    return [
        dots.write_dot_bundle(
            root / str(fold), apart=dots.APART, unseen=[sorted(unseen[fold])], provenance=about, off={0: off}
        )
        for fold, off in enumerate((0, 4))
    ]


def test_each_film_is_predicted_by_the_fold_that_has_not_seen_it(folds, read_dataset):
    networks = folds_of(load_model(folds[0]), folds[1:], read_dataset)
    chosen = out_of_fold(read_dataset, networks)
    assert (len(chosen.dataset.films), chosen.left_out) == (24, {})
    assert "trained on 24 of these films" in chosen.checked
    few = replace(read_dataset, films=read_dataset.films[:12])
    found = collect(networks, few, read_dataset, split="all")
    assert found.heads.source == "12 films of points, cross-fitted"
    # Were a network to mark a film that it has seen, its errors would be those of the other films.
    right = [film.prediction.points_px[:, 0].mean() - film.truth_px[:, 0].mean() for film in found.films]
    assert [place for place, off in enumerate(right) if off > 6] == [1, 3, 5, 7, 9, 11]
    assert max(abs(off) for off in right[::2]) < 3


def test_too_few_films_for_the_shape_of_heads_are_seen_all_the_same(folds, read_dataset, dot_model):
    networks = folds_of(load_model(folds[0]), folds[1:], read_dataset)
    few = replace(read_dataset, films=read_dataset.films[:3])
    assert "3 films" in collect(networks, few, read_dataset, split="all").heads
    alone = replace(read_dataset, films=read_dataset.films[:1])
    found = collect(Networks(dot_model), alone, read_dataset, split="all")
    assert (len(found.films), isinstance(found.heads, str)) == (1, True)


def test_films_that_every_network_has_seen_are_left_out(folds, read_dataset):
    alone = folds_of(load_model(folds[0]), (), read_dataset)
    chosen = out_of_fold(read_dataset, alone)
    assert len(chosen.dataset.films) == 12
    assert [len(names) for names in chosen.left_out.values()] == [12]
    seen = tuple(film for film in read_dataset.films if film.film_id in next(iter(chosen.left_out.values())))
    with pytest.raises(InputError, match=r"all 12 films were trained on .* the bundles of the other folds"):
        out_of_fold(replace(read_dataset, films=seen), alone)


@pytest.fixture(scope="module")
def read(read_dots, read_dataset):
    """Six films out of fold by the ensemble; the last two are of another split."""
    films = [
        replace(film, split="late" if place > 3 else "early")
        for place, film in enumerate(read_dataset.films[:6])
    ]
    dataset = replace(read_dataset, films=tuple(films))
    return dataset, collect(
        folds_of(load_model(read_dots.bundle), (), dataset), dataset, dataset, split="all"
    )


def test_readers_are_annotators_on_each_split_and_observers(read, monkeypatch):
    dataset, collected = read
    marks = {"002": np.full((len(OBSERVED_LANDMARKS), 2), 9.0)}
    monkeypatch.setattr(calibration_films, "OBSERVED_LANDMARKS", (1, 2, 4))
    monkeypatch.setattr(
        calibration_films,
        "observers_of",
        lambda _: {"ob1": {name: own[:3] for name, own in marks.items()}, "ob2": {}},
    )
    found = read_films(collected, dataset)
    assert [(one.name, one.person, one.annotator, len(one.data.film_ids)) for one in found] == [
        ("ann, early", "points: ann", "ann", 4),
        ("bob, early", "points: bob", "bob", 4),
        ("ann, late", "points: ann", "ann", 2),
        ("bob, late", "points: bob", "bob", 2),
        ("ob1", "points: ob1", None, 1),
    ]
    assert np.isfinite(found[-1].data.errors_mm).all(axis=(0, 2)).tolist() == [True, True, False, True]
    # What is found is the mean of the two; bob marks 4.7 px, 2.35 mm, lower than ann.
    apart = found[1].data.errors_mm - found[0].data.errors_mm
    assert apart[..., 1].mean() == pytest.approx(-2.35, abs=0.4)
    (alone,) = [one for one in read_films(collected, dataset, truth="bob") if "late" in one.name]
    assert alone.annotator == "bob"


def test_the_mean_is_of_two_or_more(read):
    dataset, collected = read
    (mean,) = means_of(collected, dataset)
    middle = np.mean([collected.films[0].truth_by(name) for name in ("ann", "bob")], axis=0)
    found = collected.data.points_px[0] - mean.data.errors_mm[0] / collected.data.upright_mm_per_px[0]
    assert found == pytest.approx(middle)
    single = [replace(film, annotations={"ann": film.annotations["ann"]}) for film in dataset.films]
    assert means_of(collected, replace(dataset, films=tuple(single))) == ()


def test_features_are_told_beside_films_that_the_same_network_was_trained_on(read):
    _, collected = read
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (6, 2)), rng.normal(50, 1, (6, 2))
    nothing = FilmSigns(np.zeros(len(SIGNS)), np.zeros(4), np.zeros(4))
    films = []
    for place, film in enumerate(collected.films):
        own = (first[place], second[place])
        signs = replace(nothing, features=own[place % 2])
        films.append(replace(film, found=replace(film.found, signs=signs, features=own)))
    films.append(replace(films[0], found=replace(films[0].found, signs=None, features=())))
    names = [film.film_id for film in films]
    parts = [(None, frozenset(names[::2])), (None, frozenset(names[1::2]))]
    networks = SimpleNamespace(parts=lambda: parts)
    (part,), kept = beside_own_features([AssessedFilms(tuple(films), {}, {})], networks)
    assert part.films[-1] == films[-1]  # of which no signs were taken
    unfamiliar = [film.found.signs.signs[SIGNS.index("unfamiliar")] for film in part.films[:-1]]
    assert max(unfamiliar) < np.log(20)  # beside the other network's films each would lie 50 sd off
    # Later films are told by the first network, beside the films that it was trained on.
    assert kept.mean == pytest.approx(first[1::2].mean(axis=0))


def test_networks_that_do_not_tell_features_change_nothing(read, read_dots):
    dataset, collected = read
    networks = folds_of(load_model(read_dots.bundle), (), dataset)
    seen = [AssessedFilms(collected.films, {}, {})]
    assert beside_own_features(seen, networks) == (seen, None)


@pytest.mark.parametrize("place", ["calibration", "site"])
def test_the_gate_is_fitted_on_square_pixels(place, dots, dot_model, read_dots, monkeypatch):
    looked_at = []
    where = calibration_films if place == "calibration" else site_films
    monkeypatch.setattr(
        where, "film_signs", lambda prediction, film, *, head: looked_at.append((prediction, film))
    )
    drawn = dots.draw_dots(np.random.default_rng(0))
    half = np.ascontiguousarray(drawn.pixels[:, : drawn.pixels.shape[1] // 2 * 2 : 2])
    film = Film(half, Spacing(1.0, 0.5, SpacingSource.USER))
    if place == "calibration":
        found = calibration_films._see_film(Networks(dot_model), 0, object(), film)
    else:
        found = site_films._see(load_model(read_dots.calibrated), 0, film)
    ((prediction, square),) = looked_at
    assert square.pixel_aspect == pytest.approx(1.0)
    assert (prediction.film.width_px, prediction.film.height_px) == (square.width_px, square.height_px)
    assert square.width_px == 2 * half.shape[1]
    # What the calibration is fitted on is in px of the film as it was given.
    assert found.prediction.film.width_px == half.shape[1]
    np.testing.assert_allclose(
        [[mark.x_mm, mark.y_mm] for mark in found.prediction.landmarks],
        [[mark.x_mm, mark.y_mm] for mark in prediction.landmarks],
        atol=0.3,
    )
