"""The commands of docs/api.md and the example client, against the service as the page starts it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client", reason="the service needs the extra 'serve'")

from cephsure import load_model, sample_films
from cephsure.exports.prediction_json import render
from cephsure.projects import Project

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "api.md"
BLOCK = re.compile(r"^```sh( server| token)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE.read_text("utf-8"))
PAGES_ADDRESS = "http://127.0.0.1:8000"

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None or os.name == "nt", reason="the page's commands need curl and a shell"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the page's reader is: a folder with a film and a project."""
    place = tmp_path_factory.mktemp("page")
    (place / "films").mkdir()
    sample = sample_films.sample_film("vhm_lateral_0deg")
    shutil.copy(sample.path, place / "films" / "head.png")
    model = load_model("default-baseline")
    with Project.create(place / "review", model.landmark_set) as project:
        project.add_films([place / "films" / "head.png"])
        project.store_prediction(1, render(model.predict(sample.path, mm_per_px=sample.mm_per_px)))
    return place


@contextlib.contextmanager
def started(folder, *more):
    """The service with all options that the page gives, on a free port."""
    commands = [block for kind, block in BLOCKS if kind == " server"]
    found = [word for block in commands for word in block.split("cephsure serve", 1)[1].split()]
    options = dict(zip(found[::2], found[1::2], strict=True)) | {"--port": "0"}
    arguments = [part for pair in options.items() for part in pair]
    program = subprocess.Popen(
        [sys.executable, "-m", "cephsure", "serve", *arguments, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        text=True,
    )
    try:
        yield program.stdout.readline().strip()
    finally:
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0


@pytest.fixture(scope="module")
def address(folder):
    (making, _) = next(block for kind, block in BLOCKS if kind == " token").splitlines()
    subprocess.run(["bash", "-c", making.replace("python", sys.executable, 1)], cwd=folder, check=True)
    with started(folder, "--token-file", "token") as found:
        yield found


def run(block, address, folder):
    """Run a block of the page; the token, which one of its services asks for, is sent with each request."""
    token = (folder / "token").read_text().strip()
    command = block.replace(PAGES_ADDRESS, address)
    if "Bearer $(cat" not in block:
        command = command.replace("curl ", f"curl -H 'Authorization: Bearer {token}' ")
    command = command.replace("python examples/", f"'{sys.executable}' {ROOT}/examples/")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, "CEPHSURE_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_every_command_of_the_page_is_answered(address, folder):
    blocks = [block for kind, block in BLOCKS if not kind]
    assert len(blocks) >= 7
    for block in blocks:
        done = run(block, address, folder)
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        assert '"error"' not in done.stdout
    assert (folder / "prediction.json").read_text().startswith('{"schema": "cephsure.prediction/2"')


@pytest.mark.slow
def test_the_example_client(address, folder, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("api_client", ROOT / "examples" / "api_client.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "api_client", module)
    spec.loader.exec_module(module)
    film = folder / "films" / "head.png"
    monkeypatch.setenv("CEPHSURE_TOKEN", (folder / "token").read_text().strip())
    monkeypatch.setattr(sys, "argv", ["api_client.py", address, str(film), "--mm-per-px", "0.25"])
    module.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("review: ")
    assert len(lines) == 21
    with pytest.raises(module.ServiceError, match=r"401: the token is missing or wrong \(send"):
        module.Client(address).predict(film)
    client = module.Client(address, os.environ["CEPHSURE_TOKEN"])
    with pytest.raises(module.ServiceError, match="422: a text file, not a film"):
        client.predict(PAGE)


def test_options_of_the_page_are_those_of_the_command():
    from typer.testing import CliRunner

    from cephsure.cli.app import app

    shown = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).output
    known = set(re.findall(r"--[a-z][a-z-]+", shown)) - {"--help", "--site"}
    table = PAGE.read_text("utf-8").split("## Options of `cephsure serve`")[1]
    assert set(re.findall(r"^\| `(--[a-z-]+)", table, re.MULTILINE)) == known
