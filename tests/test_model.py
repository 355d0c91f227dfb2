from __future__ import annotations

import io
import json
import multiprocessing
import pickle
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cephsure
from cephsure import films
from cephsure.errors import BundleError, FilmError, InputError
from cephsure.films import Film, Spacing, SpacingSource
from cephsure.inference import session
from cephsure.model import Model, load_model, shipped_models

MODELS = [
    ("default", "baseline", 1),
    ("default", "ensemble", 3),
    ("default", "mc-dropout", 1),
    ("paper", "baseline", 1),
    ("paper", "mc-dropout", 1),
]


@pytest.fixture(scope="module")
def models(dot_bundles):
    loaded = {}

    def load(*which):
        if which not in loaded:
            loaded[which] = load_model(dot_bundles(*which))
        return loaded[which]

    return load


@pytest.fixture(scope="module")
def drawn(dots):
    return dots.draw_dots(np.random.default_rng(5))


@pytest.fixture
def png(drawn, tmp_path):
    path = tmp_path / "film.png"
    Image.fromarray(np.round(drawn.pixels * 255).astype(np.uint8)).save(path)
    return path


def points(prediction):
    return np.array([[landmark.x_px, landmark.y_px] for landmark in prediction.landmarks])


def summaries(prediction):
    return np.array(
        [[m.activation, m.spread_px, m.raw_expected_error_px, m.entropy] for m in measures(prediction)]
    )


def measures(prediction):
    return [landmark.measures for landmark in prediction.landmarks]


@pytest.mark.parametrize("which", MODELS, ids=lambda which: f"{which[0]}-{which[1]}")
def test_a_prediction_of_a_film_in_memory(dots, models, drawn, which):
    recipe, kind, members = which
    model = models(*which)
    samples = 6 if kind == "mc-dropout" else members
    assert (model.kind, model.default_samples, model.landmark_set.codes) == (kind, samples, dots.CODES)
    # Every second row: pixels twice as high as wide.
    flat = Film(np.ascontiguousarray(drawn.pixels[::2]), Spacing(0.2, 0.4, SpacingSource.USER))
    prediction = model.predict(flat)
    expected = drawn.points * (1.0, 0.5)
    np.testing.assert_allclose(points(prediction), expected, atol=1 if recipe == "default" else 8)
    film, info = prediction.film, prediction.model
    assert (film.path, film.width_px, film.height_px) == (None, 400, 240)
    assert (film.mm_per_px, film.spacing_source) == ((0.2, 0.4), "user")
    source = "found" if recipe == "default" else "assumed"
    assert (film.facing, film.facing_source) == ("right", source)
    assert (film.polarity, film.polarity_source) == ("positive", source)
    assert (info.name, info.kind, info.recipe) == (f"dots-{recipe}-{kind}", kind, recipe)
    assert (info.samples, info.seed, info.sha256) == (samples, 0, model.bundle.sha256)
    for landmark in prediction.landmarks:
        assert (landmark.x_mm, landmark.y_mm) == pytest.approx((0.2 * landmark.x_px, 0.4 * landmark.y_px))
        assert len(landmark.samples_px) == samples
        assert np.mean(landmark.samples_px, axis=0) == pytest.approx((landmark.x_px, landmark.y_px))
        assert (landmark.measures.spread_px > 0) == (kind != "baseline")


def test_a_film_a_path_and_a_name_are_the_same(models, png):
    model = models("default", "ensemble", 3)
    by_film = model.predict(films.read(png))
    assert by_film.film.path == str(png)
    assert by_film.film.mm_per_px is None
    assert measures(by_film)[0].spread_mm is None
    assert model.predict(png) == model.predict(str(png)) == by_film


def test_bytes_a_stream_and_an_array_are_the_same(models, png):
    model = models("default", "baseline")
    by_path = model.predict(png, mm_per_px=0.25)
    for source in (png.read_bytes(), io.BytesIO(png.read_bytes()), np.asarray(Image.open(png))):
        prediction = model.predict(source, mm_per_px=0.25)
        assert prediction.landmarks == by_path.landmarks
        assert prediction.film.path is None


def test_a_scale_given_with_a_film_goes_before_its_own(models, drawn):
    model = models("default", "baseline")
    film = Film(drawn.pixels, Spacing(0.2, 0.2, SpacingSource.CALIBRATED))
    prediction = model.predict(film, mm_per_px=0.25)
    assert (prediction.film.mm_per_px, prediction.film.spacing_source) == ((0.25, 0.25), "user")
    assert "the given 0.25 mm per pixel is used: the file states 0.2 x 0.2" in prediction.film.notes[-1]
    assert model.predict(film, mm_per_px=0.2).film.notes == ()
    with pytest.raises(InputError, match="not possible"):
        model.predict(film, mm_per_px=0)


@pytest.mark.parametrize("facing", ["right", "left"])
@pytest.mark.parametrize("across", [True, False], ids=["wide pixels", "high pixels"])
def test_the_networks_see_square_pixels(models, drawn, facing, across):
    model = models("default", "ensemble", 3)
    pixels = drawn.pixels if facing == "right" else drawn.pixels[:, ::-1]
    square = model.predict(
        Film(np.ascontiguousarray(pixels), Spacing(0.25, 0.25, SpacingSource.USER)), facing=facing
    )
    # The means of two columns, or rows.
    pairs = pixels.reshape(480, 200, 2) if across else pixels.reshape(240, 2, 400)
    half = np.ascontiguousarray(pairs.mean(axis=2 if across else 1, dtype=np.float32))
    spacing = Spacing(0.5, 0.25, SpacingSource.USER) if across else Spacing(0.25, 0.5, SpacingSource.USER)
    found = model.predict(Film(half, spacing), facing=facing)
    assert (found.film.width_px, found.film.height_px) == half.shape[::-1]
    # The first pixel's centre lies half a pixel further in.
    corner = np.array([0.25, 0.0] if across else [0.0, 0.25]) / 2
    in_mm = np.array([[mark.x_mm, mark.y_mm] for mark in found.landmarks]) + corner
    np.testing.assert_allclose(in_mm, [[m.x_mm, m.y_mm] for m in square.landmarks], atol=0.3)
    for mine, theirs in zip(measures(found), measures(square), strict=True):
        assert mine.raw_expected_error_mm == pytest.approx(theirs.raw_expected_error_mm, rel=0.15)
    raw = model.predict_raw(Film(half, spacing), facing=facing)
    middles = raw.maps[0].middles_px * (spacing.x_mm_per_px, spacing.y_mm_per_px)
    np.testing.assert_allclose(middles, in_mm - corner, atol=0.3)


def test_a_scale_is_given_to_a_file_that_has_none(models, png):
    prediction = models("default", "baseline").predict(png, mm_per_px=0.25)
    assert prediction.film.mm_per_px == (0.25, 0.25)
    assert prediction.film.spacing_source == "user"


@pytest.mark.parametrize("which", MODELS, ids=lambda which: f"{which[0]}-{which[1]}")
def test_a_mirrored_film_has_mirrored_points(models, drawn, which):
    model = models(*which)
    plain = model.predict(Film(drawn.pixels), facing="right", polarity="positive")
    mirrored = model.predict(Film(drawn.pixels[:, ::-1].copy()), facing="left", polarity="positive")
    np.testing.assert_allclose(points(mirrored) * [-1, 1] + [399, 0], points(plain), atol=1e-9)
    np.testing.assert_allclose(summaries(mirrored), summaries(plain), rtol=1e-9)
    assert (mirrored.film.facing, mirrored.film.facing_source) == ("left", "given")


@pytest.mark.parametrize("which", MODELS, ids=lambda which: f"{which[0]}-{which[1]}")
def test_an_inverted_film_has_the_same_points(models, drawn, which):
    model = models(*which)
    plain = model.predict(Film(drawn.pixels), facing="right", polarity="positive")
    inverted = model.predict(Film(1 - drawn.pixels), facing="right", polarity="negative")
    np.testing.assert_allclose(points(inverted), points(plain), atol=1e-3)
    np.testing.assert_allclose(summaries(inverted), summaries(plain), rtol=1e-3)
    assert (inverted.film.polarity, inverted.film.polarity_source) == ("negative", "given")


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("negative", [False, True])
def test_facing_and_polarity_are_found(models, drawn, left, negative):
    pixels = drawn.pixels[:, ::-1].copy() if left else drawn.pixels
    prediction = models("default", "baseline").predict(Film(1 - pixels if negative else pixels))
    assert prediction.film.facing == ("left" if left else "right")
    assert prediction.film.polarity == ("negative" if negative else "positive")
    assert (prediction.film.facing_source, prediction.film.polarity_source) == ("found", "found")
    expected = drawn.points * [-1, 1] + [399, 0] if left else drawn.points
    np.testing.assert_allclose(points(prediction), expected, atol=1)


@pytest.mark.parametrize("scale", [0.4, 2.2])
def test_points_are_in_the_given_films_own_pixels(dots, models, scale):
    drawn = dots.draw_dots(np.random.default_rng(9), scale=scale)
    prediction = models("default", "ensemble", 3).predict(Film(drawn.pixels))
    np.testing.assert_allclose(points(prediction), drawn.points, atol=scale)


def test_grey_values_may_be_stretched_and_shifted(models, drawn):
    model = models("default", "baseline")
    plain = model.predict(Film(drawn.pixels))
    faint = model.predict(Film((0.3 + 0.25 * drawn.pixels).astype(np.float32)))
    np.testing.assert_allclose(points(faint), points(plain), atol=1e-2)


def test_the_same_seed_gives_the_same_numbers(models, drawn):
    model = models("default", "mc-dropout")
    film = Film(drawn.pixels)
    one, again, other = (model.predict(film, seed=seed, samples=4) for seed in (1, 1, 2))
    assert one == again
    assert other.model.seed == 2
    assert (points(one) != points(other)).all()
    assert one.model.samples == 4


def test_the_parts_of_a_prediction(models, drawn):
    model = models("default", "ensemble", 3)
    film = Film(drawn.pixels[:, ::-1].copy())
    orientation = model.orientation(film)
    assert orientation.facing == "left"
    samples = model.sample(film, orientation, samples=2)
    assert samples.positions_px.shape == (2, 4, 2)
    prediction = model.predict(film, samples=2)
    np.testing.assert_allclose(points(prediction), samples.positions_px.mean(axis=0))
    # The coarse points are turned back as well.
    np.testing.assert_allclose(samples.coarse_positions_px.mean(axis=0), points(prediction), atol=5)


@pytest.mark.parametrize("size", [(3000, 100), (100, 3000), (64, 64)])
@pytest.mark.parametrize("which", MODELS, ids=lambda which: f"{which[0]}-{which[1]}")
def test_weird_films_do_not_break_it(models, which, size):
    noise = np.random.default_rng(0).uniform(size=size).astype(np.float32)
    prediction = models(*which).predict(Film(noise))
    assert len(prediction.landmarks) == 4
    assert np.isfinite(points(prediction)).all()


@pytest.mark.parametrize("samples", [0, -1, 4])
def test_more_samples_than_members_are_an_error(models, drawn, samples):
    with pytest.raises(InputError, match=f"dots-default-ensemble gives 1 to 3 samples a film, not {samples}"):
        models("default", "ensemble", 3).predict(Film(drawn.pixels), samples=samples)


def test_dropout_gives_as_many_samples_as_asked(models, drawn):
    model = models("default", "mc-dropout")
    assert model.predict(Film(drawn.pixels), samples=9).model.samples == 9
    with pytest.raises(InputError, match="gives 1 or more samples a film, not 0"):
        model.predict(Film(drawn.pixels), samples=0)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"seed": -1}, "a seed is 0 or more"),
        ({"facing": "up"}, "facing is"),
        ({"polarity": "x"}, "polarity is"),
    ],
)
def test_wrong_arguments_are_input_errors(models, drawn, wrong, complaint):
    with pytest.raises(InputError, match=complaint):
        models("default", "baseline").predict(Film(drawn.pixels), **wrong)


def test_a_file_that_is_no_film(models, tmp_path):
    with pytest.raises(FilmError, match="no such file"):
        models("default", "baseline").predict(tmp_path / "absent.png")


def test_many_films_are_predicted_as_they_are_asked_for(models, drawn, png):
    taken = []

    def queue():
        for item in (Film(drawn.pixels), png, "absent.png"):
            taken.append(item)
            yield item

    model = models("default", "mc-dropout")
    predictions = model.predict_many(queue(), samples=2, seed=3)
    assert taken == []
    first = next(predictions)
    assert len(taken) == 1
    assert first == model.predict(Film(drawn.pixels), samples=2, seed=3)
    assert next(predictions).film.path == str(png)
    with pytest.raises(FilmError):
        next(predictions)


def test_a_gpu_that_cannot_be_used_is_said_in_one_line(dot_bundles, monkeypatch):
    monkeypatch.setattr(session, "_torch_has_gpu", lambda: False)
    assert load_model(dot_bundles(), device="auto").device in {"cpu", "cuda"}
    if load_model(dot_bundles(), device="auto").device == "cpu":
        with pytest.raises(InputError, match=r"^no CUDA GPU can be used here \(--device cpu, or install"):
            load_model(dot_bundles(), device="cuda")


def test_many_films_go_through_the_networks_together(models, drawn):
    films = [Film(drawn.pixels), Film(np.ascontiguousarray(drawn.pixels[:, ::-1])), Film(drawn.pixels)]
    model = models("default", "mc-dropout")
    alone, together = (list(model.predict_many(films, samples=2, batch=batch)) for batch in (None, 2))
    assert [found.film.facing for found in together] == ["right", "left", "right"]
    assert together == alone


def test_an_unknown_model_is_one_clear_line():
    with pytest.raises(BundleError, match=r"^nonsense: not a model bundle \(give a shipped model's name"):
        load_model("nonsense")


def test_shipped_models_are_found_by_name_and_checked(dot_bundles, tmp_path, monkeypatch):
    monkeypatch.setattr("cephsure.model.files", lambda _: tmp_path)
    assert shipped_models() == {}
    place = tmp_path / "data" / "models"
    shutil.copytree(dot_bundles(), place / "dots")
    (place / "no-bundle").mkdir()
    assert shipped_models() == {"dots": place / "dots"}
    assert load_model("dots").bundle.folder == place / "dots"
    (place / "dots" / "MODEL_CARD.md").write_text("changed")
    with pytest.raises(BundleError, match="wrong checksum"):
        load_model("dots")


def test_the_package_hands_out_the_model():
    assert cephsure.load_model is load_model
    assert cephsure.Model is Model


@pytest.mark.parametrize("key", ["coarse_side", "layout", "dropout", "samples"])
def test_a_recipe_that_lacks_a_number_is_a_bundle_error(dots, dot_bundles, tmp_path, key):
    folder = shutil.copytree(dot_bundles("default", "mc-dropout"), tmp_path / "bundle")
    facts = json.loads((folder / "bundle.json").read_text())
    del facts["recipe"][key]
    (folder / "bundle.json").write_text(json.dumps(facts))
    dots.seal(folder)
    with pytest.raises(BundleError, match=r"bundle\.json: its recipe is incomplete or malformed"):
        load_model(folder)


def test_an_unknown_recipe_is_a_bundle_error(dots, dot_bundles, tmp_path):
    folder = shutil.copytree(dot_bundles("paper"), tmp_path / "bundle")
    facts = json.loads((folder / "bundle.json").read_text())
    facts["recipe"]["name"] = "soup"
    (folder / "bundle.json").write_text(json.dumps(facts))
    dots.seal(folder)
    with pytest.raises(BundleError, match=r"bundle\.json: recipe 'soup' is unknown \(update cephsure"):
        load_model(folder)


def test_a_bundle_coarse_to_fine_needs_a_mean_shape(dots, dot_bundles, tmp_path):
    folder = shutil.copytree(dot_bundles("default"), tmp_path / "bundle")
    facts = json.loads((folder / "bundle.json").read_text())
    del facts["mean_shape"]
    (folder / "bundle.json").write_text(json.dumps(facts))
    dots.seal(folder)
    with pytest.raises(BundleError, match="mean_shape: the default recipe needs 4 points"):
        load_model(folder)


def test_a_set_of_another_size_than_the_networks_is_a_bundle_error(dots, dot_bundles, drawn, tmp_path):
    folder = shutil.copytree(dot_bundles("paper"), tmp_path / "bundle")
    facts = json.loads((folder / "bundle.json").read_text())
    facts["landmark_set"]["landmarks"].pop()
    (folder / "bundle.json").write_text(json.dumps(facts))
    dots.seal(folder)
    with pytest.raises(BundleError, match="gives 4 landmarks, its set dots has 3"):
        load_model(folder).predict(Film(drawn.pixels))


@pytest.mark.slow
def test_predicting_a_raster_film_loads_no_heavy_package(dot_bundles, png):
    script = (
        "import sys; from cephsure import load_model; load_model(sys.argv[1]).predict(sys.argv[2]);"
        "print(*sorted({'scipy', 'pydicom', 'torch', 'onnx', 'rich', 'matplotlib'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, str(dot_bundles("default", "ensemble", 3)), str(png)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


@pytest.fixture(scope="module")
def calibrated_model(read_dots):
    """The dots' ensemble of four, which tells ann and bob apart, calibrated; with level sets."""
    return load_model(read_dots.calibrated)


@pytest.mark.slow
@pytest.mark.parametrize("region", ["hdr", "ellipse", "disc"])
def test_a_mirrored_film_has_mirrored_regions(calibrated_model, drawn, region):
    spacing = Spacing(0.5, 0.5, SpacingSource.USER)
    right = Film(pixels=drawn.pixels, spacing=spacing)
    left = Film(pixels=np.ascontiguousarray(drawn.pixels[:, ::-1]), spacing=spacing)
    width = right.width_px
    for one, other in zip(
        calibrated_model.predict(right, region=region).landmarks,
        calibrated_model.predict(left, region=region).landmarks,
        strict=True,
    ):
        assert other.x_px == pytest.approx(width - 1 - one.x_px, abs=1e-3)
        assert other.expected_error_mm == pytest.approx(one.expected_error_mm, rel=1e-4)
        (xx, xy), (_, yy) = one.error_covariance_mm2
        assert np.ravel(other.error_covariance_mm2) == pytest.approx([xx, -xy, -xy, yy], rel=1e-3)
        assert other.region.area_mm2 == pytest.approx(one.region.area_mm2, rel=0.02)
        middles = [_middle(mark.region) for mark in (one, other)]
        assert middles[1][0] == pytest.approx(width - 1 - middles[0][0], abs=0.5)
        assert middles[1][1] == pytest.approx(middles[0][1], abs=0.5)


def _middle(region):
    """The centre of a region, or of its first outline's corners' box."""
    if region.centre_px is not None:
        return region.centre_px
    corners = np.array(region.outlines_px[0])
    return (corners.min(axis=0) + corners.max(axis=0)) / 2


@pytest.mark.slow
def test_regions_change_no_measure_and_the_mean_of_the_annotators_no_point(
    calibrated_model, read_dots, drawn
):
    film = Film(pixels=drawn.pixels, spacing=Spacing(0.5, 0.5, SpacingSource.USER))
    plain = load_model(read_dots.bundle).predict(film)
    assert plain.reader is None
    for one, other in zip(
        calibrated_model.predict(film, reader="mean").landmarks, plain.landmarks, strict=True
    ):
        assert (one.x_px, one.y_px, one.measures) == (
            pytest.approx(other.x_px),
            pytest.approx(other.y_px),
            other.measures,
        )
        assert (other.region, other.expected_error_mm, other.error_covariance_mm2) == (None, None, None)


@pytest.mark.slow
def test_a_film_without_scale_has_no_millimetres(calibrated_model, drawn):
    for mark in calibrated_model.predict(Film(pixels=drawn.pixels)).landmarks:
        assert (mark.region, mark.expected_error_mm, mark.error_covariance_mm2) == (None, None, None)


@pytest.mark.slow
def test_what_is_not_promised_is_said(calibrated_model, models, drawn, scaled):
    said = {
        "the film's scale is unknown": calibrated_model.predict(Film(pixels=drawn.pixels)),
        "2 samples drawn, films are calibrated with 4": calibrated_model.predict(scaled, samples=2),
        "is not calibrated (see: cephsure calibrate)": models("default", "ensemble", 3).predict(scaled),
    }
    for why, found in said.items():
        assert found.no_promise.endswith(why)
        assert (found.for_whom, found.promise) == (None, f"no promise: {found.no_promise}")
    found = calibrated_model.predict(scaled, reader="mean")
    assert (found.verdict == "unfit") == (found.for_whom is None)


@pytest.mark.slow
def test_a_gate_judges_no_film_by_another_number_of_samples_than_it_learned_with(calibrated_model, scaled):
    learned_with = calibrated_model.gate.source.samples
    assert learned_with == calibrated_model.default_samples == 4
    for found in (calibrated_model.predict(scaled), calibrated_model.predict(scaled, samples=learned_with)):
        assert found.verdict is not None
        assert all(mark.verdict is not None for mark in found.landmarks)
    for count in (1, 3):
        found = calibrated_model.predict(scaled, samples=count)
        assert (found.verdict, found.p_value) == (None, None)
        assert all(mark.verdict is None for mark in found.landmarks)


@pytest.mark.slow
def test_what_a_model_cannot_give_is_refused(calibrated_model, models, drawn):
    film = Film(pixels=drawn.pixels)
    with pytest.raises(InputError, match="is not calibrated"):
        models("default", "ensemble", 3).predict(film, level=0.9)
    with pytest.raises(InputError, match="between 0 and 1"):
        calibrated_model.predict(film, level=90)
    with pytest.raises(InputError, match="no regions of the kind"):
        calibrated_model.predict(film, region="square")


@pytest.mark.slow
def test_a_model_can_be_had_without_its_calibration(calibrated_model, scaled):
    bare, model = calibrated_model.uncalibrated(), calibrated_model
    with_all, alone = model.predict(scaled, reader="mean"), bare.predict(scaled)
    assert (with_all.verdict is None, with_all.landmarks[0].region is None) == (False, False)
    assert (bare.calibration, bare.gate, alone.verdict, alone.reader) == (None, None, None, None)
    assert (alone.landmarks[0].region, alone.landmarks[0].error_covariance_mm2) == (None, None)
    assert points(with_all) == pytest.approx(points(alone))
    assert measures(with_all) == measures(alone)
    assert bare.networks_sha256 == model.networks_sha256 == model.calibration.fitted_on.model_sha256


def travelled(thing):
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own


@pytest.mark.slow
def test_a_model_travels_by_its_bundles_place(calibrated_model, drawn, tmp_path, monkeypatch):
    film = Film(drawn.pixels, Spacing(0.2, 0.4, SpacingSource.USER))
    alone = calibrated_model.only((1, 3))
    for model in (calibrated_model, calibrated_model.uncalibrated(), calibrated_model.thorough(), alone):
        sent = pickle.dumps(model)
        assert len(sent) < 1000  # no network among it
        monkeypatch.chdir(tmp_path)
        again = pickle.loads(sent)  # noqa: S301 - our own
        assert again.predict(film) == model.predict(film)
        assert (again.device, again.bundle.sha256) == (model.device, model.bundle.sha256)
        assert travelled(again).predict(film) == model.predict(film)


@pytest.mark.slow
def test_a_copy_of_a_model_loads_no_network_again(calibrated_model):
    for other in (calibrated_model.uncalibrated(), calibrated_model.thorough()):
        assert other._localizer is calibrated_model._localizer
    assert calibrated_model.calibration is not None


def test_a_model_whose_bundle_has_changed_does_not_arrive(dots, dot_bundles, tmp_path):
    folder = shutil.copytree(dot_bundles("paper"), tmp_path / "bundle")
    sent = pickle.dumps(load_model(folder))
    (folder / "MODEL_CARD.md").write_text("# Other dots\n")
    dots.seal(folder)
    with pytest.raises(BundleError, match="was changed since it was loaded"):
        pickle.loads(sent)  # noqa: S301 - our own


@pytest.mark.slow
def test_another_process_gives_the_same(calibrated_model, drawn):
    film = Film(drawn.pixels, Spacing(0.2, 0.4, SpacingSource.USER))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        assert executor.submit(calibrated_model.predict, film).result() == calibrated_model.predict(film)
        with pytest.raises(InputError) as caught:
            executor.submit(calibrated_model.predict, "no film.png").result()
    assert (caught.value.what, caught.value.where) == ("there is no such file", Path("no film.png"))


@pytest.mark.slow
def test_results_travel(calibrated_model, drawn):
    film = Film(drawn.pixels, Spacing(0.2, 0.4, SpacingSource.USER))
    raw = calibrated_model.predict_raw(film)
    again = travelled(raw)
    assert (again.prediction, len(raw.maps)) == (raw.prediction, 2)
    assert np.array_equal(again.marks_px, raw.marks_px)
    assert all(
        np.array_equal(one.probabilities, other.probabilities)
        for one, other in zip(again.maps, raw.maps, strict=True)
    )
    orientation = calibrated_model.orientation(film)
    samples = calibrated_model.sample(film, orientation)
    assert travelled(orientation) == orientation
    assert np.array_equal(travelled(samples).positions_px, samples.positions_px)
    assert travelled(calibrated_model.calibration) == calibrated_model.calibration


@pytest.mark.parametrize("name", ["default-ensemble", "default-mc-dropout"])
def test_a_prediction_keeps_the_films_features_in_memory_only(name, draw_head):
    model = load_model(name)
    film = Film(draw_head(np.random.default_rng(0))[0])
    found = model.predict(film, samples=1)
    np.testing.assert_allclose(found.features, model.features(film), rtol=1e-6)
    assert "features" not in found.model_dump()


@pytest.fixture
def scaled(drawn):
    return Film(drawn.pixels, Spacing(0.5, 0.5, SpacingSource.USER))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "kind", "for_whom"),
    [
        (None, "definition", "a reader not met before"),
        ("definition", "definition", "a reader not met before"),
        ("mean", "mean", "the mean of ann and bob"),
        ("bob", "annotator", "reader bob"),
    ],
)
def test_a_reader_is_asked_for_by_name(calibrated_model, scaled, *, asked, kind, for_whom):
    found = calibrated_model.predict(scaled, reader=asked)
    assert (found.reader.kind, found.reader.for_whom) == (kind, for_whom)
    assert found == calibrated_model.predict(scaled, reader=calibrated_model.reader(asked))
    assert next(calibrated_model.predict_many([scaled])).reader.kind == "definition"


@pytest.mark.slow
def test_a_reader_moves_points_along_the_line_between_the_annotators_marks(calibrated_model, dots, scaled):
    ann, bob, mean = (
        points(calibrated_model.predict(scaled, reader=name)) for name in ("ann", "bob", "mean")
    )
    assert calibrated_model.annotators == ("ann", "bob")
    marks = calibrated_model.marks_px(scaled)
    assert (marks[1] - marks[0]).mean(axis=0) == pytest.approx((0.0, dots.APART_PX), abs=0.5)
    assert mean == pytest.approx(marks.mean(axis=0))
    assert ann == pytest.approx(marks[0], abs=1.0)
    assert bob == pytest.approx(marks[1], abs=1.0)


@pytest.mark.slow
def test_a_readers_file_is_taken_and_one_of_another_bundle_refused(calibrated_model, scaled, tmp_path):
    file = tmp_path / "ann.json"
    ann = calibrated_model.reader("ann")
    file.write_text(ann.model_dump_json())
    assert calibrated_model.predict(scaled, reader=file) == calibrated_model.predict(scaled, reader=ann)
    other = ann.model_copy(update={"model_sha256": "0" * 64})
    with pytest.raises(InputError, match="was learned with another bundle than dots-default-ensemble"):
        calibrated_model.predict(scaled, reader=other)
    with pytest.raises(InputError, match="there is no reader 'eve'"):
        calibrated_model.predict(scaled, reader="eve")
    assert calibrated_model.reader(None, truth_of="mean").for_whom == "the mean of two readers not met before"
    with pytest.raises(InputError, match="reader ann: regions for this are those for one reader"):
        calibrated_model.reader("ann", truth_of="mean")


@pytest.mark.slow
def test_offsets_in_mm_need_a_scale(calibrated_model, drawn):
    film = Film(drawn.pixels)
    found = calibrated_model.predict(film)  # of a reader not met before there is none
    assert (found.reader.kind, found.landmarks[0].x_mm) == ("definition", None)
    with pytest.raises(InputError, match="its scale is not known, and the offsets of ann are in mm"):
        calibrated_model.predict(film, reader="ann")


def test_a_bundle_without_calibration_predicts_the_annotators_mean(models, drawn):
    model = models("default", "ensemble", 3)
    assert (model.reader(), model.annotators, model.predict(Film(drawn.pixels)).reader) == (None, (), None)
    named = model.predict(Film(drawn.pixels), reader="mean")
    assert named.reader.for_whom == "the mean of the annotators"
    assert points(named) == pytest.approx(points(model.predict(Film(drawn.pixels))))
    with pytest.raises(InputError, match="it does not know where readers mark by definition"):
        model.reader("definition")


@pytest.mark.slow
def test_members_that_have_not_seen_a_film_stand_for_all(calibrated_model, scaled):
    assert calibrated_model.unseen_members("003") == (1, 3)
    assert calibrated_model.unseen("nobody") is None
    some = calibrated_model.unseen("003")
    found = some.predict(scaled, level=0.8)
    assert (found.model.samples, found.landmarks[0].region.level) == (2, 0.8)
    drawn_px = np.array([mark.samples_px for mark in calibrated_model.predict(scaled).landmarks])
    alone_px = np.array([mark.samples_px for mark in found.landmarks])
    assert alone_px == pytest.approx(drawn_px[:, [1, 3]], abs=0.3)
    # The gate's features are of the whole model's first network, or none.
    assert calibrated_model.only((0, 2)).predict(scaled).verdict is not None
    with pytest.raises(InputError, match="gives 1 to 2 samples a film, not 3"):
        some.predict(scaled, samples=3)
    fewer = some.predict(scaled, samples=1)
    assert (fewer.landmarks[0].region, fewer.verdict) == (None, None)


@pytest.mark.slow
def test_of_mc_dropout_one_network_gives_as_many_samples_as_ever(models, drawn):
    model = models("default", "mc-dropout", 1)
    alone = model.only((0,))
    assert alone.default_samples == 6
    assert alone.predict(Film(drawn.pixels)) == model.predict(Film(drawn.pixels))


HOSTILE = (
    float("nan"),
    float("inf"),
    -1,
    0,
    1,
    1e308,
    1e-308,
    10**30,
    10**400,
    0.5,
    "x",
    None,
    [],
    {},
    True,
    [[]],
)


def places(value, place=()):
    """Where the values of a JSON document stand, those of a list as if they were one."""
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    )
    return [place, *(inner for key, one in items for inner in places(one, (*place, key)))]


def with_value(document, place, value):
    changed = json.loads(json.dumps(document))
    at = changed
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return changed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bundle.json", "calibration.json", "gate.json"])
def test_hostile_numbers_in_a_bundle_are_bad_input(dots, read_dots, scaled, tmp_path, name):
    """Whatever stands in its files: it predicts, or is refused in one line, within seconds."""
    folder = shutil.copytree(read_dots.calibrated, tmp_path / "bundle")
    document = json.loads((folder / name).read_text())
    rng = np.random.default_rng(0)
    asked = [(place, value) for place in places(document)[1:] for value in HOSTILE]
    lines = []
    for index in rng.choice(len(asked), 60, replace=False):
        (folder / name).write_text(json.dumps(with_value(document, *asked[index])))
        dots.seal(folder)
        start = time.monotonic()
        try:
            load_model(folder).predict(scaled)
        except InputError as error:
            lines.append(str(error))
        assert time.monotonic() - start < 20, asked[index]
    assert len(lines) > 15
    assert all(line.isprintable() for line in lines)
