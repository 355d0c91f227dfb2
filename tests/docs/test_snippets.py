"""The Python that the README and the documentation show runs as it stands."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest

from cephsure.inference import Samples
from cephsure.landmarks import load_landmark_set
from cephsure.model import shipped_models
from cephsure.uncertainty import to_prediction
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo

ROOT = Path(__file__).parents[2]
# A block whose first line says more than "python" (no-run) needs what a test has not.
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def snippets(page):
    """The page's blocks, each kept on its own lines, so that a traceback names the page's line."""
    text = page.read_text("utf-8")
    return ["\n" * text.count("\n", 0, block.start(1)) + block.group(1) for block in BLOCK.finditer(text)]


@pytest.fixture
def names(phantom):
    """What a page may speak of without having made it: a film, its prediction, and several predictions."""
    film, points = phantom
    samples = Samples(points[None], *(np.ones((1, len(points))) for _ in range(3)))
    about = FilmInfo(
        path="001.png",
        width_px=film.width_px,
        height_px=film.height_px,
        mm_per_px=(0.5, 0.5),
        spacing_source="user",
        facing="right",
        facing_source="given",
        polarity="positive",
        polarity_source="given",
    )
    model = ModelInfo(name="none", kind="baseline", recipe="none", samples=1, seed=0, sha256="0" * 64)
    prediction = to_prediction(samples, film_info=about, model_info=model, landmark_set=load_landmark_set())
    return {"__name__": "snippet", "film": film, "prediction": prediction, "predictions": [prediction]}


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if snippets(page)], ids=lambda page: page.name)
def test_every_snippet_of_a_page_runs(page, tmp_path, names):
    blocks = snippets(page)
    if any("load_model" in block for block in blocks) and not shipped_models():
        pytest.skip("the package has no models yet")
    with contextlib.chdir(tmp_path):
        for block in blocks:
            exec(compile(block, str(page), "exec"), names)  # noqa: S102 - our own documentation


def test_snippets_are_found():
    assert {page.name for page in PAGES if snippets(page)} >= {"README.md", "python-api.md"}


def test_every_relative_link_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"
