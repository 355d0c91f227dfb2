from __future__ import annotations

import asyncio

import pytest

from cephsure.service.idempotency import OtherBodyError, Remembered
from own_loop import run_alone


def answering(calls, text=b"answer", wait=None):
    async def answer():
        calls.append(text)
        if wait is not None:
            await wait.wait()
        return text

    return answer


def run(scenario):
    return run_alone(scenario())


def test_a_request_is_answered_once():
    async def scenario():
        calls, remembered = [], Remembered()
        first = await remembered.once("key", b"1", answering(calls))
        assert await remembered.once("key", b"1", answering(calls, b"other")) == first
        assert await remembered.once(None, b"1", answering(calls, b"without")) == b"without"
        with pytest.raises(OtherBodyError):
            await remembered.once("key", b"2", answering(calls))
        assert calls == [b"answer", b"without"]

    run(scenario)


def test_two_at_once_wait_for_one_answer():
    async def scenario():
        calls, go_on, remembered = [], asyncio.Event(), Remembered()
        both = [asyncio.create_task(remembered.once("key", b"1", answering(calls, wait=go_on))) for _ in "ab"]
        await asyncio.sleep(0)
        both[0].cancel()  # the client that asked first goes away: the other one still waits
        await asyncio.sleep(0)
        go_on.set()
        assert await both[1] == b"answer"
        assert len(calls) == 1

    run(scenario)


def test_work_that_nobody_waits_for_is_dropped():
    async def scenario():
        calls, remembered = [], Remembered()
        alone = asyncio.create_task(remembered.once("key", b"1", answering(calls, wait=asyncio.Event())))
        await asyncio.sleep(0.01)
        alone.cancel()
        await asyncio.sleep(0.01)
        assert await remembered.once("key", b"2", answering(calls, b"new")) == b"new"

    run(scenario)


def test_errors_are_not_remembered():
    async def scenario():
        remembered = Remembered()

        async def fail():
            raise KeyError

        with pytest.raises(KeyError):
            await remembered.once("key", b"1", fail)
        assert await remembered.once("key", b"2", answering([])) == b"answer"

    run(scenario)


@pytest.mark.parametrize("limits", [{"most_answers": 2}, {"most_bytes": 12}])
def test_the_oldest_are_forgotten(limits):
    async def scenario():
        calls, remembered = [], Remembered(**limits)
        for key in "abc":
            await remembered.once(key, b"1", answering(calls))
        await asyncio.sleep(0)
        await remembered.once("c", b"1", answering(calls))
        assert len(calls) == 3
        await remembered.once("a", b"1", answering(calls))
        assert len(calls) == 4

    run(scenario)
