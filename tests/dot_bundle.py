"""Bundles with networks made by hand, whose answers are known: a landmark is its quarter's brightest dot.

The graphs are those of the recipes in input and output; what they compute takes a line each. A head that is
no head: four bright dots, and a brighter band at the right edge by which a film's facing is told.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SIDE, MAP_SIDE, ORIENTATION_SIDE, PAPER_SIDE = 96, 32, 32, 64
DROPOUT = 0.4
WIDTH, HEIGHT = 400, 480
# The four dots' usual places, in film px; and their mean shape, of root mean square radius 50.
PLACES = np.array([[110.0, 130.0], [270.0, 120.0], [100.0, 350.0], [280.0, 360.0]])
SHAPE = (PLACES - PLACES.mean(axis=0)) * (
    50 / np.sqrt(((PLACES - PLACES.mean(axis=0)) ** 2).sum(axis=1).mean())
)
CODES = ("UL", "UR", "LL", "LR")
MM_PER_PX = 0.5
"""Scale of the films: the four dots lie some 12 cm apart, as landmarks do."""

APART, APART_PX = 2, 4.7
"""Cells of the fine maps, and px of the film, by which the second of two annotators marks lower."""

DEFAULT_RECIPE = {
    "name": "default",
    "orientation_side": ORIENTATION_SIDE,
    "coarse_side": SIDE,
    "coarse_radius_px": 3,
    "fine_radius_px": 3,
    "layout": {"map_side": MAP_SIDE, "step": 0.4, "context_steps": [1.6, 3.2]},
    "dropout": DROPOUT,
    "samples": 6,
}
PAPER_RECIPE = {"name": "paper", "side": PAPER_SIDE, "target_sigma_px": 1.5, "dropout": DROPOUT, "samples": 6}


@dataclass(frozen=True)
class DotFilm:
    """Grey values (H, W) in [0, 1], and the dots' centres (4, 2) in px."""

    pixels: NDArray[np.float32]
    points: NDArray[np.float64]


def draw_dots(rng: np.random.Generator, *, scale: float = 1.0) -> DotFilm:
    """Draw a film of four dots near their usual places, ``scale`` times 400 x 480 px."""
    points = (PLACES + rng.uniform(-15, 15, PLACES.shape)) * scale
    x, y = np.arange(round(WIDTH * scale)), np.arange(round(HEIGHT * scale))
    pixels = np.full((len(y), len(x)), 0.1)
    pixels[:, round(0.93 * len(x)) : round(0.99 * len(x))] = 1.0
    for dot_x, dot_y in points:
        along_x = np.exp(-0.5 * ((x - dot_x) / (11 * scale)) ** 2)
        along_y = np.exp(-0.5 * ((y - dot_y) / (11 * scale)) ** 2)
        pixels += 0.6 * np.outer(along_y, along_x)
    pixels += rng.normal(0, 0.005, pixels.shape)
    return DotFilm(np.clip(pixels, 0, 1).astype(np.float32), points)


@dataclass(frozen=True)
class Reader:
    """Marks so many px beside the dots, give or take ``noise`` px along x and y."""

    right: float = 0.0
    down: float = 0.0
    noise: tuple[float, float] = (1.0, 1.0)

    def marks(self, rng: np.random.Generator, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is marked, of the dots' centres (4, 2)."""
        return rng.normal(points + np.array((self.right, self.down)), self.noise)


def write_dot_films(
    folder: Path,
    count: int,
    readers: Mapping[str, Reader],
    *,
    seed: int = 0,
    splits: Sequence[str] = (),
    groups: Mapping[int, str] | None = None,
) -> Path:
    """Write films of four dots and ``points.csv``, its path is given; splits and groups by film."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, table = np.random.default_rng(seed), folder / "points.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        lines = csv.writer(stream)
        lines.writerow(["image", "annotator", "split", "group", "landmark", "x", "y"])
        for number in range(count):
            drawn = draw_dots(rng)
            name = f"{number:03d}.png"
            Image.fromarray(np.round(drawn.pixels * 255).astype(np.uint8)).save(folder / name)
            about = [splits[number] if splits else "", (groups or {}).get(number, "")]
            for who, reader in readers.items():
                for code, (x, y) in zip(CODES, reader.marks(rng, drawn.points).tolist(), strict=True):
                    lines.writerow([name, who, *about, code, x, y])
    return table


def write_dot_bundle(
    folder: Path,
    *,
    recipe: str = "default",
    kind: str = "baseline",
    members: int = 1,
    apart: int = 0,
    off: Mapping[int, int] | None = None,
    unseen: Sequence[Sequence[str]] = (),
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write a bundle of ``recipe`` and ``kind``.

    Args:
        apart: cells of the fine maps by which the second annotator marks lower.
        off: member -> cells by which its fine maps lie too far right.
        unseen: each member's validation films.
        provenance: of ``bundle.json``.
    """
    masked = kind == "mc-dropout"
    for member in range(members):
        place = folder / "members" / f"{member:02d}"
        place.mkdir(parents=True)
        if recipe == "paper":
            (place / "paper.onnx").write_bytes(_paper(masked))
        else:
            (place / "coarse.onnx").write_bytes(_coarse(member, masked))
            (place / "fine.onnx").write_bytes(_fine(member, masked, apart, (off or {}).get(member, 0)))
    if recipe == "default":
        (folder / "orientation").mkdir()
        (folder / "orientation" / "orientation.onnx").write_bytes(_orientation())
    facts = {
        "format": "cephsure.bundle/1",
        "name": f"dots-{recipe}-{kind}",
        "kind": kind,
        "recipe": PAPER_RECIPE if recipe == "paper" else DEFAULT_RECIPE,
        "landmark_set": _landmarks(),
        "mean_shape": None if recipe == "paper" else SHAPE.tolist(),
        "members": [
            {"folder": f"members/{member:02d}", "validation_films": list(names)}
            for member, names in enumerate(unseen or [()] * members)
        ],
        "orientation": {"folder": "orientation"} if recipe == "default" else None,
        "provenance": {"data": "dots"} | dict(provenance or {}),
    }
    (folder / "bundle.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text("# Dots\n", encoding="utf-8")
    seal(folder)
    return folder


def trained_on(table: Path) -> dict[str, Any]:
    """Provenance of a bundle that was trained on all films of a table, its annotators told apart."""
    from cephsure.datasets import annotators, data_sha256, open_dataset
    from cephsure.landmarks import LandmarkSet

    films = open_dataset(table, landmark_set=LandmarkSet.from_dict(_landmarks())).films
    return {
        "data": table.stem,
        "split": "all",
        "truth": "mean",
        "annotators": list(annotators(films)),
        "data_sha256": data_sha256(films, "mean"),
    }


def seal(folder: Path) -> None:
    """Write SHA256SUMS over the folder as it is now."""
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.name != "SHA256SUMS")
    lines = [
        f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.relative_to(folder).as_posix()}\n" for f in files
    ]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def _landmarks() -> dict[str, Any]:
    return {
        "name": "dots",
        "title": "Four dots",
        "source": "tests",
        "landmarks": [
            {
                "number": number,
                "code": code,
                "name": f"Dot {code}",
                "definition": "The brightest point of its quarter.",
                "tissue": "bone",
                "side": "midline",
            }
            for number, code in enumerate(CODES, start=1)
        ],
    }


def _quarters(side: int) -> NDArray[np.float32]:
    """(1, 4, S, S): zero in each landmark's quarter of the film, without the bands; far below elsewhere."""
    maps = np.full((1, 4, side, side), -100, dtype=np.float32)
    half, band = side // 2, round(0.16 * side)
    rows = (slice(half), slice(half, None))
    columns = (slice(band, half), slice(half, side - band))
    for quarter in range(4):
        maps[0, quarter, rows[quarter // 2], columns[quarter % 2]] = 0
    return maps


def _coarse(member: int, masked: bool) -> bytes:
    """Film to logits: brightness of 2 x 2 pixels, steeper in later members."""
    nodes = [
        ("AveragePool", ["film"], ["small"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Mul", ["small", "gain"], ["steep"], {}),
    ]
    if masked:
        nodes += [
            ("ReduceMean", ["masks", "axes"], ["kept"], {"keepdims": 1}),
            ("Reshape", ["kept", "shape"], ["kept4"], {}),
            ("Mul", ["steep", "kept4"], ["dropped"], {}),
        ]
    nodes.append(("Add", ["dropped" if masked else "steep", "quarters"], ["maps"], {}))
    constants = {"gain": np.float32(1.5 + 0.1 * member), "quarters": _quarters(SIDE // 2)}
    if masked:
        constants |= {"axes": np.array([1]), "shape": np.array([-1, 1, 1, 1])}
    return _graph(nodes, [("film", ["n", 1, SIDE, SIDE]), *_masks(masked, 5)], 4, constants)


def _fine(member: int, masked: bool, apart: int, off: int) -> bytes:
    """Patches to two annotators' logits: brightness, the sub-pixels weighted otherwise in each member."""
    weights = np.zeros((1, 1, 6, 1, 1), dtype=np.float32)
    weights[0, 0, :4, 0, 0] = 0.5
    weights[0, 0, member % 4] += 0.25
    nodes = [("Mul", ["patches", "weights"], ["weighted"], {})]
    if masked:
        nodes += [
            ("Reshape", ["masks", "shape"], ["masks5"], {}),
            ("Mul", ["weighted", "masks5"], ["dropped"], {}),
        ]
    nodes += [
        ("ReduceSum", ["dropped" if masked else "weighted", "axes"], ["sum"], {"keepdims": 0}),
        ("Pad", ["sum", "right"], ["placed"], {}),
        ("Pad", ["placed", "down"], ["lower"], {}),
        ("Unsqueeze", ["placed", "first"], ["one"], {}),
        ("Unsqueeze", ["lower", "first"], ["two"], {}),
        ("Concat", ["one", "two"], ["both"], {"axis": 1}),
        ("Mul", ["both", "annotators"], ["maps"], {}),
    ]
    constants = {
        "weights": weights,
        "axes": np.array([2]),
        "first": np.array([1]),
        "right": np.array([0, 0, 0, off, 0, 0, 0, -off]),
        "down": np.array([0, 0, apart, 0, 0, 0, -apart, 0]),
        "annotators": np.array([1.0, 1.5], dtype=np.float32).reshape(1, 2, 1, 1, 1),
    }
    if masked:
        constants |= {"shape": np.array([-1, 1, 6, 1, 1])}
    shape = ["n", 4, 6, MAP_SIDE, MAP_SIDE]
    return _graph(nodes, [("patches", shape), *_masks(masked, 6)], 5, constants)


def _orientation() -> bytes:
    """Facing left where contrast lies to the left, a negative where values are skewed to the dark."""
    ramp = np.linspace(-1, 1, ORIENTATION_SIDE, dtype=np.float32)
    nodes = [
        ("Mul", ["film", "film"], ["square"], {}),
        ("Mul", ["square", "film"], ["cube"], {}),
        ("Mul", ["square", "ramp"], ["torque"], {}),
        ("Concat", ["torque", "cube"], ["both"], {"axis": 1}),
        ("ReduceMean", ["both", "axes"], ["mean"], {"keepdims": 0}),
        ("Neg", ["mean"], ["maps"], {}),
    ]
    shape = ["n", 1, ORIENTATION_SIDE, ORIENTATION_SIDE]
    return _graph(nodes, [("film", shape)], 2, {"ramp": ramp, "axes": np.array([2, 3])})


def _paper(masked: bool) -> bytes:
    """Film to maps: brightness in each quarter; with masks the mean of it and of it moved sideways."""
    nodes = [("Mul", ["film", "gain"], ["bright"], {})]
    if masked:
        nodes += [
            ("Conv", ["bright", "moves"], ["moved"], {"pads": [0, 2, 0, 2]}),
            ("Reshape", ["masks", "shape"], ["masks4"], {}),
            ("Mul", ["moved", "masks4"], ["dropped"], {}),
            ("ReduceMean", ["dropped", "axes"], ["mean"], {"keepdims": 1}),
        ]
    nodes.append(("Add", ["mean" if masked else "bright", "quarters"], ["maps"], {}))
    # 50 lifts the dark end, -1, to zero.
    constants = {"gain": np.float32(50.0), "quarters": _quarters(PAPER_SIDE) + np.float32(50.0)}
    if masked:
        moves = np.zeros((3, 1, 1, 5), dtype=np.float32)
        moves[0, 0, 0, 0] = moves[1, 0, 0, 2] = moves[2, 0, 0, 4] = 1.0
        constants |= {"moves": moves, "axes": np.array([1]), "shape": np.array([-1, 3, 1, 1])}
    return _graph(nodes, [("film", ["n", 1, PAPER_SIDE, PAPER_SIDE]), *_masks(masked, 3)], 4, constants)


def _masks(masked: bool, channels: int) -> list[tuple[str, list[Any]]]:
    return [("masks", ["n", channels])] if masked else []


def _graph(
    nodes: Sequence[tuple[str, list[str], list[str], dict[str, Any]]],
    inputs: Sequence[tuple[str, list[Any]]],
    rank: int,
    constants: dict[str, Any],
) -> bytes:
    from onnx import TensorProto, checker, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node(kind, sources, targets, **options) for kind, sources, targets, options in nodes],
        "dots",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(model)
    return model.SerializeToString()
