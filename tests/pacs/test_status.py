from __future__ import annotations

from cephsure.pacs import status
from cephsure.pacs.status import state_of
from cephsure.pacs.store import ResultObject


def test_what_waits_failed_and_is_done(store, monkeypatch):
    for number in range(4):
        store.receive(f"1.{number}", b"film", "a")
    films = store.ledger.films()
    store.ledger.fail(films[0], "is no film")
    store.keep_results(films[1], [ResultObject("sr", "2.1", b"1"), ResultObject("gsps", "2.2", b"2")])
    store.ledger.sent(store.ledger.results()[1], "PACS")
    store.ledger.not_sent(store.ledger.results()[0], "nobody", 1.0)
    state = state_of(store.folder)
    assert (state.films, state.waiting, state.failed, state.done) == (4, 2, 1, 1)
    assert (state.results, state.unsent, state.sent) == (2, 1, 1)
    assert state.troubles == (
        f"{films[0].name}: no results: is no film",
        f"{films[1].name}.sr.dcm: not sent (tried once): nobody",
    )
    monkeypatch.setattr(status, "MOST_TROUBLES", 1)
    store.ledger.not_sent(store.ledger.results()[0], "nobody", 1.0)
    assert state_of(store.folder).troubles[1] == "... 1 more"
