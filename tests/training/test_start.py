from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from cephsure.bundles.bundle import read_bundle
from cephsure.bundles.edit import edit_bundle
from cephsure.errors import InputError
from cephsure.model import load_model
from cephsure.recipes.coarse_to_fine.recipe import CoarseToFineRecipe
from cephsure.recipes.start import maps_of
from cephsure.training.bundle_writer import model_card
from cephsure.training.runner import finish, finish_before
from cephsure.training.start import START_FOLDER, keep_start, kept_start, start_facts, taught_by
from cephsure.training.worker import do_job, job_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def start(finished_run):
    """A bundle to go on from, and its recipe."""
    return read_bundle(finished_run[2]), finished_run[1].recipe


def going_on(recipe, **settings):
    """The recipe as it trains on, for few epochs."""
    recipe = recipe.going_on("finished")
    return recipe.with_fits("few", landmarks_only=True, **({"epochs": 1, "stop_patience": None} | settings))


def mark_count(bundle):
    """How many annotators' marks a model finds."""
    film = np.random.default_rng(0).integers(0, 255, (240, 194), dtype=np.uint8)
    return len(load_model(bundle.folder).marks_px(film))


def trained(out, config):
    for job in config.job_names:
        do_job(out, job, CoarseToFineRecipe)
    return finish(out, config)


def test_what_is_gone_on_from_is_in_the_run_and_in_its_bundle(begin, csv_films, films, start, tmp_path):
    bundle, recipe = start
    config = begin(csv_films, tmp_path / "run", going_on(recipe), start=bundle, old_films=films)
    assert config.job_names == ["0"]
    assert (config.start, config.start_sha256) == (bundle.name, bundle.sha256)
    assert kept_start(tmp_path / "run", config).sha256 == bundle.sha256
    assert config == begin(csv_films, tmp_path / "run", going_on(recipe), start=bundle, old_films=films)
    made = read_bundle(trained(tmp_path / "run", config))
    assert made.kind == bundle.kind
    np.testing.assert_array_equal(made.mean_shape, bundle.mean_shape)
    for path in bundle.orientation.iterdir():  # it is not trained on
        assert (made.orientation / path.name).read_bytes() == path.read_bytes()
    facts = json.loads((made.folder / "bundle.json").read_text())
    origin = facts["provenance"]
    assert origin["start"]["name"] == bundle.name
    assert origin["start"]["sha256"] == bundle.sha256
    assert origin["start"]["provenance"]["data_sha256"] == bundle.provenance.data_sha256
    assert origin["films"] == [f"film{k}" for k in range(5)]
    assert origin["annotators"] == ["me"]
    assert [seen.data for seen in made.provenance.earlier] == ["isbi-2015", "isbi-2015"]
    assert made.provenance.earlier[0].data_sha256 == bundle.provenance.data_sha256
    assert set(made.provenance.earlier[0].validation_films) == set(bundle.validation_films[0])
    assert len(origin["old_films"]["films"]) == 12  # of which each epoch draws
    held = set(facts["members"][0]["validation_films"])
    assert held < set(origin["films"])
    assert facts["recipe"]["changes"] == ["goes on from finished", "few"]
    card = model_card(facts)
    assert f"| goes on from | {bundle.name}, of bundle `{bundle.sha256}` |" in card
    assert "| old films mixed in | 12 of isbi-2015 |" in card
    assert "it promises nothing until it is calibrated" in card
    assert (made.folder / "MODEL_CARD.md").read_text() == card

    before = read_bundle(finish_before(tmp_path / "run", config))
    told = json.loads((before.folder / "bundle.json").read_text())
    assert (before.name, before.provenance.annotators) == ("run-before", ("junior", "senior"))
    assert f"| marks as | those who taught {bundle.name} |" in model_card(told)
    assert told["members"][0]["validation_films"] == facts["members"][0]["validation_films"]
    assert "mean radial\nerror unknown" in model_card(told)  # it was of the others' maps
    coarse, fine = (
        [(each.members[0] / f"{name}.safetensors").read_bytes() for each in (made, before)]
        for name in ("coarse", "fine")
    )
    assert coarse[0] == coarse[1]
    assert fine[0] != fine[1]
    assert [mark_count(each) for each in (made, before, bundle)] == [1, 2, 2]

    # A model that goes on from this one knows all of it.
    assert [seen["data"] for seen in start_facts(made)["earlier"]] == ["isbi-2015", "isbi-2015", "points"]


def test_without_a_step_the_networks_are_the_starts(begin, films, start, tmp_path):
    bundle, recipe = start
    recipe = going_on(recipe, learning_rate=0.0)
    config = begin(films, tmp_path / "run", recipe, start=bundle)
    made = read_bundle(trained(tmp_path / "run", config))
    layout = recipe.layout
    shapes = {
        "coarse": (2, 1, recipe.coarse_side, recipe.coarse_side),
        "fine": (2, 19, layout.channels, layout.map_side, layout.map_side),
    }
    for name, shape in shapes.items():
        example = torch.rand(shape, generator=torch.Generator().manual_seed(0))
        found, wanted = (maps_of(each.members[0] / f"{name}.onnx", example) for each in (made, bundle))
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())
    assert made.provenance.annotators == ("junior", "senior")
    facts = json.loads((made.folder / "bundle.json").read_text())["members"][0]["stages"]
    assert [stage["best_epoch"] for stage in facts.values()] == [0, 0]  # no gain: the start is kept
    assert "old_films" not in json.loads((made.folder / "bundle.json").read_text())["provenance"]
    assert finish_before(tmp_path / "run", config) is None


def test_a_job_that_was_stopped_goes_on_to_the_same_weights(begin, films, start, tmp_path, monkeypatch):
    bundle, recipe = start
    runs = {}
    for name in ("whole", "stopped"):
        runs[name] = begin(films, tmp_path / name, going_on(recipe, epochs=3), start=bundle)
    trained(tmp_path / "whole", runs["whole"])
    from cephsure.training import fit

    advance, seen = fit._advance, []

    def stop(*given):
        gained = advance(*given)
        seen.append(gained)
        if len(seen) == 5:  # in the second epoch of the fine network
            raise KeyboardInterrupt
        return gained

    monkeypatch.setattr(fit, "_advance", stop)
    with pytest.raises(KeyboardInterrupt):
        do_job(tmp_path / "stopped", "0", CoarseToFineRecipe)
    monkeypatch.setattr(fit, "_advance", advance)
    trained(tmp_path / "stopped", runs["stopped"])
    for name in ("coarse.safetensors", "fine.safetensors"):
        whole, stopped = (job_folder(tmp_path / run, "0") / name for run in ("whole", "stopped"))
        assert whole.read_bytes() == stopped.read_bytes()


def test_whose_maps_stay(begin, films, start, tmp_path):
    bundle, recipe = start
    wanted = {"start": bundle, "old_films": films}
    one = begin(films, tmp_path / "one", going_on(recipe), truth="senior", **wanted)
    assert taught_by(tmp_path / "one", one) == ()  # there is one truth
    with edit_bundle(bundle, tmp_path / "start") as edit:
        facts = json.loads((edit.folder / "bundle.json").read_text())
        facts["provenance"] |= {"annotators": [], "truth": "senior"}
        edit.write("bundle.json", json.dumps(facts).encode())
    untold = read_bundle(tmp_path / "start")
    run = begin(films, tmp_path / "run", going_on(recipe), start=untold, old_films=films)
    assert taught_by(tmp_path / "run", run) == ("senior",)


def test_another_model_to_go_on_from_is_another_run(begin, films, start, tmp_path):
    bundle, recipe = start
    begin(films, tmp_path / "run", going_on(recipe), start=bundle)
    with edit_bundle(bundle, tmp_path / "other") as edit:
        edit.set_section("## Other\nwords\n")
    other = read_bundle(tmp_path / "other")
    with pytest.raises(InputError, match="holds another training run"):
        begin(films, tmp_path / "run", going_on(recipe), start=other)
    with pytest.raises(InputError, match=r"another training run \(differs in start_sha256\)"):
        begin(films, tmp_path / "run", going_on(recipe))


def test_other_landmarks_are_refused(begin, films, start, tmp_path, monkeypatch):
    bundle, recipe = start
    fewer = replace(bundle.landmark_set, name="eighteen", landmarks=bundle.landmark_set.landmarks[:-1])
    with pytest.raises(InputError, match=r"other landmarks .* \(name its set, eighteen, by --landmarks\)"):
        begin(films, tmp_path / "run", going_on(recipe), start=replace(bundle, landmark_set=fewer))
    assert not (tmp_path / "run").exists()


def test_a_copy_that_was_cut_is_made_again_and_a_changed_one_refused(begin, films, start, tmp_path):
    bundle, recipe = start
    config = begin(films, tmp_path / "run", going_on(recipe), start=bundle)
    folder = tmp_path / "run" / START_FOLDER
    (folder / "SHA256SUMS").unlink()
    keep_start(tmp_path / "run", bundle)
    assert kept_start(tmp_path / "run", config).sha256 == bundle.sha256

    shutil.rmtree(folder)
    with edit_bundle(bundle, folder) as edit:
        edit.set_section("## Other\nwords\n")
    with pytest.raises(InputError, match="is not the model that this run was begun with"):
        kept_start(tmp_path / "run", config)
