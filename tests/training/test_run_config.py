from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cephsure.datasets import AnnotatedFilm
from cephsure.errors import InputError
from cephsure.training.recipe import DefaultRecipe, PaperRecipe
from cephsure.training.run_config import RunConfig, derived_seed, member_films, settle

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
    recipe=DefaultRecipe(),
)


def many(count, group_of=lambda _: None):
    points = {"me": np.zeros((2, 2))}
    return [
        AnnotatedFilm(film_id=f"{k:03d}", path=Path(f"{k}.png"), annotations=points, group=group_of(k))
        for k in range(count)
    ]


@pytest.mark.parametrize("recipe", [DefaultRecipe(), PaperRecipe()])
def test_a_run_is_written_once_and_read_back(tmp_path, recipe):
    config = replace(CONFIG, recipe=recipe)
    assert settle(tmp_path / "new" / "run", config) == config
    assert RunConfig.load(tmp_path / "new" / "run") == config
    assert settle(tmp_path / "new" / "run", config) == config


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"truth": "senior"}, "truth"),
        ({"data_sha256": "1" * 64}, "data_sha256"),
        ({"members": 3, "kind": "baseline"}, "kind, members"),
        ({"recipe": replace(DefaultRecipe(), dropout=0.5)}, "recipe"),
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
    settle(tmp_path, CONFIG)
    assert settle(tmp_path, replace(CONFIG, precision="bfloat16")) == CONFIG


def test_data_that_have_moved_are_found_again(tmp_path):
    settle(tmp_path, CONFIG)
    moved = replace(CONFIG, data="/elsewhere", precision="bfloat16")
    assert settle(tmp_path, moved) == replace(CONFIG, data="/elsewhere")
    assert RunConfig.load(tmp_path) == replace(CONFIG, data="/elsewhere")


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "null", '{"recipe": {"name": "default"}}', '{"recipe": {"name": "paper", "sides": 3}}'],
)
def test_what_is_no_configuration_is_said_to_be_none(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json: not a training run's configuration"):
        settle(tmp_path, CONFIG)


def test_a_configuration_of_the_future_is_refused(tmp_path):
    data = json.loads(CONFIG.to_json()) | {"colour": "blue"}
    (tmp_path / "run.json").write_text(json.dumps(data))
    with pytest.raises(InputError):
        RunConfig.load(tmp_path)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(15, 160), seed=st.integers(0, 50), pairs=st.integers(0, 20))
def test_each_film_is_held_out_by_just_one_of_15_members(count, seed, pairs):
    films = many(count, lambda k: f"pair{k % 40}" if k % 40 < pairs else None)
    groups = len({film.group or film.film_id for film in films})
    config = replace(CONFIG, seed=seed)
    held = []
    for member in range(15):
        train, validation = member_films(films, config, member)
        assert sorted([*train, *validation]) == list(range(count))
        assert len(train) > 0 < len(validation)
        sides = [{films[k].group for k in side} - {None} for side in (train, validation)]
        assert not sides[0] & sides[1]
        held.append(validation)
    if groups >= 15:
        assert sorted(np.concatenate(held)) == list(range(count))


@pytest.mark.parametrize("count", [4, 5, 14])
def test_few_films_make_as_many_folds(count):
    films = many(count)
    held = [member_films(films, CONFIG, member)[1].tolist() for member in range(15)]
    assert all(len(one) == 1 for one in held)
    assert held[0] == held[count]
    assert sorted(film for one in held[:count] for film in one) == list(range(count))


def test_the_paper_validates_all_members_on_the_last_films():
    config = replace(CONFIG, recipe=PaperRecipe())
    for member in (0, 7):
        train, held = member_films(many(150), config, member)
        # 15 % of 150 is 22.5: the last 23.
        assert train.tolist() == list(range(127))
        assert held.tolist() == list(range(127, 150))


def test_films_of_one_group_cannot_be_parted():
    with pytest.raises(InputError, match="4 films in 1 groups"):
        member_films(many(4, lambda _: "one"), CONFIG, 0)


def test_every_stage_of_every_member_has_a_seed_of_its_own():
    seeds = {
        derived_seed(replace(CONFIG, seed=seed), member, stage)
        for seed in range(3)
        for member in range(15)
        for stage in range(3)
    }
    assert len(seeds) == 3 * 15 * 3
    assert derived_seed(CONFIG, 2, 1) == derived_seed(CONFIG, 2, 1)
