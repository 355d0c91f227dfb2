"""Fixtures for all tests: heads drawn from known points, and the data sets beside the repository."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from cephsure.films import Film, Spacing, SpacingSource

# Beside this file, which pytest's importlib mode does not put on the path.
sys.path.insert(0, str(Path(__file__).parent))
import dot_bundle
import phantom as phantom_head

# A test says nothing about speed: on a busy machine an example takes as long as it takes.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from numpy.typing import NDArray

# The template is 387 px wide where a real film of 0.1 mm/px is 1935: five times coarser.
PHANTOM_MM_PER_PX = 0.5


class PhantomIsbi(Protocol):
    """Writes an ISBI-layout data set and gives its root."""

    def __call__(
        self,
        n_train: int = ...,
        n_test1: int = ...,
        *,
        seed: int = ...,
        width_px: int = ...,
        height_px: int = ...,
        noise_px: float = ...,
    ) -> Path: ...


@pytest.fixture(scope="session")
def draw_head() -> Callable[..., tuple[NDArray[np.float32], NDArray[np.float64]]]:
    """Give ``draw_head(rng, *, width_px=387, height_px=480) -> (pixels (H, W), points (19, 2))``."""
    return phantom_head.draw_head


@pytest.fixture(scope="session")
def phantom() -> tuple[Film, NDArray[np.float64]]:
    """Give one film of a drawn head, 387 x 480 px at 0.5 mm/px, and its true points (19, 2) in px."""
    pixels, points = phantom_head.draw_head(np.random.default_rng(0))
    pixels.flags.writeable = points.flags.writeable = False
    spacing = Spacing(PHANTOM_MM_PER_PX, PHANTOM_MM_PER_PX, SpacingSource.USER)
    return Film(pixels=pixels, spacing=spacing), points


@pytest.fixture(scope="session")
def phantom_isbi(tmp_path_factory: pytest.TempPathFactory) -> PhantomIsbi:
    """Give a function that writes an ISBI-layout data set of drawn heads and returns its folder.

    ``phantom_isbi(n_train=6, n_test1=4, *, seed=0, width_px=387, height_px=480, noise_px=0.5)``: films 001,
    002, ... for training and 151, 152, ... for test1 (PNG); senior and junior mark the true points plus N(0,
    noise_px) each; with two test films or more, the last one shows the exposure of film 001 once more, as
    duplicates.json says. The true points are in ``truth.json``: film identifier -> 19 pairs.
    """

    def write(
        n_train: int = 6,
        n_test1: int = 4,
        *,
        seed: int = 0,
        width_px: int = 387,
        height_px: int = 480,
        noise_px: float = 0.5,
    ) -> Path:
        root = tmp_path_factory.mktemp("phantom_isbi")
        numbers = [*range(1, n_train + 1), *range(151, 151 + n_test1)]
        doubled = {numbers[-1]: 1} if n_train and n_test1 > 1 else {}
        rng = np.random.default_rng([seed, 0])
        truths = {}
        for number in numbers:
            # A film's head depends on its number only, so that a doubled exposure can be drawn again.
            head_rng = np.random.default_rng([seed, doubled.get(number, number)])
            pixels, points = phantom_head.draw_head(head_rng, width_px=width_px, height_px=height_px)
            _write_film(root, number, pixels)
            for name in ("senior", "junior"):
                _write_points(root, number, name, points + rng.normal(0.0, noise_px, size=points.shape))
            truths[f"{number:03d}"] = points.tolist()
        pairs = [[f"{first:03d}", f"{second:03d}"] for second, first in doubled.items()]
        (root / "duplicates.json").write_text(json.dumps({"same_exposure_pairs": pairs}), encoding="utf-8")
        (root / "truth.json").write_text(json.dumps(truths), encoding="utf-8")
        return root

    return write


@pytest.fixture(scope="session")
def dots() -> ModuleType:
    """Give the module of hand-made bundles: ``dots.draw_dots(rng, *, scale)``, ``dots.seal(folder)``, ..."""
    pytest.importorskip("onnx", reason="hand-made networks are written with onnx")
    return dot_bundle


@pytest.fixture(scope="session")
def dot_bundles(dots: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give ``dot_bundles(recipe, kind, members) -> folder``; each is written once, not to be changed."""

    @functools.cache
    def write(recipe: str = "default", kind: str = "baseline", members: int = 1) -> Path:
        folder = tmp_path_factory.mktemp(f"{recipe}-{kind}")
        return dots.write_dot_bundle(folder, recipe=recipe, kind=kind, members=members)

    return write


_opened: list[list[str]] = []


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        for paths in _opened:
            paths.append(str(arguments[0]))


sys.addaudithook(_note)


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """Give a list of the paths of all files that are opened meanwhile, however they are."""
    paths: list[str] = []
    _opened.append(paths)
    yield paths
    _opened.remove(paths)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Give a list of the paths of all files that are opened from now on."""
    with opened_files() as paths:
        yield paths


@dataclass(frozen=True)
class ReadDots:
    """Films of dots that several read, and what was trained and calibrated on them.

    Attributes:
        films: 24 films that "ann" and "bob" marked, bob lower; members 0 and 2 of the bundle have not seen
            those of even numbers, members 1 and 3 not the others.
        further: 10 films of "eve", who marks between the two and 0.5 mm to the right.
        site: 12 films of "zoe", who marks as bob does and 1.5 mm to the right.
        bundle: an ensemble that tells ann and bob apart.
        calibrated: it, calibrated out of fold on all films but the site's; ``opened`` are the files that were
            opened for it.
    """

    films: Path
    further: Path
    site: Path
    bundle: Path
    calibrated: Path
    opened: tuple[str, ...]


@pytest.fixture(scope="session")
def read_dots(dots: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> ReadDots:
    """Give films of dots that several read, and an ensemble that is calibrated on them."""
    from cephsure.workflows import AnnotatedData, CalibrateOptions, calibrate

    root, low = tmp_path_factory.mktemp("read_dots"), dots.APART_PX
    films = dots.write_dot_films(root / "films", 24, {"ann": dots.Reader(), "bob": dots.Reader(down=low)})
    further = dots.write_dot_films(root / "far", 10, {"eve": dots.Reader(1.0, low / 2)}, seed=1)
    site = dots.write_dot_films(root / "site", 12, {"zoe": dots.Reader(3.0, low)}, seed=2)
    unseen = [[f"{number:03d}" for number in range(first, 24, 2)] for first in (0, 1)]
    bundle = dots.write_dot_bundle(
        root / "bundle",
        kind="ensemble",
        members=4,
        apart=dots.APART,
        unseen=unseen * 2,
        provenance=dots.trained_on(films),
    )
    data, others = (AnnotatedData(path, mm_per_px=dots.MM_PER_PX) for path in (films, further))
    options = CalibrateOptions(folds=2, gate_halves=0, further_readers=(others,))
    with opened_files() as paths:
        calibrate(data, bundle, out=root / "calibrated", options=options)
    return ReadDots(films, further, site, bundle, root / "calibrated", tuple(paths))


def _write_film(root: Path, number: int, pixels: NDArray[np.float32]) -> None:
    folder = root / "RawImage" / ("TrainingData" if number <= 150 else "Test1Data")
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.round(pixels * 255.0).astype(np.uint8))
    image.save(folder / f"{number:03d}.png", compress_level=1)


def _write_points(root: Path, number: int, annotator: str, points: NDArray[np.float64]) -> None:
    file = root / "AnnotationsByMD" / f"400_{annotator}" / f"{number:03d}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{x:.2f},{y:.2f}\n" for x, y in points), encoding="utf-8")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the data sets beside the repository; the test skips where they are absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("CEPHSURE_DATA", beside))
    if not (folder / "isbi2015").is_dir():
        pytest.skip("the data sets are absent (CEPHSURE_DATA, or shared/data beside the repository)")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Give Chromium, driven with playwright: one for all tests, since a process can drive only one."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pages are driven with playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
