from __future__ import annotations

from dataclasses import replace

import pytest

from cephsure.errors import InputError
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.recipes.registry import chosen_recipe
from cephsure.training.recipe import STOPPED, changes_as_trained


@pytest.mark.parametrize(("name", "kind"), [("paper", PaperRecipe), ("default", CoarseToFineRecipe)])
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
    assert (
        replace(recipe.coarse_fit, epochs=CoarseToFineRecipe().coarse_fit.epochs)
        == CoarseToFineRecipe().coarse_fit
    )


def test_other_folds_are_marked():
    recipe = chosen_recipe("default", folds=5, epochs=3)
    assert (recipe.folds, recipe.changes) == (5, ("5 folds", "3 epochs"))


def test_another_schedule_is_that_of_every_network_and_marked():
    recipe = chosen_recipe("paper", epochs=12, schedule="cosine")
    assert (recipe.fit.schedule, recipe.fit.epochs) == ("cosine", 12)
    assert recipe.changes == ("12 epochs", "cosine schedule")
    default = chosen_recipe("default", schedule="plateau")
    assert {default.coarse_fit.schedule, default.fine_fit.schedule} == {"plateau"}


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
        ("paper", {"folds": 5}, "recipe 'paper' has no folds"),
        ("default", {"folds": 1}, "two folds or more"),
        ("default", {"folds": 5, "fold": 5}, "no fold 5"),
        ("default", {"fold": 2}, "which folds is fold 2 one of"),
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


def trained(*errors, stages=("paper",)):
    """Members whose stages ended with these validation errors, one tuple a member."""
    return [
        {"stages": {stage: {"validation_mre_mm": error} for stage, error in zip(stages, member, strict=True)}}
        for member in errors
    ]


def test_networks_that_were_all_stopped_say_so():
    recipe = chosen_recipe("paper", width=0.5, stop_below_mm=6)
    assert changes_as_trained(recipe, trained((5.9,), (3.0,))) == ("filters x 0.5", "stopped below 6 mm")
    assert recipe.changes[1].startswith(STOPPED)


def test_networks_that_were_never_stopped_do_not_pass_for_such():
    recipe = chosen_recipe("paper", stop_below_mm=1.5)
    assert changes_as_trained(recipe, trained((1.5,), (None,))) == ("never below 1.5 mm, so not stopped",)
    some = changes_as_trained(recipe, trained((1.5,), (1.4,), (2.0,)))
    assert some == ("stopped below 1.5 mm (2 of 3 networks never were)",)


def test_both_networks_of_a_member_are_looked_at():
    recipe = chosen_recipe("default", stop_below_mm=6)
    members = trained((5.0, 2.0), (7.0, 2.0), stages=("coarse", "fine"))
    assert changes_as_trained(recipe, members) == ("stopped below 6 mm (1 of 4 networks never were)",)


def test_a_recipe_without_a_stop_stays_as_it_is():
    recipe = chosen_recipe("default", epochs=3)
    assert changes_as_trained(recipe, trained((9.0, 9.0), stages=("coarse", "fine"))) == ("3 epochs",)
