from __future__ import annotations

import importlib.util
import sys
import threading

import pytest

from cephsure.errors import BundleError, InputError
from cephsure.pacs import serve as serving
from cephsure.pacs.peers import Peer
from cephsure.pacs.predicting import ModelPredictor
from cephsure.pacs.serve import StorageOptions, serve
from cephsure.pacs.status import state_of


def test_restart_goes_on_where_it_stood(start_service, send, made_film, until, make_stand_in):
    """To nobody at first, then to the folder: the same report, and no second one."""
    first = start_service(send_to=Peer("PACS", "127.0.0.1", 1))
    send(first.at, made_film())
    until(lambda: state_of(first.folder).unsent == 1 and state_of(first.folder).troubles)
    assert "cannot be reached" in state_of(first.folder).troubles[0]
    first.stop()
    assert first.predictor.ended
    (made,) = (first.folder / "results").iterdir()
    second = start_service(make_stand_in())
    until(lambda: state_of(first.folder).sent == 1)
    assert second.predictor.done == []
    (sent,) = (first.folder / "out").iterdir()
    assert (sent.name, sent.read_bytes()) == (made.name, made.read_bytes())


def test_a_film_that_waits_is_predicted_after_a_restart(start_service, store, until):
    store.receive("1.1", b"film", "a")
    service = start_service()
    until(lambda: state_of(service.folder).sent == 1)


def test_two_services_in_one_folder_are_refused(start_service, monkeypatch):
    service = start_service()
    monkeypatch.setattr(serving, "_LOCK_PATIENCE_S", 0.0)
    with pytest.raises(InputError, match="give another --folder"):
        serve(StorageOptions(service.folder), on_ready=print, predictor=service.predictor)


def test_a_taken_port(start_service, tmp_path, make_stand_in):
    service = start_service()
    options = StorageOptions(tmp_path / "other", port=service.at.port)
    with pytest.raises(InputError, match="cannot listen"):
        serve(options, on_ready=print, predictor=make_stand_in())


def test_a_model_that_is_none_is_said_before_anything_is_taken(tmp_path):
    with pytest.raises(BundleError):
        serve(StorageOptions(tmp_path / "f", model="absent"), on_ready=print)
    with pytest.raises(InputError, match="mm"):
        serve(StorageOptions(tmp_path / "f", mm_per_px=-1), on_ready=print)
    assert not (tmp_path / "f").exists()


def test_ctrl_c_ends_it(tmp_path, monkeypatch):
    class Stop(threading.Event):
        def wait(self, timeout=None):
            raise KeyboardInterrupt

    ready = []
    serve(StorageOptions(tmp_path / "f", model="default-baseline"), on_ready=ready.append, stop=Stop())
    assert ready[0].host == "127.0.0.1"
    assert isinstance(serving._model_predictor(StorageOptions(tmp_path)), ModelPredictor)


def test_films_are_not_lost_while_it_is_killed(tmp_path, benchmark_script, monkeypatch):
    spec = importlib.util.spec_from_file_location("kill_storage", benchmark_script)
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "kill_storage", script)
    spec.loader.exec_module(script)
    tally = script.run(tmp_path / "service", films=6, kills=1)
    assert (tally.acknowledged, tally.kills, tally.faults) == (6, 1, [])
