from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cephsure.errors import InputError
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.paper.recipe import PaperRecipe
from cephsure.training.run_config import RunConfig, derived_seed, settle

CONFIG = RunConfig(
    data="/films",
    data_format="auto",
    split="train",
    truth="mean",
    mm_per_px=None,
    landmark_set=None,
    data_sha256="0" * 64,
    kind="ensemble",
    members=15,
    seed=0,
    precision="float32",
    recipe=CoarseToFineRecipe(),
)


@pytest.mark.parametrize("recipe", [CoarseToFineRecipe(), PaperRecipe()])
def test_a_run_is_written_once_and_read_back(tmp_path, recipe):
    config = replace(CONFIG, recipe=recipe)
    assert settle(tmp_path / "new" / "run", config) == config
    assert RunConfig.load(tmp_path / "new" / "run", type(recipe)) == config
    assert settle(tmp_path / "new" / "run", config) == config


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"truth": "senior"}, "truth"),
        ({"data_sha256": "1" * 64}, "data_sha256"),
        ({"members": 3, "kind": "baseline"}, "kind, members"),
        ({"recipe": replace(CoarseToFineRecipe(), dropout=0.5)}, "recipe"),
        ({"recipe": PaperRecipe()}, "recipe"),
        ({"mm_per_px": 0.2}, "mm_per_px"),
    ],
)
def test_another_run_in_the_folder_is_refused(tmp_path, change, named):
    settle(tmp_path, CONFIG)
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(InputError, match=rf"another training run \(differs in {named}\).*another --out"):
        settle(tmp_path, replace(CONFIG, **change))
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_runs_precision_stays_what_it_was(tmp_path):
    begun = settle(tmp_path, replace(CONFIG, precision="bfloat16"))
    assert settle(tmp_path, CONFIG, same_precision=False) == begun
    assert settle(tmp_path, begun) == begun
    with pytest.raises(InputError, match=r"another training run \(differs in precision\)"):
        settle(tmp_path, CONFIG)


@pytest.mark.parametrize("kind", [CoarseToFineRecipe, PaperRecipe])
def test_a_run_begun_with_an_earlier_version_goes_on_with_it(tmp_path, kind):
    begun = replace(CONFIG, recipe=kind.of_version(1).with_fits("plateau schedule", schedule="plateau"))
    data = json.loads(begun.to_json())
    del data["recipe"]["version"]  # as it was written then
    (tmp_path / "run.json").write_text(json.dumps(data))
    assert (
        settle(tmp_path, replace(CONFIG, recipe=kind().with_fits("plateau schedule", schedule="plateau")))
        == begun
    )
    with pytest.raises(InputError, match="differs in recipe"):
        settle(tmp_path, replace(CONFIG, recipe=kind()))


def test_data_that_have_moved_are_found_again(tmp_path):
    settle(tmp_path, CONFIG)
    moved = replace(CONFIG, data="/elsewhere", precision="bfloat16")
    assert settle(tmp_path, moved, same_precision=False) == replace(CONFIG, data="/elsewhere")
    assert RunConfig.load(tmp_path, CoarseToFineRecipe) == replace(CONFIG, data="/elsewhere")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"recipe": {"name": "default"}}',
        '{"recipe": {"name": "default"}, "precision": "float16"}',
        '{"recipe": {"name": "default"}, "precision": ["float32"]}',
        '{"recipe": {"name": "default", "sides": 3}}',
    ],
)
def test_what_is_no_configuration_is_said_to_be_none(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json: not a training run's configuration"):
        settle(tmp_path, CONFIG)


def test_a_configuration_of_the_future_is_refused(tmp_path):
    data = json.loads(CONFIG.to_json()) | {"colour": "blue"}
    (tmp_path / "run.json").write_text(json.dumps(data))
    with pytest.raises(InputError):
        RunConfig.load(tmp_path, CoarseToFineRecipe)


def test_every_stage_of_every_member_has_a_seed_of_its_own():
    seeds = {
        derived_seed(replace(CONFIG, seed=seed), member, stage)
        for seed in range(3)
        for member in range(15)
        for stage in range(3)
    }
    assert len(seeds) == 3 * 15 * 3
    assert derived_seed(CONFIG, 2, 1) == derived_seed(CONFIG, 2, 1)
