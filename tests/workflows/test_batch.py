from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from cephsure.datasets import select
from cephsure.workflows import PredictOptions, predict_films
from cephsure.workflows.batch import films_executor


def test_films_are_done_side_by_side_where_the_networks_are_on_a_gpu():
    with ThreadPoolExecutor(1) as given:
        for device in ("cpu", "cuda"):
            assert films_executor(SimpleNamespace(device=device), given) is given
    assert films_executor(SimpleNamespace(device="cpu"), None) is None
    with films_executor(SimpleNamespace(device="cuda"), None) as threads:
        assert list(threads.map(lambda film: film + 1, range(20))) == list(range(1, 21))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_numbers_do_not_depend_on_it(dot_model, dot_dataset, monkeypatch, device):
    paths = [film.path for film in select(dot_dataset, "test1").films[:3]]
    alone = predict_films(paths, dot_model, options=PredictOptions(samples=2))
    monkeypatch.setattr(dot_model, "device", device)
    monkeypatch.setattr(dot_model._localizer, "device", device)
    together = predict_films(paths, dot_model, options=PredictOptions(samples=2))
    for found, other in zip(together.results, alone.results, strict=True):
        assert found.points_px == pytest.approx(other.points_px, abs=1e-4)
