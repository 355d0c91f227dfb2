from __future__ import annotations

import logging
import os
import threading
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cephsure.films.third_party import captured_stderr, captured_warnings, printable


def test_warnings_are_kept_even_where_they_would_be_errors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with captured_warnings() as caught:
            warnings.warn("an odd tag", UserWarning, stacklevel=1)
        assert [str(warning.message) for warning in caught] == ["an odd tag"]
        with pytest.raises(UserWarning):
            warnings.warn("outside", UserWarning, stacklevel=1)


def test_what_another_thread_warns_of_is_shown_as_ever() -> None:
    shown: list[str] = []

    def warn() -> None:
        warnings.warn("of another thread", UserWarning, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_, **__: shown.append(str(message))
        with captured_warnings() as caught:
            other = threading.Thread(target=warn)
            other.start()
            other.join()
            warnings.warn("of this one", UserWarning, stacklevel=1)
    assert shown == ["of another thread"]
    assert [str(warning.message) for warning in caught] == ["of this one"]


def test_filters_survive_several_threads() -> None:
    before = list(warnings.filters)
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        for _ in range(50):
            with captured_warnings():
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def test_log_records_of_third_parties_do_not_reach_the_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without pytest's own handlers, Python's handler of last resort would print.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with captured_warnings():
        logging.getLogger("PIL.TiffImagePlugin").error("more samples than can be decoded")
    assert capfd.readouterr().err == ""


def test_what_c_writes_to_standard_error_is_caught_and_then_let_through_again(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with captured_stderr() as lines:
        os.write(2, b"Corrupt JPEG data\nonce more\n")
    os.write(2, b"after")
    assert lines == ["Corrupt JPEG data", "once more"]
    assert capfd.readouterr().err == "after"


def test_standard_error_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="inside"), captured_stderr():
        raise ValueError("inside")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_without_a_standard_error_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: int) -> int:
        raise OSError("bad file descriptor")

    monkeypatch.setattr(os, "dup", closed)
    with captured_stderr() as lines:
        pass
    assert lines == []


@given(st.text())
def test_whatever_a_file_says_becomes_one_printable_line(text: str) -> None:
    line = printable(text, longest=40)
    assert line.isprintable()
    assert len(line) <= 40


def test_long_lines_are_cut() -> None:
    assert printable("a" * 50, longest=10) == "aaaaaaa..."
    assert printable("ordinary words") == "ordinary words"
