from __future__ import annotations

import io

import pytest

from cephsure.cli import terminal
from cephsure.cli.tables import NO_SCALE, doubt_marks, print_film, print_summary
from cephsure.uncertainty.prediction import ReaderInfo, Region


@pytest.fixture
def console():
    own = terminal.stdout_console.__wrapped__()
    own.file, own.width = io.StringIO(), 100
    return own


def shown(console):
    return console.file.getvalue()


def test_marks_in_mm_are_absolute(make_prediction):
    assert doubt_marks(make_prediction(errors=(1.99, 2.0, 4.0))) == ["", "?", "??"]


def test_marks_without_scale_are_shares_of_the_films_height(make_prediction):
    # The film is 1000 px high: 0.8 % are 8 px, 1.6 % are 16 px; errors are given in tens of px.
    assert doubt_marks(make_prediction(mm_per_px=None, errors=(0.79, 0.8, 1.6))) == ["", "?", "??"]


def test_film_with_scale_shows_mm_and_px(console, make_prediction):
    print_film(console, make_prediction(errors=(0.51, 1.0, 4.25)))
    text = shown(console)
    assert "0.1 mm/px (user)" in text
    assert "facing left (found)" in text
    row = next(line for line in text.splitlines() if "Orbitale" in line)
    # number, code, name, x and y in px, in mm, expected error and spread in mm, activation, entropy, mark
    assert " ".join(row.split()) == "3 [Or] Orbitale [left] 300.8 601.5 30.1 60.2 4.25 0.30 0.5 2.00 ??"
    assert NO_SCALE not in text


def test_film_without_scale_says_so_and_shows_no_mm(console, make_prediction):
    print_film(console, make_prediction(mm_per_px=None))
    text = shown(console)
    assert NO_SCALE in text
    assert "scale unknown" in text
    assert "mm\n" not in text.replace("--mm-per-px", "")


def test_one_sample_has_no_spread(console, make_prediction):
    print_film(console, make_prediction(samples=1))
    row = next(line for line in shown(console).splitlines() if "Sella" in line).split()
    assert row[-3] == "-"


def test_every_line_fits_a_hundred_columns_whole(console, make_prediction):
    print_film(console, make_prediction(notes=("the resolution tag is not a calibration: ignored",)))
    text = shown(console)
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text
    assert "note: the resolution tag is not a calibration: ignored" in text


@pytest.mark.parametrize("width", [80, 60])
def test_a_narrow_terminal_shows_fewer_columns_and_cuts_none(console, make_prediction, width):
    console.width = width
    film = judged(make_prediction(), "fit", (), ("accept", "review", "accept"))
    print_film(console, film)
    text = shown(console)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert "no room for: activation" in text
    row = next(line for line in text.splitlines() if "[Or]" in line).split()
    assert (row[0], row[-1]) == ("3", "accept")


def test_a_narrow_terminal_keeps_the_names_of_films(console, make_prediction):
    console.width = 80
    print_summary(console, [judged(make_prediction(), "fit", (), ("accept",) * 3)] * 4)
    rows = [line.split() for line in shown(console).splitlines() if "films/001.png" in line]
    assert [row[0] for row in rows] == ["films/001.png"] * 4
    assert {row[-4] for row in rows} == {"fit"}
    assert "no room for: facing" in shown(console)


def test_an_unfit_film_promises_nothing(console, make_prediction):
    shape = Region(level=0.9, kind="disc", centre_px=(1, 1), half_axes_px=((2, 0), (0, 2)), area_mm2=12.34)
    film = judged(make_prediction(), "unfit", ("image blurred",), ("review",) * 3)
    marks = tuple(mark.model_copy(update={"region": shape}) for mark in film.landmarks)
    print_film(console, film.model_copy(update={"landmarks": marks}))
    assert "no promise: on an unfit film" in shown(console)
    assert "each region holds" not in shown(console)


def test_summary_names_the_worst_landmark_and_counts_the_doubtful(console, make_prediction):
    films = [
        make_prediction(path="a[1].png", errors=(0.5, 1.0, 2.5)),
        make_prediction(path="b.png", mm_per_px=None, notes=("resolution tag ignored",)),
    ]
    print_summary(console, films)
    text = shown(console)
    first = next(line for line in text.splitlines() if "a[1].png" in line)
    assert " ".join(first.split()) == "a[1].png 0.1 left positive 1.00 mm [Or] 2.50 mm 1 of 3"
    assert f"1 of 2 films: {NO_SCALE}" in text
    assert "note (1 of 2 films): resolution tag ignored" in text


def judged(prediction, verdict, reasons, marks):
    landmarks = [
        mark.model_copy(update={"verdict": said})
        for mark, said in zip(prediction.landmarks, marks, strict=True)
    ]
    return prediction.model_copy(
        update={"verdict": verdict, "reasons": reasons, "landmarks": tuple(landmarks)}
    )


def test_a_gates_verdicts_are_shown_with_their_reasons(console, make_prediction):
    some = judged(make_prediction(), "fit", (), ("accept", "review", "accept"))
    print_film(console, some)
    text = shown(console)
    assert "verdict: fit: 2 of 3 points accepted" in text
    assert next(line for line in text.splitlines() if "Nasion" in line).split()[-1] == "review"


def test_a_film_that_is_not_fit_says_why(console, make_prediction):
    none = judged(make_prediction(), "unfit", ("image blurred", "head probably rotated"), ("review",) * 3)
    print_film(console, none)
    assert "verdict: unfit for automatic evaluation: image blurred; head probably rotated" in shown(console)


def test_the_summary_has_verdicts_and_reasons(console, make_prediction):
    plain = make_prediction(path="a.png")
    blurred = judged(make_prediction(path="b.png"), "review", ("image blurred",), ("review",) * 3)
    print_summary(console, [plain, blurred])
    text = shown(console)
    assert "0 of 3" in text
    assert "b.png: verdict: review: image blurred" in text


def test_without_a_gate_there_is_no_verdict(console, make_prediction):
    print_film(console, make_prediction())
    print_summary(console, [make_prediction()])
    assert "verdict" not in shown(console)


def test_a_calibrated_film_shows_calibrated_errors_and_its_regions(console, make_prediction):
    prediction = make_prediction(errors=(0.5, 1.0, 1.5))
    shapes = (
        Region(level=0.95, kind="disc", centre_px=(1, 1), half_axes_px=((2, 0), (0, 2)), area_mm2=12.34),
        Region(level=0.95, kind="disc", whole_film=True),
        None,
    )
    marks = tuple(
        mark.model_copy(update={"expected_error_mm": 2.25, "region": shape})
        for mark, shape in zip(prediction.landmarks, shapes, strict=True)
    )
    reader = ReaderInfo(name="a", kind="annotator", films=0, truth_of="one", for_whom="as a marks")
    calibrated = prediction.model_copy(update={"landmarks": marks, "reader": reader})
    assert doubt_marks(calibrated) == ["?", "?", "?"]
    print_film(console, calibrated)
    assert {"95", "region", "mm²"} <= set(shown(console).split())
    for said in ("2.25", "12.3", " all ", "with 95 % probability; for whom: as a marks"):
        assert said in shown(console)
    print_film(console, calibrated.model_copy(update={"reader": None}))
    assert "each region holds the point with 95 % probability\n" in shown(console)
