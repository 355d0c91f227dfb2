from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cephsure.review.bulletin import Bulletin


def run(waiting):
    """Run it in a thread: a browser that other tests drive keeps an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asyncio.wait_for(waiting, 20)).result()


def test_changes_are_numbered():
    bulletin = Bulletin()
    assert bulletin.post(1, 2) == 1
    assert bulletin.post(2) == 2
    assert bulletin.post() == bulletin.last == 3
    assert bulletin.changed_since(0) == [1, 2]
    assert bulletin.changed_since(1) == [2]
    assert bulletin.changed_since(3) == []
    assert (bulletin.number_of(1), bulletin.number_of(2), bulletin.number_of(9)) == (1, 2, 0)


def test_number_of_another_run_shows_everything():
    bulletin = Bulletin()
    bulletin.post(5)
    assert bulletin.changed_since(400) == [5]
    run(bulletin.wait(400, 60))


def test_waiting_ends_with_a_change_in_another_thread():
    bulletin = Bulletin()

    async def wait():
        timer = threading.Timer(0.05, bulletin.post, (7,))
        timer.start()
        await asyncio.wait_for(bulletin.wait(0, 60), 20)
        timer.join()
        return bulletin.changed_since(0)

    assert run(wait()) == [7]
    assert not bulletin._waiting


def test_waiting_ends_with_its_time():
    started = time.monotonic()
    run(Bulletin().wait(0, 0.05))
    assert time.monotonic() - started >= 0.05


def test_waiting_ends_with_the_server():
    bulletin = Bulletin()

    async def wait():
        timer = threading.Timer(0.05, bulletin.close)
        timer.start()
        await asyncio.wait_for(bulletin.wait(0, 60), 20)
        timer.join()
        await asyncio.wait_for(bulletin.wait(0, 60), 20)

    run(wait())


def test_loop_that_was_closed_is_passed_over():
    bulletin = Bulletin()
    loop = asyncio.new_event_loop()
    bulletin._waiting.add((loop, asyncio.Event()))
    loop.close()
    assert bulletin.post(1) == 1
