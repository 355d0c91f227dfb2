"""How long a prediction takes, beside the reference work's U-Net on the same runtime, in one run.

    python benchmarks/predict.py                  # timings and their ratio
    python benchmarks/predict.py --whole          # of each shipped model: whole prediction over points alone
    python benchmarks/predict.py --environment    # also the size of a fresh light environment

Needs the `train` extra: the reference's network is built with random weights and exported to ONNX. Both sides
use two threads. What is compared: the whole prediction by the 15-member default ensemble, from grey values to
measures, against 15 bare passes of the reference network (its resizing, blurring and decoding cost nothing
here), in the faster of two ways: two passes side by side on a thread each, or one by one on two threads.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

THREADS = 2
PASSES = 15
ISBI_SIZE_PX = (1935, 2400)
ALONE = "points and raw measures alone"
WHOLE = "points, regions, gate and cephalometric measurements"
ROOT = Path(__file__).parents[1]

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.model import Model


def main() -> None:
    arguments = _arguments()
    _keep_to_threads()
    if arguments.whole:
        whole_over_points(arguments.film, arguments.mm_per_px, arguments.repeats)
        return
    from cephsure import films, load_model
    from cephsure.sample_films import sample_film

    sample = sample_film("vhm_lateral_0deg")
    start = time.perf_counter()
    model = load_model(arguments.model)
    print(f"load {model.name}: {time.perf_counter() - start:.3f} s")
    film = films.read(sample.path, mm_per_px=sample.mm_per_px)
    large = _enlarged(film)
    with tempfile.TemporaryDirectory() as scratch:
        ways = paper_passes(Path(scratch))
        tasks: dict[str, Callable[[], object]] = {
            "read the sample film": lambda: films.read(sample.path, mm_per_px=sample.mm_per_px),
            f"predict it ({film.width_px} x {film.height_px} px)": lambda: model.predict(film),
            f"predict a film of {large.width_px} x {large.height_px} px": lambda: model.predict(large),
            **alone_and_whole(model, film),
            **ways,
        }
        medians = medians_s(tasks, repeats=arguments.repeats)
    print(f"medians of {arguments.repeats}, warm, {THREADS} threads:")
    for name, seconds in medians.items():
        print(f"  {name}: {seconds:.3f} s")
    reference = min(medians[name] for name in ways)
    print(f"{WHOLE} : {ALONE} = {medians[WHOLE] / medians[ALONE]:.2f}")
    for name in (*list(tasks)[1:3], ALONE):
        print(f"{PASSES} paper passes : {name} = {reference / medians[name]:.1f}")
    print(f"cephsure demo, whole process: {median(demo_times_s(5)):.2f} s (median of 5 after a first one)")
    if arguments.environment:
        print(f"light environment: {light_environment_mb()} MB")


def whole_over_points(path: Path | None, mm_per_px: float, repeats: int) -> None:
    """Of each shipped model the time of a whole prediction over that of its points and raw measures.

    On a real film, where one is given: the sample film is rendered from a CT, which the gate finds unfamiliar
    enough to look a second time.
    """
    from cephsure import films, load_model
    from cephsure.model import shipped_models
    from cephsure.sample_films import sample_film

    sample = sample_film("vhm_lateral_0deg")
    path, mm_per_px = (sample.path, sample.mm_per_px) if path is None else (path, mm_per_px)
    film = films.read(path, mm_per_px=mm_per_px)
    for name in shipped_models():
        medians = medians_s(alone_and_whole(load_model(name), film), repeats=repeats)
        ratio = medians[WHOLE] / medians[ALONE]
        times = f"{1e3 * medians[WHOLE]:.0f} and {1e3 * medians[ALONE]:.0f} ms"
        print(f"{name}: {WHOLE} : {ALONE} = {ratio:.2f} ({times})", flush=True)


def alone_and_whole(model: Model, film: Film) -> dict[str, Callable[[], object]]:
    """A prediction of the points with their raw measures, and one with all that is said of them."""
    from cephsure.cephalometry import analyse

    bare = model.uncalibrated()
    return {ALONE: lambda: bare.predict(film), WHOLE: lambda: analyse(model.predict(film))}


def paper_passes(folder: Path) -> dict[str, Callable[[], object]]:
    """Two ways to make 15 passes of the reference's network over one film; random weights take as long."""
    import numpy as np
    import onnxruntime
    import torch

    from cephsure.inference.session import Session
    from cephsure.recipes.paper.recipe import PaperRecipe
    from cephsure.recipes.paper.stage import PaperUNet, PaperUNetConfig, export_paper

    torch.manual_seed(0)
    config = PaperUNetConfig()
    export_paper(PaperUNet(config), PaperRecipe(), config, folder)
    single = Session(folder / "paper.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    double = onnxruntime.InferenceSession(
        str(folder / "paper.onnx"), options, providers=["CPUExecutionProvider"]
    )
    image: NDArray[np.float32] = np.random.default_rng(0).uniform(-1, 1, (1, 1, 128, 128)).astype(np.float32)
    pool = ThreadPoolExecutor(THREADS)

    def side_by_side() -> None:
        list(pool.map(single.run, [image] * PASSES))

    def in_turn() -> None:
        for _ in range(PASSES):
            double.run(None, {double.get_inputs()[0].name: image})

    return {
        f"{PASSES} passes of the paper's U-Net, side by side": side_by_side,
        f"{PASSES} passes of the paper's U-Net, in turn": in_turn,
    }


def medians_s(tasks: dict[str, Callable[[], object]], *, repeats: int) -> dict[str, float]:
    """Median seconds of each task; they take turns, so that what else the machine does hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for repeat in range(-1, repeats):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if repeat >= 0:  # the first round warms up
                taken[name].append(time.perf_counter() - start)
    return {name: median(times) for name, times in taken.items()}


def demo_times_s(count: int) -> list[float]:
    """Seconds of whole `cephsure demo` processes, after one that brings the files into the system's cache."""
    times = []
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "cephsure", "demo", "--out", scratch]
        for _ in range(count + 1):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
            times.append(time.perf_counter() - start)
    return times[1:]


def light_environment_mb() -> int:
    """Size of a fresh environment after `pip install .`, in MB (10^6 bytes on disk)."""
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        install = [f"{scratch}/bin/python", "-m", "pip", "install", "--quiet", str(ROOT)]
        subprocess.run(install, check=True, stdout=sys.stderr)  # noqa: S603 - our own command
        files = (file.lstat() for file in Path(scratch).rglob("*"))
        return round(sum(512 * status.st_blocks for status in files) / 1e6)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="default-ensemble", help="a shipped model or a bundle")
    parser.add_argument("--repeats", type=int, default=9)
    only = "only the whole prediction over its points alone, of each shipped model"
    parser.add_argument("--whole", action="store_true", help=only)
    parser.add_argument("--film", type=Path, help="for --whole: a real film, instead of the sample film")
    parser.add_argument("--mm-per-px", type=float, default=0.1, help="its scale")
    parser.add_argument(
        "--environment", action="store_true", help="also install and measure a light environment"
    )
    return parser.parse_args()


def _keep_to_threads() -> None:
    """Let this process and its children use two cores, however many the machine has."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def _enlarged(film: Film) -> Film:
    """The film at the size of the ISBI 2015 films: what a large cephalogram costs."""
    import numpy as np
    from PIL import Image

    image = Image.fromarray(film.pixels).resize(ISBI_SIZE_PX, Image.Resampling.BICUBIC)
    return replace(film, pixels=np.clip(np.asarray(image), 0, 1), spacing=None)


if __name__ == "__main__":
    main()
