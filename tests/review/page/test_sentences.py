"""What the program says in English has its German form: told sentence by sentence, and none was forgotten."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the review page needs the extra 'review'")

from cephsure.cephalometry import decision, measured, own_points, superimposition
from cephsure.cephalometry.analysis import KnownPoints, value_of
from cephsure.cephalometry.landmark_errors import (
    NO_SCALE_FOR_ERRORS,
    NOT_CALIBRATED,
    ONE_SAMPLE,
    UNFIT_FILM,
)
from cephsure.reports import reader_questions
from cephsure.review import model_facts, superimposing, watching
from cephsure.uncertainty import missing
from cephsure.uncertainty.gate import reasons, second_look, verdict
from cephsure.uncertainty.gate.signs import SIGNS
from cephsure.uncertainty.prediction import Prediction
from cephsure.uncertainty.readers.reader import Reader
from cephsure.uncertainty.readers.site import _acceptance

TEXTS = Path(str(resources.files("cephsure"))) / "review" / "page" / "texts"
GERMAN = json.loads((TEXTS / "de.said.json").read_text(encoding="utf-8"))

SPEAKERS = [
    reasons.Why._words,
    reasons.Why._misfit,
    reasons.Why._size,
    reasons.Why._format,
    second_look._mirrored,
    second_look.how_it_lies,
    verdict.judge,
    verdict._why,
    verdict._held_up,
    verdict._how_many,
    missing.say_what_is_missing,
    missing._other_samples,
    Prediction.for_whom.fget,
    Prediction.promise.fget,
    Reader.for_whom.fget,
    _acceptance,
    model_facts._objection,
    watching.monitor_document,
    superimposing._words,
    superimposition._why_not,
    superimposition._notes,
    superimposition._reference_rows,
    decision.Acceptance.objection,
    KnownPoints._doubt,
    KnownPoints._trust,
    value_of,
    reader_questions.in_words,
    reader_questions._meant,
]
"""Functions whose words a page shows."""
CONSTANTS = [
    *(getattr(reasons, name) for name in ("NOT_A_CEPHALOGRAM", "UNLIKE", "UNFAMILIAR")),
    *reasons._SAID_OF.values(),
    *(getattr(second_look, name) for name in ("TURNED", "UPSIDE_DOWN", "TWO_HEADS")),
    *(
        getattr(verdict, name)
        for name in ("UNFIT", "FILM_UNFIT", "FILM_FOR_REVIEW", "SCALE_UNKNOWN", "TOO_FEW_BESIDE", "NOT_HERE")
    ),
    *(getattr(missing, name) for name in ("NO_SCALE", "NO_GATE")),
    *(getattr(measured, name) for name in ("NO_SCALE", "SCALE_IN_DOUBT", "OUTSIDE")),
    NOT_CALIBRATED,
    NO_SCALE_FOR_ERRORS,
    UNFIT_FILM,
    ONE_SAMPLE,
    own_points.NO_INTERVAL,
    *(f"laid on {title}" for title in superimposition.TITLES.values()),
]
IN_A_TERMINAL = "(give --mm-per-px)", "(measure a known length on each with the ruler)"
"""What is said in a terminal, and what the page is told instead."""
NOT_SHOWN = (
    "known:",
    "give --",
    "the gate is of other",
    "there is no reference",
    "stable points are",
)
"""Remedies for a terminal and faults of ours: how they begin."""


def fragments(function):
    """The words that a function's sentences are made of, without its docstring and what it refuses to do."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value.replace(*IN_A_TERMINAL)


@pytest.mark.parametrize("function", SPEAKERS, ids=lambda function: function.__qualname__)
def test_no_words_of_a_function_lack_their_german_form(function):
    known = "\n".join(GERMAN)
    said = [words.strip(" ;,:") for words in fragments(function) if " " in words.strip(" ;,:")]
    assert [words for words in said if words not in known and not words.startswith(NOT_SHOWN)] == []


def reasons_of_signs():
    """A film that shows each sign in turn, one landmark that does not fit, or several."""
    landmarks = [
        SimpleNamespace(number=i + 1, code=code, name=name)
        for i, (code, name) in enumerate([("S", "Sella"), ("N", "Nasion"), ("Go", "Gonion")])
    ]
    head = SimpleNamespace(shape=SimpleNamespace(mean=np.array([[0.0, 0.0], [0.7, 0.0], [0.0, 0.7]])))
    for site_films in (None, 1, 7):
        reference = SimpleNamespace(
            column=lambda name: np.array([0.1, 0.2]), uncertain_from=(0.0, 0.0, 0.0), site_films=site_films
        )
        for misfits in ([0.0] * 3, [9.0, 0.0, 0.0], [9.0, 8.0, 0.0]):
            seen = SimpleNamespace(
                signs=np.ones(len(SIGNS)), log_errors=np.ones(3), misfits=np.array(misfits)
            )
            why = reasons.Why(None, seen, landmarks, head, reference, misfit=3.0)
            yield from (why._words(name) for name in SIGNS)


def mirrored():
    for facing in ("left", "right"):
        for source in ("given", "found", "assumed"):
            film = SimpleNamespace(facing=facing, facing_source=source)
            yield second_look._mirrored(SimpleNamespace(film=film))


MADE = [
    "6 of 19 points accepted (expected error up to 0.98 mm)",
    "expected 1.43 > 0.98 mm",
    "expected 0.62 <= 0.98 mm",
    "misfit 3.52 > 3.00 SD",
    "no promise: the film is unfit for automatic evaluation",
    "expected errors and 90 % regions hold for site anna, 1 film, the mean of two readers",
    "expected errors and 95 % regions hold for reader anna, if this film is like those calibrated on",
    "expected errors and 90 % regions hold for a reader not met before",
    "over 5 corrected films the regions held 88 % of the points; 90 % are promised",
    "80 % are promised: the promise does not hold here any more",
    "laid on S-N at S; 3 of 18 points moved by more than they may be off (90 %)",
    "laid on Frankfort plane at Po; the second film looks the other way: it was mirrored",
    "laid on best fit; no intervals: second film: how far a person's points are off is not known",
    "N is missing on the second film: it is needed here",
    "by this scale the head is 1.8 times the usual size",
    "no point for Go, Me",
    "scale in doubt, S to N 140 mm",
    "3.7 mm further back and 8.3 mm further down; here the lower, as the definition says",
    "further forward",
    "the file is cut off",
    "JPEG file damaged or of an unsupported kind: broken data stream",
]
UNCHANGED = {"laid", "the film", "head", "points", "expected", "further", "promise", "scale", " of ", "moved"}
"""English words that no German sentence has."""


@pytest.mark.slow
def test_every_sentence_is_said_in_german(tabs):
    tab = tabs(locale="de-DE")
    english = sorted({*CONSTANTS, *MADE, *reasons_of_signs(), *mirrored()})
    german = tab.page.evaluate(
        "(all) => import('/page/texts.js').then(({ said }) => all.map((one) => said(one)))", english
    )
    told = dict(zip(english, german, strict=True))
    assert [one for one in english if told[one] == one] == []
    assert [one for one in german if any(word in one for word in UNCHANGED)] == []
    assert told["expected 1.43 > 0.98 mm"] == "erwartet 1,43 > 0,98 mm"
    assert (
        told["landmarks 1 (S), 2 (N) do not fit the others"]
        == "Punkte 1 (S), 2 (N) passen nicht zu den anderen"
    )
    assert told[
        "laid on best fit; no intervals: second film: how far a person's points are off is not known"
    ] == (
        "bestmöglich aufeinandergelegt; keine Bereiche: zweites Bild: wie weit die Punkte einer Person "
        "daneben liegen, ist nicht bekannt"
    )


@pytest.mark.slow
def test_the_german_page_says_nothing_in_english_of_a_film(tabs):
    tab = tabs(locale="de-DE")
    tab.open("vhm_lateral_30deg")
    tab.choose("Go")
    said = " ".join(tab.page.locator(part).inner_text() for part in ("#bar", "#under", "#card .facts"))
    tab.picture("german_reasons")
    assert not any(word in said for word in (" the ", "landmark", "probably", "promise")), said
    tab.page.locator("#views").get_by_role("button", name="Vergleich").click()
    tab.page.locator("#compare tbody tr").first.wait_for()
    tab.picture("german_compare")
