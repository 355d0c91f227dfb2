from __future__ import annotations

import hashlib
import json
import os
import shutil

import numpy as np
import pytest

from cephsure.bundles.bundle import Provenance, RecipeFacts, read_bundle, read_versioned
from cephsure.errors import BundleError, InputError


@pytest.fixture
def folder(dot_bundles, tmp_path):
    """A bundle of two members that may be damaged."""
    return shutil.copytree(dot_bundles("default", "ensemble", 2), tmp_path / "bundle")


def refusal(folder):
    """The one line that ``read_bundle`` refuses a folder with."""
    with pytest.raises(BundleError) as caught:
        read_bundle(folder)
    line = str(caught.value)
    assert "\n" not in line
    return line


def change(folder, dots, **facts):
    """Change facts of bundle.json, None removes one, and make the checksums right again."""
    file = folder / "bundle.json"
    changed = json.loads(file.read_text()) | facts
    file.write_text(json.dumps({key: value for key, value in changed.items() if value is not None}))
    dots.seal(folder)


def test_a_bundle_is_read(folder, dots):
    bundle = read_bundle(str(folder))
    assert (bundle.folder, bundle.name, bundle.kind) == (folder, "dots-default-ensemble", "ensemble")
    assert bundle.recipe.model_dump() == dots.DEFAULT_RECIPE | {"changes": (), "version": 1}
    assert bundle.landmark_set.codes == dots.CODES
    np.testing.assert_allclose(bundle.mean_shape, dots.SHAPE)
    assert bundle.members == (folder / "members" / "00", folder / "members" / "01")
    assert bundle.validation_films == (frozenset(), frozenset())
    assert bundle.orientation == folder / "orientation"
    assert bundle.provenance == Provenance(data="dots", annotators=())
    assert bundle.sha256 == hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()


def test_a_bundle_of_the_paper_recipe_has_neither_shape_nor_orientation(dot_bundles):
    bundle = read_bundle(dot_bundles("paper"))
    assert bundle.mean_shape is None
    assert bundle.orientation is None


@pytest.mark.parametrize("name", ["bundle.json", "MODEL_CARD.md", "members/01/fine.onnx"])
def test_a_changed_file_has_a_wrong_checksum(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert refusal(folder).startswith(f"{folder / name}: wrong checksum")


def test_a_missing_file_is_named(folder):
    (folder / "members" / "00" / "coarse.onnx").unlink()
    assert "coarse.onnx: listed in SHA256SUMS but missing" in refusal(folder)


def test_a_file_that_was_put_in_is_named(folder):
    (folder / "members" / "extra.onnx").write_bytes(b"new")
    assert "extra.onnx: not listed in SHA256SUMS" in refusal(folder)


@pytest.mark.parametrize("ending", [".pt", ".pth", ".ckpt", ".pkl", ".PT"])
def test_pickles_are_refused_though_their_checksum_be_right(folder, dots, ending):
    (folder / "members" / f"weights{ending}").write_bytes(b"\x80\x04.")
    dots.seal(folder)
    line = refusal(folder)
    assert f"weights{ending}" in line
    assert "pickled file can run code" in line


def test_a_pickle_given_for_a_bundle_is_refused(tmp_path):
    file = tmp_path / "model.pth"
    file.write_bytes(b"\x80\x04.")
    assert "pickled file can run code" in refusal(file)


@pytest.mark.parametrize("version", ["cephsure.bundle/2", "other/1", 1, None])
def test_an_unknown_version_is_refused(folder, dots, version):
    change(folder, dots, format=version)
    line = refusal(folder)
    assert f"bundle version {version!r} is unknown" in line
    assert "update cephsure" in line


def test_what_is_not_a_bundle(tmp_path):
    file = tmp_path / "film.png"
    file.write_bytes(b"png")
    for path in (tmp_path, file, tmp_path / "absent"):
        assert refusal(path).startswith(f"{path}: not a model bundle")


def test_checksums_that_are_missing_or_no_checksums(folder):
    (folder / "SHA256SUMS").write_text("no checksums\n")
    assert "SHA256SUMS is missing or unreadable" in refusal(folder)
    (folder / "SHA256SUMS").write_bytes(b"\xff\xfe")
    assert "SHA256SUMS: is not UTF-8 text" in refusal(folder)
    (folder / "SHA256SUMS").unlink()
    assert "SHA256SUMS is missing or unreadable" in refusal(folder)


def test_members_say_which_films_they_have_not_seen(folder, dots):
    members = [{"folder": "members/00", "validation_films": ["a", "b"]}, {"folder": "members/01"}]
    change(folder, dots, members=members)
    assert read_bundle(folder).validation_films == (frozenset("ab"), frozenset())


@pytest.mark.parametrize("away", ["../other", "members/../../other", "/"])
def test_a_member_outside_of_the_bundle_is_refused(folder, dots, away):
    (folder.parent / "other").mkdir()
    change(folder, dots, members=[{"folder": away}])
    assert f"names a folder outside of it: {away}" in refusal(folder)


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({"kind": "oracle"}, "kind: "),
        ({"members": []}, "members: "),
        ({"members": [{}]}, "members[1].folder: "),
        ({"members": None}, "members: "),
        ({"landmark_set": {"name": "x"}}, "landmark_set: key 'title' is missing"),
        ({"recipe": {}}, "recipe.name: "),
        ({"recipe": {"name": "default", "samples": 0}}, "recipe.samples: "),
        ({"mean_shape": [[0, 0], [1, 1]]}, "mean_shape: 4 points are needed"),
        ({"mean_shape": [[float("nan"), 0]] * 4}, "is not valid JSON: NaN is not a finite number"),
        ({"mean_shape": [[1, 2, 3]] * 4}, "mean_shape[1]: "),
    ],
)
def test_facts_that_are_wrong_are_named(folder, dots, facts, complaint):
    change(folder, dots, **facts)
    assert refusal(folder).startswith(f"{folder / 'bundle.json'}: {complaint}")


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        (
            {"members": [{"folder": "members/00"}, {"folder": "members//00"}]},
            "members: one stands there twice",
        ),
        ({"kind": "baseline"}, "members: a baseline has one, not 2"),
        ({"mean_shape": [[1.0, 2.0]] * 4}, "mean_shape: has no size"),
        ({"mean_shape": [[1e30, 0], [0, 1], [0, 2], [0, 3]]}, "mean_shape: has no size"),
        ({"recipe": {"name": "default", "samples": 10**9}}, "recipe.samples: "),
        ({"members": [{"folder": "members/00\\..\\..\\other"}]}, "names a folder outside of it"),
    ],
)
def test_facts_that_would_mislead_are_refused(folder, dots, facts, complaint):
    change(folder, dots, **facts)
    assert refusal(folder).startswith(f"{folder / 'bundle.json'}: {complaint}")


def test_a_key_that_stands_twice_is_refused(folder, dots):
    file = folder / "bundle.json"
    file.write_text(file.read_text().replace('"kind":', '"kind": "baseline", "kind":', 1))
    dots.seal(folder)
    assert "key 'kind' stands twice" in refusal(folder)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[" * 100_000, b"[]"])
def test_facts_that_are_no_json_object(folder, dots, content):
    (folder / "bundle.json").write_bytes(content)
    dots.seal(folder)
    assert refusal(folder).startswith(f"{folder / 'bundle.json'}:")


def test_a_file_that_cannot_be_read(folder, monkeypatch):
    opens = os.open

    def fail(path, *flags, **options):
        if str(path).endswith("MODEL_CARD.md"):
            raise OSError(5, "Input/output error")
        return opens(path, *flags, **options)

    monkeypatch.setattr(os, "open", fail)
    assert refusal(folder) == f"{folder / 'MODEL_CARD.md'}: cannot be read: Input/output error"


@pytest.fixture
def own_file(tmp_path):
    """A file of cephsure's own, of version 2."""
    file = tmp_path / "own.json"
    file.write_text('{"format": "own/2", "a": 1}')
    return file


def test_a_file_of_the_version_that_is_read(own_file):
    assert read_versioned(own_file, version="own/2", what="own file") == {"format": "own/2", "a": 1}


def test_a_file_of_another_version_says_what_to_do(own_file):
    former = {"own/2": ("is of old", "make it anew")}
    with pytest.raises(InputError) as caught:
        read_versioned(own_file, version="own/3", what="own file", kind=InputError, former=former)
    assert str(caught.value) == f"{own_file}: is of old (make it anew)"
    with pytest.raises(BundleError, match="own file version 'own/2' is unknown, this program reads own/1"):
        read_versioned(own_file, version="own/1", what="own file", former={"own/0": ("", "")})


def test_a_recipes_numbers_lie_within_bounds():
    facts = RecipeFacts(name="r", side=64, inner={"step": 0.5}, word="x", flag=True, huge=10**400)
    assert facts.whole("side") == 64
    assert facts.number("inner", "step", least=0.5, most=0.5) == 0.5
    for keys, words in (
        (("inner", "step"), "inner.step is 0.5, and should be a whole number"),
        (("absent",), "absent is missing"),
        (("side", "inner"), "side.inner is missing"),
        (("word",), "word is no number"),
        (("flag",), "flag is no number"),
        (("huge",), "huge lies from 0 to 4096, and is far larger"),
    ):
        with pytest.raises(ValueError, match=words):
            facts.whole(*keys, least=0)
    with pytest.raises(ValueError, match="side lies from 65 to 70, and is 64"):
        facts.whole("side", least=65, most=70)
