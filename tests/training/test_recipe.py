from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.training.recipe import GOING_ON_EPOCHS


@pytest.mark.parametrize("kind", [CoarseToFineRecipe, PaperRecipe])
def test_a_recipe_comes_back_from_json(kind):
    recipe = replace(kind(), changes=("one", "two"), samples=7)
    again = kind.from_dict(json.loads(json.dumps(recipe.to_dict())))
    assert again == recipe
    assert type(again) is type(recipe)


def test_a_recipe_written_before_it_had_changes_is_read():
    data = PaperRecipe().to_dict()
    del data["changes"]
    assert PaperRecipe.from_dict(data) == PaperRecipe()


def test_a_recipe_without_a_version_is_the_first():
    data = CoarseToFineRecipe().to_dict()
    del data["version"], data["fine_fit"]["epochs"]
    first = CoarseToFineRecipe.from_dict(data)
    assert (first.version, first.fine_fit.epochs) == (1, 24)
    assert (CoarseToFineRecipe().version, CoarseToFineRecipe().fine_fit.epochs) == (2, 48)


@pytest.mark.parametrize("kind", [CoarseToFineRecipe, PaperRecipe])
def test_a_model_is_trained_on_gently_and_its_best_epoch_kept(kind):
    usual = kind()
    recipe = usual.going_on("mine")
    assert recipe.changes == ("goes on from mine",)
    for stage in usual.member_stages:
        before, after = usual.fit_of(stage), recipe.fit_of(stage)
        assert after.learning_rate == before.learning_rate / 4
        assert after.epochs == GOING_ON_EPOCHS
        assert (after.keep, after.judge_start, after.schedule) == ("best", True, "cosine")
        assert after.stop_patience is not None
        assert after.batch_films == before.batch_films
    for stages in usual.extra_jobs.values():
        assert [recipe.fit_of(stage) for stage in stages] == [usual.fit_of(stage) for stage in stages]
    assert kind.from_dict(recipe.to_dict()) == recipe


@pytest.mark.parametrize(("kind", "kept"), [(CoarseToFineRecipe, "last"), (PaperRecipe, "best")])
def test_with_old_films_drawn_anew_a_model_is_trained_on_to_the_end(kind, kept):
    usual, recipe = kind().going_on("mine"), kind().going_on("mine", with_old_films=True)
    for stage in recipe.member_stages:
        after = recipe.fit_of(stage)
        to_its_end = kept == "last"
        assert (after.keep, after.judge_start) == (kept, not to_its_end)
        assert (after.stop_patience is None) == to_its_end
        same = {"keep": "best", "judge_start": True, "stop_patience": usual.fit_of(stage).stop_patience}
        assert replace(after, **same) == usual.fit_of(stage)
