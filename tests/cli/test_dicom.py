from __future__ import annotations

import importlib.util

import pytest

pytest.importorskip("pynetdicom", reason="the storage service needs the extra 'pacs'")
pytest.importorskip("dicomweb_client", reason="DICOMweb needs the extra 'pacs'")

from cephsure.errors import InputError
from cephsure.pacs import dicomweb
from cephsure.pacs import serve as serving
from cephsure.pacs.peers import Peer
from cephsure.pacs.store import FilmStore, ResultObject


@pytest.fixture
def served(monkeypatch):
    """Stands in for the service; gives what it was asked for."""
    seen = {}

    def serve(options, *, on_ready):
        seen["options"] = options
        on_ready(Peer(options.ae, options.host, options.port or 11112))

    monkeypatch.setattr(serving, "serve", serve)
    return seen


def test_address_stands_alone_on_the_first_line(cephsure, served, tmp_path):
    done = cephsure("dicom", "serve", "--folder", tmp_path)
    assert done.status == 0
    assert done.out == "CEPHSURE@127.0.0.1:11112\n"
    assert "other machines" not in done.err
    assert f"results go to {tmp_path / 'out'}" in done.err


def test_options_are_handed_on_and_other_machines_are_said(cephsure, served, tmp_path):
    done = cephsure(
        *("dicom", "serve", "--folder", tmp_path, "--port", 104, "--ae", "CEPH", "--host", "0.0.0.0"),  # noqa: S104
        *("--allow-ae", "PACS, CEPHMACHINE", "--send-to", "PACS@archive:4242", "--quota", 1.5),
        *("--model", "default-baseline", "--mm-per-px", 0.1),
    )
    options = served["options"]
    assert (options.port, options.ae, options.allowed) == (104, "CEPH", ("PACS", "CEPHMACHINE"))
    assert (options.send_to, options.quota_gb) == (Peer("PACS", "archive", 4242), 1.5)
    assert (options.model, options.mm_per_px) == ("default-baseline", 0.1)
    assert "other machines can reach this service" in done.err


def test_a_peer_that_is_none(cephsure, served, tmp_path):
    done = cephsure("dicom", "serve", "--folder", tmp_path, "--send-to", "nobody")
    assert (done.status, done.out) == (2, "")
    assert "AE@host:port" in done.err


@pytest.mark.parametrize("command", [("serve", "--folder", "f"), ("push", "http://a/b", "f")])
def test_what_is_missing_is_named(cephsure, monkeypatch, command):
    find_spec = importlib.util.find_spec
    missing = {"pynetdicom", "dicomweb_client"}
    monkeypatch.setattr(
        "cephsure.workflows.batch.find_spec", lambda name: None if name in missing else find_spec(name)
    )
    done = cephsure("dicom", *command)
    assert done.status == 2
    assert 'pip install "cephsure[pacs]"' in done.err


def test_state_of_a_folder(cephsure, tmp_path):
    store = FilmStore.open(tmp_path / "service", quota_bytes=1000)
    for number in range(3):
        store.receive(f"1.{number}", b"film", "a")
    first, second, _ = store.ledger.films()
    store.ledger.fail(first, "is no film")
    store.keep_results(second, [ResultObject("sr", "2.1", b"1")])
    store.ledger.close()
    done = cephsure("dicom", "status", tmp_path / "service")
    assert done.status == 0
    assert [line.split() for line in done.out.splitlines()[:4]] == [
        ["films", "3"],
        ["waiting", "1"],
        ["failed", "1"],
        ["done", "1"],
    ]
    assert f"{first.name}: no results: is no film" in done.out
    assert cephsure("dicom", "status", tmp_path).status == 2


class Archive:
    def __init__(self, url, *, credentials_file, ca_file):
        self.said = (url, credentials_file, ca_file)


def test_pull_and_push(cephsure, tmp_path, monkeypatch):
    seen = []

    def pull(archive, studies, out, *, films_only, on_file):
        seen.append((archive.said, studies, out, films_only))
        on_file(out / "a.dcm")
        return [out / "a.dcm"]

    def push(archive, file):
        if file.name == "bad":
            raise InputError("not stored", where=file)

    monkeypatch.setattr(dicomweb, "Archive", Archive)
    monkeypatch.setattr(dicomweb, "pull", pull)
    monkeypatch.setattr(dicomweb, "push", push)
    url, key = "https://a/web", tmp_path / "key"
    done = cephsure(
        *("dicom", "pull", url, "--study", "1.2", "--study", "1.3", "--out", tmp_path, "--credentials", key)
    )
    assert seen == [((url, key, None), ["1.2", "1.3"], tmp_path, True)]
    assert (done.status, done.out) == (0, f"{tmp_path / 'a.dcm'}\n")
    assert "fetched 1 file" in done.err
    done = cephsure("dicom", "push", url, tmp_path / "good", tmp_path / "bad")
    assert (done.status, done.out) == (2, f"{tmp_path / 'good'}\n")
    assert "1 of 2 done, 1 not" in done.err
