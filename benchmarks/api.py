"""Does the API answer everybody, each by their own film, in constant memory, about as fast as the library?

    python benchmarks/api.py                # load and throughput: some minutes
    python benchmarks/api.py --only load
    python benchmarks/api.py --only throughput --films 24 --rounds 5

Load: 200 requests at once, 10 of them by clients that send a byte now and then, 20 hostile (broken and cut
films, bombs, wrong types, huge and doubled headers, tricks with paths). Whoever is asked to come later comes
again. Honest films differ in size, by which each answer is told to be of its film. Memory is that of the
service and its processes (resident, summed): at its highest and at rest, in a first round of the same
requests, fewer of them honest, and in the second one. Both hold a film of almost as many pixels as a film may
have.

Throughput: the same films by ``predict_films`` in this process and by the API with four clients, in turn; the
ratio is that of the two in each round.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import io
import json
import random
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from PIL import Image

from cephsure import load_model, sample_films
from cephsure.workflows.predict import predict_films

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "default-baseline"
REQUESTS, SLOW, HOSTILE = 200, 10, 20
CLIENTS = 4
TIMEOUT_S = 300.0


class Service:
    """``cephsure serve`` on a free port."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "cephsure", "serve", "--model", MODEL, *options]
        self.process = subprocess.Popen(  # noqa: S603 - ourselves
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rpartition(":")[2])
        while httpx.get(f"{self.url}/v1/health").status_code != httpx.codes.OK:
            time.sleep(0.1)

    def resident_mb(self) -> float:
        """Memory of the service and all processes below it."""
        total, waiting = 0, [self.process.pid]
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
                tasks = Path(f"/proc/{pid}/task").glob("*/children")
                waiting += [int(child) for task in tasks for child in task.read_text().split()]
        return total / 1e6

    def stop(self) -> int:
        """Ask it to stop; its exit status."""
        self.process.terminate()
        return self.process.wait(60)


def film_of_size(width_px: int, height_px: int) -> bytes:
    """The sample film at another size."""
    image = Image.open(sample_films.sample_film("vhm_lateral_0deg").path).convert("L")
    stream = io.BytesIO()
    image.resize((width_px, height_px)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def honest(service: Service, film: bytes, size_px: tuple[int, int]) -> str:
    """Send a film until it is answered; what came of it."""
    tried = 0
    with httpx.Client(base_url=service.url, timeout=TIMEOUT_S) as client:
        while True:
            answer = client.post("/v1/predict", files={"film": film})
            tried += answer.status_code == httpx.codes.TOO_MANY_REQUESTS
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(float(answer.headers["retry-after"]))
    if answer.status_code != httpx.codes.OK:
        return f"FAILED: {answer.status_code} {answer.text}"
    found = answer.json()["film"]
    if (found["width_px"], found["height_px"]) != size_px:
        return f"WRONG FILM: {found} for {size_px}"
    return "answered after 429" if tried else "answered"


def again(send: Callable[[], str]) -> str:
    """Do it again as long as it is asked to come later."""
    while (outcome := send()).endswith("429"):
        time.sleep(1)
    return outcome


def slow(service: Service, film: bytes, end: threading.Event) -> str:
    """Send a film a byte at a time."""
    request = raw_form(service, film)
    with socket.create_connection(("127.0.0.1", service.port), timeout=TIMEOUT_S) as connection:
        with contextlib.suppress(OSError):
            for byte in request:
                connection.sendall(bytes([byte]))
                if end.wait(0.05):
                    break
        return f"slow: {read_status(connection)}"


def raw_form(service: Service, film: bytes, *, more: bytes = b"", length: int | None = None) -> bytes:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="film"; filename="a"\r\n\r\n' + film + b"\r\n--x--\r\n"
    )
    length = len(body) if length is None else length
    head = f"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nContent-Length: {length}\r\n"
    return head.encode() + b"Content-Type: multipart/form-data; boundary=x\r\n" + more + b"\r\n" + body


def read_status(connection: socket.socket) -> str:
    try:
        head = connection.recv(4096)
    except OSError:
        return "cut off"
    return head.split(b" ")[1].decode() if head.startswith(b"HTTP/1.1 ") else "cut off"


def png_bomb(side_px: int) -> bytes:
    """A PNG of a few kB that is huge when it is unpacked."""
    packer = zlib.compressobj(9)
    body = b"".join([packer.compress(bytes(side_px + 1)) for _ in range(side_px)]) + packer.flush()

    def part(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


def hostile_requests(service: Service, film: bytes) -> list[bytes]:
    """Twenty requests that mean harm, as they go over the line."""

    def form(content: bytes, **options: object) -> bytes:
        return raw_form(service, content, **options)  # type: ignore[arg-type]

    def named(path: str) -> bytes:
        body = json.dumps({"path": path}).encode()
        head = f"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    chunked = b"Transfer-Encoding: chunked\r\n"
    return [
        form(b""),
        form(b"\x89PNG\r\n\x1a\n" + random.Random(0).randbytes(5000)),  # noqa: S311 - no secret
        form(film[: len(film) // 2]),
        form(png_bomb(6000)),
        form(png_bomb(30000)),
        form(b"PK\x03\x04" + bytes(10**6)),
        form(b"\x1f\x8b" + bytes(1000)),
        form(bytes(128) + b"DICM" + random.Random(1).randbytes(10**5)),  # noqa: S311 - no secret
        form(b"II*\x00\xff\xff\xff\x7f" + bytes(1000)),
        form(b"\xff\xd8\xff" + bytes(10**5)),
        form(film, more=b"X-Large: " + b"x" * 100_000 + b"\r\n"),
        form(film, more=b"".join(b"X-%d: 1\r\n" % i for i in range(5000))),
        form(film, length=10**12),
        form(film, more=b"Content-Length: 5\r\n"),
        form(film, more=chunked),
        form(film, more=b"Host: evil.example\r\n"),
        named("/etc/passwd"),
        named("/proc/self/environ"),
        named("../../../../etc/shadow"),
        b"\x16\x03\x01" + bytes(500),
    ]


def send_raw(service: Service, request: bytes) -> str:
    with socket.create_connection(("127.0.0.1", service.port), timeout=TIMEOUT_S) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
        return f"hostile: {read_status(connection)}"


def crowd(service: Service, own: dict[tuple[int, int], bytes], end: threading.Event) -> Counter[str]:
    """All at once: those who send these films, slow and hostile ones; what came of them."""
    first = next(iter(own.values()))
    tasks: list[Callable[[], str]] = [partial(honest, service, film, size) for size, film in own.items()]
    tasks += [partial(again, partial(slow, service, first, end))] * SLOW
    tasks += [partial(again, partial(send_raw, service, raw)) for raw in hostile_requests(service, first)]
    random.Random(0).shuffle(tasks)  # noqa: S311 - no secret
    with concurrent.futures.ThreadPoolExecutor(len(tasks)) as pool:
        return Counter(future.result() for future in [pool.submit(task) for task in tasks])


def watched_crowd(service: Service, own: dict[tuple[int, int], bytes]) -> tuple[Counter[str], float, float]:
    """What came of everybody, and the memory of the service: at its highest, and then at rest, MB."""
    highest, end, done = [0.0], threading.Event(), threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            highest[0] = max(highest[0], service.resident_mb())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        outcomes = crowd(service, own, end)
    finally:
        done.set()
        watching.join()
    time.sleep(1)
    return outcomes, highest[0], service.resident_mb()


def load(first: int) -> bool:
    """Everybody at once; whether all were answered, by their own film's answer, in constant memory."""
    sizes = [(700 + 2 * k, 900 - k) for k in range(REQUESTS - SLOW - HOSTILE)]
    own = {size: film_of_size(*size) for size in sizes}
    service = Service()
    try:
        _, *before = watched_crowd(service, {size: own[size] for size in sizes[:first]})
        began = time.perf_counter()
        outcomes, *after = watched_crowd(service, own)
        took = time.perf_counter() - began
        healthy = httpx.get(f"{service.url}/v1/health").json()
    finally:
        status = service.stop()
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:4d}  {outcome}")
    print(f"{REQUESTS} requests at once in {took:.1f} s; then {healthy}; exit status {status}")
    ratios = [then / first for first, then in zip(before, after, strict=True)]
    for words, first_mb, then_mb, ratio in zip(("highest", "at rest"), before, after, ratios, strict=True):
        print(f"memory {words}: {first_mb:.0f} MB, then {then_mb:.0f} MB: {ratio:.3f} (must be <= 1.2)")
    wrong = [outcome for outcome in outcomes if "WRONG" in outcome or "FAILED" in outcome or " 5" in outcome]
    return not wrong and max(ratios) <= 1.2 and status == 0


def throughput(count: int, rounds: int, size_px: tuple[int, int]) -> bool:
    """Films a second of the library and of the API in turn; whether the API has 90 % of it."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{k}.png" for k in range(count)]
        for k, path in enumerate(paths):
            path.write_bytes(film_of_size(size_px[0] + k, size_px[1]))
        model, service = load_model(MODEL), Service()
        try:
            with httpx.Client(base_url=service.url, timeout=TIMEOUT_S) as client:

                def send(path: Path) -> None:
                    client.post("/v1/predict", files={"film": path.read_bytes()}).raise_for_status()

                def by_library() -> None:
                    predict_films(paths, model)

                def by_api() -> None:
                    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
                        list(pool.map(send, paths))

                by_library(), by_api()
                ratios = []
                for number in range(rounds):
                    order = (by_library, by_api) if number % 2 else (by_api, by_library)
                    took = {}
                    for way in order:
                        began = time.perf_counter()
                        way()
                        took[way] = time.perf_counter() - began
                    ratios.append(took[by_library] / took[by_api])
                    own, theirs = (count / took[way] for way in (by_library, by_api))
                    print(f"library {own:6.2f} films/s   API {theirs:6.2f} films/s   ratio {ratios[-1]:.3f}")
        finally:
            service.stop()
    ratio = statistics.median(ratios)
    print(f"{size_px[0]} x {size_px[1]} px, median of {rounds} rounds: {ratio:.3f} (must be >= 0.9)")
    return ratio >= 0.9


def main() -> int:
    """Run what was asked for; 0 if all is as it must be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=["load", "throughput"])
    parser.add_argument("--films", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=(1935, 2400), metavar=("W", "H"))
    parser.add_argument("--first", type=int, default=64, help="honest requests of the first round")
    asked = parser.parse_args()
    good = True
    if asked.only != "throughput":
        good &= load(asked.first)
    if asked.only != "load":
        good &= throughput(asked.films, asked.rounds, tuple(asked.size))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
