from __future__ import annotations

from dataclasses import replace

import pytest

from cephsure.errors import InputError
from cephsure.training.recipe import DefaultRecipe, PaperRecipe
from cephsure.training.recipe_changes import chosen_recipe


@pytest.mark.parametrize(("name", "kind"), [("paper", PaperRecipe), ("default", DefaultRecipe)])
def test_a_recipe_as_it_is(name, kind):
    assert chosen_recipe(name) == kind()


def test_half_the_papers_filters_are_marked():
    recipe = chosen_recipe("paper", width=0.5)
    assert recipe == replace(PaperRecipe(), filters=(32, 64, 128, 256, 512), changes=("filters x 0.5",))


def test_epochs_are_those_of_every_network():
    recipe = chosen_recipe("default", epochs=3)
    fits = (recipe.coarse_fit, recipe.fine_fit, recipe.orientation_fit)
    assert [fit.epochs for fit in fits] == [3, 3, 3]
    assert recipe.changes == ("3 epochs",)
    assert replace(recipe.coarse_fit, epochs=DefaultRecipe().coarse_fit.epochs) == DefaultRecipe().coarse_fit


def test_stopping_below_an_error_is_for_landmarks_only():
    recipe = chosen_recipe("default", epochs=5, stop_below_mm=3.5)
    assert (recipe.coarse_fit.stop_below_mm, recipe.fine_fit.stop_below_mm) == (3.5, 3.5)
    assert recipe.orientation_fit.stop_below_mm is None
    assert recipe.changes == ("5 epochs", "stopped below 3.5 mm")


@pytest.mark.parametrize(
    ("name", "changes", "complaint"),
    [
        ("papper", {}, "no recipe 'papper'.*paper, default"),
        ("default", {"width": 0.5}, "recipe 'default' has one width"),
        ("paper", {"width": 0.001}, "no filters"),
        ("paper", {"width": -1.0}, "no filters"),
        ("paper", {"width": float("nan")}, "no filters"),
        ("paper", {"epochs": 0}, "one epoch or more"),
        ("default", {"stop_below_mm": 0.0}, "positive"),
        ("default", {"stop_below_mm": float("nan")}, "positive"),
    ],
)
def test_what_does_not_fit_is_refused(name, changes, complaint):
    with pytest.raises(InputError, match=complaint):
        chosen_recipe(name, **changes)
