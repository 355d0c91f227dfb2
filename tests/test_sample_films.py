from __future__ import annotations

import csv
import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import cephsure.sample_films
from cephsure.datasets import read_marked_points
from cephsure.errors import InputError
from cephsure.landmarks import load_landmark_set
from cephsure.sample_films import sample_film, sample_films

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "render_sample_films.py"
CREDIT = "Courtesy of the U.S. National Library of Medicine"


def renderer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("render_sample_films", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_two_films_with_scale_and_credit():
    films = sample_films()
    assert [film.rotation_deg for film in films] == [0, 30]
    assert [film.name for film in films] == ["vhm_lateral_0deg", "vhm_lateral_30deg"]
    for film in films:
        assert film.mm_per_px == 0.25
        assert film.credit == CREDIT
        assert sample_film(film.name) == film


@pytest.mark.parametrize("film", sample_films(), ids=lambda film: film.name)
def test_the_files_are_whole_grey_portrait_and_dateless(film):
    content = film.path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == film.sha256
    assert len(content) < 700_000
    assert b"tIME" not in content
    assert b"tEXt" not in content
    with Image.open(film.path) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        assert image.height > image.width
        assert not image.info


@pytest.mark.parametrize("film", sample_films(), ids=lambda film: film.name)
def test_greys_lie_where_those_of_scanned_films_lie(film):
    with Image.open(film.path) as image:
        grey = np.asarray(image)
    air, braincase = grey[:200, -80:], grey[200:300, 250:400]
    assert air.mean() < 40
    assert 170 < braincase.mean() < 220
    assert (grey == 255).mean() < 0.005


@pytest.mark.parametrize("film", sample_films(), ids=lambda film: film.name)
def test_true_points_are_shipped_and_on_the_film(film):
    landmarks = load_landmark_set("isbi-19")
    marked = read_marked_points(film.points_path, landmark_set=landmarks)
    points = next(each for each in marked if each.path == film.path).points_px()
    assert points.shape == (19, 2)
    with Image.open(film.path) as image:
        assert ((points > 0) & (points < image.size)).all()


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match="vhm_lateral_0deg, vhm_lateral_30deg"):
        sample_film("nobody")


def test_a_package_without_its_data_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(cephsure.sample_films.resources, "files", lambda _: tmp_path)
    with pytest.raises(InputError, match="missing from this installation"):
        sample_films()


def test_listing_the_films_imports_nothing_heavy():
    code = (
        "import sys, cephsure.sample_films as s; s.sample_films();"
        "print([m for m in ('numpy', 'scipy', 'PIL', 'torch', 'nibabel') if m in sys.modules])"
    )
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert listed.stdout.strip() == "[]"


@pytest.mark.shared
def test_projecting_again_gives_the_shipped_points(shared_data):
    ct = shared_data / "ct" / "vismale_head.nii.gz"
    if not ct.is_file():
        pytest.skip("the head CT is absent")
    render = renderer()
    points = render.true_points(ct, render.read_volume(ct))
    with sample_films()[0].points_path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 38
    for row in rows:
        x, y = points[row["image"]][row["landmark"]]
        assert (float(row["x"]), float(row["y"])) == pytest.approx((x, y), abs=0.02)


@pytest.mark.shared
@pytest.mark.parametrize("film", sample_films(), ids=lambda film: film.name)
def test_rendering_again_gives_the_shipped_film(film, shared_data):
    ct = shared_data / "ct" / "vismale_head.nii.gz"
    if not ct.is_file():
        pytest.skip("the head CT is absent")
    render = renderer()
    grey = render.render(render.read_volume(ct), film.rotation_deg)
    with Image.open(film.path) as image:
        difference = np.abs(grey.astype(int) - np.asarray(image))
    # Other versions of scipy may sum in another order: a grey level up or down, no more.
    assert difference.mean() < 0.1
    assert difference.max() <= 2
