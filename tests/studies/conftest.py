"""A study without networks: a model that answers by rule, and counts what it is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import table_study as tables  # beside tests/conftest.py, which puts its folder on the path
from cephsure.datasets import AnnotatedFilm, Dataset
from cephsure.films import Film, Spacing, SpacingSource
from cephsure.inference.samples import Samples
from cephsure.landmarks import Landmark, LandmarkSet
from cephsure.studies.cases import films_of_split, plain_cases
from cephsure.studies.predictions import predict_cases
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.study import Study, StudyModel
from cephsure.uncertainty import to_prediction
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo

SPOTS = LandmarkSet(
    name="spots",
    title="two spots",
    source="made for these tests",
    landmarks=(
        Landmark(1, "U", "upper spot", "the brightest pixel of the upper half", "bone", "midline"),
        Landmark(2, "L", "lower spot", "the brightest pixel of the lower half", "bone", "midline"),
    ),
)
WIDTH, HEIGHT = 96, 80


@dataclass
class RuleModel:
    """Two samples a landmark: the brightest pixel of each half, give or take a px; activation its grey."""

    kind: str = "ensemble"
    landmark_set: LandmarkSet = SPOTS
    asked: list[dict] = field(default_factory=list)

    def predict(self, film, *, seed=0, facing="auto", polarity="auto"):
        self.asked.append({"film": film, "seed": seed, "facing": facing, "polarity": polarity})
        half = film.height_px // 2
        peaks = [
            np.unravel_index(part.argmax(), part.shape) for part in (film.pixels[:half], film.pixels[half:])
        ]
        found = np.array([(x, y + half * row) for row, (y, x) in enumerate(peaks)], dtype=np.float64)
        greys = np.array([[film.pixels[int(y), int(x)] for x, y in found]] * 2, dtype=np.float64)
        scale = film.spacing
        info = FilmInfo(
            path=None,
            width_px=film.width_px,
            height_px=film.height_px,
            mm_per_px=None if scale is None else (scale.x_mm_per_px, scale.y_mm_per_px),
            spacing_source="none" if scale is None else scale.source.value,
            facing="right",
            facing_source="assumed",
            polarity="positive",
            polarity_source="assumed",
        )
        model = ModelInfo(
            name="rule", kind=self.kind, recipe="default", samples=2, seed=seed, sha256="0" * 64
        )
        maps = Samples(found + np.array([[[1.0, 0]], [[-1.0, 0]]]), greys, 1 / 3 + 0 * greys, 1 + 0 * greys)
        return to_prediction(maps, film_info=info, model_info=model, landmark_set=SPOTS)


@pytest.fixture
def rule_model():
    """Give the class of a model that answers by rule and keeps what it is ``asked``."""
    return RuleModel


@pytest.fixture
def study_model():
    """Give ``study_model(label, *, model=None, **facts)``: a model of a study, ready or only stored."""

    def make(label="rule", *, model=None, stored=None, **facts):
        usual = StudyModel(
            label=label,
            recipe="default",
            kind="ensemble",
            truth="mean",
            samples=2,
            changes=(),
            sha256="a" * 64,
            model=model,
            stored=stored,
        )
        return replace(usual, **facts)

    return make


@pytest.fixture
def spot_film():
    """Give ``spot_film(seed, *, scale=True)``: a film of two bright pixels, with a scale or without."""

    def make(seed=0, *, scale=True):
        spacing = Spacing(0.1, 0.2, SpacingSource.USER) if scale else None
        return Film(pixels=_spots(seed)[0], spacing=spacing)

    return make


@pytest.fixture
def spot_data(tmp_path):
    """Give six films of spots: two of split "train", four of "test1" (the last one is film a once more)."""
    films = []
    for index, name in enumerate("abcdef"):
        pixels, points = _spots(index)
        path = tmp_path / "films" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(path)
        films.append(
            AnnotatedFilm(
                name,
                path,
                {"ann": points + np.array([3.0, 4.0]), "bob": points - np.array([3.0, 4.0])},
                spacing=Spacing(0.1, 0.1, SpacingSource.DATASET),
                split="train" if index < 2 else "test1",
                group="twice" if name in "af" else None,
            )
        )
    return Dataset("spots", SPOTS, tuple(films))


@pytest.fixture
def study(tmp_path, spot_data, study_model, rule_model) -> Study:
    """Give a study of one model on the films of spots."""
    return Study(models=(study_model(model=rule_model()),), dataset=spot_data, out=Path(tmp_path / "out"))


@pytest.fixture(scope="session")
def table_study(tmp_path_factory):
    """Give ``table_study(*, kinds=..., n_test=24, ...)``: a study of stored predictions with known errors."""

    def make(**options):
        return tables.table_study(tmp_path_factory.mktemp("table_study"), **options)

    return make


def _spots(seed):
    rng = np.random.default_rng(seed)
    pixels = rng.uniform(0.2, 0.5, (HEIGHT, WIDTH)).astype(np.float32)
    points = np.column_stack([rng.integers(5, WIDTH - 5, 2), rng.integers(5, HEIGHT // 2 - 5, 2)])
    points[1, 1] += HEIGHT // 2
    pixels[points[:, 1], points[:, 0]] = 1.0
    return pixels, points.astype(np.float64)


@pytest.fixture
def spot_ct(tmp_path):
    """Give ``spot_ct(name, *, landmarks=True)``: a CT of a head with a ball of metal at each spot's place."""

    def make(name="head", *, landmarks=True):
        nibabel = pytest.importorskip("nibabel")
        shape, spacing = (25, 37, 34), (6.0, 5.0, 5.0)
        x, y, z = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij")
        values = np.full(shape, -1000, dtype=np.float32)
        radius = np.sqrt(((x - 70) / 55) ** 2 + ((y - 92) / 75) ** 2 + ((z - 85) / 75) ** 2)
        values[radius < 1] = 0
        values[np.abs(radius - 0.9) < 0.06] = 400
        spots = {"U": (70.0, 60.0, 115.0), "L": (70.0, 60.0, 25.0)}
        for place in spots.values():
            values[sum((a - p) ** 2 for a, p in zip((x, y, z), place, strict=True)) < 8**2] = 4000
        path = tmp_path / f"{name}.nii.gz"
        # NIfTI's axes run to the right and the front.
        nibabel.save(nibabel.Nifti1Image(values, np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])), path)
        if landmarks:
            points = [
                {"code": code, "side": "midline", "position_mm": list(place), "uncertainty_mm": 1.5}
                for code, place in spots.items()
            ]
            document = {
                "schema": "cephsure.ct_landmarks/1",
                "name": name,
                "credit": "Courtesy of the test",
                "points": points,
            }
            (tmp_path / f"{name}.landmarks.json").write_text(json.dumps(document), encoding="utf-8")
        return path

    return make


@pytest.fixture
def counting():
    """Give ``counting(name)``: an experiment that counts what it predicts."""

    def make(name):
        def experiment(study):
            table = predict_cases(study, "test1", plain_cases(films_of_split(study.dataset)))["rule"]
            rows = [(film, 1.0) for film in table.film_ids]
            films = ResultTable.from_records("Films", rows, columns=("film", "value"))
            return ExperimentResult(name, f"Title of {name}", ("Counted.",), {"films": films})

        return experiment

    return make
