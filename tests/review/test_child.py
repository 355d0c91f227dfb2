"""What a process beside the server does when its jobs crash, hang or fail; two of these tests start one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

import pytest

from cephsure.errors import FilmError
from cephsure.review.child import Child, FailedError, LostError, work
from said_jobs import Say, make_desk


def test_jobs_share_a_process_and_what_it_keeps():
    child = Child(make_desk, "anna", name="test")
    try:
        first, again = (child.do(Say(), seconds=60) for _ in range(2))
        assert first == again == ("desk of anna", child.pid)
        assert child.pid != os.getpid()
        with pytest.raises(LostError, match="ended"):
            child.do(Say("crash"), seconds=60)
        assert child.do(Say(), seconds=60)[1] != first[1]
        started = time.monotonic()
        with pytest.raises(LostError, match="did not answer within"):
            child.do(Say("hang"), seconds=0.3)
        assert time.monotonic() - started < 20
        told = []
        child.do(Say("count"), seconds=60, on_progress=lambda *step: told.append(step))
        assert told[-1] == ("films", 3, 3)
        assert child.do(Say("count"), seconds=60)[0] == "desk of anna"
    finally:
        child.end()
    assert child.pid is None
    with pytest.raises(LostError, match="it has ended"):
        child.do(Say(), seconds=1)


def test_process_that_was_killed_while_it_rested_is_started_again(wait_until):
    child = Child(make_desk, "anna", name="test")
    try:
        first = child.do(Say(), seconds=60)[1]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not child._process.is_alive())
        assert child.do(Say(), seconds=60)[1] != first
    finally:
        child.end()


def in_thread(*jobs):
    """The answers of `work` to some jobs, in a thread of this process."""
    ours, theirs = multiprocessing.Pipe()
    thread = threading.Thread(target=work, args=(theirs, make_desk, ("ben",)))
    thread.start()
    answers = []
    for job in jobs:
        ours.send(job)
        while (answer := ours.recv()).progress is not None:
            answers.append(answer)
        answers.append(answer)
    ours.close()
    thread.join(10)
    assert not thread.is_alive()
    return answers


def test_work_answers_each_job_and_ends_with_the_server():
    done, refused, failed, again = in_thread(Say(), Say("refuse"), Say("fail"), Say())
    assert done.result == again.result == ("desk of ben", os.getpid())
    assert isinstance(refused.error, FilmError)
    assert (refused.error.where, refused.error.remedy) == ("a.png", "give another")
    assert isinstance(failed.error, FailedError)
    assert str(failed.error) == "ZeroDivisionError: by zero"


def test_progress_is_told_now_and_then():
    *told, done = in_thread(Say("count"))
    assert [each.progress for each in told][-1] == ("films", 3, 3)
    assert done.result is not None


def test_work_ends_where_nobody_takes_the_answer():
    ours, theirs = multiprocessing.Pipe()
    ours.send(Say("count"))
    thread = threading.Thread(target=work, args=(theirs, make_desk, ("ben",)))
    ours_closed = threading.Timer(0.05, ours.close)
    ours_closed.start()
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    ours_closed.join()
