from __future__ import annotations

import pytest
import requests

from cephsure.errors import InputError
from cephsure.pacs.credentials import VARIABLE, credentials

URL = "https://archive.example/dicom-web"


def authorization(auth):
    return requests.Request("GET", URL, auth=auth).prepare().headers["Authorization"]


def test_nobody_asks_unless_said(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert credentials(URL) is None


def test_a_file_goes_before_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "erika:p:w")
    assert authorization(credentials(URL)) == "Basic ZXJpa2E6cDp3"
    file = tmp_path / "token"
    file.write_text("a-token\n")
    assert authorization(credentials(URL, file)) == "Bearer a-token"
    assert "a-token" not in repr(credentials(URL, file))


@pytest.mark.parametrize(
    ("url", "said", "complaint"),
    [
        ("https://erika:secret@archive.example/web", "", "shell's history"),
        ("ftp://archive.example", "", "no address of DICOMweb"),
        ("archive", "", "no address of DICOMweb"),
        ("http://archive.example/web", "erika:secret", "unencrypted"),
        (URL, "erika:secret\nsecond", "more than one line"),
    ],
)
def test_what_is_refused_repeats_no_secret(monkeypatch, url, said, complaint):
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(InputError, match=complaint) as refused:
        credentials(url)
    assert "secret" not in str(refused.value)


def test_loopback_need_not_be_encrypted(monkeypatch):
    monkeypatch.setenv(VARIABLE, "token")
    assert credentials("http://127.0.0.1:8042/dicom-web") is not None
    assert credentials("http://localhost:8042/dicom-web") is not None


def test_an_empty_file(tmp_path):
    (tmp_path / "empty").write_text(" \n")
    with pytest.raises(InputError, match="holds no credentials"):
        credentials(URL, tmp_path / "empty")
