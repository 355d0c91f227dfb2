from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cephsure.file_names import escaped, unescaped, writable

# Whatever bytes a name is on Linux, often with those that could be taken for an escape.
NAMES = st.lists(st.binary(max_size=3) | st.sampled_from([b"%", b"%25", b"25", b"FC", b"%0A", b"\xc2"])).map(
    lambda parts: b"".join(parts).replace(b"\0", b"").decode("utf-8", "surrogateescape")
)


@given(NAMES)
@example("%0A")
@example("%250A")
@example("%25%\udcfc")
@example("\u2028\x9b\udcc3(")
def test_a_name_comes_back_from_what_is_written(name):
    written = escaped(name)
    written.encode("utf-8")
    assert len((written + ".").splitlines()) == 1
    assert unescaped(written) == name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("m\udcfcller.png", "m%FCller.png"),
        ("a\nb\x1b[2J\x7f.png", "a%0Ab%1B[2J%7F.png"),
        ("müller 蝶 100%.png", "müller 蝶 100%.png"),
        ("a%20b%2F%FCm.png", "a%20b%2F%25FCm.png"),
    ],
)
def test_only_what_no_line_of_text_can_hold_is_escaped(name, written):
    assert escaped(name) == written


def test_any_text_can_be_made_writable_and_a_percent_sign_stays():
    assert writable("50%FC \udcfc\ud800\r") == "50%FC %FC%ED%A0%80%0D"


def test_bytes_that_are_a_letter_are_written_as_that_letter():
    assert escaped("m\udcc3\udcbcller.png") == "müller.png"
