from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from cephsure.datasets import film_of, open_dataset, select
from cephsure.errors import InputError
from cephsure.model import load_model
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.workflows import AnnotatedData, TrainOptions, calibrate, train
from cephsure.workflows.train_bundle import add_reference
from cephsure.workflows.training_films import training_films

pytestmark = pytest.mark.slow


@pytest.fixture
def bundle(dot_bundles, tmp_path):
    return shutil.copytree(dot_bundles("default", "ensemble", 3), tmp_path / "bundle")


def test_a_bundle_then_knows_the_shape_of_its_training_films(bundle, dot_dataset):
    films = select(dot_dataset, "train").films
    counted = []
    reference = add_reference(bundle, films, truth="one", source="6 films", on_progress=counted.append)
    assert (reference.shape.n_films, len(counted)) == (6, 6)
    assert reference.features is None  # the dots' networks do not tell any
    model = load_model(bundle)  # with checksums that are right again
    assert model.reference.source == "6 films"
    film = film_of(select(dot_dataset, "test1").films[0])
    residuals = [mark.measures.shape_residual for mark in model.predict(film).landmarks]
    assert np.isfinite(residuals).all()
    plain = load_model(bundle).uncalibrated().thorough().predict(film).landmarks[0].measures
    assert {"augmentation_spread_mm", "mixture_activation", "mixture_expected_error_mm"} <= set(
        plain.model_dump()
    )
    assert "feature_distance" not in plain.model_dump()


def test_a_mirrored_film_fits_the_shape_as_well(bundle, dot_dataset, dots):
    add_reference(bundle, select(dot_dataset, "train").films, truth="one", source="6 films")
    model = load_model(bundle)
    drawn = dots.draw_dots(np.random.default_rng(3))
    film = film_of(select(dot_dataset, "test1").films[0])
    plain, mirrored = (
        type(film)(pixels=np.ascontiguousarray(pixels), spacing=film.spacing)
        for pixels in (drawn.pixels, drawn.pixels[:, ::-1])
    )
    found = [
        [mark.measures.shape_residual for mark in model.predict(one, facing=facing).landmarks]
        for one, facing in ((plain, "right"), (mirrored, "left"))
    ]
    assert found[1] == pytest.approx(found[0], abs=1e-6)


def test_too_few_films_leave_the_shape_unknown(bundle, dot_dataset):
    reference = add_reference(bundle, dot_dataset.films[:2], truth="one", source="2 films")
    assert (reference.shape, reference.features) == (None, None)
    film = film_of(dot_dataset.films[-1])
    assert "shape_residual" not in load_model(bundle).predict(film).landmarks[0].measures.model_dump()


def test_training_ends_with_a_bundle_that_knows_its_films(phantom_isbi, tmp_path):
    recipe = PaperRecipe(side=32, filters=(4, 6, 8), target_sigma_px=2.0)
    recipe = replace(recipe, fit=replace(recipe.fit, epochs=2))
    root = phantom_isbi(n_train=8, n_test1=0, width_px=194, height_px=240)
    states, steps = [], []

    def run():
        return train(
            AnnotatedData(root, truth="senior"),
            tmp_path / "run",
            options=TrainOptions(recipe, kind="baseline"),
            device="cpu",
            jobs=1,
            name="tiny",
            on_jobs=states.append,
            on_progress=steps.append,
        )

    trained = run()
    model = load_model(trained.bundle)
    assert (model.name, trained.config.truth, trained.config.mm_per_px) == ("tiny", "senior", None)
    assert model.bundle.provenance.annotators == ()  # one truth was learned
    assert model.reference.shape.n_films == trained.reference.shape.n_films == 8
    held_back = len(model.bundle.validation_films[0])
    assert held_back > 0
    assert model.reference.features.n_films == 8 - held_back
    assert trained.curves.is_file()
    assert trained.validation.endswith("mm")
    assert [job.done for job in states[-1].jobs] == [True]
    assert [step.remark for step in steps if step.remark] == [
        f"new run in {tmp_path / 'run'}: reading {root}",
        "training in float32 on cpu",
    ]
    assert sum(step.film is not None for step in steps) == 8
    again = run()
    assert load_model(again.bundle).bundle.sha256 == model.bundle.sha256
    assert any(step.remark and step.remark.startswith("going on with") for step in steps)


def test_a_model_trained_on_says_what_it_has_seen(phantom_isbi, tmp_path):
    recipe = PaperRecipe(side=32, filters=(4, 6, 8), target_sigma_px=2.0)
    recipe = replace(recipe, fit=replace(recipe.fit, epochs=1))
    first, second = (
        phantom_isbi(n_train=count, n_test1=0, seed=seed, width_px=194, height_px=240)
        for count, seed in ((6, 0), (5, 1))
    )
    options = {"device": "cpu", "jobs": 1}
    start = train(first, tmp_path / "start", options=TrainOptions(recipe, kind="baseline"), **options).bundle
    wanted = TrainOptions(start_from=start, epochs=1, old_films=first)
    trained = train(second, tmp_path / "on", options=wanted, **options)
    model = load_model(trained.bundle)
    assert model.calibration is None
    whole = open_dataset(first)
    assert training_films(whole, model.bundle) == {film.film_id for film in whole.films}
    assert training_films(open_dataset(second), model.bundle) >= {f"{k:03d}" for k in range(1, 6)}
    with pytest.raises(InputError, match="goes on from a model that was trained on these films"):
        calibrate(AnnotatedData(first), model, out=tmp_path / "no")
    assert not (tmp_path / "no").exists()

    again = []
    train(
        first,
        tmp_path / "again",
        options=TrainOptions(start_from=start, epochs=1),
        on_progress=again.append,
        **options,
    )
    assert any(
        step.remark and step.remark.startswith("start was trained on 6 of these films before")
        for step in again
    )
