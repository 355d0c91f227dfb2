from __future__ import annotations

import time

import pytest

from cephsure.errors import BundleError, FilmError
from cephsure.pacs import workers
from cephsure.pacs.sending import NotSentError
from cephsure.pacs.workers import SET_ASIDE, Worker, predict_next, send_next
from cephsure.review.child import FailedError, LostError


class Outlet:
    def __init__(self, *fails):
        self.fails, self.sent = list(fails), []

    def __str__(self):
        return "OUTLET"

    def send(self, name, content):
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append((name, content))


@pytest.fixture
def film(store):
    store.receive("1.1", b"film", "a")
    return lambda: store.ledger.film("1.1")


def test_a_film_is_predicted_once_and_its_report_sent(store, film, make_stand_in):
    predictor, woken = make_stand_in(), []
    assert predict_next(store, predictor, lambda: woken.append(1)) == 0
    assert predict_next(store, predictor, lambda: woken.append(1)) is None
    assert (len(predictor.done), woken, film().state) == (1, [1], "predicted")
    outlet = Outlet()
    assert send_next(store, outlet) == 0
    assert send_next(store, outlet) is None
    (result,) = store.ledger.results("sent")
    assert outlet.sent == [(result.file_name, store.result_content(result))]


@pytest.mark.parametrize("error", [FilmError("is no film", where="/secret"), FailedError("is no film")])
def test_a_film_that_cannot_be_read_is_kept_and_named(store, film, make_stand_in, error, caplog):
    assert predict_next(store, make_stand_in(error), lambda: None) == 0
    assert (film().state, film().why) == ("failed", "is no film")
    assert store.film_file(film()).is_file()
    assert film().name in caplog.text
    assert "/secret" not in caplog.text


def test_a_film_that_ends_the_process_is_set_aside(store, film, make_stand_in):
    predictor = make_stand_in(LostError("x"), LostError("x"))
    predict_next(store, predictor, lambda: None)
    assert film().state == "waiting"
    predict_next(store, predictor, lambda: None)
    assert (film().state, film().why) == ("failed", SET_ASIDE)


def test_a_model_at_fault_leaves_the_film_waiting(store, film, make_stand_in):
    with pytest.raises(BundleError):
        predict_next(store, make_stand_in(BundleError("damaged")), lambda: None)
    assert film().state == "waiting"


def test_a_failed_send_waits_longer_each_time(store, film, make_stand_in, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(workers.time, "time", lambda: now[0])
    predict_next(store, make_stand_in(), lambda: None)
    outlet = Outlet(NotSentError("nobody"), NotSentError("nobody"))
    for pause in (2.0, 4.0):
        send_next(store, outlet)
        assert send_next(store, outlet) == pause
        now[0] += pause
    send_next(store, outlet)
    assert len(outlet.sent) == 1
    assert store.ledger.results("sent")[0].tries == 2


def test_a_changed_result_is_not_sent(store, film, make_stand_in):
    predict_next(store, make_stand_in(), lambda: None)
    (result,) = store.ledger.results()
    (store.results / result.file_name).write_bytes(b"changed")
    outlet = Outlet()
    send_next(store, outlet)
    assert outlet.sent == []
    assert "was changed" in store.ledger.results()[0].why


def test_a_worker_goes_on_after_trouble(monkeypatch, until, caplog):
    monkeypatch.setattr(workers, "_AFTER_TROUBLE_S", 0.01)
    steps = []

    def step():
        steps.append(time.monotonic())
        if len(steps) == 1:
            raise OSError("disk full")
        return 0.0 if len(steps) < 4 else None

    worker = Worker(step, name="test")
    worker.start()
    until(lambda: len(steps) == 4)
    worker.wake()
    until(lambda: len(steps) == 5)
    worker.stop(10)
    assert "disk full; tried again" in caplog.text


def test_trouble_while_stopping_is_not_said(caplog):
    def step():
        worker._stopping = True
        raise OSError("closed")

    worker = Worker(step, name="test")
    worker.start()
    worker.stop(10)
    assert caplog.text == ""
