"""Films of nobody, and a storage service in this process whose model is a stand-in."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pynetdicom", reason="the storage service needs the extra 'pacs'")
pytest.importorskip("highdicom", reason="the storage service needs the extra 'pacs'")
pytest.importorskip("dicomweb_client", reason="DICOMweb needs the extra 'pacs'")

from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pynetdicom.ae import ApplicationEntity

from cephsure.pacs.serve import StorageOptions, serve
from cephsure.pacs.store import FilmStore, ResultObject
from cephsure.workflows.dicom_objects import file_bytes

PATIENT = "Muster^Erika"
STUDY = "2.25.1"


def new_object(sop_class, instance_uid):
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = sop_class
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = instance_uid
    made.StudyInstanceUID = STUDY
    made.PatientName, made.PatientID = PATIENT, "made up"
    return made


@pytest.fixture(scope="session")
def made_film():
    """``made_film(number)``: a small film; the same number gives the same UID and content."""

    def make(number=1, **changes):
        film = new_object(uid.ComputedRadiographyImageStorage, f"2.25.{1000 + number}")
        film.SeriesInstanceUID, film.Modality = "2.25.2", "CR"
        film.Rows, film.Columns = 90, 70
        film.BitsAllocated = film.BitsStored = 8
        film.HighBit, film.PixelRepresentation, film.SamplesPerPixel = 7, 0, 1
        film.PhotometricInterpretation = "MONOCHROME2"
        film.PixelData = np.add.outer(np.arange(90), np.arange(70)).astype(np.uint8).tobytes()
        for keyword, value in changes.items():
            setattr(film, keyword, value)
        return film

    return make


@pytest.fixture(scope="session")
def made_report():
    """``made_report()``: an object such as a result is, with a random UID."""

    def make():
        report = new_object(uid.Comprehensive3DSRStorage, uid.generate_uid())
        report.SeriesInstanceUID, report.Modality = "2.25.3", "SR"
        return report

    return make


class StandIn:
    """Makes a report with a random UID of each film; ``fails`` are raised first, one a film."""

    def __init__(self, make, *fails):
        self.make, self.fails, self.done, self.ended = make, list(fails), [], False

    def results(self, film):
        self.done.append(film.name)
        if self.fails and (error := self.fails.pop(0)) is not None:
            raise error
        report = self.make()
        return [ResultObject("sr", str(report.SOPInstanceUID), file_bytes(report))]

    def end(self):
        self.ended = True


@pytest.fixture
def make_stand_in(made_report):
    return lambda *fails: StandIn(made_report, *fails)


@pytest.fixture
def store(tmp_path):
    store = FilmStore.open(tmp_path / "service", quota_bytes=10**9)
    yield store
    store.ledger.close()


@pytest.fixture
def start_service(tmp_path, make_stand_in):
    """Starts a service in a thread; ``.at`` is its address, ``.store`` what it has, ``.stop()`` ends it."""
    running = []

    def start(predictor=None, **options):
        service = Running(StorageOptions(tmp_path / "service", **options), predictor or make_stand_in())
        running.append(service)
        return service

    yield start
    for service in running:
        service.stop()


class Running:
    def __init__(self, options, predictor):
        self.folder, self.predictor, self.at = options.folder, predictor, None
        self._stop, ready = threading.Event(), threading.Event()

        def on_ready(at):
            self.at = at
            ready.set()

        def run():
            serve(options, on_ready=on_ready, predictor=predictor, stop=self._stop)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert ready.wait(30)

    def stop(self):
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture(scope="session")
def send():
    """``send(at, *films)``: the answers to C-STORE; None where no association was made."""

    def store(at, *films, own="TESTS", syntax=uid.ExplicitVRLittleEndian):
        entity = ApplicationEntity(own)
        for sop_class in {film.SOPClassUID for film in films}:
            entity.add_requested_context(sop_class, syntax)
        association = entity.associate(at.host, at.port, ae_title=at.ae)
        if not association.is_established:
            return None
        try:
            return [association.send_c_store(film) for film in films]
        finally:
            association.release()

    return store


@pytest.fixture(scope="session")
def until():
    """Waits until something holds; fails after half a minute."""

    def wait(holds):
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.02)

    return wait


@pytest.fixture
def start_peer(tmp_path, until):
    """Starts a program that listens on loopback, and stops it in the end; skips where it is not installed."""
    started = []

    def start(command, port):
        program = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/usr/bin")
        if program is None:
            pytest.skip(f"{command[0]} is not installed")
        with (tmp_path / "peer.log").open("ab") as log:
            process = subprocess.Popen([program, *command[1:]], cwd=tmp_path, stdout=log, stderr=log)
        started.append(process)

        def listens():
            assert process.poll() is None, (tmp_path / "peer.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return False
            return True

        until(listens)

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


@pytest.fixture
def as_bytes():
    def content(dataset):
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
        return stream.getvalue()

    return content


@pytest.fixture
def benchmark_script():
    return Path(__file__).parents[2] / "benchmarks" / "kill_storage.py"
