from __future__ import annotations

import getpass
import io
import sys
import webbrowser
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the review page needs the extra 'review'")

from cephsure.cli import review as command
from cephsure.landmarks import load_landmark_set
from cephsure.projects import Project
from cephsure.review import serve

WORDS = "four words at random"
ADDRESS = "http://127.0.0.1:1/start?token=x"


@pytest.fixture
def served(monkeypatch):
    """Stands in for the server; gives what it was asked for. It ends as by Ctrl-C unless told otherwise."""
    asked = {"ends": KeyboardInterrupt}

    def review(films, project, *, options, on_ready, tell):
        asked.update(films=films, project=project, options=options)
        on_ready(ADDRESS)
        if asked["ends"] is not None:
            raise asked["ends"]

    monkeypatch.setattr(serve, "review", review)
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.update(opened=address))
    return asked


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "films").mkdir()
    for name in ("b.png", "a.png", "notes.txt"):
        (tmp_path / "films" / name).write_bytes(b"x")
    return tmp_path / "films"


def test_address_stands_alone_on_the_first_line(cephsure, served, folder):
    done = cephsure("review", folder, "--no-browser")
    assert done.out == f"{ADDRESS}\n"
    assert done.status == 130
    assert [path.name for path in served["films"]] == ["a.png", "b.png"]
    assert served["project"] == folder.with_name("films-review")
    assert f"project: {folder.with_name('films-review')}" in done.lines
    assert done.lines[-1] == f"stopped; every correction is in {folder.with_name('films-review')}"
    assert "opened" not in served


def test_server_that_ends_by_itself(cephsure, served, folder):
    served["ends"] = None
    done = cephsure("review", folder, "--no-browser")
    assert done.status == 0
    assert done.lines[-1].startswith("stopped;")


def test_browser_is_opened(cephsure, served, folder, monkeypatch):
    import threading

    monkeypatch.setattr(threading.Thread, "start", lambda self: self.run())
    cephsure("review", folder)
    assert served["opened"] == ADDRESS


def test_options_are_handed_on(cephsure, served, folder, tmp_path):
    cephsure(
        *(
            "review",
            folder / "a.png",
            "--no-browser",
            "--project",
            tmp_path / "p",
            "--as",
            "Anna",
            "--port",
            8000,
        ),
        *("--model", "default-baseline", "--reader", "senior", "--mm-per-px", "0.1"),
    )
    options = served["options"]
    assert (options.who, options.port, options.model) == ("Anna", 8000, "default-baseline")
    assert (options.reader, options.mm_per_px, options.host) == ("senior", 0.1, "127.0.0.1")
    assert served["project"] == tmp_path / "p"


def test_project_is_gone_on_with(cephsure, served, tmp_path):
    Project.create(tmp_path / "p", load_landmark_set()).close()
    for arguments in ((tmp_path / "p",), (tmp_path / "p" / "project.sqlite",), ("--project", tmp_path / "p")):
        cephsure("review", *arguments, "--no-browser")
        assert (served["films"], served["project"]) == ([], tmp_path / "p")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "there is nothing to review"),
        (("--project", "absent"), "is no project"),
        (("nothing*.png",), "no file matches"),
        (("-",), "standard input cannot be reviewed"),
        (("a.png", "--as", "mean"), "nobody can be called 'mean'"),
        (("a.png", "--host", "0.0.0.0"), "others in the network"),  # noqa: S104
    ],
)
def test_what_cannot_be_reviewed(cephsure, folder, monkeypatch, arguments, complaint):
    monkeypatch.chdir(folder)
    done = cephsure("review", *arguments, "--no-browser")
    assert done.status == 2
    assert complaint in done.err
    assert done.out == ""


def test_what_is_wrong_with_one_of_several_is_said(cephsure, served, folder):
    done = cephsure("review", folder / "a.png", folder / "x*.png", "--no-browser")
    assert [path.name for path in served["films"]] == ["a.png"]
    assert "no file matches" in done.err


def test_others_are_let_in_by_a_password_of_the_environment(cephsure, served, folder, monkeypatch):
    monkeypatch.setenv("CEPHSURE_PASSWORD", WORDS)
    done = cephsure("review", folder, "--no-browser", "--host", "0.0.0.0", "--allow-remote")  # noqa: S104
    assert served["options"].password == WORDS
    assert "not encrypted" in done.err


def test_password_is_asked_for_in_a_terminal_only(cephsure, served, folder, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("CEPHSURE_PASSWORD", raising=False)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda _: WORDS)
    cephsure("review", folder, "--no-browser", "--allow-remote")
    assert served["options"].password == WORDS
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    done = cephsure("review", folder, "--no-browser", "--host", "0.0.0.0", "--allow-remote")  # noqa: S104
    assert "needs a password" in done.err


def test_user_without_a_name(monkeypatch):
    def nobody():
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert command._user() == "reviewer"


def test_extra_that_is_not_there_is_said(cephsure, folder, monkeypatch):
    monkeypatch.setattr("cephsure.workflows.batch.find_spec", lambda _: None)
    done = cephsure("review", folder)
    assert done.status == 2
    assert 'pip install "cephsure[review]"' in done.err
    assert not Path(folder.with_name("films-review")).exists()
