from __future__ import annotations

import json
from typing import ClassVar

import pytest

from cephsure.errors import BundleError, FilmError
from cephsure.projects import PointEdit
from cephsure.review import predictor as predictor_module
from cephsure.review.bulletin import Bulletin
from cephsure.review.child import FailedError, LostError
from cephsure.review.jobs import PredictFilm
from cephsure.review.predictor import DEFINITION, SET_ASIDE, Predictor, ReaderInUse


@pytest.fixture
def scripted(monkeypatch, inline):
    """A process whose answers a test gives: by the film's name, a list of errors before it does its job."""

    class Scripted(inline):
        errors: ClassVar[dict] = {}

        def do(self, job, *, seconds, on_progress=None):
            waiting = self.errors.get(job.path.name, []) if isinstance(job, PredictFilm) else []
            if waiting:
                self.done.append(job)
                raise waiting.pop(0)
            return super().do(job, seconds=seconds, on_progress=on_progress)

    monkeypatch.setattr(predictor_module, "Child", Scripted)
    Scripted.errors = {}
    return Scripted


@pytest.fixture
def predictor(project, facts, tmp_path, scripted, mm_per_px):
    made = Predictor(
        project,
        facts.given,
        model_sha256=facts.bundle.sha256,
        cache=tmp_path / "cache",
        bulletin=Bulletin(),
        mm_per_px=mm_per_px,
    )
    yield made
    made.end()


def run(predictor, wait_until):
    predictor.start()
    predictor.want_stale()
    wait_until(lambda: predictor.waiting == 0 and (predictor.trouble or not waiting(predictor)))


def waiting(predictor):
    return [row for row in predictor.project.queue() if row.state == "waiting"]


def films(predictor):
    return {film.name: film for film in predictor.project.films()}


def test_films_are_predicted_in_order_the_one_looked_at_first(predictor, wait_until):
    wanted = films(predictor)["b.png"].film_id
    predictor.look_at(wanted)
    run(predictor, wait_until)
    names = [job.path.name for job in predictor._child.done]
    assert names == ["b.png", "a.png", "c.png"]
    found = predictor.project.film(wanted).prediction
    assert found.reader_sha256 == DEFINITION
    assert found.doubt > 0
    assert predictor._bulletin.changed_since(0) == [1, 2, 3]


def test_details_and_thumbnails_are_kept_beside(predictor, wait_until, tmp_path):
    run(predictor, wait_until)
    assert len(list((tmp_path / "cache" / "details").glob("*.npz"))) == 2
    assert len(list((tmp_path / "cache" / "thumbnails").glob("*.jpg"))) == 2


def test_nothing_is_predicted_twice(predictor, wait_until):
    run(predictor, wait_until)
    assert predictor.want_stale() == 1  # the file that could not be read is tried again
    wait_until(lambda: predictor.waiting == 0)
    predicted = [film_id for film_id in (1, 2) if len(predictor.project.predictions(film_id)) == 1]
    assert predicted == [1, 2]


def test_film_that_ends_the_process_once_is_predicted_after_all(predictor, scripted, wait_until):
    scripted.errors["a.png"] = [LostError("its process ended")]
    run(predictor, wait_until)
    assert films(predictor)["a.png"].unread is None
    assert not waiting(predictor)


def test_film_that_ends_the_process_twice_is_set_aside_and_named(predictor, scripted, wait_until):
    scripted.errors["a.png"] = [LostError("its process ended"), LostError("its process ended")]
    run(predictor, wait_until)
    film = films(predictor)["a.png"]
    assert film.unread == f"{SET_ASIDE} 2 times (its process ended)"
    row = next(row for row in predictor.project.queue() if row.name == "a.png")
    assert row.state == "unread"
    assert not predictor._is_stale(film)  # nor is it tried at the next start


def test_film_at_fault_is_named_with_the_remedy(predictor, scripted, wait_until):
    scripted.errors["a.png"] = [FilmError("is blank", where="a.png", remedy="export it anew")]
    run(predictor, wait_until)
    assert films(predictor)["a.png"].unread == "is blank (export it anew)"


def test_failure_of_ours_is_one_films(predictor, scripted, wait_until):
    scripted.errors["a.png"] = [FailedError("KeyError: x")]
    run(predictor, wait_until)
    assert "a failure of cephsure: KeyError: x" in films(predictor)["a.png"].unread


def test_broken_model_is_no_films_fault(predictor, scripted, wait_until, caplog):
    scripted.errors["a.png"] = [BundleError("is damaged", where="bundle")]
    predictor.start()
    predictor.want_stale()
    wait_until(lambda: predictor.trouble is not None)
    assert predictor.trouble == "no film can be predicted: bundle: is damaged"
    assert predictor.trouble in caplog.text
    assert films(predictor)["a.png"].unread is None
    assert len(waiting(predictor)) == 3


def test_store_that_fails_does_not_end_the_predictor(predictor, wait_until, monkeypatch, caplog):
    stored = predictor.project.store_prediction

    def once_full(film_id, *arguments, **options):
        if film_id == 1:
            raise OSError("the disk is full")
        return stored(film_id, *arguments, **options)

    monkeypatch.setattr(predictor.project, "store_prediction", once_full)
    predictor.start()
    predictor.want_stale()
    wait_until(lambda: predictor.project.film(2).prediction is not None)
    assert "film 1 could not be predicted" in caplog.text


def test_another_reader_is_used_for_films_that_nobody_worked_on(predictor, wait_until):
    run(predictor, wait_until)
    predictor.project.record(1, [PointEdit(1, "accept")], who="anna", request_id="12345678")
    assert predictor.use(ReaderInUse.of("junior")) == 2  # and the file that cannot be read
    wait_until(lambda: len(predictor.project.predictions(2)) == 2)
    newest = predictor.project.film(2).prediction
    assert newest.reader_sha256 == "junior"
    assert json.loads(newest.document)["reader"]["name"] == "junior"
    assert len(predictor.project.predictions(1)) == 1


def test_reader_by_a_file_is_known_by_its_checksum(tmp_path):
    file = tmp_path / "reader.json"
    file.write_text("{}")
    first = ReaderInUse.of(file)
    assert len(first.key) == 64
    file.write_text("{ }")
    assert ReaderInUse.of(file).key != first.key
    assert ReaderInUse.of(None) == ReaderInUse.of(DEFINITION) == ReaderInUse()


def test_film_is_wanted_until_it_is_predicted(predictor, project, scripted, wait_until, monkeypatch):
    seen, film = [], project.films()[0].film_id
    own = scripted.do

    def do(self, job, **options):
        seen.append(predictor.is_wanted(film))
        return own(self, job, **options)

    monkeypatch.setattr(scripted, "do", do)
    predictor.start()
    predictor.want(film)
    wait_until(lambda: seen and not predictor.is_wanted(film))
    assert seen == [True]
    assert project.film(film).prediction is not None


def test_jobs_go_before_films(predictor):
    class Answer:
        def run(self, desk, tell):
            return "answer"

    class Refuse:
        def run(self, desk, tell):
            raise FilmError("no")

    answer, refused = predictor.do(Answer()), predictor.do(Refuse())
    cancelled = predictor.do(Answer())
    cancelled.cancel()
    predictor.start()
    assert answer.result(30) == "answer"
    with pytest.raises(FilmError):
        refused.result(30)


def test_nothing_is_waited_for_at_the_end(predictor):
    waiting = predictor.do(object())
    predictor.end()
    assert waiting.cancelled()
    assert predictor.do(object()).cancelled()
