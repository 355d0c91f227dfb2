from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cephsure.training.recipe import RECIPES, DefaultRecipe, PaperRecipe, recipe_from_dict, recipe_to_dict


def test_the_papers_recipe_to_the_letter():
    recipe = PaperRecipe()
    assert recipe.side == 128
    assert recipe.filters == (64, 128, 256, 512, 1024)
    assert (recipe.target_sigma_px, recipe.target_amplitude) == (5.0, 1000.0)
    assert (recipe.dropout, recipe.samples, recipe.validation_share) == (0.4, 15, 0.15)
    fit = recipe.fit
    assert (fit.optimiser, fit.learning_rate, fit.batch_films) == ("adam", 1e-3, 8)
    assert (fit.schedule, fit.plateau_patience, fit.stop_patience, fit.epochs) == ("plateau", 15, 30, 400)
    assert (fit.ema_decay, fit.keep, fit.stop_below_mm) == (None, "best", None)
    assert recipe.changes == ()


def test_the_default_recipe_has_15_folds_and_samples():
    assert (DefaultRecipe().folds, DefaultRecipe().samples) == (15, 15)


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_recipe_comes_back_from_json(name):
    recipe = replace(RECIPES[name](), changes=("one", "two"), samples=7)
    again = recipe_from_dict(json.loads(json.dumps(recipe_to_dict(recipe))))
    assert again == recipe
    assert type(again) is type(recipe)


def test_a_recipe_written_before_it_had_changes_is_read():
    data = recipe_to_dict(PaperRecipe())
    del data["changes"]
    assert recipe_from_dict(data) == PaperRecipe()
