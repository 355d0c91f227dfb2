from __future__ import annotations

import json
import shutil

import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.errors import InputError
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.workflows import TrainOptions
from cephsure.workflows.what_to_train import what_to_train


@pytest.fixture
def bundle(dot_bundles):
    return dot_bundles("default", "ensemble", 3)


def test_what_is_not_said_is_the_usual():
    wanted = what_to_train(TrainOptions())
    assert (wanted.recipe, wanted.kind, wanted.members, wanted.start) == (
        CoarseToFineRecipe(),
        "ensemble",
        15,
        None,
    )
    wanted = what_to_train(TrainOptions("paper", kind="baseline", epochs=3))
    assert wanted.recipe.changes == ("3 epochs",)
    own = PaperRecipe(side=32)
    assert what_to_train(TrainOptions(own, epochs=3)).recipe is own


def test_a_model_that_goes_on_is_what_it_was(bundle):
    wanted = what_to_train(TrainOptions(start_from=bundle))
    start = read_bundle(bundle)
    assert (wanted.kind, wanted.members, wanted.start.sha256) == ("ensemble", 3, start.sha256)
    usual = CoarseToFineRecipe.from_dict(start.recipe.model_dump(exclude_none=True))
    assert wanted.recipe == usual.going_on(start.name)
    assert wanted.recipe.coarse_side == start.recipe.numbers["coarse_side"]

    fewer = what_to_train(
        TrainOptions("default", kind="ensemble", members=2, start_from=bundle, epochs=4, folds=3, fold=1)
    )
    assert (fewer.members, fewer.recipe.folds, fewer.recipe.fine_fit.epochs) == (2, 3, 4)
    assert fewer.recipe.changes[-3:] == (f"goes on from {start.name}", "3 folds, from fold 1", "4 epochs")
    assert fewer.recipe.fine_fit.learning_rate == wanted.recipe.fine_fit.learning_rate

    mixed = what_to_train(TrainOptions(start_from=bundle, old_films=bundle)).recipe
    assert mixed == usual.going_on(start.name, with_old_films=True)

    own = CoarseToFineRecipe(folds=7)
    assert what_to_train(TrainOptions(own, start_from=bundle)).recipe is own


def test_a_shipped_model_goes_on_by_its_name(monkeypatch, bundle):
    monkeypatch.setattr("cephsure.model.shipped_models", lambda: {"shipped": bundle})
    assert what_to_train(TrainOptions(start_from="shipped")).start.folder == bundle


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"kind": "baseline"}, r"is of kind ensemble \(leave out --model\)"),
        ({"kind": "mc-dropout"}, "leave out --model"),
        ({"width": 0.5}, r"has its width \(leave out --width\)"),
        ({"members": 4}, "has 3 members, not 4"),
        ({"recipe": "paper"}, r"is of the recipe 'default' \(leave out --recipe\)"),
    ],
)
def test_what_a_model_is_cannot_be_changed(options, complaint, bundle):
    with pytest.raises(InputError, match=complaint):
        what_to_train(TrainOptions(start_from=bundle, **options))


def test_old_films_are_for_a_model_that_goes_on(tmp_path):
    with pytest.raises(InputError, match=r"a model that goes on \(name it by --start-from\)"):
        what_to_train(TrainOptions(old_films=tmp_path))


def test_a_recipe_that_cannot_go_on_is_refused(bundle, monkeypatch):
    monkeypatch.setattr(CoarseToFineRecipe, "can_go_on", False)
    with pytest.raises(InputError, match="models of the recipe 'default' cannot be trained on"):
        what_to_train(TrainOptions(start_from=bundle))


def test_a_recipe_with_unknown_numbers_is_refused(bundle, dots, tmp_path):
    folder = shutil.copytree(bundle, tmp_path / "odd")
    facts = json.loads((folder / "bundle.json").read_text())
    facts["recipe"]["unheard_of"] = 3
    (folder / "bundle.json").write_text(json.dumps(facts))
    dots.seal(folder)
    with pytest.raises(InputError, match="its recipe cannot be trained on"):
        what_to_train(TrainOptions(start_from=folder))
