"""Take the pictures of docs/review.md: the page with the sample films, a point chosen, and one being dragged.

python scripts/render_review_pictures.py --out docs/images [--chromium /usr/bin/chromium]
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

from cephsure.sample_films import sample_films

CHOSEN, DRAGGED = "Pog'", "A"
AWAY_PX = (-8, 10)


def make_films(folder: Path) -> None:
    """The sample films, two more that are made of the straight one, and a damaged file."""
    straight, _ = (shutil.copy(sample.path, folder) for sample in sample_films())
    with Image.open(straight) as film:
        film.rotate(4, resample=Image.Resampling.BICUBIC).save(folder / "tilted.png")
        ImageOps.mirror(film).save(folder / "looks_left.png")
    (folder / "x_broken.png").write_bytes(Path(straight).read_bytes()[:20_000])


def take(page: Any, out: Path) -> None:
    """Open the straight film, choose a point, drag another; a picture of each."""
    film = page.locator("#queue .film", has_text=sample_films()[0].name)
    page.wait_for_function("() => !document.querySelector('#queue progress:not([hidden])')", timeout=120_000)
    again = page.get_by_role("button", name="sort again")
    page.wait_for_timeout(500)
    if again.is_visible():
        again.click()
    film.click()
    page.locator("#bar h1", has_text=sample_films()[0].name).wait_for()
    page.locator(".point").nth(18).wait_for()
    page.locator(f'.chip[aria-label^="{CHOSEN},"]').click()
    page.keyboard.press("t")
    page.wait_for_timeout(800)
    save(page, out / "review-film.png")
    page.locator(f'.chip[aria-label^="{DRAGGED},"]').click()
    x, y = page.evaluate(
        """(code) => {
            const { stage, state } = cephsure, box = stage.element.getBoundingClientRect();
            const mark = state.film.prediction.landmarks.find((one) => one.code === code);
            const [left, top] = stage.view.toScreen(mark.x_px, mark.y_px);
            return [box.left + left, box.top + top]; }""",
        DRAGGED,
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + AWAY_PX[0], y + AWAY_PX[1], steps=8)
    page.wait_for_timeout(800)
    save(page, out / "review-drag.png")
    page.mouse.up()


def save(page: Any, file: Path) -> None:
    """The page as a picture of few bytes."""
    with Image.open(BytesIO(page.screenshot())) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(file, optimize=True)


def main() -> None:
    """Read the command line, serve the films, take the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--chromium", type=Path, default=Path("/usr/bin/chromium"))
    given = parser.parse_args()
    with TemporaryDirectory() as base:
        folder = Path(base) / "films"
        folder.mkdir()
        make_films(folder)
        asked = ["--no-browser", "--as", "Dr Sample", "--model", "default-baseline"]
        asked += [
            "--project",
            str(Path(base) / "Sample project"),
            "--mm-per-px",
            f"{sample_films()[0].mm_per_px:g}",
        ]
        command = [sys.executable, "-m", "cephsure", "review", str(folder), *asked]
        with subprocess.Popen(  # noqa: S603 - ourselves
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            try:
                assert server.stdout is not None
                with sync_playwright() as driver:
                    browser = driver.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
                    page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
                    page.goto(server.stdout.readline().strip())
                    page.get_by_role("button", name="Not now").click()
                    take(page, given.out)
                    browser.close()
            finally:
                server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
