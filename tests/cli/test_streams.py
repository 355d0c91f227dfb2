from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cephsure.cli import terminal
from cephsure.cli.streams import (
    REPLACE,
    STANDARD,
    is_standard_output,
    replace_what_lacks,
    write_document,
    written_file,
)

CODE_PAGES = ("gbk", "cp932", "big5", "cp949", "cp1250", "cp1251", "cp850", "latin-1", "ascii", "utf-8")


@pytest.mark.parametrize("encoding", CODE_PAGES)
def test_no_code_page_stops_a_line(monkeypatch, encoding):
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    replace_what_lacks()
    line = "0.5 · 12° ± 3 mm² ≤ 4 – Björk … 蝶 m\udcfcller"
    terminal.say(line)
    terminal.remark(line)
    for stream in streams:
        stream.flush()
        said = stream.buffer.getvalue().decode(encoding)
        assert said.startswith("0.5 ")
        assert "m%FCller" in said


def test_a_sign_is_replaced_by_what_looks_like_it_and_a_letter_by_its_number():
    assert "5 · 3 mm² ≤ 90°".encode("ascii", REPLACE) == b"5 - 3 mm2 <= 90deg"
    assert "Bj\u00f6rk 蝶".encode("ascii", REPLACE) == rb"Bj\xf6rk \u8776"


def test_only_the_encoding_is_of_the_terminal_not_of_a_document(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp932")
    monkeypatch.setattr(sys, "stdout", stream)
    write_document('{"film": "Müller"}\n')
    assert stream.buffer.getvalue().decode("utf-8") == '{"film": "Müller"}\n'


def test_a_file_called_dash_goes_to_standard_output(capsys, tmp_path):
    with written_file(STANDARD) as file:
        file.write_text("one\n", "utf-8")
    assert capsys.readouterr().out == "one\n"
    with written_file(tmp_path / "two") as file:
        assert file == tmp_path / "two"
    with written_file(None) as file:
        assert file is None


def test_one_document_at_most_goes_to_standard_output():
    assert is_standard_output(None, STANDARD)
    assert not is_standard_output(None, Path("x"))
    with pytest.raises(typer.BadParameter, match="standard output"):
        is_standard_output(STANDARD, STANDARD)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["measurements"], ["landmarks"], ["models"], ["--help"], ["predict", "-h"]]
)
@pytest.mark.parametrize("encoding", ["cp932", "cp1250", "ascii"])
def test_commands_end_well_in_other_code_pages(command, encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    run = subprocess.run(
        [sys.executable, "-m", "cephsure", *command], env=environment, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert b"error" not in run.stderr
    run.stdout.decode(encoding)
    run.stderr.decode(encoding)
