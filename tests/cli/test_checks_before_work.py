"""What would be in vain is said before any film is read or any network is loaded, by every command."""

from __future__ import annotations

import pytest

# Command, its other options, and the option for what is written; a file unless it says otherwise.
WRITES = [
    (["predict", "FILM"], "--out", "folder"),
    (["analyze", "FILM"], "--out", "folder"),
    (["analyze", "FILM"], "--json", "file"),
    (["analyze", "--data", "DATA"], "--json", "file"),
    (["compare", "FILM", "--truth", "DATA"], "--out", "file"),
    (["demo"], "--out", "folder"),
    (["evaluate", "--data", "DATA"], "--json", "file"),
    (["evaluate", "--data", "DATA"], "--csv", "file"),
    (["calibrate", "--data", "DATA"], "--report", "folder"),
    (["site-calibrate", "--data", "DATA"], "--out", "file"),
    (["site-calibrate", "--data", "DATA"], "--report", "folder"),
    (["monitor", "--data", "DATA"], "--json", "file"),
    (["monitor", "--data", "DATA"], "--figure", "file"),
    (["reader-profile"], "--out", "file"),
    (["reader-profile", "--out", "OUT"], "--page", "file"),
    (["train", "--data", "DATA"], "--out", "folder"),
    (["experiment", "accuracy", "--data", "DATA"], "--out", "folder"),
]


@pytest.fixture
def refused(cephsure, monkeypatch, tmp_path, opened, write_film):
    """Run a command that is to be refused; gives its one line."""
    film = write_film("film.png")
    places = {"FILM": film, "DATA": tmp_path / "data", "OUT": tmp_path / "reader.json"}
    (tmp_path / "data").mkdir()

    def loaded(*_, **__):
        pytest.fail("a network was loaded")

    monkeypatch.setattr("cephsure.model.load_model", loaded)

    def run(command, *options):
        opened.clear()
        outcome = cephsure(*(places.get(word, word) for word in command), *options)
        assert (outcome.status, outcome.out) == (2, "")
        assert str(film) not in opened
        (line,) = outcome.lines
        return line

    return run


@pytest.mark.parametrize(("command", "option", "kind"), WRITES)
def test_what_cannot_be_written(refused, tmp_path, command, option, kind):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    other = "file" if kind == "folder" else "folder"
    assert f"{tmp_path / other}: is a {other}: a {kind} is " in refused(command, option, tmp_path / other)
    assert "is a file, not a folder" in refused(command, option, tmp_path / "file" / "x")
    assert "File name too long" in refused(command, option, tmp_path / ("x" * 300))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "file", "film.png", "folder"]


@pytest.mark.parametrize(
    ("command", "lacks", "said"),
    [
        (
            ["train", "--data", "DATA", "--out", "OUT"],
            "torch",
            'training needs torch (pip install "cephsure[train]"',
        ),
        (
            ["experiment", "accuracy", "--data", "DATA", "--out", "OUT"],
            "pandas",
            'cephsure experiment needs pandas (pip install "cephsure[studies]")',
        ),
        (
            ["monitor", "--data", "DATA", "--figure", "OUT"],
            "matplotlib",
            '--figure needs matplotlib (pip install "cephsure[studies]")',
        ),
        (
            ["site-calibrate", "--data", "DATA", "--report", "OUT"],
            "matplotlib",
            '--report needs matplotlib (pip install "cephsure[studies]")',
        ),
    ],
)
def test_missing_packages(refused, monkeypatch, command, lacks, said):
    for module in ("batch", "train_bundle"):
        monkeypatch.setattr(
            f"cephsure.workflows.{module}.find_spec", lambda name: None if name == lacks else name
        )
    assert f"error: {said}" in refused(command)
