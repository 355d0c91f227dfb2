from __future__ import annotations

import json
import os
import socket
import time
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, model_validator

from cephsure import text_files
from cephsure.errors import AnnotationError, BundleError, InputError
from cephsure.text_files import (
    MOST_DEPTH,
    is_file,
    is_folder,
    is_there,
    read_bytes,
    read_json,
    read_json_object,
    read_rows,
    read_text,
    read_toml,
    sha256_of,
    to_json,
    to_record,
    to_rows,
    to_text,
    to_toml,
)

READERS = {
    "bytes": read_bytes,
    "text": read_text,
    "json": read_json,
    "object": read_json_object,
    "toml": read_toml,
    "rows": lambda path, **options: list(read_rows(path, **options)),
    "sha256": sha256_of,
}
UTF_8_READERS = {name: reader for name, reader in READERS.items() if name not in {"bytes", "sha256"}}


def refusal(reader, *given, **options):
    """The one line that a reader refuses a file with, at once."""
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        reader(*given, **options)
    assert time.monotonic() - start < 5
    line = str(caught.value)
    assert "\n" not in line
    assert line.isprintable()
    return line


@pytest.fixture(params=READERS)
def reader(request):
    return READERS[request.param]


def test_a_pipe_is_refused_at_once(tmp_path, reader):
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe, not a file" in refusal(reader, tmp_path / "pipe")


def test_a_device_without_an_end_is_refused_behind_a_link_too(tmp_path, reader):
    (tmp_path / "zeros").symlink_to("/dev/zero")
    assert "is a device, not a file" in refusal(reader, tmp_path / "zeros")


def test_folders_and_sockets_are_refused(tmp_path, reader, monkeypatch):
    assert "is a folder, not a file" in refusal(reader, tmp_path)
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    with closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind("socket")
        assert "is a socket, not a file" in refusal(reader, tmp_path / "socket")


@pytest.mark.parametrize("name", ["absent", "x" * 300, "zero\0byte", "gone/inner"])
def test_what_is_not_there_or_can_be_no_name(tmp_path, reader, name):
    assert "cannot be read: " in refusal(reader, tmp_path / name)
    for look in (is_there, is_file, is_folder):
        assert not look(tmp_path / name)


def test_what_is_there(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "nowhere").symlink_to("absent")
    names = ("pipe", "file", "nowhere", ".")
    assert [is_there(tmp_path / name) for name in names] == [True] * 4
    assert [is_file(tmp_path / name) for name in names] == [False, True, False, False]
    assert [is_folder(tmp_path / name) for name in names] == [False, False, False, True]


def test_what_becomes_a_pipe_between_two_looks_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    check, seen = text_files._check_regular, []

    def first_look_misled(mode, path, kind):
        seen.append(mode)
        if len(seen) > 1:
            check(mode, path, kind)

    monkeypatch.setattr(text_files, "_check_regular", first_look_misled)
    assert "is a pipe, not a file" in refusal(read_bytes, tmp_path / "pipe")
    assert len(seen) == 2


def test_a_file_that_stops_to_be_readable_and_one_without_room(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"1")
    for error, words in (
        (OSError(5, "Input/output error"), "cannot be read: Input/output error"),
        (MemoryError(), "cannot be read: there is not enough memory"),
    ):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(text_files, "_check_regular", fail)
        assert refusal(read_bytes, tmp_path / "file") == f"{tmp_path / 'file'}: {words}"


def test_no_more_than_the_most_is_read(tmp_path):
    file = tmp_path / "large"
    with file.open("wb") as stream:
        stream.truncate(2**40)  # without a byte on the disk
    assert "is too large: more than 64 MiB" in refusal(read_bytes, file)
    file.write_bytes(b"123")
    assert read_bytes(file, most_bytes=3) == b"123"
    assert "is too large" in refusal(read_bytes, file, most_bytes=2)
    assert sha256_of(file) == "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"


@pytest.mark.parametrize("kind", [AnnotationError, BundleError])
def test_errors_are_of_the_kind_asked_for(tmp_path, reader, kind):
    with pytest.raises(kind):
        reader(tmp_path, kind=kind)
    with pytest.raises(kind):
        to_json(b"[", where="x", kind=kind)


def test_a_byte_order_mark_is_no_text(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_text(file) == '{"a": 1}'
    assert read_json(file) == {"a": 1}
    file.write_bytes(b"\xef\xbb\xbfa = 1")
    assert read_toml(file) == {"a": 1}
    file.write_bytes(b"\xef\xbb\xbfa,b\n")
    assert list(read_rows(file)) == [(1, ["a", "b"])]


@pytest.mark.parametrize("name", UTF_8_READERS)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a": 1}'.encode("utf-16"), "is not UTF-8 text, but UTF-16 or UTF-32"),
        ('{"a": 1}'.encode("utf-32"), "is not UTF-8 text, but UTF-16 or UTF-32"),
        ('{"a": 1}'.encode("utf-16-le"), "is not UTF-8 text: a zero byte in line 1"),
        ('{\n"a": "é"}'.encode("latin-1"), "is not UTF-8 text: byte 0xE9 in line 2"),
    ],
)
def test_another_encoding_is_named_with_what_to_do(tmp_path, name, content, words):
    (tmp_path / "file").write_bytes(content)
    line = refusal(UTF_8_READERS[name], tmp_path / "file")
    assert words in line
    assert "save it as UTF-8" in line


def test_json_that_is_none_names_its_line(tmp_path):
    (tmp_path / "list.json").write_bytes(b"[]")
    assert "must be a JSON object" in refusal(read_json_object, tmp_path / "list.json")
    assert refusal(to_json, b'{\n"a": 1,\n}', where="f.json").startswith("f.json:3: is not valid JSON: ")
    assert "too many digits" in refusal(to_json, b"1" * 5000, where="f.json")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b"[{"])
def test_json_may_be_nested_so_deep_and_no_deeper(opening):
    closing_of = {b"[": b"]", b'{"a":': b"}", b"[{": b""}[opening]
    if closing_of:
        deepest = opening * MOST_DEPTH + b"1" + closing_of * MOST_DEPTH
        assert to_json(deepest, where="x")
        assert "nested too deeply" in refusal(to_json, opening + deepest + closing_of, where="x")
    assert refusal(to_json, opening * 100_000, where="x")


def test_brackets_in_texts_are_no_nesting():
    document = {"a": "[{" * 1000, 'b"\\': ['\\"[' * 1000]}
    assert to_json(json.dumps(document).encode(), where="x") == document


def test_json_of_too_many_values_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(text_files, "MOST_VALUES", 10)
    assert len(to_json(b"[1,1,1,1,1,1,1,1,1]", where="x")) == 9
    assert "is too large: more than 10 values" in refusal(to_json, b"[1,1,1,1,1,1,1,1,1,1,1]", where="x")
    assert "is too large: more than 10 cells" in refusal(lambda: list(to_rows("," * 11, where="x")))


def test_a_key_that_stands_twice():
    document = b'{"a": {"b": 1, "c": 2, "b": 3}}'
    assert to_json(document, where="x") == {"a": {"b": 3, "c": 2}}
    assert "key 'b' stands twice" in refusal(to_json, document, where="x", strict=True)
    assert to_json(b'{"a": {"b": 1}, "b": 2}', where="x", strict=True) == {"a": {"b": 1}, "b": 2}


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "-1e400"])
def test_numbers_that_are_none(number):
    document = f'{{"a": [1.5, {number}]}}'.encode()
    assert to_json(document, where="x")["a"][0] == 1.5
    assert f"{number} is not a finite number" in refusal(to_json, document, where="x", strict=True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = \n", "is not valid TOML: .*line 1"),
        (b"a = " + b"1" * 5000, "too many digits"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"a." * 400_000 + b"a = 1", "nested too deeply"),
        (b"'a' . " * 70 + b"a = 1", "nested too deeply"),
        (
            b"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p = " + b"{ a.b.c.d.e.f.g.h.i.j.k.l = " * 6 + b"1" + b"}" * 6,
            "nested",
        ),
    ],
)
def test_toml_that_is_none_or_too_deep(content, words):
    start = time.monotonic()
    with pytest.raises(InputError, match=words):
        to_toml(content, where="x")
    assert time.monotonic() - start < 5


def test_dots_that_are_no_keys_are_no_nesting():
    numbers = ", ".join(f"{k}.5" for k in range(200))
    text = f'a = [{numbers}]\nb = "{"x. y, " * 200}"\n' + "c.d = 1\n"
    assert len(to_toml(text.encode(), where="x")["a"]) == 200


def test_rows_of_a_table(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'a , b\r\n\r\n"two\nlines",2\r,\n3,4')
    assert list(read_rows(tmp_path / "t.csv")) == [
        (1, ["a", "b"]),
        (4, ["two\nlines", "2"]),
        (6, ["3", "4"]),
    ]
    assert list(to_rows("1;2", where="x", delimiter=";")) == [(1, ["1", "2"])]
    assert refusal(lambda: list(to_rows('a,b\n"', where="t.csv"))).startswith("t.csv:2: is not valid CSV: ")


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    name: str = ""
    numbers: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _fits(self):
        if self.name == "wrong":
            raise ValueError("its name is wrong")
        if self.name == "zero":
            raise ZeroDivisionError("division by zero")
        return self


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "x: not a record: Input should be"),
        ({"more": 1}, "x: not a record: more: Extra inputs"),
        ({"numbers": [1, float("nan")]}, "x: not a record: numbers[2]: Input should be a finite number"),
        ({"numbers": [10**400]}, "x: not a record: "),
        ({"name": "wrong"}, "x: not a record: its name is wrong"),
        ({"name": "zero"}, "x: not a record: its numbers cannot be used: division by zero"),
    ],
)
def test_data_that_are_no_record(data, words):
    assert refusal(to_record, Record, data, where="x", what="a record").startswith(words)
    assert refusal(to_record, Record, data, where="x").startswith(words.replace("not a record: ", ""))
    assert to_record(Record, {"numbers": [1]}, where="x").numbers == (1.0,)


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
WORDS = '[|]|{|}|"|\'|=|.|,|:|\\|a|1e999|-|NaN|[[|"""|#|0x|1979-05-27'
snippets = st.sampled_from(
    [
        *(word.encode() for word in WORDS.split("|")),
        b"\n",
        b"\r",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\0",
        b"\x1b[2J",
        b"\xe2\x80\xa8",
    ]
)
broken = st.one_of(
    st.binary(max_size=200),
    st.lists(snippets, max_size=60).map(b"".join),
    st.tuples(nested, st.integers(0, 400), snippets).map(
        lambda made: json.dumps(made[0]).encode()[: made[1]] + made[2]
    ),
    st.tuples(snippets, st.integers(1, 30_000)).map(lambda made: made[0] * made[1]),
)


def holds_or_says_so(read, *given, **options):
    """Read what may be broken: a value comes, or one line."""
    try:
        read(*given, **options)
    except InputError as error:
        line = str(error)
    else:
        return
    assert line.isprintable()
    assert len(line) < 1500


@settings(derandomize=True, max_examples=300, deadline=5000)
@given(content=broken)
def test_any_bytes_give_a_value_or_one_line(content):
    for read in (
        to_json,
        to_toml,
        lambda content, where: list(to_rows(to_text(content, where=where), where=where)),
    ):
        holds_or_says_so(read, content, where="f")


@settings(
    derandomize=True,
    max_examples=100,
    deadline=5000,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=broken)
def test_any_file_gives_a_value_or_one_line(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    for read in READERS.values():
        holds_or_says_so(read, tmp_path / "file")


@settings(derandomize=True, max_examples=100, deadline=5000)
@given(value=nested)
def test_what_is_json_is_read_as_it_is(value):
    text = json.dumps(value)
    assert json.dumps(to_json(text.encode(), where="f")) == text
