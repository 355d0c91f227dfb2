"""Is an acknowledged edit ever lost? A process that writes is killed at random moments, over and over.

    python benchmarks/kill_store.py                          # 10,000 edits, 200 kills: some minutes
    python benchmarks/kill_store.py --edits 300 --kills 10   # as the tests do

The writer edits points of a project and says of each edit, once the project has acknowledged it, which it
was (a line on its standard output). It is killed (SIGKILL) when a random number of edits is acknowledged
and a random moment later, so that kills fall into transactions too. Then the project must open and be
whole, and hold every edit that was acknowledged; the next writer goes on with the one that was cut off,
which must not be stored twice. Undo and redo come among the edits.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from cephsure.errors import InputError
from cephsure.landmarks import load_landmark_set
from cephsure.projects import PointEdit, Project
from cephsure.projects.checking import check

FILMS = 5


def write(folder: Path, first: int, last: int) -> None:
    """Edit points until the end or the kill, a line for each acknowledged request."""
    with Project.open(folder) as project:
        for number in range(first, last):
            project_request(project, number)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


def project_request(project: Project, number: int) -> None:
    """The request of a number: the same one whenever it is made, but for the revision it is based on."""
    chance = random.Random(number)  # noqa: S311 - no secret
    film_id, request_id = chance.randint(1, FILMS), f"request-{number}"
    kind = chance.random()
    if kind < 0.2:
        try:
            work = project.undo if kind < 0.12 else project.redo
            work(film_id, who="anna", request_id=request_id)
        except InputError:  # nothing to undo: then an edit
            pass
        else:
            return
    landmark = chance.randint(1, len(project.landmark_set))
    stored = {point.landmark: point.revision for point in project.film(film_id).points}
    known = [event for event in project.history(film_id) if event.request_id == request_id]
    # What was cut off after it was stored is asked for again as it was.
    base = known[0].revision - 1 if known and known[0].revision else stored.get(landmark, 0)
    edit = PointEdit(landmark, "edit", float(number % 1000), float(number // 1000), base)
    project.record(film_id, [edit], who="anna", request_id=request_id)


@dataclass(slots=True)
class Tally:
    """What was seen."""

    acknowledged: int = 0
    kills: int = 0
    in_transaction: int = 0  # a journal was left behind: the kill fell into a transaction
    stored_unheard: int = 0  # stored, but killed before it could say so
    faults: list[str] = field(default_factory=list)


def run(folder: Path, *, edits: int, kills: int, seed: int = 0) -> Tally:
    """Write so many edits in processes of which so many are killed, and look after each kill."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    with Project.create(folder, load_landmark_set("isbi-19")) as project:
        for index in range(FILMS):
            film = folder / f"{index}.png"
            film.write_bytes(bytes([index]))
            project.add_films([film])
    tally = Tally()
    stops = sorted(chance.sample(range(1, edits), kills))
    for stop in [*stops, None]:
        heard = _write_until(folder, tally.acknowledged, edits, stop, chance)
        tally.acknowledged = max(tally.acknowledged, heard)
        tally.kills += stop is not None
        look(folder, tally)
    return tally


def _write_until(folder: Path, first: int, last: int, stop: int | None, chance: random.Random) -> int:
    """How many edits have been acknowledged when the writer is at its end, or was killed."""
    command = [sys.executable, __file__, "--writer", str(folder), str(first), str(last)]
    heard = first
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:  # noqa: S603 - ourselves
        assert writer.stdout is not None
        for line in writer.stdout:
            if line.endswith("\n"):
                heard = int(line) + 1
            if stop is not None and heard >= stop and writer.poll() is None:
                time.sleep(chance.uniform(0, 0.02))
                writer.send_signal(signal.SIGKILL)
                stop = None
    return heard


def look(folder: Path, tally: Tally) -> None:
    """Whether the project is whole and holds all that was acknowledged."""
    tally.in_transaction += (folder / "project.sqlite-journal").exists()
    tally.faults += check(folder)
    with Project.open(folder) as project:
        events = project.events_since(0)
    numbers = [int(event.request_id.removeprefix("request-")) for event in events]
    lost = set(range(tally.acknowledged)) - set(numbers)
    tally.faults += [f"request {number} was acknowledged and is lost" for number in sorted(lost)]
    if len(set(numbers)) < len(numbers):
        tally.faults.append("a request is stored twice")
    tally.stored_unheard += max(numbers, default=-1) >= tally.acknowledged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the project is made, on the disk to be tested")
    parser.add_argument("--writer", nargs=3, metavar=("PROJECT", "FIRST", "LAST"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.writer:
        write(Path(given.writer[0]), int(given.writer[1]), int(given.writer[2]))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        start = time.perf_counter()
        tally = run(Path(folder) / "project", edits=given.edits, kills=given.kills, seed=given.seed)
        seconds = time.perf_counter() - start
    print(f"{tally.acknowledged} edits acknowledged, {tally.kills} kills in {seconds:.0f} s")
    print(f"kills inside a transaction: {tally.in_transaction}; stored but not heard: {tally.stored_unheard}")
    print(f"faults: {len(tally.faults)}")
    for fault in tally.faults[:20]:
        print(f"  {fault}")
    sys.exit(bool(tally.faults))


if __name__ == "__main__":
    main()
