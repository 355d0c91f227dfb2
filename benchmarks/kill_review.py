"""Is an edit ever lost that the page was told is stored? The server and its processes are killed at random.

    python benchmarks/kill_review.py                          # 10,000 edits, 200 kills: many minutes
    python benchmarks/kill_review.py --edits 300 --kills 6

A client sends edits to ``cephsure review`` one after the other, as the page does; what got no answer is sent
again as it was. Two of three kills (SIGKILL) hit the server, the others one of its processes, a random moment
after a random edit. After each kill of the server the project must open and be whole, and hold every edit
that was answered, none twice. A ruler now and then gives the process that predicts its work.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np
from kill_store import FILMS, Tally, look
from PIL import Image

from cephsure.landmarks import load_landmark_set
from cephsure.projects import Project

RULERS = 0.01
SIZE_PX = (200, 240)


class Server:
    """``cephsure review`` on a free port, and a client that has its cookie."""

    def __init__(self, project: Path) -> None:
        command = [sys.executable, "-m", "cephsure", "review", str(project), "--no-browser", "--as", "anna"]
        self.process = subprocess.Popen(  # noqa: S603 - ourselves
            [*command, "--model", "default-baseline"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        address = self.process.stdout.readline().strip()
        self.client = httpx.Client(base_url=address.partition("/start")[0], timeout=60)
        self.client.get(address)
        self.revisions = {
            (film_id, point["number"]): point["revision"]
            for film_id in range(1, FILMS + 1)
            for point in self.client.get(f"/v1/films/{film_id}").json()["points"]
        }

    def children(self) -> list[int]:
        """The identifiers of its processes."""
        pid = self.process.pid
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    def kill(self) -> None:
        """End it at once."""
        self.process.send_signal(signal.SIGKILL)

    def gone(self) -> None:
        """Wait for its end."""
        self.process.wait()
        self.client.close()


def request_of(number: int, server: Server) -> tuple[str, dict[str, object]]:
    """Where the request of a number goes, and what it says."""
    chance = random.Random(number)  # noqa: S311 - no secret
    film_id, landmark = chance.randint(1, FILMS), chance.randint(1, 19)
    request: dict[str, object] = {"request_id": f"request-{number}"}
    if chance.random() < RULERS:
        ruler = {"from": [0, 0], "to": [0, 100], "length_mm": 20 + number % 9}
        return f"/v1/films/{film_id}/scale", request | ruler
    at = {"x_px": number % SIZE_PX[0], "y_px": number // SIZE_PX[0] % SIZE_PX[1]}
    base = server.revisions.get((film_id, landmark), 0)
    edit = {"number": landmark, "action": "edit", **at, "base_revision": base}
    return f"/v1/films/{film_id}/edits", request | {"edits": [edit]}


def send(path: str, body: dict[str, object], server: Server) -> None:
    """Send a request; it is stored when this returns."""
    answer = server.client.post(path, json=body)
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"{body}: {answer.status_code} {answer.text}")
    for point in answer.json().get("points", []):
        server.revisions[int(path.split("/")[3]), point["number"]] = point["revision"]


def run(folder: Path, *, edits: int, kills: int, seed: int = 0) -> Tally:
    """Send so many edits while so many kills fall, and look after each of the server."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    make_project(folder)
    tally = Tally()
    stops = set(chance.sample(range(1, edits), kills))
    server, unanswered, number = Server(folder), None, 0
    while number < edits:
        if number in stops:
            stops.remove(number)
            tally.kills += 1
            children = server.children()
            if children and chance.random() < 1 / 3:
                os.kill(chance.choice(children), signal.SIGKILL)
            else:
                threading.Timer(chance.uniform(0, 0.05), server.kill).start()
        asked = unanswered or request_of(number, server)
        try:
            send(*asked, server)
        except httpx.TransportError:
            unanswered = asked
            server.gone()
            tally.acknowledged = number
            look(folder, tally)
            server = Server(folder)
        else:
            unanswered = None
            number += 1
    server.kill()
    server.gone()
    tally.acknowledged = number
    look(folder, tally)
    return tally


def make_project(folder: Path) -> None:
    """A project of a few small films."""
    rng = np.random.default_rng(0)
    with Project.create(folder, load_landmark_set("isbi-19")) as project:
        for index in range(FILMS):
            film = folder / f"{index}.png"
            Image.fromarray(rng.integers(0, 255, SIZE_PX[::-1], dtype=np.uint8)).save(film)
            project.add_films([film])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the project is made, on the disk to be tested")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        start = time.perf_counter()
        tally = run(Path(folder) / "project", edits=given.edits, kills=given.kills, seed=given.seed)
        seconds = time.perf_counter() - start
    print(f"{tally.acknowledged} edits answered, {tally.kills} kills in {seconds:.0f} s")
    print(f"in a transaction: {tally.in_transaction}; stored, but not answered: {tally.stored_unheard}")
    print(f"faults: {len(tally.faults)}")
    for fault in tally.faults[:20]:
        print(f"  {fault}")
    sys.exit(bool(tally.faults))


if __name__ == "__main__":
    main()
