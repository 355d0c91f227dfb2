from __future__ import annotations

import asyncio
import threading

import pytest

from cephsure.service.film_queue import BusyError, FilmQueue, StoppingError
from own_loop import run_alone


class Waiting:
    """A process whose jobs wait until they are let go on."""

    def __init__(self):
        self.begun, self.go_on, self.done, self.ended = threading.Event(), threading.Event(), [], False

    def do(self, job, *, seconds):
        self.begun.set()
        assert self.go_on.wait(30)
        self.done.append(job)
        return job

    def end(self):
        self.ended = True


async def until(is_so):
    for _ in range(3000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


@pytest.fixture
def child():
    return Waiting()


@pytest.fixture
def queue(child):
    made = FilmQueue(child, places=2, on_film=lambda _: None)
    yield made
    child.go_on.set()
    made.end()


def test_places(queue):
    with queue.place():
        with queue.place():
            with pytest.raises(BusyError) as busy, queue.place():
                pass
            assert busy.value.retry_after_s == 1
            queue.seconds = 1000.0
            with pytest.raises(BusyError) as busy, queue.place():
                pass
            assert busy.value.retry_after_s == 60
        assert queue.taken == 1
    assert queue.taken == 0


def test_work_that_waits_is_dropped_when_it_is_cancelled(queue, child):
    async def scenario():
        first = asyncio.create_task(queue.do(lambda: "first"))
        await until(child.begun.is_set)
        second, third = (asyncio.create_task(queue.do(lambda name=name: name)) for name in ("2", "3"))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        child.go_on.set()
        assert [await first, await third] == ["first", "3"]
        assert child.done == ["first", "3"]

    run_alone(scenario())


def test_what_is_begun_is_finished(queue, child):
    async def scenario():
        async def request():
            with queue.place():
                return await queue.do(lambda: "film")

        running = asyncio.create_task(request())
        await until(child.begun.is_set)
        stopping = asyncio.create_task(queue.stop(30))
        await until(lambda: queue.is_stopping)
        with pytest.raises(StoppingError), queue.place():
            pass
        child.go_on.set()
        assert await running == "film"
        await stopping
        assert child.ended
        with pytest.raises(StoppingError):
            await queue.do(lambda: "late")

    run_alone(scenario())


def test_what_still_waits_after_the_grace_is_dropped(queue, child):
    async def scenario():
        with queue.place():
            asyncio.create_task(queue.do(lambda: "running")).add_done_callback(lambda task: task.exception())
            await until(child.begun.is_set)
            waiting = asyncio.create_task(queue.do(lambda: "waiting"))
            await asyncio.sleep(0)
            await queue.stop(0.01)
            with pytest.raises(StoppingError):
                await waiting
            child.go_on.set()
        assert child.ended

    run_alone(scenario())


def test_the_model_is_loaded_at_the_start(queue, child):
    child.go_on.set()
    run_alone(queue.start())
    assert queue.ready
    assert type(child.done[0]).__name__ == "WarmUp"
