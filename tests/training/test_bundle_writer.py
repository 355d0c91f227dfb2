from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cephsure.bundles.bundle import read_bundle
from cephsure.bundles.bundle_files import checksums
from cephsure.datasets import annotators, truth
from cephsure.errors import BundleError
from cephsure.landmarks import load_landmark_set
from cephsure.training.bundle_writer import bundle_validation, model_card, validation_figures, write_bundle
from cephsure.training.material import mean_shape, run_films


@pytest.fixture
def copied(finished_run, tmp_path):
    """A bundle that a test may spoil."""
    return shutil.copytree(finished_run[2], tmp_path / "bundle")


@pytest.mark.slow
def test_a_bundle_is_read_back(finished_run):
    out, config, folder = finished_run
    bundle = read_bundle(folder)
    assert (bundle.name, bundle.kind) == (out.name, "baseline")
    assert bundle.recipe.numbers["coarse_side"] == config.recipe.coarse_side
    assert bundle.landmark_set == load_landmark_set("isbi-19")
    items = run_films(config)
    assert bundle.mean_shape == pytest.approx(mean_shape([truth(item, "mean") for item in items]))
    assert [path.relative_to(folder).as_posix() for path in bundle.members] == ["members/00"]
    assert bundle.orientation == folder / "orientation"
    origin = bundle.provenance
    assert (origin.data, origin.split, origin.truth) == ("isbi-2015", "train", "mean")
    assert origin.annotators == annotators(items) == ("junior", "senior")
    assert origin.data_sha256 == config.data_sha256
    facts = json.loads((folder / "bundle.json").read_text())["provenance"]
    assert facts["seed"] == 0
    assert facts["versions"].keys() == {"cephsure", "python", "torch", "onnx", "numpy"}


@pytest.mark.slow
def test_a_bundle_names_the_films_held_out(finished_run):
    _, config, folder = finished_run
    items = run_films(config)
    _, held = config.recipe.member_films(items, 0, seed=config.seed)
    facts = json.loads((folder / "bundle.json").read_text())
    assert facts["members"][0]["validation_films"] == [items[k].film_id for k in held]


@pytest.mark.slow
def test_a_bundle_holds_networks_logs_and_papers_only(finished_run):
    folder = finished_run[2]
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    member = {
        f"members/00/{stage}.{kind}" for stage in ("coarse", "fine") for kind in ("onnx", "safetensors")
    }
    orientation = {
        f"orientation/{name}" for name in ("orientation.onnx", "orientation.safetensors", "log.jsonl")
    }
    papers = {"bundle.json", "MODEL_CARD.md", "SHA256SUMS"}
    assert names == member | orientation | papers | {"members/00/log.jsonl"}


@pytest.mark.slow
def test_everything_in_it_is_strict_json(finished_run):
    def refuse(constant):
        raise AssertionError(constant)

    folder = finished_run[2]
    json.loads((folder / "bundle.json").read_text(), parse_constant=refuse)
    for log in folder.rglob("log.jsonl"):
        for line in log.read_text().splitlines():
            json.loads(line, parse_constant=refuse)


@pytest.mark.slow
def test_no_path_of_the_machine_is_in_it(finished_run):
    out, config, folder = finished_run
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert str(out).encode() not in content
            assert config.data.encode() not in content


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
def test_sha256sum_agrees(finished_run):
    check = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=finished_run[2],
        capture_output=True,
        check=False,
    )
    assert check.returncode == 0


@pytest.mark.slow
def test_any_changed_byte_is_noticed(copied):
    for path in sorted(p for p in copied.rglob("*") if p.is_file() and p.name != "SHA256SUMS"):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(BundleError, match="wrong checksum"):
            read_bundle(copied)
        path.write_bytes(content)
    read_bundle(copied)


@pytest.mark.slow
def test_missing_added_and_pickled_files_are_refused(copied):
    log = copied / "members" / "00" / "log.jsonl"
    content = log.read_bytes()
    log.unlink()
    with pytest.raises(BundleError, match="missing"):
        read_bundle(copied)
    log.write_bytes(content)
    (copied / "extra.txt").write_text("x")
    with pytest.raises(BundleError, match="not listed"):
        read_bundle(copied)
    (copied / "extra.txt").rename(copied / "extra.pt")
    with pytest.raises(BundleError, match="pickled"):
        read_bundle(copied)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "cephsure.bundle/2"}, "version 'cephsure.bundle/2' is unknown"),
        ({"kind": "oracle"}, "kind"),
        ({"members": [{"folder": "../elsewhere"}]}, "outside"),
    ],
)
def test_other_facts_are_refused_even_with_right_checksums(copied, change, complaint):
    path = copied / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    (copied / "SHA256SUMS").write_text(checksums(copied))
    with pytest.raises(BundleError, match=complaint):
        read_bundle(copied)


@pytest.mark.slow
def test_an_older_bundle_is_replaced_as_a_whole(finished_run, copied):
    out, config, _ = finished_run
    (copied / "extra.txt").write_text("x")
    assert write_bundle(out, config, copied, name="mine") == copied
    assert read_bundle(copied).name == "mine"
    assert "# mine" in (copied / "MODEL_CARD.md").read_text()
    assert [path.name for path in copied.parent.iterdir()] == ["bundle"]


@pytest.mark.slow
def test_a_run_in_the_folder_that_one_is_in_has_that_folders_name(finished_run, copied, monkeypatch):
    out, config, _ = finished_run
    monkeypatch.chdir(out)
    write_bundle(Path(), config, copied)
    assert read_bundle(copied).name == out.name


def member(mre, best, *, unit="mm", films=("001", "002")):
    stages = {
        "coarse": {"validation_mre_mm": 9.0, "best_validation_mre_mm": 8.0, "seconds": 60.0},
        "fine": {"validation_mre_mm": mre, "best_validation_mre_mm": best, "seconds": 120.0},
    }
    return {"stages": stages, "validation_films": list(films), "validation_unit": unit}


@pytest.fixture
def facts():
    return {
        "name": "mine {1}",
        "kind": "ensemble",
        "recipe": {"name": "default", "changes": ["3 epochs"]},
        "landmark_set": {"name": "isbi-19", "landmarks": [{}] * 19},
        "members": [member(1.2, 1.1), member(1.4, 1.3, films=("002", "003"))],
        "provenance": {
            "data": "my films",
            "data_sha256": "abc",
            "split": "train",
            "truth": "senior",
            "seed": 4,
            "precision": "bfloat16",
            "versions": {"cephsure": "9.9", "torch": "2.0"},
            "made": "2024-01-02",
        },
    }


def test_the_card_says_what_a_reader_must_know(facts):
    card = model_card(facts)
    for words in (
        "# mine {1}",
        "Research use only. Not a medical device.",
        "| kind | ensemble, 2 networks |",
        "| recipe | default, version 1; changed: 3 epochs |",
        "| landmarks | 19 (isbi-19) |",
        '| trained on | my films, split "train", truth: senior |',
        "`abc`",
        "| seed, precision | 4, bfloat16 |",
        "| training time of all networks | 6 min |",
        "| made | 2024-01-02 with cephsure 9.9, torch 2.0 |",
        "(3 films in all)",
        "1.30 mm (1.20 to 1.40)",
    ):
        assert words in card, words


def test_one_network_has_no_range(facts):
    facts["members"] = facts["members"][:1]
    card = model_card(facts)
    assert "ensemble, 1 network |" in card
    assert "1.20 mm," in card


@pytest.mark.parametrize(
    ("members", "keep", "words"),
    [
        ([member(1.2, 1.1), member(1.4, 1.3)], "best", "1.20 mm (1.10 to 1.30)"),
        ([member(2.0, 2.0, unit="frame units")], "last", "2.00 frame units"),
        ([member(None, None)], "last", "unknown"),
        ([member(None, None), member(3.0, 3.0)], "last", "3.00 mm (3.00 to 3.00)"),
    ],
)
def test_validation_in_words(members, keep, words):
    assert validation_figures({"members": members, "recipe": {"fit": {"keep": keep}}}) == words


def test_validation_is_of_what_the_last_network_keeps():
    stages = {
        "coarse": {"validation_mre_mm": 3.0, "best_validation_mre_mm": 2.0},
        **member(1.2, 1.1)["stages"],
    }
    name = list(stages)[-1]
    recipe = {"coarse_fit": {"keep": "best"}, f"{name}_fit": {"keep": "last"}}
    assert validation_figures({"members": [{"stages": stages}], "recipe": recipe}) == "1.20 mm"
    recipe[f"{name}_fit"] = {"keep": "best"}
    assert validation_figures({"members": [{"stages": stages}], "recipe": recipe}) == "1.10 mm"


def test_a_bundles_validation_is_of_the_weights_it_keeps(facts, tmp_path):
    (tmp_path / "bundle.json").write_text(json.dumps(facts))
    assert bundle_validation(tmp_path) == "1.30 mm (1.20 to 1.40)"
    facts["recipe"] = {"name": "paper", "fit": {"keep": "best"}}
    (tmp_path / "bundle.json").write_text(json.dumps(facts))
    assert bundle_validation(tmp_path) == "1.20 mm (1.10 to 1.30)"
