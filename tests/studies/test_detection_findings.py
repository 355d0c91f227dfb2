from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cephsure.studies.detection_findings import best_score, findings, spoiled_films
from cephsure.studies.film_scores import COMBINATIONS
from cephsure.studies.statistics.separation import detection_quality

USUAL = np.arange(40.0)
TITLES = {"entropy_mean": "entropy: mean"} | dict.fromkeys(COMBINATIONS, "all")


def detected(shifts: dict[str, tuple[float, float | None]]) -> SimpleNamespace:
    """Four films a shift, all with one score and one error; ``(score, error in mm or None)``."""
    shifted, found, harm, listed = {}, {}, {"": SimpleNamespace(mre_mm=1.0)}, []
    for name, (score, error) in shifts.items():
        values = np.full(4, score)
        errors = None if error is None else np.full((4, 2), error)
        listed.append(SimpleNamespace(name=name, title=f"the {name}", errors_mm=errors))
        shifted[name] = dict.fromkeys(TITLES, values)
        found[name] = {title: detection_quality(USUAL, values, n_resamples=20) for title in TITLES}
        harm[name] = SimpleNamespace(mre_mm=np.nan if error is None else error)
    films = SimpleNamespace(
        model=SimpleNamespace(title="the model", own_measure="entropy"), shifts=tuple(listed), plain=USUAL
    )
    plain = dict.fromkeys(TITLES, USUAL)
    return SimpleNamespace(films=films, titles=TITLES, plain=plain, shifted=shifted, found=found, harm=harm)


@pytest.fixture
def one():
    return detected(
        {
            "loud": (99.0, 9.0),
            "silent": (10.0, 7.0),
            "mild": (12.0, 1.1),
            "unjudged": (11.0, None),
            "other-site": (-5.0, 1.5),
            "no-cephalogram": (99.0, None),
        }
    )


def test_harmful_shifts_that_raise_no_alarm_are_named(one):
    texts = list(findings([one]))
    (not_noticed,) = [text for text in texts if "NOT NOTICED" in text]
    assert not_noticed.endswith(": the silent (MRE 7.0 mm; 4 of 4 films over 4 mm).")
    (harmless,) = [text for text in texts if "under twice" in text]
    assert "the mild (MRE 1.1 mm)" in harmless
    assert "the loud" not in harmless + not_noticed
    (unknown,) = [text for text in texts if "no truth" in text]
    assert unknown.endswith("the unjudged.")


def test_non_cephalograms_and_films_that_look_too_certain_are_spoken_of(one):
    texts = list(findings([one]))
    assert "(n = 4) against plain films (n = 40)" in texts[0]
    assert "100 %" in texts[0]
    assert any("MORE certain" in text for text in texts)


def test_spoiled_films_are_counted_over_all_shifts(one):
    spoiled = spoiled_films(one, "entropy_mean")
    assert (spoiled.n_films, spoiled.n_found, spoiled.missed) == (8, 4, {"the silent": 4})
    (text,) = [text for text in findings([one]) if "raise an alarm by" in text]
    assert "of the 8 shifted films" in text
    assert "50 % raise an alarm" in text


def test_when_all_harm_is_noticed_it_says_so():
    texts = list(findings([detected({"loud": (99.0, 9.0), "no-cephalogram": (99.0, None)})]))
    assert any("every shift that at least doubles the mean error is noticed" in text for text in texts)


def test_best_score_passes_over_undefined_areas(one):
    one.found["loud"]["all_mean"] = detection_quality(USUAL, np.array([np.nan]), n_resamples=20)
    assert best_score(one, "loud") == "entropy_mean"
