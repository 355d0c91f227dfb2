from __future__ import annotations

import logging
import pickle
import warnings

import pytest

from cephsure.errors import FilmError
from cephsure.review.model_process import QuietModel
from cephsure.service.jobs import FilmContent, PredictContent, WarmUp
from cephsure.workflows.predict import PredictOptions


def silent(*_):
    return None


def test_the_model_is_loaded_and_libraries_say_nothing():
    root = logging.getLogger()
    before = list(root.handlers)
    with warnings.catch_warnings():
        desk = QuietModel("default-baseline", "cpu")
        WarmUp().run(desk, silent)
        warnings.warn("PatientName: Mueller", stacklevel=1)  # an error in this test, were it not silenced
    (added,) = [handler for handler in root.handlers if handler not in before]
    root.removeHandler(added)
    assert isinstance(added, logging.NullHandler)


def test_errors_name_what_the_request_named():
    with pytest.raises(FilmError, match=r"^a text file, not a film"):
        FilmContent(b"text").read(None)
    with pytest.raises(FilmError, match=r"^/films/a.png: a text file"):
        FilmContent(b"text", "/films/a.png").read(None)


def test_a_films_own_error_is_raised(desk, small_film):
    job = PredictContent(FilmContent(small_film, "/films/a.png"), PredictOptions(samples=5))
    with pytest.raises(ValueError, match="1 to 1 samples"):
        pickle.loads(pickle.dumps(job)).run(desk, silent)  # noqa: S301 - as it goes to the process
