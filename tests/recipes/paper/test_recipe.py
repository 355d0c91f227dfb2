from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cephsure.datasets import AnnotatedFilm
from cephsure.recipes.paper.recipe import PaperRecipe


def test_the_papers_recipe_to_the_letter():
    recipe = PaperRecipe()
    assert recipe.side == 128
    assert recipe.filters == (64, 128, 256, 512, 1024)
    assert (recipe.target_sigma_px, recipe.target_amplitude) == (5.0, 1000.0)
    assert (recipe.dropout, recipe.samples, recipe.validation_share) == (0.4, 15, 0.15)
    fit = recipe.fit
    assert (fit.optimiser, fit.learning_rate, fit.batch_films) == ("adam", 1e-3, 8)
    assert (fit.schedule, fit.plateau_patience, fit.stop_patience, fit.epochs) == ("plateau", 15, 31, 400)
    assert (fit.ema_decay, fit.keep, fit.stop_below_mm) == (None, "best", None)
    # A gain is a ten-thousandth; more than 30 epochs without one end the training.
    assert fit.least_gain == 1e-4
    assert (recipe.version, recipe.changes) == (2, ())


def test_the_first_version_is_what_it_was():
    recipe = PaperRecipe.of_version(1)
    assert (recipe.version, recipe.fit.stop_patience, recipe.fit.least_gain) == (1, 30, 0.0)
    assert replace(recipe, version=2, fit=PaperRecipe().fit) == PaperRecipe()
    # As it was written before there were versions.
    data = recipe.to_dict()
    del data["version"], data["fit"]["least_gain"]
    assert PaperRecipe.from_dict(data) == recipe
    with pytest.raises(ValueError, match="version 3 of the recipe 'paper' is unknown"):
        PaperRecipe.of_version(3)


def test_the_paper_validates_all_members_on_the_last_films():
    points = {"me": np.zeros((2, 2))}
    films = [AnnotatedFilm(f"{k:03d}", Path(f"{k}.png"), points) for k in range(150)]
    for member in (0, 7):
        train, held = PaperRecipe().member_films(films, member, seed=0)
        # 15 % of 150 is 22.5: the last 23.
        assert train.tolist() == list(range(127))
        assert held.tolist() == list(range(127, 150))
