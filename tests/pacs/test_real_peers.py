"""Against programs of others: Debian's Orthanc (C-STORE, DICOMweb) and dcmtk (storescu, storescp)."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from pydicom import dcmread

from cephsure.pacs.credentials import VARIABLE
from cephsure.pacs.dicomweb import Archive, pull, push
from cephsure.pacs.peers import Peer
from cephsure.pacs.status import state_of

STUDY = "2.25.1"

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def data_set(content):
    """A DICOM file's bytes behind its meta group, which each program writes anew."""
    meta = dcmread(io.BytesIO(content), stop_before_pixels=True).file_meta
    return content[144 + meta.FileMetaInformationGroupLength :]


@pytest.fixture
def orthanc(tmp_path, start_peer):
    """Orthanc on loopback, with storage of its own: its DICOM address and its DICOMweb address."""
    if not PLUGIN.exists():
        pytest.skip("Orthanc's DICOMweb plugin (orthanc-dicomweb) is not installed")
    at, http = Peer("ORTHANC", "127.0.0.1", free_port()), free_port()
    folder = tmp_path / "orthanc"
    folder.mkdir()
    config = {
        "Name": "test",
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": [str(PLUGIN)],
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"erika": "made-up"},
        "DicomAet": at.ae,
        "DicomPort": at.port,
        "DicomAlwaysAllowStore": True,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(config))
    start_peer(["Orthanc", str(tmp_path / "orthanc.json")], at.port)
    return at, f"http://127.0.0.1:{http}/dicom-web"


def test_film_and_report_come_back_from_orthanc_bit_for_bit(  # noqa: PLR0917 - fixtures
    orthanc, start_service, made_film, tmp_path, until, as_bytes, monkeypatch
):
    """The film by STOW, the report by our C-STORE, both fetched by QIDO and WADO."""
    at, url = orthanc
    monkeypatch.setenv(VARIABLE, "erika:made-up")
    film = tmp_path / "film.dcm"
    film.write_bytes(as_bytes(made_film()))
    archive = Archive(url)
    push(archive, film)
    (fetched,) = pull(archive, [STUDY], tmp_path / "in")
    assert data_set(fetched.read_bytes()) == data_set(film.read_bytes())
    service = start_service(send_to=at)
    if shutil.which("storescu") is None:
        pytest.skip("dcmtk is not installed")
    send = ["storescu", "-aec", service.at.ae, service.at.host, str(service.at.port), str(fetched)]
    subprocess.run(send, check=True, capture_output=True)
    until(lambda: state_of(service.folder).sent == 1)
    pulled = pull(archive, [STUDY], tmp_path / "back", films_only=False)
    (made,) = (service.folder / "results").iterdir()
    contents = {data_set(path.read_bytes()) for path in pulled}
    assert contents == {data_set(film.read_bytes()), data_set(made.read_bytes())}


def test_dcmtk_sends_a_film_and_takes_its_report(  # noqa: PLR0917 - fixtures
    start_peer, start_service, made_film, tmp_path, until, as_bytes
):
    at, taken = Peer("STORESCP", "127.0.0.1", free_port()), tmp_path / "taken"
    taken.mkdir()
    start_peer(["storescp", "-ta", "1", "-aet", at.ae, "-od", str(taken), str(at.port)], at.port)
    film = tmp_path / "film.dcm"
    film.write_bytes(as_bytes(made_film()))
    service = start_service(send_to=at)
    for _ in range(2):  # the second time it is known
        send = ["storescu", "-aec", service.at.ae, service.at.host, str(service.at.port), str(film)]
        subprocess.run(send, check=True, capture_output=True)
    until(lambda: state_of(service.folder).sent == 1)
    (stored,) = (service.folder / "films").iterdir()
    assert data_set(stored.read_bytes()) == data_set(film.read_bytes())
    (received,) = taken.iterdir()
    (made,) = (service.folder / "results").iterdir()
    assert data_set(received.read_bytes()) == data_set(made.read_bytes())
    assert state_of(service.folder).films == 1
