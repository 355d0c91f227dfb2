"""A recipe that comes from another package, by one folder and one entry: trained, bundled, used."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from cephsure.datasets import open_dataset, select
from cephsure.errors import BundleError, InputError
from cephsure.model import load_model
from cephsure.recipes import registry
from tiny_training import train

pytestmark = pytest.mark.slow

POINT = EntryPoint("toy", "toy_recipe.recipe:ENTRY", registry.ENTRY_POINTS)


@pytest.fixture
def installed(monkeypatch):
    """As if the toy's package were installed."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(
        registry, "entry_points", lambda **wanted: [POINT] if wanted["group"] == POINT.group else []
    )
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "toy_recipe"]:
        del sys.modules[name]


@pytest.mark.usefixtures("installed")
def test_it_trains_is_bundled_and_predicts(begin, films, tmp_path):
    recipe = registry.chosen_recipe("toy", epochs=2)
    config = begin(films, tmp_path / "run", recipe, kind="ensemble", members=2)
    bundle = train(tmp_path / "run", config, jobs=1)
    assert json.loads((bundle / "bundle.json").read_text())["recipe"]["changes"] == ["2 epochs"]
    assert (tmp_path / "run" / "curves.png").is_file()

    model = load_model(bundle)
    film = select(open_dataset(films), "test1").films[0].path
    prediction = model.predict(film, mm_per_px=0.1)
    assert (prediction.model.recipe, prediction.model.samples) == ("toy", 2)
    assert np.isfinite([[mark.x_px, mark.y_px] for mark in prediction.landmarks]).all()
    assert model.thorough().predict(film).landmarks[0].measures.augmentation_spread_px > 0
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        assert executor.submit(model.predict, film, mm_per_px=0.1).result() == prediction


@pytest.mark.usefixtures("installed")
def test_it_is_known_by_its_entry_point():
    assert registry.recipe_names() == ("paper", "default", "toy")
    entry = registry.recipe_entry("toy")
    assert (entry.usual().name, entry.recipe.__name__) == ("toy", "ToyRecipe")
    with pytest.raises(InputError, match=r"no recipe 'coffee' \(known: paper, default, toy\)"):
        registry.recipe_entry("coffee")
    with pytest.raises(InputError, match=r"'toy' has one width \(leave out --width 0.5\)"):
        registry.chosen_recipe("toy", width=0.5)


@pytest.mark.usefixtures("installed")
def test_it_can_be_registered_by_hand(monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda **_: [])
    with pytest.raises(InputError, match="no recipe 'toy'"):
        registry.recipe_entry("toy")
    registry.register_recipe(POINT.load())
    registry.register_recipe(pickle.loads(pickle.dumps(POINT.load())))  # noqa: S301 - the same once more
    assert registry.recipe_entry("toy") == POINT.load()
    other = registry.RecipeEntry(POINT.load().recipe, registry.OneStage)
    with pytest.raises(ValueError, match="a recipe 'toy' already"):
        registry.register_recipe(other)


def test_its_bundles_say_what_is_missing_where_it_is_not_installed(dots, dot_bundles, tmp_path):
    folder = dots.write_dot_bundle(tmp_path / "bundle", recipe="paper")
    facts = json.loads((folder / "bundle.json").read_text())
    facts["recipe"]["name"] = "toy"
    (folder / "bundle.json").write_text(json.dumps(facts))
    dots.seal(folder)
    with pytest.raises(BundleError, match="recipe 'toy' is unknown"):
        load_model(folder)
