from __future__ import annotations

import socket

import pytest

from cephsure.errors import InputError
from cephsure.review.listening import listening_on


def test_answers_are_sent_at_once():
    with listening_on("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_said_in_one_line():
    with (
        listening_on("127.0.0.1", 0) as listening,
        pytest.raises(InputError, match="cannot listen on port") as error,
        listening_on("127.0.0.1", listening.getsockname()[1]),
    ):
        pass
    assert error.value.remedy == "give another --port, or 0 for a free one"
