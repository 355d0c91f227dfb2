from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.films import Film
from cephsure.inference import forks
from cephsure.inference.forks import Threads, computing
from cephsure.model import load_model

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system knows no fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
SECONDS = 60


def in_a_fork(work):
    """What a forked process finds, or the error in it as text."""
    context = multiprocessing.get_context("fork")
    found = context.Queue()

    def run():
        try:
            found.put(work())
        except Exception as error:  # noqa: BLE001 - to be looked at here
            found.put(repr(error))

    process = context.Process(target=run)
    process.start()
    try:
        return found.get(timeout=SECONDS)
    finally:
        process.kill()
        process.join()


def positions(model, film):
    return [(mark.x_px, mark.y_px) for mark in model.predict(film).landmarks]


@pytest.mark.parametrize(("recipe", "kind"), [("default", "ensemble"), ("paper", "mc-dropout")])
def test_a_model_that_was_loaded_before_a_fork_works_after_it(dots, dot_bundles, recipe, kind):
    model = load_model(dot_bundles(recipe, kind, 2 if kind == "ensemble" else 1))
    film = Film(dots.draw_dots(np.random.default_rng(0)).pixels)
    before = positions(model, film)  # its threads are there when the process is forked
    assert in_a_fork(lambda: positions(model, film)) == before
    assert positions(model, film) == before


def test_a_fork_in_the_midst_of_a_computation_says_so_at_once():
    begun, end = threading.Event(), threading.Event()

    def work():
        with computing(os.getpid(), survives=True):
            begun.set()
            end.wait(SECONDS)

    parent = os.getpid()

    def fork_computes():
        with computing(parent, survives=True):
            return "computed"

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work)
        begun.wait(SECONDS)
        said = in_a_fork(fork_computes)
        end.set()
    assert "loaded before this process was forked, while it was computing" in said
    assert "load it in the new process" in said
    assert in_a_fork(fork_computes) == "computed"


def test_what_is_loaded_in_the_fork_itself_works(dots, dot_bundles):
    film = Film(dots.draw_dots(np.random.default_rng(0)).pixels)
    expected = positions(load_model(dot_bundles()), film)
    forks._work.cut_off = True  # as in a fork in the midst of a computation
    try:
        assert positions(load_model(dot_bundles()), film) == expected
    finally:
        forks._work.cut_off = False


def test_a_network_on_a_gpu_says_at_once_that_it_does_not_survive():
    cannot = pytest.raises(InputError, match="forked, on a GPU: it cannot be used here")
    with cannot, computing(os.getpid() + 1, survives=False):
        pytest.fail("no GPU here")
    with computing(os.getpid(), survives=False):
        pass


def test_networks_that_are_computed_are_counted_whatever_comes_of_it():
    counts = []
    with pytest.raises(ZeroDivisionError), computing(os.getpid(), survives=True):
        counts.append(forks._work.going_on / 0)
    with computing(os.getpid(), survives=True):
        assert forks._work.going_on == 1
    assert forks._work.going_on == 0


def test_threads_are_made_once_in_a_process():
    threads = Threads()
    assert isinstance(threads.submit(int, "3"), Future)
    names = set(threads.map(lambda _: time.sleep(0.01) or threading.current_thread().name, range(20)))
    assert all(name.startswith("cephsure") for name in names)
    assert len(threads._pools) == 1
    assert in_a_fork(lambda: sum(threads.map(int, "123"))) == 6
