from __future__ import annotations

import pytest

pytest.importorskip("prometheus_client", reason="the service needs the extra 'serve'")

from cephsure.service import serve as serving

ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture
def served(monkeypatch):
    """Stands in for the server; gives what it was asked for."""
    asked = {}

    def serve(options, *, on_ready, tell):
        asked["options"] = options
        on_ready(ADDRESS)
        tell("stopped")

    monkeypatch.setattr(serving, "serve", serve)
    return asked


def test_address_stands_alone_on_the_first_line(cephsure, served):
    done = cephsure("serve")
    assert done.out == f"{ADDRESS}\n"
    assert done.status == 0
    assert "without a token all users and programs of this machine may ask" in done.lines
    assert done.lines[-1] == "stopped"


def test_options_are_handed_on(cephsure, served, tmp_path):
    done = cephsure(
        *("serve", "--port", 8000, "--host", "0.0.0.0", "--model", "default-baseline", "--reader", "senior"),  # noqa: S104
        *("--allow-root", tmp_path, "--allow-root", "/films", "--token-file", tmp_path / "token"),
        *(
            "--allow-host",
            "ceph.example",
            "--places",
            8,
            "--upload-mb",
            5,
            "--grace",
            3,
            "--device",
            "auto",
            "--project",
            tmp_path,
        ),
    )
    options = served["options"]
    assert (options.port, options.model, options.reader) == (8000, "default-baseline", "senior")
    assert [str(root) for root in options.roots] == [str(tmp_path), "/films"]
    assert (options.names, options.places, options.grace_s) == (("ceph.example",), 8, 3.0)
    assert options.project == tmp_path
    assert options.limits.most_bytes == 5 * 2**20
    assert "is not encrypted" in done.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--host", "0.0.0.0"), "others in the network could ask"),  # noqa: S104
        (("--allow-root", "absent"), "absent: is no folder"),
        (("--model", "absent"), "absent"),
        (("--token-file", "absent"), "absent"),
    ],
)
def test_what_cannot_be_served(cephsure, tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    done = cephsure("serve", *arguments)
    assert (done.status, done.out) == (2, "")
    assert complaint in done.err


def test_extra_that_is_not_there_is_said(cephsure, monkeypatch):
    monkeypatch.setattr("cephsure.workflows.batch.find_spec", lambda _: None)
    done = cephsure("serve")
    assert done.status == 2
    assert 'pip install "cephsure[serve]"' in done.err
