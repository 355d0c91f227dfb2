from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import made_errors as made
from cephsure.errors import BundleError, InputError
from cephsure.inference.samples import HeatMaps
from cephsure.uncertainty.calibration.calibration import (
    GRID_LEVELS,
    Bounds,
    Drawn,
    LandmarkCalibration,
    calibrated,
    expected_errors_mm,
    film_errors,
    moved,
    read_calibration,
    reader_info,
    scatter_mm2,
)
from cephsure.uncertainty.prediction import FilmInfo, LandmarkPrediction, Measures, ModelInfo, Prediction
from cephsure.uncertainty.readers.habit import Habit
from cephsure.uncertainty.readers.reader import Reader, ReaderLandmark, plain_mean, unknown_reader

ABOUT = {"model": "m", "model_sha256": "a" * 64}


@pytest.fixture
def path(tmp_path):
    """A calibration's file."""
    path = tmp_path / "calibration.json"
    path.write_text(made.calibration().to_json(), encoding="utf-8")
    return path


def test_reads_back_to_the_last_digit(path):
    assert read_calibration(path) == made.calibration()
    assert read_calibration(path, numbers=(1, 2, 3, 4)) == made.calibration()


@pytest.mark.parametrize("part", ["scatter", "readers", "annotators"])
def test_other_landmarks_are_refused_in_every_part(path, part):
    data = json.loads(path.read_text())
    places = {"scatter": data["scatter"]["mean"], "readers": data["readers"]["landmarks"]}
    places["annotators"] = data["annotators"][1]["landmarks"]
    places[part].pop()
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BundleError, match="other landmarks") as caught:
        read_calibration(path, numbers=(1, 2, 3, 4))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda data: data.update(format="cephsure.calibration/9"),
            "version 'cephsure.calibration/9' is unknown",
        ),
        (lambda data: data.update(format="cephsure.calibration/1"), "calibrate the bundle anew"),
        (lambda data: data.pop("bounds"), "bounds: Field required"),
        (lambda data: data["scatter"]["one"][0].update(temperature="x"), r"scatter.one\[1\].temperature"),
        (lambda data: data.update(more=1), "more: Extra inputs"),
    ],
)
def test_a_damaged_file_is_refused_by_name(path, change, complaint):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BundleError, match=complaint) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_what_is_none_is_refused(path, text):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BundleError):
        read_calibration(path)


def test_bounds_are_those_of_the_levels_and_between_them_on_the_line():
    bounds = Bounds(contents=(tuple(level**2 for level in GRID_LEVELS),))
    assert bounds.at(0.9, 3).tolist() == [0.9**2] * 3
    assert bounds.at(0.65, 1) == pytest.approx([(0.6**2 + 0.7**2) / 2])
    assert bounds.at(0.01, 1).tolist() == [GRID_LEVELS[0] ** 2]  # the smallest region that is known
    assert bounds.at(0.99, 1).tolist() == [0.99**2]
    assert bounds.at(0.995, 4).tolist() == [1.0] * 4  # above the levels it is all of the film


def test_towards_all_of_the_film_there_is_no_line():
    """With too few films for 95 % the region at 93 %, between 92.5 and 95, is all of the film, too."""
    own = [min(level, 0.94) for level in GRID_LEVELS]
    few = [1.0 if level >= 0.95 else level for level in GRID_LEVELS]
    bounds = Bounds(contents=(tuple(own), tuple(few)))
    assert bounds.at(0.93, 2).tolist() == [pytest.approx(0.928, abs=2e-3), 1.0]
    assert bounds.at(0.925, 2).tolist() == [0.925, 0.925]
    assert bounds.at(0.95, 2).tolist() == [0.94, 1.0]


@given(st.lists(st.floats(0, 1), min_size=16, max_size=16), st.floats(0.001, 0.998), st.floats(0.001, 0.998))
def test_a_higher_level_never_has_a_smaller_region(contents, one, other):
    bounds = Bounds(contents=(tuple(sorted(contents)),))
    low, high = (bounds.at(level, 1)[0] for level in sorted((one, other)))
    assert low <= high + 1e-12


def parameters(number, intercept, **slopes):
    return LandmarkCalibration(
        number=number,
        films=10,
        log_intercept=intercept,
        slopes=slopes,
        relative_covariance=((1.0, 0.0), (0.0, 1.0)),
    )


def test_expected_errors_by_hand():
    landmarks = [
        parameters(1, 0.0, spread_mm=1.0),
        parameters(2, np.log(2.0), spread_mm=0.5, raw_expected_error_mm=1.0),
    ]
    measures = {"spread_mm": np.array([[3.0, 4.0]]), "raw_expected_error_mm": np.array([[9.0, 5.0]])}
    # exp(0) 3 = 3, and 2 x sqrt(4) x 5 = 20.
    assert expected_errors_mm(landmarks, measures) == pytest.approx(np.array([[3.0, 20.0]]))


def test_a_measure_of_zero_is_no_certainty_and_an_unknown_one_no_number():
    landmarks = [parameters(1, 0.0, spread_mm=1.0)]
    assert expected_errors_mm(landmarks, {"spread_mm": np.array([0.0])}) == pytest.approx([0.01])
    assert np.isnan(expected_errors_mm(landmarks, {"spread_mm": np.array([np.nan])})).all()


def test_without_measures_it_is_the_intercept():
    assert expected_errors_mm([parameters(1, np.log(1.5))], {}) == pytest.approx([1.5])


def reader_of(*means, kind="site", films=10, **about):
    """A reader of whom everything is known: (w, bx, by) at each landmark."""
    nothing = (0.0, 0.0, 0.0)
    landmarks = tuple(
        ReaderLandmark(number=number, mean=mean, covariance=(nothing,) * 3)
        for number, mean in enumerate(means, start=1)
    )
    return Reader(name="here", kind=kind, films=films, landmarks=landmarks, **ABOUT, **about)


LANDMARK = LandmarkCalibration(
    number=1,
    films=10,
    log_intercept=np.log(2.0),
    slopes={},
    relative_covariance=((1.0, 0.25), (0.25, 0.5)),
)
MARKS_PX = np.array([[[30.0, 60.0]], [[70.0, 50.0]]])
KNOWN = Habit(np.array([[0.5, 0.3, -0.1]]), np.zeros((1, 3, 3)), np.array([4.0]))


def errors_of(habit, *, left=False, maps=None):
    scale = np.array([-0.1 if left else 0.1, 0.2])
    return film_errors([LANDMARK], Drawn({}, MARKS_PX.mean(axis=0), MARKS_PX, scale, maps), habit)


def test_film_errors_of_a_known_reader_by_hand():
    film = errors_of(KNOWN)
    # Half the line is (20, -5) px; 0.3 mm are 3 px, -0.1 mm half a px.
    assert film.points_px[0] == pytest.approx([50 + 10 + 3, 55 - 2.5 - 0.5])
    assert film.expected_mm == pytest.approx([4.0])
    assert film.covariances_mm2[0] == pytest.approx(np.array([[16.0, 4.0], [4.0, 8.0]]))
    assert film.second_moments_mm2 == pytest.approx(film.covariances_mm2)
    assert scatter_mm2([LANDMARK], {})[0] == pytest.approx(film.covariances_mm2[0] / 4)


def test_on_a_film_that_faces_left_offsets_and_moments_are_turned():
    film = errors_of(KNOWN, left=True)
    assert film.points_px[0] == pytest.approx([50 + 10 - 3, 55 - 2.5 - 0.5])
    assert film.second_moments_mm2[0] == pytest.approx(np.array([[16.0, -4.0], [-4.0, 8.0]]))


def test_what_is_not_known_of_the_reader_is_added():
    doubtful = replace(KNOWN, covariance=np.diag([0.25, 0.0, 0.0])[None])
    film, known = errors_of(doubtful), errors_of(KNOWN)
    # Half the line is (2, -1) mm: half a standard deviation of w makes (1, -1/2) mm.
    added = np.array([[1.0, -0.5], [-0.5, 0.25]])
    assert film.covariances_mm2[0] - known.covariances_mm2[0] == pytest.approx(added)
    assert film.expected_mm == pytest.approx([np.hypot(4.0, np.sqrt(1.25 * 2 / np.pi))])
    assert (film.points_px == known.points_px).all()


def maps_at(*shapes, side=61):
    """Maps of Gaussians (variances along x and y in px^2) about the two marks, cells of a px."""
    axis = np.arange(side) - (side - 1) / 2
    images = [np.exp(-0.5 * (axis**2 / x + axis[:, None] ** 2 / y)) for x, y in shapes]
    return tuple(
        HeatMaps((image / image.sum())[None].astype(np.float32), mark - (side - 1) / 2, np.eye(2))
        for image, mark in zip(images, MARKS_PX, strict=True)
    )


def moments(density):
    maps = density.maps
    image = maps.probabilities[0].astype(np.float64)
    rows, columns = np.indices(image.shape)
    places = maps.origins_px[0] + np.stack([columns, rows], axis=-1) @ maps.cell_px.T
    mean = (image[..., None] * places).sum(axis=(0, 1)) / image.sum()
    away = places - mean
    return mean, np.einsum("hw,hwi,hwj->ij", image, away, away) / image.sum()


@pytest.mark.parametrize(("w", "variances"), [(-1.0, (9.0, 4.0)), (1.0, (4.0, 16.0)), (3.0, (4.0, 16.0))])
def test_the_density_is_the_nearer_annotators_map_at_the_readers_point(w, variances):
    """At the landmark's temperature times the reader's own scatter factor, which scales variances."""
    habit = replace(KNOWN, mean=np.array([[w, 0.0, 0.0]]), spread=np.array([1.5]))
    film = errors_of(habit, maps=maps_at((9.0, 4.0), (4.0, 16.0)))
    mean, covariance = moments(film.density)
    assert mean == pytest.approx(film.points_px[0], abs=1e-3)
    assert np.diag(covariance) == pytest.approx(1.5 * np.array(variances), rel=1e-3)


def test_between_the_annotators_both_maps_count_and_what_is_not_known_blurs_them():
    doubtful = replace(KNOWN, spread=np.ones(1), covariance=np.diag([0.01, 0.09, 0.16])[None])
    film = errors_of(doubtful, maps=maps_at((9.0, 4.0), (4.0, 16.0)))
    mean, covariance = moments(film.density)
    assert film.density.maps.probabilities.sum() == pytest.approx(1.0, abs=1e-4)
    assert mean == pytest.approx(film.points_px[0], abs=1e-3)
    # w = 1/2: a quarter of the first, three quarters of the second; then 0.1 (20, -5) px, 3 px and 2 px.
    own = 0.25 * np.array([9.0, 4.0]) + 0.75 * np.array([4.0, 16.0])
    assert np.diag(covariance) == pytest.approx(own + np.array([4 + 9, 0.25 + 4]), rel=0.01)
    assert covariance[0, 1] == pytest.approx(-1.0, rel=0.01)


def test_one_annotators_map_is_taken_as_it_is():
    maps = maps_at((9.0, 4.0), (4.0, 16.0))[:1]
    drawn = Drawn({}, MARKS_PX[0], MARKS_PX[:1], np.array([0.1, 0.2]), maps)
    film = film_errors([LANDMARK], drawn, replace(KNOWN, spread=np.ones(1)))
    assert film.points_px[0] == pytest.approx([33.0, 59.5])  # no line: the offset alone
    mean, covariance = moments(film.density)
    assert mean == pytest.approx(film.points_px[0], abs=1e-3)
    assert np.diag(covariance) == pytest.approx([9.0, 4.0], rel=1e-3)


@pytest.fixture(scope="module")
def data():
    return made.draw(np.random.default_rng(9), 4, two=True, left=True, with_maps=True, side=25)


def prediction_of(data, index, *, scale=(0.1, 0.1)):
    """The data's film as a prediction."""
    marks = []
    for place, number in enumerate(data.numbers):
        values = {key: float(values[index, place]) for key, values in data.measures.items()}
        x, y = data.points_px[index, place].tolist()
        marks.append(
            LandmarkPrediction(
                number=number,
                code=f"L{number}",
                name="point",
                x_px=x,
                y_px=y,
                x_mm=None,
                y_mm=None,
                measures=Measures(
                    **values,
                    spread_px=values["spread_mm"] * 10,
                    raw_expected_error_px=values["raw_expected_error_mm"] * 10,
                ),
                samples_px=((x - 1.0, y), (x + 1.0, y)),
            )
        )
    film = FilmInfo(
        path=None,
        width_px=2000,
        height_px=2000,
        mm_per_px=scale,
        spacing_source="user",
        facing="left" if data.upright_mm_per_px[index, 0] < 0 else "right",
        facing_source="found",
        polarity="positive",
        polarity_source="found",
    )
    model = ModelInfo(name="m", kind="ensemble", recipe="default", samples=2, seed=0, sha256="a" * 64)
    return Prediction(film=film, model=model, landmarks=tuple(marks))


def samples_marks(data, index):
    """(2, 2, L, 2) marks of two samples, a px to either side of the mean's."""
    return data.marks_px[index] + np.array([(-1.0, 0.0), (1.0, 0.0)])[:, None, None]


@pytest.mark.parametrize("index", [0, 1])
def test_points_and_samples_are_moved_along_the_line_and_by_the_offset(data, index):
    """Film 0 faces left: half the line runs the other way across it, and so does the offset."""
    before, side = prediction_of(data, index), np.sign(data.upright_mm_per_px[index])
    reader = reader_of(*([(0.5, 0.2, 0.4)] * 4))
    after = moved(before, samples_marks(data, index), reader)
    half = (data.marks_px[index, 1] - data.marks_px[index, 0]) / 2
    assert after.points_px == pytest.approx(data.points_px[index] + 0.5 * half + side * (2.0, 4.0))
    for mark, (x, y) in zip(after.landmarks, after.points_px, strict=True):
        assert np.array(mark.samples_px) == pytest.approx(np.array([[x - 1, y], [x + 1, y]]))
        assert (mark.x_mm, mark.y_mm) == pytest.approx((0.1 * x, 0.1 * y))
    assert [mark.measures for mark in after.landmarks] == [mark.measures for mark in before.landmarks]
    assert after.reader == reader_info(reader)
    assert (after.reader.for_whom, after.reader.films) == ("site here, 10 films", 10)


def test_without_a_scale_points_move_along_the_line_and_offsets_in_mm_are_refused(data):
    prediction, marks = prediction_of(data, 1, scale=None), samples_marks(data, 1)
    found = calibrated(prediction, marks, made.calibration(), reader_of(*([(1.0, 0.0, 0.0)] * 4)))
    assert found.points_px == pytest.approx(data.marks_px[1, 1])
    assert {(mark.x_mm, mark.expected_error_mm, mark.region) for mark in found.landmarks} == {(None,) * 3}
    with pytest.raises(InputError, match="the offsets of here are in mm"):
        calibrated(prediction, marks, made.calibration(), reader_of(*([(1.0, 0.1, 0.0)] * 4)))


@pytest.mark.parametrize("kind", ["hdr", "ellipse", "disc"])
def test_every_landmark_gains_error_covariance_and_region(data, kind):
    calibration = made.calibration(with_maps=True)
    reader = unknown_reader(calibration.readers, **ABOUT)
    prediction, marks = prediction_of(data, 0), samples_marks(data, 0)
    found = calibrated(prediction, marks, calibration, reader, maps=data.maps[0], level=0.8, kind=kind)
    for mark in found.landmarks:
        assert (np.linalg.eigvalsh(mark.error_covariance_mm2) > 0).all()
        # A Rayleigh-like error: its second moment is about 4 / pi of the squared mean, or pi / 2 on a line.
        moment = np.trace(mark.error_covariance_mm2) / mark.expected_error_mm**2
        assert 1.0 < moment < 1.8
        assert (mark.region.level, mark.region.kind, mark.region.whole_film) == (0.8, kind, False)
        assert mark.region.area_mm2 > 0
        assert (mark.region.outlines_px is None) == (kind != "hdr")
    assert Prediction.model_validate(found.model_dump()) == found


def test_who_is_known_has_smaller_errors_and_regions(data):
    calibration, prediction, marks = made.calibration(), prediction_of(data, 1), samples_marks(data, 1)
    own = calibration.annotators[0]
    readers = {
        "unknown": unknown_reader(calibration.readers, **ABOUT),
        "senior": Reader(name=own.name, kind="annotator", landmarks=own.landmarks, **ABOUT),
        "mean": plain_mean((1, 2, 3, 4), name="both", **ABOUT),
    }
    found = {name: calibrated(prediction, marks, calibration, own) for name, own in readers.items()}
    sizes = {name: sum(mark.region.area_mm2 for mark in own.landmarks) for name, own in found.items()}
    assert sizes["mean"] < sizes["senior"] < 0.8 * sizes["unknown"]
    errors = {name: sum(mark.expected_error_mm for mark in own.landmarks) for name, own in found.items()}
    assert errors["mean"] < errors["senior"] < errors["unknown"]


def test_regions_are_bounded_as_rehearsed_for_readers_who_are_known_as_well(data):
    calibration, prediction, marks = made.calibration(), prediction_of(data, 1), samples_marks(data, 1)
    cases = {"known": 0.2, "known mean": 0.3, "0": 0.4, "10": 0.5}
    bounds = {case: {"disc": Bounds(contents=((content,) * 16,))} for case, content in cases.items()}
    calibration = calibration.model_copy(update={"bounds": bounds, "default": "disc"})
    where = [(0.0, 0.0, 0.0)] * 4
    readers = {
        "known": reader_of(*where, kind="annotator", films=0),
        "known mean": plain_mean((1, 2, 3, 4), name="both", **ABOUT),
        "0": reader_of(*where, films=9),
        "10": reader_of(*where, films=29),
    }
    for case, reader in readers.items():
        mark = calibrated(prediction, marks, calibration, reader).landmarks[1]
        area = -4 * mark.expected_error_mm**2 * np.log1p(-cases[case])
        assert mark.region.area_mm2 == pytest.approx(area)


def test_a_level_above_those_stored_gives_all_of_the_film(data):
    calibration, prediction, marks = made.calibration(), prediction_of(data, 1), samples_marks(data, 1)
    reader = unknown_reader(calibration.readers, **ABOUT)
    for mark in calibrated(prediction, marks, calibration, reader, level=0.995).landmarks:
        assert mark.region.whole_film
        assert (mark.region.centre_px, mark.region.half_axes_px, mark.region.area_mm2) == (None, None, None)
        assert mark.expected_error_mm is not None


def test_what_cannot_be_given_is_refused(data):
    calibration, prediction, marks = made.calibration(), prediction_of(data, 1), samples_marks(data, 1)
    reader = unknown_reader(calibration.readers, **ABOUT)
    with pytest.raises(InputError, match="between 0 and 1, not 95"):
        calibrated(prediction, marks, calibration, reader, level=95)
    with pytest.raises(InputError, match="no regions of the kind 'hdr'") as caught:
        calibrated(prediction, marks, calibration, reader, kind="hdr")
    assert "ellipse, disc" in str(caught.value)
    with pytest.raises(InputError, match="reader here is of other landmarks"):
        calibrated(prediction, marks, calibration, reader_of((0.0, 0.0, 0.0)))
