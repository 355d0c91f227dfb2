"""How fast the review page is: opening, windowing, dragging, live measurements; in headless Chromium.

    python benchmarks/review_page.py [--films 500] [--chromium /usr/bin/chromium]

The packaged sample film, enlarged to 1935 x 2400, is predicted beforehand. Printed are the time from the
start of the navigation to the first film drawn; while windowing and dragging the page's own work a frame and
the gaps between frames; and how long the server takes for the measurements of a dragged point. Beside the
gaps stand those of an idle page in the same run: no frame can come faster. At last the project has as many
films as were asked for, and the page is opened again.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import sync_playwright

from cephsure.projects import Project
from cephsure.sample_films import sample_film

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FILM, SIZE_PX = "vhm_lateral_0deg", (1935, 2400)
STEPS = 90
DRAWN = "() => window.cephsure?.stage?.painter?.shown"


def start(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Serve a folder; the process and the start address."""
    command = [sys.executable, "-m", "cephsure", "review", str(folder), "--no-browser", "--as", "anna"]
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [*command, "--model", "default-baseline", "--mm-per-px", "0.2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    """End the server as Ctrl-C does."""
    process.send_signal(signal.SIGINT)
    process.wait()


def ask(address: str) -> None:
    """Wait for the film's prediction; then print how long live measurements take."""
    with httpx.Client(base_url=address.partition("/start")[0], timeout=60) as client:
        client.get(address)
        while client.get("/v1/events").json()["counts"]["predicted"] < 1:
            time.sleep(0.2)
        client.post("/v1/profile", json={"skip": True})
        taken = []
        for step in range(STEPS):
            body = {"analysis": "steiner", "points": {"1": [900 + step, 1000]}}
            begun = time.perf_counter()
            client.post("/v1/films/1/measure", json=body).raise_for_status()
            taken.append(1000 * (time.perf_counter() - begun))
    print(f"measurements of a dragged point, request to answer: {of(taken)}")


def add_films(project_folder: Path, folder: Path, count: int) -> None:
    """Small films beside the first one, each with its prediction."""
    with Project.open(project_folder) as project:
        document = project.film(1).prediction.document
        paths = [folder / f"small_{index}.png" for index in range(1, count)]
        for index, path in enumerate(paths):
            Image.new("L", (64, 64 + index % 50), index % 255).save(path, pnginfo=_named(index))
        for film_id in project.add_films(paths).film_ids:
            project.store_prediction(film_id, document)


def _named(index: int) -> PngInfo:
    """What makes one small file unlike the next."""
    info = PngInfo()
    info.add_text("film", str(index))
    return info


def of(milliseconds: Sequence[float]) -> str:
    """Median, 95th percentile and largest."""
    ordered = sorted(milliseconds)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    return f"median {statistics.median(ordered):.1f}, p95 {p95:.1f}, max {ordered[-1]:.1f} ms"


def frames(page: Any, name: str, work: Callable[[], None]) -> None:
    """Print the page's own work a frame and the gaps between frames during something."""
    page.evaluate(
        """() => {
            window.gaps = []; window.counting = true; let last = performance.now();
            const frame = () => { if (!window.counting) return; const now = performance.now();
                window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
            requestAnimationFrame(frame); window.cephsure.stage.frames.length = 0; }"""
    )
    work()
    gaps = page.evaluate("(window.counting = false, window.gaps)")[1:]
    own = page.evaluate("window.cephsure.stage.frames")
    print(f"{name}: work {of(own) if own else 'none'}; gaps {of(gaps)}")


def open_page(page: Any, films: int) -> None:
    """Print how long it takes from the start of the navigation to the queue and to the first film drawn."""
    begun = time.perf_counter()
    page.reload(wait_until="commit")
    page.wait_for_function("(n) => document.querySelectorAll('.film').length >= n", arg=films, polling=5)
    queue = 1000 * (time.perf_counter() - begun)
    page.wait_for_function(DRAWN, polling=5)
    drawn = 1000 * (time.perf_counter() - begun)
    print(f"{films} films: queue shown after {queue:.0f} ms, first film drawn after {drawn:.0f} ms")


def measure(page: Any) -> None:
    """Window, and drag a point."""
    page.wait_for_timeout(1000)
    box = page.locator("#stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 4

    def window() -> None:
        page.mouse.move(x, y)
        page.mouse.down(button="right")
        for step in range(STEPS):
            page.mouse.move(x + step, y + step // 2)
        page.mouse.up(button="right")

    def drag() -> None:
        at = page.evaluate(
            """() => { const {stage, state} = window.cephsure, point = state.film.prediction.landmarks[0];
                const {left, top} = stage.element.getBoundingClientRect();
                const [x, y] = stage.view.toScreen(point.x_px, point.y_px); return [left + x, top + y]; }"""
        )
        page.mouse.move(*at)
        page.mouse.down()
        for step in range(STEPS):
            page.mouse.move(at[0] + step / 2, at[1] + step / 3)
        page.mouse.up()

    frames(page, "idle", lambda: page.wait_for_timeout(1500))
    frames(page, "window/level", window)
    frames(page, "drag", drag)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=500)
    parser.add_argument("--chromium", type=Path, default=Path("/usr/bin/chromium"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as base, sync_playwright() as driver:
        folder = Path(base) / "films"
        folder.mkdir()
        with Image.open(sample_film(FILM).path) as film:
            film.resize(SIZE_PX, Image.Resampling.LANCZOS).save(folder / "film.png")
        browser = driver.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        for films in (1, given.films):
            if films > 1:
                add_films(Path(base) / "films-review", folder, films)
            process, address = start(folder)
            try:
                ask(address)
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(address)
                page.wait_for_function(DRAWN)
                open_page(page, films)
                if films == 1:
                    measure(page)
            finally:
                end(process)
        browser.close()


if __name__ == "__main__":
    main()
