from __future__ import annotations

import sqlite3

import pytest

from cephsure.errors import InputError
from cephsure.pacs.ledger import FILE_NAME, Ledger, MadeResult


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path) as opened:
        yield opened


def add(ledger, number, size=10):
    ledger.add_film(name=f"n{number}", instance_uid=f"1.{number}", sha256="s", size=size)
    return ledger.film(f"1.{number}")


def test_films_wait_in_the_order_of_their_arrival(ledger, tmp_path):
    first, second = add(ledger, 1), add(ledger, 2, size=32)
    assert ledger.film("1.3") is None
    assert ledger.next_film() == first
    assert ledger.stored_bytes() == 42
    assert ledger.count_loss(first) == 1
    assert ledger.next_film() == second  # one that did harm goes behind the others
    ledger.fail(second, "no film")
    with Ledger.open(tmp_path) as again:
        assert [film.state for film in again.films()] == ["waiting", "failed"]
        assert again.films("failed")[0].why == "no film"


def test_a_film_has_one_report(ledger):
    film = add(ledger, 1)
    ledger.add_results(film, [MadeResult("sr", "2.1", "s"), MadeResult("gsps", "2.2", "s")])
    with pytest.raises(sqlite3.IntegrityError):
        ledger.add_results(film, [MadeResult("sr", "2.3", "s")])
    assert [result.instance_uid for result in ledger.results()] == ["2.1", "2.2"]
    assert ledger.next_film() is None
    assert ledger.results()[1].file_name == "n1.gsps.dcm"


def test_what_could_not_be_sent_waits_for_its_time(ledger):
    film = add(ledger, 1)
    ledger.add_results(film, [MadeResult("sr", "2.1", "s"), MadeResult("gsps", "2.2", "s")])
    first = ledger.next_result()
    ledger.not_sent(first, "nobody there", 5e9)
    second = ledger.next_result()
    assert second.instance_uid == "2.2"
    ledger.sent(second, "PACS@h:1")
    (waiting,) = ledger.results("waiting")
    assert (waiting.tries, waiting.next_try, waiting.why) == (1, 5e9, "nobody there")
    assert ledger.results("sent")[0].sent_to == "PACS@h:1"
    ledger.try_all_now()
    assert ledger.next_result().next_try == 0


def test_a_ledger_that_is_none(tmp_path):
    with pytest.raises(InputError, match="no service"):
        Ledger.open(tmp_path, read_only=True)
    for statement, complaint in (
        ("CREATE TABLE a (b)", "not made by cephsure dicom serve"),
        ("PRAGMA application_id = 1128616004", "not made|another cephsure"),
    ):
        path = tmp_path / FILE_NAME
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE c (d)")
            connection.execute(statement)
        connection.close()
        with pytest.raises(InputError, match=complaint):
            Ledger.open(tmp_path)


def test_a_newer_ledger_is_left_alone(ledger, tmp_path):
    ledger._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="schema 99"):
        Ledger.open(tmp_path)


def test_a_reader_does_not_write(ledger, tmp_path):
    film = add(ledger, 1)
    with Ledger.open(tmp_path, read_only=True) as reader:
        assert reader.films() == [film]
        with pytest.raises(InputError, match="read-only"):
            reader.fail(film, "x")
