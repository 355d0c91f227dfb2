from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from cephsure.training import job_process as module

TORCH_TAKES_S = 30


def is_alive(pid):
    """Whether a process runs; one that has ended and that nobody has asked for yet does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


PARENT = """
    import os, signal, sys, time
    from pathlib import Path
    from cephsure.training import runner
    recipe = "cephsure.recipes.paper.recipe:PaperRecipe"
    process = runner._start(Path({out!r}), "0", ["1", "cpu", recipe, "auto"])
    print(process.pid, flush=True)
    time.sleep({seconds})
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.0])
def test_a_worker_ends_with_a_parent_that_is_killed_at_once(tmp_path, seconds):
    """Also before it has loaded torch, when it cannot yet have learnt who its parent was."""
    script = textwrap.dedent(PARENT.format(out=str(tmp_path / "run"), seconds=seconds))
    parent = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    worker = int(parent.stdout)
    assert wait_until(lambda: not is_alive(worker), 10)
    said = (tmp_path / "run" / "member_00" / "stderr.txt").read_text()
    assert "Error" not in said  # it did not come so far as to miss its run


def test_one_whose_parent_is_gone_loads_nothing():
    script = "import sys; from cephsure.training.job_process import main; main(['1', 'run'])"
    checked = f"{script}; print('went on')"
    run = subprocess.run([sys.executable, "-c", checked], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (1, "", "")


def test_nothing_heavy_is_loaded_before_the_parent_is_known():
    script = "import sys, cephsure.training.job_process; print(*{'torch', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_a_parent_that_goes_later_is_noticed(monkeypatch):
    parents, ended = [os.getppid()], []
    monkeypatch.setattr(module.os, "getppid", lambda: parents[-1])
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)
    module.end_with_parent(parents[0], ended.append)
    time.sleep(0.05)
    assert ended == []
    parents.append(1)
    assert wait_until(lambda: ended == [1], 5)
