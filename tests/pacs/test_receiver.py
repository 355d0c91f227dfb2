"""The service's answers, as a sender gets them."""

from __future__ import annotations

import logging

from pynetdicom.ae import ApplicationEntity

from cephsure.errors import InputError
from cephsure.pacs import receiver
from cephsure.pacs.receiver import DOES_NOT_MATCH, FAILED, OUT_OF_RESOURCES, REFUSED
from cephsure.pacs.store import FilmStore, Refusal, RefusedError


def statuses(answers):
    return [answer.Status for answer in answers]


def test_films_are_acknowledged_and_the_same_again_too(start_service, send, made_film, until):
    service = start_service()
    answers = send(service.at, made_film(1), made_film(2), made_film(1), made_film(1, PatientID="other"))
    assert statuses(answers) == [0, 0, 0, REFUSED]
    assert "another content" in answers[3].ErrorComment
    until(lambda: len(list((service.folder / "out").iterdir())) == 2)
    assert len(service.predictor.done) == 2


def test_echo_is_answered(start_service):
    service = start_service()
    entity = ApplicationEntity("TESTS")
    entity.add_requested_context("1.2.840.10008.1.1")
    association = entity.associate(service.at.host, service.at.port, ae_title=service.at.ae)
    assert association.send_c_echo().Status == 0
    association.release()


def test_who_is_not_on_the_list_or_calls_another_is_rejected(start_service, send, made_film):
    service = start_service(allowed=("CEPHMACHINE", "PACS"))
    assert send(service.at, made_film()) is None
    assert statuses(send(service.at, made_film(), own="PACS")) == [0]
    called = type(service.at)("ANOTHER", service.at.host, service.at.port)
    assert send(called, made_film(), own="PACS") is None


def test_what_is_no_film_is_not_taken(start_service, send, made_report):
    assert send(start_service().at, made_report()) is None


def test_each_refusal_has_its_status(start_service, send, made_film, monkeypatch, caplog):
    service = start_service()
    errors = [
        RefusedError(Refusal.FULL),
        RefusedError(Refusal.OTHER_UID),
        InputError("full"),
        KeyError("Muster"),
    ]

    def receive(*_):
        raise errors.pop(0)

    monkeypatch.setattr(FilmStore, "receive", receive)
    with caplog.at_level(logging.DEBUG):
        answers = send(service.at, *map(made_film, range(4)))
    assert statuses(answers) == [OUT_OF_RESOURCES, DOES_NOT_MATCH, OUT_OF_RESOURCES, FAILED]
    assert "Muster" not in caplog.text
    assert "2.25.1" not in caplog.text


def test_a_film_that_is_too_large_is_broken_off(start_service, send, made_film, monkeypatch, store):
    taken = receiver.Receiver(store, ae="CEPHSURE", allowed=(), most_bytes=5000, on_film=lambda: None)
    port = taken.start("127.0.0.1", 0)
    at = receiver_at(port)
    try:
        assert "Status" not in send(at, made_film())[0]
        small = made_film(2, Rows=10, Columns=10, PixelData=bytes(100))
        assert statuses(send(at, small, small, small)) == [0, 0, 0]  # counted anew for each
    finally:
        taken.stop()
    assert len(store.ledger.films()) == 1


def receiver_at(port):
    from cephsure.pacs.peers import Peer

    return Peer("CEPHSURE", "127.0.0.1", port)
