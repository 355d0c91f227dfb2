from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cephsure.datasets import AnnotatedFilm, Dataset
from cephsure.errors import BundleError, InputError
from cephsure.films import Spacing, SpacingSource
from cephsure.inference.samples import Samples
from cephsure.landmarks import Landmark, LandmarkSet, load_landmark_set
from cephsure.model import load_model
from cephsure.uncertainty import ALWAYS, to_prediction
from cephsure.uncertainty.prediction import FilmInfo, ModelInfo
from cephsure.workflows import AnnotatedData, evaluate
from cephsure.workflows import assess as workflow
from cephsure.workflows.batch import Workplace
from cephsure.workflows.networks import Networks
from cephsure.workflows.trust_films import with_trust

NAN = float("nan")
SPOTS = LandmarkSet(
    name="spots",
    title="two spots",
    source="made for this test",
    landmarks=(
        Landmark(1, "U", "upper spot", "what stands out in the upper half", "bone", "midline"),
        Landmark(2, "L", "lower spot", "what stands out in the lower half", "bone", "midline"),
    ),
)
TENTH = Spacing(0.1, 0.1, SpacingSource.DATASET)
WIDTH, HEIGHT = 96, 80


class SpotFinder:
    """A model of two samples: finds the pixel furthest from the film's median in each half, give or take."""

    landmark_set = SPOTS

    def __init__(self, *, apart_px=0.0, activation=1.0):
        self.apart_px, self.activation, self.asked = apart_px, activation, []

    def predict(self, film, *, samples=None, seed=0, level=None, reader=None):
        self.asked.append((samples, seed))
        odd = np.abs(film.pixels - np.median(film.pixels))
        half = film.height_px // 2
        rows, columns = zip(
            *(np.unravel_index(part.argmax(), part.shape) for part in (odd[:half], odd[half:])), strict=True
        )
        found = np.array([columns, (rows[0], rows[1] + half)], dtype=np.float64).T
        positions = found + np.array([[[self.apart_px, 0]], [[-self.apart_px, 0]]])
        ones = np.ones((2, 2))
        scale = film.spacing
        info = FilmInfo(
            path=str(film.path),
            width_px=film.width_px,
            height_px=film.height_px,
            mm_per_px=None if scale is None else (scale.x_mm_per_px, scale.y_mm_per_px),
            spacing_source="none" if scale is None else scale.source.value,
            facing="right",
            facing_source="assumed",
            polarity="positive",
            polarity_source="assumed",
        )
        model = ModelInfo(name="spots", kind="ensemble", recipe="none", samples=2, seed=seed, sha256="0" * 64)
        maps = Samples(positions, self.activation * ones, ones, ones)
        return to_prediction(maps, film_info=info, model_info=model, landmark_set=SPOTS)


def assess(model, dataset, **options):
    return workflow.assess(Networks(model), dataset, **options)


@pytest.fixture
def spots(tmp_path):
    """Three films with spots; annotator "ann" is off by 5 px (3 and 4), "bob" the other way (mean: 0)."""
    generator = np.random.default_rng(0)
    films = []
    for name in ("a", "b", "c"):
        points = np.column_stack(
            [generator.integers(5, WIDTH - 5, 2), generator.integers([5, 45], 35 + np.array([0, 40]))]
        )
        pixels = np.full((HEIGHT, WIDTH), 90, np.uint8)
        pixels[points[:, 1], points[:, 0]] = 250
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        marks = {"ann": points + np.array([3.0, 4.0]), "bob": points - np.array([3.0, 4.0])}
        films.append(AnnotatedFilm(name, tmp_path / f"{name}.png", marks, spacing=TENTH, split="test1"))
    return Dataset("spots", SPOTS, tuple(films), problems=("d.png: no points",))


def test_errors_are_those_to_the_chosen_truth(spots):
    assert assess(SpotFinder(), spots).evaluation.mre_mm == pytest.approx(0.0)
    found = assess(SpotFinder(), spots, truth="ann", split="test1", samples=2, seed=7).evaluation
    assert (found.mre_mm, found.sd_mm) == (pytest.approx(0.5), pytest.approx(0.0, abs=1e-12))
    assert (found.n_films, found.n_points) == (3, 6)
    about = found.about
    assert (about.dataset, about.split, about.truth, about.landmark_set) == ("spots", "test1", "ann", "spots")
    assert (about.model, about.model_kind, about.samples, about.seed) == ("spots", "ensemble", 2, 7)
    assert about.spacing_sources == {"dataset": 3}
    assert about.problems == ("d.png: no points",)


def test_samples_and_seed_reach_the_model(spots):
    model = SpotFinder()
    assess(model, spots, samples=5, seed=9)
    assert model.asked == [(5, 9)] * 3


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("inverted", [False, True])
def test_mirror_images_and_negatives_take_their_truth_with_them(spots, mirrored, inverted):
    found = assess(SpotFinder(), spots, mirrored=mirrored, inverted=inverted)
    assert found.evaluation.mre_mm == pytest.approx(0.0)
    assert (found.evaluation.about.mirrored, found.evaluation.about.inverted) == (mirrored, inverted)
    plain = assess(SpotFinder(), spots)
    x, plain_x = (one.films[0].prediction.landmarks[0].x_px for one in (found, plain))
    assert x == (WIDTH - 1 - plain_x if mirrored else plain_x)


def test_other_truths_are_mirrored_with_the_film(spots):
    for mirrored in (False, True):
        film = assess(SpotFinder(), spots, mirrored=mirrored).films[0]
        away = film.truth_by("ann") - film.truth_px
        assert away.tolist() == [[-3.0 if mirrored else 3.0, 4.0]] * 2
        assert np.isnan(film.truth_by("nobody")).all()


def test_trust_is_against_the_chosen_truth_first_and_then_all(spots):
    def truths(dataset, truth):
        found = with_trust(assess(SpotFinder(), dataset, truth=truth), truth, tolerance_mm=2.0)
        return [(one.truth, one.mre_mm) for one in found.evaluation.trust]

    assert truths(spots, "bob") == [("bob", pytest.approx(0.5)), ("mean", 0.0), ("ann", pytest.approx(0.5))]
    alone = [replace(film, annotations={"ann": film.annotations["ann"]}) for film in spots.films]
    assert truths(replace(spots, films=tuple(alone)), "mean") == [("mean", pytest.approx(0.5))]
    bare = [replace(film, spacing=None) for film in spots.films]
    assert truths(replace(spots, films=tuple(bare)), "mean") == []


def test_lengths_are_taken_in_mm_where_the_film_has_a_scale(spots):
    # The spread is 2 px, 0.2 mm on films of 0.1 mm; a film of 0.3 mm has 0.6 mm and thrice the error.
    coarse = replace(spots.films[0], spacing=Spacing(0.3, 0.3, SpacingSource.USER))
    mixed = replace(spots, films=(coarse, *spots.films[1:]))
    found = assess(SpotFinder(apart_px=2.0), mixed, truth="ann").evaluation
    assert found.mre_mm == pytest.approx((1.5 + 0.5 + 0.5) / 3)
    assert found.measures["spread"].pearson == pytest.approx(1.0)
    assert found.measures["activation"].pearson is None
    assert list(found.measures) == [measure.name for measure in ALWAYS]
    assert found.about.spacing_sources == {"user": 1, "dataset": 2}


def test_without_any_scale_errors_are_in_px(spots):
    bare = replace(spots, films=tuple(replace(film, spacing=None) for film in spots.films))
    found = assess(SpotFinder(), bare, truth="ann")
    assert found.evaluation.unit == "px"
    assert (found.evaluation.mre_px, found.evaluation.mre_mm) == (pytest.approx(5.0), None)
    assert found.films[0].errors_mm is None


def test_films_that_cannot_be_used_are_left_out_and_the_others_go_on(spots, tmp_path):
    (tmp_path / "text.png").write_text("not a film", encoding="utf-8")
    extra = [
        replace(spots.films[0], film_id="text", path=tmp_path / "text.png"),
        replace(spots.films[0], film_id="gone", path=tmp_path / "gone.png"),
        replace(spots.films[0], film_id="bare", annotations={"ann": np.full((2, 2), NAN)}),
        replace(spots.films[0], film_id="other", annotations={"bob": np.zeros((2, 2))}),
    ]
    seen = []
    found = assess(
        SpotFinder(),
        replace(spots, films=(*extra, *spots.films)),
        truth="ann",
        at=Workplace(
            on_progress=lambda step: seen.append((step.done, step.total, step.film.stem, step.error is None))
        ),
    ).evaluation
    assert (found.n_films, found.left_out.films) == (3, 4)
    assert {name for one in found.left_out.reasons for name in one.names} == {"text", "gone", "bare", "other"}
    # The film bare and the film other show the file of film a.
    assert [good for *_, good in seen] == [False, False, True, True, True, True, True]
    assert [(done, total) for done, total, *_ in seen] == [(number, 7) for number in range(1, 8)]
    assert [name for *_, name, _ in seen] == ["text", "gone", "a", "a", "a", "b", "c"]


def test_a_point_without_truth_is_left_out(spots):
    marks = {"ann": spots.films[0].annotations["ann"].copy()}
    marks["ann"][1] = NAN
    holed = replace(spots, films=(replace(spots.films[0], annotations=marks), *spots.films[1:]))
    found = assess(SpotFinder(), holed, truth="ann")
    assert (found.evaluation.n_points, found.evaluation.left_out.points) == (5, 1)
    line = list(csv.DictReader(io.StringIO(found.csv())))[1]
    assert (line["truth_x_px"], line["error_px"], line["error_mm"]) == ("", "", "")
    assert line["x_px"] != ""


def test_lines_for_each_film_and_landmark(spots):
    lines = list(csv.DictReader(io.StringIO(assess(SpotFinder(apart_px=2.0), spots, truth="ann").csv())))
    assert [(line["film"], line["number"], line["code"]) for line in lines[:3]] == [
        ("a", "1", "U"),
        ("a", "2", "L"),
        ("b", "1", "U"),
    ]
    assert all(float(line["truth_x_px"]) - float(line["x_px"]) == 3 for line in lines)
    assert {(line["error_px"], line["error_mm"], line["spread_px"], line["spread_mm"]) for line in lines} == {
        ("5", "0.5", "2", "0.2")
    }


def test_a_model_of_other_landmarks_is_refused(spots):
    with pytest.raises(InputError, match="landmarks of spots, the data set spots has those of isbi-19"):
        assess(SpotFinder(), replace(spots, landmark_set=load_landmark_set("isbi-19")))


def test_an_annotator_nobody_knows_is_refused(spots):
    with pytest.raises(InputError, match=r"no annotator 'eve' in spots \(known: mean, ann, bob\)"):
        assess(SpotFinder(), spots, truth="eve")


def test_no_film_left_says_why(spots, tmp_path):
    gone = replace(spots.films[0], path=tmp_path / "gone.png")
    with pytest.raises(
        InputError, match=r"no film of spots can be evaluated: 1 film\(s\): there is no such file"
    ):
        assess(SpotFinder(), replace(spots, films=(gone,)))
    with pytest.raises(InputError, match="it has none"):
        assess(SpotFinder(), replace(spots, films=()))


def test_what_no_film_is_at_fault_for_ends_it(spots):
    class TooFew(SpotFinder):
        def predict(self, film, *, samples=None, seed=0, level=None, reader=None):
            raise InputError(f"there are 2 samples, not {samples}")

    with pytest.raises(InputError, match=r"^there are 2 samples, not 9$"):
        assess(TooFew(), spots, samples=9)


def test_a_fault_of_the_model_ends_it(spots):
    with pytest.raises(BundleError, match="not finite"):
        assess(SpotFinder(activation=NAN), spots)


@pytest.fixture(scope="module")
def half_seen(dots, read_dots, tmp_path_factory):
    """Two members, each trained on half of the films; the second one's marks lie 4 cells too far right."""
    films = sorted(path.stem for path in read_dots.films.parent.glob("*.png"))
    return dots.write_dot_bundle(
        tmp_path_factory.mktemp("half_seen") / "bundle",
        kind="ensemble",
        members=2,
        unseen=[films[::2], films[1::2]],
        off={1: 4},
        provenance=dots.trained_on(read_dots.films),
    )


@pytest.mark.slow
def test_out_of_fold_a_film_is_judged_by_members_that_have_not_seen_it(half_seen, read_dots):
    data, said = AnnotatedData(read_dots.films, truth="ann", mm_per_px=0.5), []
    plain = evaluate(data, half_seen, on_progress=lambda step: said.append(step.remark))
    assert any(
        "--out-of-fold predicts each by the members that have not seen it" in one for one in said if one
    )
    apart = evaluate(data, half_seen, out_of_fold=True)
    assert plain.evaluation.about.split == "all, trained on 24 of these 24 films"
    assert apart.evaluation.about.split == "all, out of fold"
    assert apart.evaluation.about.model_sha256 == plain.evaluation.about.model_sha256
    # A member that answers for films that it has seen would show among the others.
    right = [np.mean(film.prediction.points_px - film.truth_px, axis=0)[0] for film in apart.films]
    assert max(np.abs(right[::2])) < 2
    assert min(right[1::2]) > 7
    together = [np.mean(film.prediction.points_px - film.truth_px, axis=0)[0] for film in plain.films]
    assert (min(together) > 2, max(together) < 7) == (True, True)


@pytest.mark.slow
def test_out_of_fold_other_folds_bundles_answer_for_their_own_films(half_seen, read_dots, dots, tmp_path):
    data, about = AnnotatedData(read_dots.films, truth="ann", mm_per_px=0.5), dots.trained_on(read_dots.films)
    films = sorted(path.stem for path in read_dots.films.parent.glob("*.png"))
    folds = [
        dots.write_dot_bundle(
            tmp_path / str(fold), unseen=[films[fold::2]], off={0: 4 * fold}, provenance=about
        )
        for fold in (0, 1)
    ]
    first, second = (
        evaluate(data, folds[0], other_folds=folds[1:]),
        evaluate(data, folds[0], out_of_fold=True),
    )
    right = [np.mean(film.prediction.points_px - film.truth_px, axis=0)[0] for film in first.films]
    assert (max(np.abs(right[::2])) < 2, min(right[1::2]) > 7) == (True, True)
    assert second.evaluation.about.split == "all, trained on 12 of these 24 films"
    with pytest.raises(InputError, match="trained on other films than this one"):
        evaluate(
            AnnotatedData(read_dots.site, mm_per_px=0.5),
            read_dots.bundle,
            other_folds=[_other(dots, tmp_path)],
        )


def _other(dots, tmp_path):
    return dots.write_dot_bundle(tmp_path / "other")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("truth", "reader", "lines"),
    [
        (
            "ann",
            None,
            [
                "reader: definition (a reader not met before)",
                "the truth is ann, whom the model knows: --reader ann foretells these marks",
            ],
        ),
        (
            "mean",
            None,
            [
                "reader: definition (a reader not met before)",
                "the truth is the mean of readers whom the model knows: --reader mean foretells it",
            ],
        ),
        ("ann", "ann", ["reader: ann (reader ann)"]),
        ("mean", "mean", ["reader: ann and bob (the mean of ann and bob)"]),
    ],
)
def test_it_is_said_whose_marks_are_foretold_and_which_reader_would_fit(read_dots, *, truth, reader, lines):
    said = []
    data = AnnotatedData(read_dots.films, truth=truth, mm_per_px=0.5, limit=2)
    found = evaluate(
        data, read_dots.calibrated, reader=reader, on_progress=lambda step: said.append(step.remark)
    )
    assert [line for line in said if line and ("reader:" in line or "the truth is" in line)] == lines
    assert found.evaluation.about.reader in lines[0]


@pytest.mark.slow
def test_whom_the_truth_shows_is_foretold_best(read_dots):
    def mre(truth, **options):
        data = AnnotatedData(read_dots.films, truth=truth, mm_per_px=0.5, limit=8)
        return evaluate(data, read_dots.calibrated, out_of_fold=True, **options).evaluation.mre_mm

    assert mre("ann", reader="ann") < 0.7 * mre("ann")
    assert mre("ann", reader="ann") < 0.5 * mre("ann", reader="bob")
    assert mre("mean", reader="mean") < mre("mean", reader="ann")


@pytest.mark.slow
def test_a_model_without_calibration_says_nothing_of_readers(read_dots):
    data, said = AnnotatedData(read_dots.films, mm_per_px=0.5, limit=2), []
    found = evaluate(data, read_dots.bundle, on_progress=lambda step: said.append(step.remark))
    assert found.evaluation.about.reader is None
    assert not [line for line in said if line and "reader" in line]
    # It may know the ends of the line all the same.
    model = load_model(read_dots.bundle)
    ann, bob = (evaluate(data, model, reader=name).films[0].prediction for name in ("ann", "bob"))
    assert (bob.points_px - ann.points_px)[:, 1].mean() == pytest.approx(4.7, abs=0.5)
    with pytest.raises(InputError, match="it does not know where readers mark by definition"):
        evaluate(data, model, reader="definition")
