"""Render the pictures of README and docs that show what cephsure draws, from the packaged sample films.

    python scripts/render_pictures.py --out docs/images

``overlay.png`` has the overlays of the straight and of the turned head side by side, ``compare.png`` and
``compare-turned.png`` their points beside the true ones, ``superimposed.png`` two films of which the
second is made: the straight one turned, made smaller, and its lower face moved, ``report.png`` a report on
the straight one (drawn by poppler's pdftoppm). Nothing is random.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure import films
from cephsure.geometry.resample import sample_bilinear
from cephsure.model import load_model
from cephsure.reports.overlay import draw_overlay
from cephsure.reports.painter import BACKGROUND
from cephsure.reports.symbols import BANDS
from cephsure.sample_films import sample_films
from cephsure.workflows import PredictOptions, SuperimposeOptions, compare_film, superimpose_films
from cephsure.workflows.report import ReportFiles, ReportOptions, report_films

if TYPE_CHECKING:
    from numpy.typing import NDArray

# As wide as README shows it: so its letters are legible without a click.
OVERLAY_WIDTH = 470
COMPARE_WIDTH = 1100
GAP = 8
# The lower face begins at this height of the straight film, and is moved by this, 3.5 mm and 5.5 mm.
LOWER_FACE_PX, MOVED_PX, SMALLER = 680, (14, 22), 0.8


def overlays() -> Image.Image:
    """The overlays of both films side by side, the films at one height."""
    model, pictures = load_model(), []
    for sample in sample_films():
        film = films.read(sample.path, mm_per_px=sample.mm_per_px)
        prediction = model.predict(film)
        picture = draw_overlay(film.pixels, prediction, width_px=OVERLAY_WIDTH)
        pictures.append((picture, top_of_film(picture, prediction.verdict)))
    top = max(at for _, at in pictures)
    height = max(picture.height + top - at for picture, at in pictures)
    sheet = Image.new("RGB", (len(pictures) * (OVERLAY_WIDTH + GAP) - GAP, height), BACKGROUND)
    for number, (picture, at) in enumerate(pictures):
        left = number * (OVERLAY_WIDTH + GAP)
        band = picture.crop((0, 0, picture.width, at))
        sheet.paste(band, (left, 0))
        sheet.paste(picture.crop((0, at, picture.width, picture.height)), (left, top))
    return sheet


def top_of_film(picture: Image.Image, verdict: str | None) -> int:
    """Where the film begins under its band: the first row in which no pixel is the band's background."""
    pixels = np.asarray(picture)
    ground = (pixels == BACKGROUND).all(axis=-1) | (pixels == BANDS[verdict].background).all(axis=-1)
    return int(np.argmin(ground.any(axis=1)))


def comparison(place: int) -> Image.Image:
    """A sample film's points beside the true ones, in the width of the docs."""
    sample = sample_films()[place]
    found = compare_film(sample.path, sample.points_path, mm_per_px=sample.mm_per_px)
    picture = found.draw()
    return picture.resize(
        (COMPARE_WIDTH, round(picture.height * COMPARE_WIDTH / picture.width)), Image.Resampling.LANCZOS
    )


def later_film(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The straight film turned by 5 degrees and 0.8 as large, its lower face moved forwards and down."""
    height, width = pixels.shape
    angle = np.deg2rad(5)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    at = np.stack(np.meshgrid(np.arange(0.97 * width), np.arange(0.88 * height)), axis=-1)
    source = (at - (120, -20)) @ turn / SMALLER
    lower = 1 / (1 + np.exp((LOWER_FACE_PX - source[..., 1:]) / 22))
    return sample_bilinear(pixels, source - lower * MOVED_PX, fill=0.0)


def superimposition() -> Image.Image:
    """The straight film and a later one that is made of it."""
    sample = sample_films()[0]
    with TemporaryDirectory() as folder:
        later = Path(folder) / "later.png"
        pixels = later_film(films.read(sample.path).pixels)
        Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(later)
        options = SuperimposeOptions(
            mm_per_px_of_second=sample.mm_per_px / SMALLER, predict=PredictOptions(mm_per_px=sample.mm_per_px)
        )
        return superimpose_films(sample.path, later, options=options).draw()


def report() -> Image.Image:
    """The report on the straight film."""
    sample = sample_films()[0]
    options = ReportOptions(predict=PredictOptions(mm_per_px=sample.mm_per_px))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "report.pdf"
        report_films([sample.path], options=options, files=ReportFiles(file=file))
        command = ["pdftoppm", "-r", "100", "-png", "-singlefile", str(file), str(file.with_suffix(""))]
        subprocess.run(command, check=True)  # noqa: S603 - a file of ours
        return Image.open(file.with_suffix(".png")).convert("RGB")


def main() -> None:
    """Read the command line and write the pictures."""
    parser = argparse.ArgumentParser(description="Render the pictures of README and docs.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, picture in (
        ("overlay", overlays()),
        ("compare", comparison(0)),
        ("compare-turned", comparison(1)),
        ("superimposed", superimposition()),
        ("report", report()),
    ):
        picture.save(out / f"{name}.png", optimize=True)
        print(f"{name}.png: {picture.width} x {picture.height} px")


if __name__ == "__main__":
    main()
