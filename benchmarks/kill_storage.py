"""Has every acknowledged film one report in the end? The storage service is killed while films are pushed.

    python benchmarks/kill_storage.py                              # 200 films, 20 kills
    python benchmarks/kill_storage.py --films 20 --kills 3         # as the tests do
    python benchmarks/kill_storage.py --model default-baseline     # with a model: some minutes

Films are pushed by C-STORE to a service that is killed (SIGKILL) at random moments, also between films, and
started again; a film that was not acknowledged is pushed again. The service sends its reports to a peer here,
which now and then refuses or breaks off, and counts which film has which reports. What is measured is the
service: without ``--model`` its prediction is a stand-in that takes up to 30 ms and makes a report with a
random UID, so that a report made twice would be seen.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import Dataset, dcmread, uid
from pydicom.dataset import FileMetaDataset
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity

from cephsure.pacs.peers import Peer
from cephsure.pacs.serve import StorageOptions, serve
from cephsure.pacs.status import state_of
from cephsure.pacs.store import ResultObject
from cephsure.workflows.dicom_objects import file_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

PEER, OWN, SENDER = "PEER", "CEPHSURE", "CEPHMACHINE"
SHADES = np.add.outer(np.arange(240), np.arange(200)).astype(np.uint8) // 2
REPORTS = (uid.Comprehensive3DSRStorage, uid.GrayscaleSoftcopyPresentationStateStorage)
PATIENCE_S = 600.0


def made_film(number: int) -> Dataset:
    """A small film of nobody."""
    film = new_object(uid.ComputedRadiographyImageStorage, f"2.25.{1000 + number}")
    film.StudyInstanceUID, film.SeriesInstanceUID = "2.25.1", "2.25.2"
    film.PatientName, film.PatientID, film.Modality = "Made^Up", f"film {number}", "CR"
    film.Rows, film.Columns = SHADES.shape
    film.BitsAllocated = film.BitsStored = 8
    film.HighBit, film.PixelRepresentation, film.SamplesPerPixel = 7, 0, 1
    film.PhotometricInterpretation, film.ImagerPixelSpacing = "MONOCHROME2", [1.0, 1.0]
    film.PixelData = (SHADES + number % 7).astype(np.uint8).tobytes()
    return film


def new_object(sop_class: str, instance_uid: str) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = sop_class
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = instance_uid
    return made


class StandIn:
    """Makes a report that refers to its film and says nothing of it."""

    def results(self, film: Path) -> Sequence[ResultObject]:
        time.sleep(random.uniform(0, 0.03))  # noqa: S311 - no secret
        header = dcmread(film, stop_before_pixels=True)
        made = []
        for kind, sop_class in (("sr", REPORTS[0]), ("gsps", REPORTS[1])):
            result = new_object(sop_class, uid.generate_uid())
            result.StudyInstanceUID, result.PatientID = header.StudyInstanceUID, header.PatientID
            reference, series, study = Dataset(), Dataset(), Dataset()
            reference.ReferencedSOPInstanceUID = header.SOPInstanceUID
            series.ReferencedSOPSequence, study.ReferencedSeriesSequence = [reference], [series]
            result.CurrentRequestedProcedureEvidenceSequence = [study]
            result.ReferencedSeriesSequence = [series]
            made.append(ResultObject(kind, result.SOPInstanceUID, file_bytes(result)))
        return made

    def end(self) -> None: ...


@dataclass(slots=True)
class Tally:
    """What was seen."""

    acknowledged: int = 0
    kills: int = 0
    pushed_again: int = 0  # not acknowledged, as the service was killed
    sent_again: int = 0  # reports that the peer had already: killed before it was noted
    refused: int = 0  # by the peer, on purpose
    faults: list[str] = field(default_factory=list)


class ReportPeer:
    """Takes reports, but not always; keeps which film has which."""

    def __init__(self, chance: random.Random, tally: Tally) -> None:
        self.reports: dict[tuple[str, str], set[str]] = {}
        self._chance, self._tally = chance, tally
        self._entity = ApplicationEntity(PEER)
        for sop_class in REPORTS:
            self._entity.add_supported_context(sop_class, uid.ExplicitVRLittleEndian)
        handlers: list[Any] = [(evt.EVT_C_STORE, self._take)]
        server: Any = self._entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.address = Peer(PEER, "127.0.0.1", server.server_address[1])

    def _take(self, event: evt.Event) -> int:
        if self._chance.random() < 0.05:
            self._tally.refused += 1
            return 0xA700
        report = event.dataset
        series = report.ReferencedSeriesSequence if "ReferencedSeriesSequence" in report else None
        if series is None:
            series = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
        references = series[0].get("ReferencedSOPSequence") or series[0].ReferencedImageSequence
        key = (str(references[0].ReferencedSOPInstanceUID), str(report.SOPClassUID))
        known = self.reports.setdefault(key, set())
        self._tally.sent_again += str(report.SOPInstanceUID) in known
        known.add(str(report.SOPInstanceUID))
        return 0

    def stop(self) -> None:
        self._entity.shutdown()


class Service:
    """The service's process, killed and started again."""

    def __init__(self, folder: Path, port: int, to: Peer, model: str | None) -> None:
        self.port = port
        said = ["--folder", str(folder), "--port", str(port), "--send-to", str(to)]
        self._command = [sys.executable, __file__, "--service", *said]
        if model is not None:
            self._command = [sys.executable, "-m", "cephsure", "dicom", "serve", "--model", model, *said]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "the service did not start"

    def end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


def push(film: Dataset, port: int) -> bool:
    """Whether a film was acknowledged."""
    entity = ApplicationEntity(SENDER)
    entity.add_requested_context(film.SOPClassUID, uid.ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", port, ae_title=OWN)
    if not association.is_established:
        return False
    try:
        return association.send_c_store(film).get("Status") == 0
    except (RuntimeError, ValueError):  # it broke off just now
        return False
    finally:
        association.release()


def run(folder: Path, *, films: int, kills: int, model: str | None = None, seed: int = 0) -> Tally:
    """Push so many films at a service that is killed so many times, and wait until all is sent."""
    chance, tally = random.Random(seed), Tally()  # noqa: S311 - no secret
    peer = ReportPeer(chance, tally)
    service = Service(folder, free_port(), peer.address, model)
    service.start()
    acknowledged: set[str] = set()
    pushing = threading.Thread(target=_push_all, args=(films, service.port, acknowledged, tally), daemon=True)
    pushing.start()
    stops = sorted(chance.sample(range(1, films), kills))
    try:
        for stop in stops:
            _until(lambda stop=stop: len(acknowledged) >= stop, "films were not acknowledged")
            time.sleep(chance.uniform(0, 0.1))
            service.end(signal.SIGKILL)
            tally.kills += 1
            service.start()
        pushing.join(PATIENCE_S)
        _until(lambda: _is_done(folder, films), "results were not sent")
        service.end(signal.SIGTERM)
    finally:
        peer.stop()
    tally.acknowledged = len(acknowledged)
    _judge(acknowledged, peer, tally)
    return tally


def _push_all(films: int, port: int, acknowledged: set[str], tally: Tally) -> None:
    for number in range(films):
        film = made_film(number)
        while not push(film, port):
            tally.pushed_again += 1
            time.sleep(0.05)
        acknowledged.add(film.SOPInstanceUID)


def _is_done(folder: Path, films: int) -> bool:
    state = state_of(folder)
    return state.films >= films and not state.waiting and not state.unsent


def _judge(acknowledged: set[str], peer: ReportPeer, tally: Tally) -> None:
    """Each acknowledged film has one object of each class."""
    for film in sorted(acknowledged):
        for sop_class in REPORTS:
            count = len(peer.reports.get((film, sop_class), ()))
            if count != 1:
                tally.faults.append(f"{film} has {count} objects of class {uid.UID(sop_class).name}")


def _until(holds: Any, complaint: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(complaint)
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="predict with this model; by default a stand-in")
    parser.add_argument("--folder", type=Path, help="where films are kept, on the disk to be tested")
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--send-to", help=argparse.SUPPRESS)
    parser.add_argument("--service", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.service:
        options = StorageOptions(given.folder, port=given.port, send_to=Peer.parse(given.send_to))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        serve(options, on_ready=lambda at: print(at, flush=True), predictor=StandIn())
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        start = time.perf_counter()
        tally = run(
            Path(folder) / "service", films=given.films, kills=given.kills, model=given.model, seed=given.seed
        )
        seconds = time.perf_counter() - start
    print(f"{tally.acknowledged} films acknowledged, {tally.kills} kills in {seconds:.0f} s")
    print(f"pushes cut off: {tally.pushed_again}; objects refused by the peer: {tally.refused}")
    print(f"objects sent again with the UID that they had: {tally.sent_again}")
    print(f"acknowledged films without, or with two, reports or presentation states: {len(tally.faults)}")
    for fault in tally.faults[:20]:
        print(f"  {fault}")
    sys.exit(bool(tally.faults))


if __name__ == "__main__":
    main()
