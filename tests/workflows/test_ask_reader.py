from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cephsure.errors import InputError
from cephsure.uncertainty.readers.reader import profiled, read_reader
from cephsure.workflows import reader_profile
from reader_population import made_population


@pytest.fixture
def model(dot_model):
    """The dots' model, as if its calibration knew readers."""
    return dot_model._but(calibration=SimpleNamespace(readers=made_population()))


@pytest.fixture
def film(dots, tmp_path):
    path = tmp_path / "film.png"
    Image.fromarray(np.round(dots.draw_dots(np.random.default_rng(1)).pixels * 255).astype(np.uint8)).save(
        path
    )
    return path


def test_answers_are_written_at_once(model, tmp_path):
    found = reader_profile(model, out=tmp_path / "dr-x.json", answers={"ul": "senior", "3": "between"})
    expected = profiled(
        made_population(),
        {1: "senior", 3: "between"},
        name="dr-x",
        model=model.name,
        model_sha256=model.bundle.sha256,
    )
    assert read_reader(tmp_path / "dr-x.json") == expected == found.reader
    assert found.answered == {"UL": "senior", "LL": "between"}
    assert (found.page, found.asked) == (None, ())
    assert [path.name for path in tmp_path.iterdir()] == ["dr-x.json"]


def test_without_answers_a_page_is_written_beside_the_file(model, film, tmp_path):
    found = reader_profile(model, out=tmp_path / "dr-x.json", film=film, mm_per_px=0.5)
    assert found.page == tmp_path / "dr-x.html"
    assert found.asked == ("UL", "UR", "LL")
    assert found.reader is None
    assert not (tmp_path / "dr-x.json").exists()
    page = found.page.read_text("utf-8")
    assert "keep this page as you keep the film" in page
    assert str(model.bundle.folder) in page


def test_the_sample_film_is_shown_with_its_credit(model, tmp_path):
    found = reader_profile(
        model, out=tmp_path / "x.json", page=tmp_path / "asks.html", answers={"UL": "junior"}
    )
    assert found.page == tmp_path / "asks.html"
    page = found.page.read_text("utf-8")
    assert "Courtesy of the U.S. National Library of Medicine" in page
    assert 'value="junior" checked' in page
    assert read_reader(tmp_path / "x.json").name == "x"


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ({"Pog": "senior"}, "'Pog' is no landmark of dots (known: UL, UR, LL, LR)"),
        ({"UL": "senior", "1": "junior"}, "landmark UL is answered twice"),
        ({"UL": "chief"}, "'chief' is no answer"),
    ],
)
def test_an_answer_that_means_nothing_writes_nothing(model, tmp_path, answers, complaint):
    with pytest.raises(InputError) as error:
        reader_profile(model, out=tmp_path / "x.json", page=tmp_path / "x.html", answers=answers)
    assert complaint in str(error.value)
    assert list(tmp_path.iterdir()) == []


def near(population):
    marks = tuple(mark.model_copy(update={"apart_mm": 0.9}) for mark in population.landmarks)
    return population.model_copy(update={"landmarks": marks})


@pytest.mark.parametrize(
    ("calibration", "complaint"),
    [
        (None, "is not calibrated"),
        (SimpleNamespace(readers=made_population(annotators=())), "does not tell two annotators apart"),
        (
            SimpleNamespace(readers=near(made_population())),
            "within 1 mm of each other: there is nothing to choose",
        ),
    ],
)
def test_a_model_that_knows_no_difference_has_nothing_to_ask(dot_model, tmp_path, calibration, complaint):
    with pytest.raises(InputError) as error:
        reader_profile(dot_model._but(calibration=calibration), out=tmp_path / "x.json")
    assert complaint in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_of_one_annotator_has_nothing_to_ask(model, monkeypatch, tmp_path):
    monkeypatch.setattr(type(model), "sample", lambda *_, **__: SimpleNamespace(marks_px=None))
    with pytest.raises(InputError, match="does not tell two annotators apart"):
        reader_profile(model, out=tmp_path / "x.json")
