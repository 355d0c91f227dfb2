from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from cephsure.cli import terminal
from cephsure.errors import BundleError, InputError
from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Measures, ModelInfo, Prediction


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def lines(self):
        """What was said on standard error, without the banner and the device."""
        return [line for line in self.err.splitlines() if line not in (terminal.BANNER, "device: cpu")]


@pytest.fixture
def cephsure(monkeypatch, capsys):
    """Run the command line in this process, as its entry point does."""
    from cephsure.cli.app import main

    monkeypatch.delenv("COLUMNS", raising=False)  # which those who run the tests may have set

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["cephsure", *map(str, arguments)])
        monkeypatch.setattr(terminal, "settings", terminal.Settings())
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Outcome(end.value.code or 0, captured.out, captured.err)

    return run


@pytest.fixture
def make_prediction():
    """Three landmarks with the expected errors given, in mm (in tens of px where there is no scale)."""

    def make(
        *,
        path="films/001.png",
        size_px=(800, 1000),
        mm_per_px=(0.1, 0.1),
        errors=(0.5, 1.0, 1.5),
        samples=15,
        notes=(),
    ):
        def mm(value_px):
            return None if mm_per_px is None else value_px * mm_per_px[0]

        landmarks = tuple(
            LandmarkPrediction(
                number=number,
                code=code,
                name=name,
                x_px=100.25 * number,
                y_px=200.5 * number,
                x_mm=mm(100.25 * number),
                y_mm=mm(200.5 * number),
                measures=Measures(
                    activation=0.5,
                    spread_px=3.0,
                    spread_mm=mm(3.0),
                    raw_expected_error_px=10 * error,
                    raw_expected_error_mm=mm(10 * error),
                    entropy=2.0,
                ),
                samples_px=((100.25 * number, 200.5 * number),) * samples,
            )
            for number, (code, name, error) in enumerate(
                zip(("S", "N", "[Or]"), ("Sella", "Nasion", "Orbitale [left]"), errors, strict=True), start=1
            )
        )
        film = FilmInfo(
            path=None if path is None else str(path),
            width_px=size_px[0],
            height_px=size_px[1],
            mm_per_px=mm_per_px,
            spacing_source="none" if mm_per_px is None else "user",
            facing="left",
            facing_source="found",
            polarity="positive",
            polarity_source="given",
            notes=notes,
        )
        model = ModelInfo(
            name="fake",
            kind="baseline" if samples == 1 else "ensemble",
            recipe="default",
            samples=samples,
            seed=0,
            sha256="0" * 64,
        )
        return Prediction(film=film, model=model, landmarks=landmarks)

    return make


@pytest.fixture
def fake_model(monkeypatch, make_prediction):
    """Stand in for `cephsure.model`: predicts at once, fails on a film called boom. Gives the calls made."""
    calls = []

    class FakeModel:
        device, calibration, gate = "cpu", None, None

        def thorough(self):
            calls.append("thorough")
            return self

        def predict(self, film, **options):
            calls.append((film, options))
            if options["samples"] == 99:
                raise InputError("fake gives 1 to 15 samples a film, not 99")
            stem = None if film.path is None else film.path.stem
            if stem == "stop":
                raise KeyboardInterrupt
            if stem == "boom":
                raise ZeroDivisionError("nothing to divide by")
            scale = film.spacing and (film.spacing.x_mm_per_px, film.spacing.y_mm_per_px)
            size_px = (film.width_px, film.height_px)
            return make_prediction(path=film.path, size_px=size_px, mm_per_px=scale, notes=film.notes)

    def load_model(name, *, device):
        assert device == "cpu"
        calls.append(name)
        if name == "broken":
            raise BundleError("checksum of member_00.onnx is wrong", where=name, remedy="fetch it again")
        return FakeModel()

    module = ModuleType("cephsure.model")
    module.load_model = load_model
    monkeypatch.setitem(sys.modules, "cephsure.model", module)
    return calls


@pytest.fixture
def write_film(tmp_path):
    """Write a small grey PNG and give its path."""

    def write(name="film.png", folder=tmp_path):
        folder.mkdir(parents=True, exist_ok=True)
        ramp = np.add.outer(np.arange(80), np.arange(64)).astype(np.uint8)
        Image.fromarray(ramp).save(folder / name, format="PNG")
        return folder / name

    return write
