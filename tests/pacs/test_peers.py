from __future__ import annotations

import pytest

from cephsure.errors import InputError
from cephsure.pacs.peers import Peer, check_reach, checked_title


def test_a_peer_is_read_and_written_alike():
    for text in ("PACS@archive.example:104", "MY AE@127.0.0.1:11112", "A@[::1]:4242"):
        assert str(Peer.parse(text)) == text
    assert Peer.parse("A@[::1]:4242").host == "::1"


@pytest.mark.parametrize(
    "text", ["", "PACS", "PACS@host", "host:104", "A@h:0", "A@h:65536", "A@::1:4", "A@h:x"]
)
def test_what_is_no_peer(text):
    with pytest.raises(InputError, match="AE@host:port"):
        Peer.parse(text)


@pytest.mark.parametrize("title", ["", "  ", "SEVENTEEN-LETTERS", "a\\b", "Zahnärzte"])
def test_what_is_no_title(title):
    with pytest.raises(InputError, match="no AE title"):
        checked_title(title)
    assert checked_title(" CEPH ") == "CEPH"


def test_films_of_other_machines_need_a_list_of_who_may_send():
    check_reach("127.0.0.1", ())
    check_reach("::1", ())
    check_reach("0.0.0.0", ("PACS",))  # noqa: S104 - what the check is about
    with pytest.raises(InputError, match="--allow-ae"):
        check_reach("0.0.0.0", ())  # noqa: S104
    with pytest.raises(InputError, match="no address"):
        check_reach("localhost", ())
