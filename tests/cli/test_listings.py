from __future__ import annotations

import hashlib
import json
import sys

import pytest

from cephsure.landmarks import load_landmark_set

OWN_SET = """
name = "mine-2"
title = "Two points [of mine]"
source = "Me."
[[landmarks]]
number = 1
code = "X1"
name = "First"
definition = "The [first] point."
tissue = "bone"
side = "bilateral"
[[landmarks]]
number = 2
code = "X2"
name = "Second"
definition = "The second point."
tissue = "soft"
side = "midline"
"""


def test_the_shipped_set_is_shown_with_definitions(cephsure):
    run = cephsure("landmarks")
    assert run.status == 0
    words = " ".join(run.out.split())
    for landmark in load_landmark_set().landmarks:
        assert landmark.code in words
        assert landmark.name in words
        assert landmark.definition.split()[-1] in words


def test_a_set_of_ones_own_is_read_from_its_file(cephsure, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(OWN_SET)
    run = cephsure("landmarks", file)
    assert run.status == 0
    assert "mine-2: Two points [of mine]" in run.out
    assert "The [first] point." in run.out
    assert "bone, both sides" in run.out


def test_an_unknown_set_is_one_line(cephsure):
    run = cephsure("landmarks", "nothing")
    assert run.status == 2
    assert len(run.lines) == 1
    assert "isbi-19" in run.lines[0]


@pytest.fixture
def bundle(tmp_path):
    """A bundle as far as its facts and checksums go: two members, no networks."""
    folder = tmp_path / "bundle"
    facts = {
        "format": "cephsure.bundle/1",
        "name": "mine",
        "kind": "ensemble",
        "recipe": {"name": "paper"},
        "landmark_set": load_landmark_set().to_dict(),
        "members": [{"folder": "members/00"}, {"folder": "members/01"}],
        "provenance": {"data": "isbi2015", "split": "train", "truth": "mean"},
    }
    texts = {"bundle.json": json.dumps(facts), "members/00/log.txt": "a", "members/01/log.txt": "b"}
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    sums = [f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in sorted(texts.items())]
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder


def test_a_whole_bundle_is_verified(cephsure, bundle):
    run = cephsure("models", "verify", bundle)
    assert run.status == 0
    assert "whole" in run.out
    assert hashlib.sha256((bundle / "SHA256SUMS").read_bytes()).hexdigest() in run.out


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda folder: (folder / "members/00/log.txt").write_text("changed"),
            "members/00/log.txt: wrong checksum",
        ),
        (lambda folder: (folder / "members/01/log.txt").unlink(), "missing"),
        (lambda folder: (folder / "weights.pt").touch(), "refused"),
        (lambda folder: (folder / "more.txt").touch(), "not listed"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), "SHA256SUMS"),
    ],
)
def test_a_bundle_that_is_not_whole_is_one_line(cephsure, bundle, change, reason):
    change(bundle)
    run = cephsure("models", "verify", bundle)
    assert run.status == 2
    assert len(run.lines) == 1
    assert reason in run.lines[0]


def test_no_bundle_at_all(cephsure, tmp_path):
    assert cephsure("models", "verify", tmp_path / "nothing").status == 2


def test_shipped_models_are_listed(cephsure, bundle, fake_model, monkeypatch):
    monkeypatch.setattr(
        sys.modules["cephsure.model"], "shipped_models", lambda: {"mine": bundle}, raising=False
    )
    run = cephsure("models")
    assert run.status == 0
    row = next(line for line in run.out.splitlines() if line.startswith("mine"))
    assert " ".join(row.split()) == "mine ensemble 2 paper 19 (isbi-19) isbi2015, train, truth mean 0.0"
    assert str(bundle) in run.out


@pytest.mark.parametrize("layout", ["md", "json", "monai"])
def test_a_models_card_is_shown_or_written(cephsure, tmp_path, layout):
    shown = cephsure("models", "card", "default-baseline", "--format", layout)
    assert shown.status == 0
    written = cephsure("models", "card", "default-baseline", "--format", layout, "--out", tmp_path / "card")
    assert (written.status, written.out) == (0, "")
    assert written.lines == [f"wrote {tmp_path / 'card'}"]
    assert (tmp_path / "card").read_text() == shown.out
    if layout == "md":
        assert shown.out.startswith("# default-baseline\n")
        assert "Research use only" in shown.out
    else:
        assert json.loads(shown.out)["name"] == "default-baseline"


def test_a_card_of_no_model_is_one_line(cephsure):
    run = cephsure("models", "card", "nothing")
    assert (run.status, len(run.lines)) == (2, 1)
    assert "not a model bundle" in run.lines[0]
