from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from cephsure.recipes.coarse_to_fine.localizer import PatchLayout
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.training import runner as run_module
from cephsure.training.stage import FitSettings


def train(out, config, **options):
    """Do all that is left of a run, and give its bundle's folder."""
    for _ in run_module.run_jobs(out, config, **options):
        pass
    return run_module.finish(out, config)


SIZE = {"width_px": 194, "height_px": 240}


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """As the jobs of a run have it: sums in one order give the same bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def films(phantom_isbi):
    """An ISBI data set of eight small drawn heads for training and four for test."""
    return phantom_isbi(n_train=8, n_test1=4, **SIZE)


@pytest.fixture(scope="session")
def tiny_recipe():
    """The default recipe on networks that a test can train."""
    fit = FitSettings(epochs=2, batch_films=2, learning_rate=4e-3, ema_decay=0.9)
    return CoarseToFineRecipe(
        orientation_side=32,
        coarse_side=64,
        coarse_widths=(8, 12, 16),
        layout=PatchLayout(map_side=16, step=1.0, context_steps=(4.0,)),
        fine_widths=(8, 12),
        fine_sigma=2.0,
        folds=4,
        coarse_fit=fit,
        fine_fit=fit,
        orientation_fit=replace(fit, epochs=1, batch_films=16),
    )


@pytest.fixture(scope="session")
def tiny_paper():
    """The paper's recipe on a network that a test can train."""
    recipe = PaperRecipe(side=32, filters=(4, 6, 8), target_sigma_px=2.0)
    return replace(recipe, fit=replace(recipe.fit, epochs=2))


@pytest.fixture
def begin():
    """Begin a small run."""

    def begin(data, out, recipe, **options):
        given = {"kind": "baseline", "members": 1, "truth": "mean", "seed": 3} | options
        return run_module.begin(str(data), out, recipe=recipe, **given)

    return begin


@pytest.fixture(scope="session")
def finished_run(films, tiny_recipe, tmp_path_factory):
    """A whole run, its jobs in processes of their own: (run folder, configuration, bundle folder)."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    recipe = replace(
        tiny_recipe,
        coarse_fit=replace(tiny_recipe.coarse_fit, epochs=20),
        fine_fit=replace(tiny_recipe.fine_fit, epochs=2),
    )
    config = run_module.begin(
        str(films), out, recipe=recipe, kind="baseline", members=1, truth="mean", seed=0
    )
    return out, config, train(out, config, jobs=1)


@pytest.fixture(scope="session")
def csv_films(draw_head, tmp_path_factory):
    """Five drawn heads in a CSV table: no scale, no splits, one annotator, a landmark missing on each."""
    root = tmp_path_factory.mktemp("csv_films")
    rows = []
    for number in range(5):
        pixels, points = draw_head(np.random.default_rng(number), **SIZE)
        Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(root / f"film{number}.png")
        rows += [
            [f"film{number}.png", "me", landmark, *np.round(point, 2)]
            for landmark, point in enumerate(points, 1)
            if landmark != number + 1
        ]
    with (root / "points.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "annotator", "landmark", "x", "y"])
        writer.writerows(rows)
    return root / "points.csv"
