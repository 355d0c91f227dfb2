from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

import cephsure as package
from cephsure.cli import terminal
from cephsure.cli.app import shared_flags_first

COMMANDS = ("demo", "predict", "landmarks", "train", "evaluate", "models", "reader-profile")
HEAVY = ("numpy", "scipy", "torch", "onnxruntime", "pydicom", "PIL", "matplotlib", "rich")


def test_help_names_every_command(cephsure):
    run = cephsure("--help")
    assert run.status == 0
    assert all(command in run.out for command in COMMANDS)
    assert run.err == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cephsure, command):
    run = cephsure(command, "-h")
    assert run.status == 0
    assert "Usage: " in run.out


def test_version(cephsure):
    assert cephsure("--version").out == f"cephsure {package.__version__}\n"


def test_the_banner_is_said_once_on_standard_error(cephsure):
    run = cephsure("landmarks")
    assert run.err.splitlines() == [terminal.BANNER]
    assert "research use only" in terminal.BANNER
    assert cephsure("landmarks", "--quiet").err == ""


@pytest.mark.parametrize("arguments", [("nothing",), ("landmarks", "--nothing"), ("predict",)])
def test_wrong_usage_is_exit_status_2(cephsure, arguments):
    run = cephsure(*arguments)
    assert run.status == 2
    assert "Usage: " in run.err


def test_a_failure_of_ours_is_one_line_and_exit_status_1(cephsure, monkeypatch):
    def fail(_):
        raise KeyError("lost")

    monkeypatch.setattr("cephsure.landmarks.load_landmark_set", fail)
    run = cephsure("landmarks")
    assert run.status == 1
    assert run.lines == ["error: KeyError: 'lost' (a failure of cephsure; --debug shows where)"]
    assert "Traceback" in cephsure("landmarks", "--debug").err


def test_a_command_that_is_stopped_is_one_line_and_exit_status_130(cephsure, monkeypatch):
    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cephsure.landmarks.load_landmark_set", stop)
    run = cephsure("landmarks")
    assert (run.status, run.lines) == (130, ["stopped"])


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("predict a.png --debug -q", "--debug -q predict a.png"),
        ("--debug predict a.png", "--debug predict a.png"),
        ("predict -- --debug", "predict -- --debug"),
        ("predict a.png --out --quieter", "predict a.png --out --quieter"),
    ],
)
def test_shared_flags_may_stand_after_the_command(typed, read):
    assert shared_flags_first(typed.split()) == read.split()


def test_building_the_commands_imports_nothing_heavy():
    script = f"import sys, cephsure.cli.app; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ("workflows.calibrate_bundle.calibrate", "calibrate --data d --out o"),
        ("landmarks.load_landmark_set", "landmarks mine.toml"),
        ("bundles.bundle.read_bundle", "models verify folder"),
    ],
)
def test_an_interruption_is_one_line_and_the_documented_status(cephsure, monkeypatch, place, command):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"cephsure.{place}", stop)
    run = cephsure(*command.split())
    assert (run.status, run.out) == (130, "")
    assert [line.split(";")[0] for line in run.lines] == ["stopped"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_clears_away_what_is_half_done(dot_bundles, tmp_path, name):
    """As while a bundle is written: its folder beside must not stay."""
    script = textwrap.dedent(f"""
        import os, signal, sys, time
        from pathlib import Path
        # Those who run the tests may have had signals ignored or held back (nohup, a job in the background).
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        from cephsure.bundles.bundle import read_bundle
        from cephsure.bundles.edit import edit_bundle
        from cephsure.cli import app

        def command():
            with edit_bundle(read_bundle({str(dot_bundles())!r}), Path({str(tmp_path / "out")!r})):
                print(*os.listdir({str(tmp_path)!r}), flush=True)
                time.sleep(60)

        app.app.command("wait")(command)
        sys.argv = ["cephsure", "wait"]
        app.main()
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == ".out.new\n"
    process.send_signal(getattr(signal, name))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [line.split(";")[0] for line in said.splitlines()] == [terminal.BANNER, "stopped"]
    assert not list(tmp_path.iterdir())


def test_signals_are_as_before_when_a_command_has_ended(cephsure):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    cephsure("landmarks")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_a_command_that_is_stopped_while_it_is_read_is_one_line_too(cephsure, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.core.TyperGroup.make_context", stop)
    run = cephsure("landmarks")
    assert (run.status, run.lines) == (130, ["stopped"])


def test_the_program_that_is_stopped_while_it_loads_is_one_line_too(monkeypatch, capsys):
    from cephsure.__main__ import main

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr("cephsure.cli.app.main", stop)
    with pytest.raises(SystemExit) as end:
        main()
    assert (end.value.code, capsys.readouterr().err) == (130, "stopped\n")
