from __future__ import annotations

import hashlib

import pytest

from cephsure.errors import InputError
from cephsure.service.callers import Callers, check_callers, token_of

TOKEN = "t" * 32


def test_a_token_is_kept_as_its_hash_alone(tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    digest = token_of(tmp_path / "token")
    assert digest == hashlib.sha256(TOKEN.encode()).digest()
    callers = Callers(1, "127.0.0.1", digest)
    assert callers.lets_in(f"Bearer {TOKEN}")
    assert not callers.lets_in(f"Bearer {TOKEN}x")
    assert not callers.lets_in("Bearer \udcff")
    assert TOKEN not in repr(callers)


@pytest.mark.parametrize("text", ["", "short", "t" * 600, "ü" * 40, "t" * 20 + "\n" + "t" * 20])
def test_a_token_that_is_easy_to_guess_is_refused(tmp_path, text):
    (tmp_path / "token").write_text(text, "utf-8")
    with pytest.raises(InputError, match="holds no token of 32"):
        token_of(tmp_path / "token")


def test_beyond_this_machine_a_token_is_needed():
    check_callers("127.0.0.1", has_token=False)
    check_callers("localhost", has_token=False)
    check_callers("0.0.0.0", has_token=True)  # noqa: S104
    with pytest.raises(InputError, match="others in the network could ask"):
        check_callers("192.168.1.2", has_token=False)
    with pytest.raises(InputError, match="no address"):
        check_callers("example.org", has_token=True)
