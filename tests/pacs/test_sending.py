from __future__ import annotations

import pytest
from pydicom import uid
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity

from cephsure.pacs.peers import Peer
from cephsure.pacs.sending import FolderOutlet, NotSentError, PeerOutlet


@pytest.fixture
def listen():
    """A peer that takes a class of objects and answers with a status."""
    entities = []

    def start(status=0, sop_class=uid.Comprehensive3DSRStorage, title="PEER", taken=None):
        entity = ApplicationEntity(title)
        entity.require_called_aet = True
        entity.add_supported_context(sop_class)

        def take(event):
            if taken is not None:
                taken.append(event.dataset)
            if status is None:
                event.assoc.abort()
            return status or 0

        server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
        entities.append(entity)
        return Peer("PEER", "127.0.0.1", server.server_address[1])

    yield start
    for entity in entities:
        entity.shutdown()


@pytest.mark.parametrize("status", [0, 0xB000])
def test_what_a_peer_takes_is_what_was_made(listen, made_report, as_bytes, status):
    taken, report = [], made_report()
    at = listen(status, taken=taken)
    outlet = PeerOutlet(at, own_title="CEPHSURE")
    outlet.send("a.sr.dcm", as_bytes(report))
    assert taken == [report]
    assert str(outlet) == str(at)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"status": 0xA700}, "status A700"),
        ({"status": None}, "did not answer"),
        ({"sop_class": uid.CTImageStorage}, "does not take objects"),
        ({"title": "ANOTHER"}, "rejected the association"),
    ],
)
def test_what_a_peer_does_not_take_is_said(listen, made_report, as_bytes, options, why):
    outlet = PeerOutlet(listen(**options), own_title="CEPHSURE")
    with pytest.raises(NotSentError, match=why):
        outlet.send("a.sr.dcm", as_bytes(made_report()))


def test_a_peer_that_is_not_there(made_report, as_bytes):
    with pytest.raises(NotSentError, match="cannot be reached"):
        PeerOutlet(Peer("PEER", "127.0.0.1", 1), own_title="CEPHSURE").send("a", as_bytes(made_report()))


def test_a_folder(tmp_path):
    outlet = FolderOutlet(tmp_path)
    for content in (b"one", b"one"):
        outlet.send("a.sr.dcm", content)
    assert (tmp_path / "a.sr.dcm").read_bytes() == b"one"
    assert str(outlet) == tmp_path.name
    with pytest.raises(NotSentError, match="cannot be written"):
        FolderOutlet(tmp_path / "absent").send("a", b"")
