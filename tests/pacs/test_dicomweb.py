"""An archive that is a small HTTP server here; tests/pacs/test_orthanc.py asks a real one."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cephsure.errors import InputError
from cephsure.pacs.credentials import VARIABLE
from cephsure.pacs.dicomweb import Archive, files_of, pull, push
from cephsure.pacs.store import name_of

STUDY = "2.25.1"


@pytest.fixture
def archive(monkeypatch):
    """``archive.objects`` is what it has, ``archive.answer`` what it says instead, if it is set."""
    monkeypatch.delenv(VARIABLE, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.objects, server.answer, server.heads, server.stored = {}, None, [], []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/web"
    yield server
    server.shutdown()
    server.server_close()


class Answers(BaseHTTPRequestHandler):
    def log_message(self, *_): ...

    def do_GET(self):
        self.server.heads.append(self.headers)
        if self.server.answer is not None:
            self.say(*self.server.answer)
        elif "/instances/" in self.path:
            content = self.server.objects[self.path.rsplit("/", 1)[1]][1]
            part = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--b--"
            self.say(200, 'multipart/related; type="application/dicom"; boundary=b', part)
        elif "offset=0" not in self.path:
            self.say(200, "application/dicom+json", b"[]")
        else:
            rows = [
                {"00080016": value(kind), "00080018": value(uid), "0020000E": value("2.25.2")}
                for uid, (kind, _) in self.server.objects.items()
            ]
            self.say(200, "application/dicom+json", json.dumps(rows).encode())

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            self.server.stored.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.say(*(self.server.answer or (200, "application/dicom+json", b"{}")))

    def say(self, status, kind, body, size=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size or len(body)))
        self.end_headers()
        self.wfile.write(body)


def value(text):
    return {"vr": "UI", "Value": [text]}


@pytest.fixture
def film(archive, made_film, made_report, as_bytes):
    for each in (made_film(), made_report()):
        archive.objects[str(each.SOPInstanceUID)] = (str(each.SOPClassUID), as_bytes(each))
    return made_film()


def test_films_of_a_study_are_fetched_under_names_of_ours(archive, film, tmp_path, as_bytes):
    said = []
    files = pull(Archive(archive.url), [STUDY], tmp_path / "out", on_file=said.append)
    assert [file.name for file in files] == [f"{name_of(film.SOPInstanceUID)}.dcm"]
    assert files[0].read_bytes() == as_bytes(film)
    assert said == files
    assert len(pull(Archive(archive.url), [STUDY], tmp_path / "all", films_only=False)) == 2


def test_credentials_are_sent(archive, film, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "a-token")
    pull(Archive(archive.url), [STUDY], tmp_path)
    assert {head["Authorization"] for head in archive.heads} == {"Bearer a-token"}


def test_objects_are_stored(archive, film, tmp_path, as_bytes):
    file = tmp_path / "film.dcm"
    file.write_bytes(as_bytes(film))
    push(Archive(archive.url), file)
    assert as_bytes(film) in archive.stored[0]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ((401, "text/plain", b"Muster^Erika"), "asks for credentials"),
        ((403, "text/plain", b""), "refuses these credentials"),
        ((500, "text/plain", b""), "answers 500"),
        ((200, "text/html", b"<p>"), "not.*as DICOMweb does"),
        ((200, "application/dicom+json", b"[{}]"), "not.*as DICOMweb does"),
        ((200, "application/dicom+json", b'[{"00080018": {"vr": "UI", "Value": []}}]'), "as DICOMweb does"),
        ((200, "application/dicom+json", b"[]"), "no films of study"),
        ((200, "application/dicom+json", b"", 10**9), "1000 MB is larger than a film"),
    ],
)
def test_answers_that_are_none(archive, tmp_path, answer, complaint):
    archive.answer = answer
    with pytest.raises(InputError, match=complaint) as refused:
        pull(Archive(archive.url), [STUDY], tmp_path)
    assert "Muster" not in str(refused.value)


def test_another_instance_than_was_asked_for(archive, film, tmp_path, made_film, as_bytes):
    kind, _ = archive.objects[str(film.SOPInstanceUID)]
    archive.objects[str(film.SOPInstanceUID)] = (kind, as_bytes(made_film(2)))
    with pytest.raises(InputError, match="another instance"):
        pull(Archive(archive.url), [STUDY], tmp_path)


def test_an_archive_that_does_not_take_it(archive, film, tmp_path, as_bytes):
    file = tmp_path / "film.dcm"
    file.write_bytes(as_bytes(film))
    failed = {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [0x0110]}}]}}
    archive.answer = (200, "application/dicom+json", json.dumps(failed).encode())
    with pytest.raises(InputError, match=r"film.dcm: not stored: .*reason 0110"):
        push(Archive(archive.url), file)


def test_an_archive_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="does not answer"):
        pull(Archive("http://127.0.0.1:1/web"), [STUDY], tmp_path)


def test_a_certificate_that_nobody_trusts_is_refused(tmp_path, made_tls):
    with pytest.raises(InputError, match=r"not trusted .*--ca FILE"):
        pull(Archive(made_tls.url), [STUDY], tmp_path)
    with pytest.raises(InputError, match="no films of study"):
        pull(Archive(made_tls.url, ca_file=made_tls.certificate), [STUDY], tmp_path)


@pytest.fixture
def made_tls(archive, tmp_path):
    """The archive over TLS, with a certificate that it signed itself."""
    import shutil
    import ssl
    import subprocess

    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    command += " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out certificate.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    archive.socket = context.wrap_socket(archive.socket, server_side=True)
    archive.url, archive.certificate = archive.url.replace("http:", "https:"), certificate
    return archive


def test_what_cannot_be_asked_or_sent(archive, tmp_path):
    with pytest.raises(InputError, match="no Study Instance UID"):
        Archive(archive.url).search("../patients")
    with pytest.raises(InputError, match="no such file"):
        Archive(archive.url, ca_file=tmp_path / "absent")
    with pytest.raises(InputError, match="No such file"):
        push(Archive(archive.url), tmp_path / "absent")
    (tmp_path / "text").write_text("no DICOM")
    with pytest.raises(InputError, match="no DICOM file"):
        push(Archive(archive.url), tmp_path / "text")


def test_a_file_that_cannot_be_written(archive, film, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        pull(Archive(archive.url), [STUDY], tmp_path / "taken")


def test_files_and_folders_of_dicom_files(tmp_path):
    for name in ("b.dcm", "a.dcm", "c.txt"):
        (tmp_path / name).write_bytes(b"")
    named = tmp_path / "c.txt"
    assert [path.name for path in files_of([named, tmp_path])] == ["c.txt", "a.dcm", "b.dcm"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no \.dcm files"):
        list(files_of([tmp_path / "empty"]))
