from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cephsure.errors import InputError
from cephsure.uncertainty.gate import (
    GateTarget,
    apply_gate,
    card_section,
    film_signs,
    judge,
    promises,
    site_reference,
)
from cephsure.uncertainty.gate import verdict as verdict_module
from cephsure.uncertainty.gate.verdict import set_beside
from cephsure.uncertainty.readers.reader import AcceptedOnFilms, plain_mean


def test_a_gate_accepts_some_points_of_usual_films_and_promises_it(gate, drawn_case, gate_films):
    rng = np.random.default_rng(1)
    found = [apply_gate(drawn_case(rng)[0], gate_films(rng), gate) for _ in range(40)]
    verdicts = [film.verdict for film in found]
    assert verdicts.count("fit") >= 34
    marks = [mark.verdict for film in found for mark in film.landmarks]
    assert 0.05 < marks.count("accept") / len(marks) < 0.95
    text = " ".join(promises(gate))
    assert "for readers who differ as those it was learned from" in text
    assert "For a reader not met before: expected error up to" in text
    assert "at most 0.1 of a film's accepted points" in text
    assert "probability 0.05 at most, and unfit with 0.01 at most" in text
    assert card_section(gate).startswith("## Gate\n\n- Calibrated on 120 films (120 independent)")


@pytest.mark.slow
def test_promised_rates_are_kept_over_many_gates(learn, drawn_case, gate_films, head_model):
    rng = np.random.default_rng(7)
    target = GateTarget(max_missed_rate=0.2, confidence=0.8)
    tests = [(*drawn_case(rng), gate_films(rng)) for _ in range(80)]
    seen = [film_signs(prediction, film, head=head_model) for prediction, _, film in tests]
    kept, alarms = [], []
    for seed in range(8):
        learned = learn(40, target, seed=100 + seed)
        judged = [
            judge(prediction, signs, learned) for (prediction, _, _), signs in zip(tests, seen, strict=True)
        ]
        losses = []
        for (prediction, truth, _), said in zip(tests, judged, strict=True):
            points = np.array([(mark.x_px, mark.y_px) for mark in prediction.landmarks])
            wrong = np.hypot(*(points - truth).T) * 0.5 > target.tolerance_mm
            losses.append((wrong & said.accepted).sum() / max(said.accepted.sum(), 1))
        kept.append(np.mean(losses) <= 0.2)
        alarms.append(np.mean([said.verdict != "fit" for said in judged]))
    assert np.mean(kept) >= 0.8
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / (8 * 40))


def test_a_readers_habit_makes_no_head_unusual(gate, predicted, heads, gate_films):
    rng = np.random.default_rng(12)
    points = np.mean([heads(rng) for _ in range(20)], axis=0)
    film, raw = gate_films(rng), predicted(points, expected_px=3.0)
    moved = predicted(points + np.where(np.arange(8) % 2, 30, 0)[:, None] * [1, -1], expected_px=3.0)
    assert apply_gate(raw, film, gate).verdict == "fit"
    assert apply_gate(moved, film, gate).verdict == "unfit"
    found = apply_gate(moved, film, gate, raw=raw)
    assert found.verdict == "fit"
    np.testing.assert_array_equal(found.points_px, moved.points_px)


def test_points_are_never_moved_or_hidden(gate, drawn_case, gate_films):
    rng = np.random.default_rng(2)
    before, _ = drawn_case(rng)
    after = apply_gate(before, gate_films(rng), gate)
    plain = [mark.model_copy(update={"verdict": None, "why": None}) for mark in after.landmarks]
    assert tuple(plain) == before.landmarks


def test_a_film_out_of_distribution_is_unfit_and_has_no_accepted_point(gate, predicted, heads, gate_films):
    rng = np.random.default_rng(3)
    points = heads(rng)[::-1].copy()
    found = apply_gate(predicted(points, expected_px=25.0), gate_films(rng), gate)
    assert found.verdict == "unfit"
    assert found.reasons[0] == "does not look like a lateral cephalogram"
    assert found.why == "; ".join(found.reasons)
    assert {(mark.verdict, mark.why) for mark in found.landmarks} == {("review", "film unfit")}


def test_on_an_unfit_film_what_calibration_promises_is_withheld(gate, predicted, heads, gate_films):
    rng = np.random.default_rng(3)
    before = predicted(heads(rng)[::-1].copy(), expected_px=25.0)
    found = apply_gate(before, gate_films(rng), gate)
    assert found.promise == "no promise: the film is unfit for automatic evaluation"
    for mark, own in zip(found.landmarks, before.landmarks, strict=True):
        assert mark.expected_error_mm is None
        assert mark.withheld.expected_error_mm == own.expected_error_mm


def test_every_point_of_a_fit_film_says_its_number_and_the_threshold(gate, drawn_case, gate_films):
    whys, accepted = [], 0
    for rng in map(np.random.default_rng, range(6)):
        found = apply_gate(drawn_case(rng)[0], gate_films(rng), gate)
        if found.verdict != "fit":
            continue
        taken = [mark for mark in found.landmarks if mark.verdict == "accept"]
        accepted += len(taken)
        if taken:
            assert found.why.startswith(f"{len(taken)} of 8 points accepted (expected error up to")
        whys += [(mark.verdict, mark.why, mark.expected_error_mm) for mark in found.landmarks]
    assert accepted
    threshold = gate.rules["0"].threshold_mm
    for verdict, why, expected in whys:
        if why.startswith("expected"):
            assert (f"{expected:.2f}" in why) or f"{expected:.3f}" in why
            assert ("<=" in why) == (expected <= threshold) == (verdict == "accept")
        else:
            assert verdict == "review"


def test_a_point_off_the_others_on_a_fit_film_says_by_how_much(gate, predicted, heads, gate_films):
    """A point moved more and more: before the film is no longer fit, the point is not accepted."""
    rng = np.random.default_rng(4)
    points, film, whys = heads(rng), gate_films(rng), set()
    for away in np.linspace(0, 40, 41):
        moved = points + np.eye(8)[5][:, None] * [away, 0]
        found = apply_gate(predicted(moved, expected_px=1.0, spread_px=0.5), film, gate)
        if found.verdict == "fit":
            whys.add(found.landmarks[5].why)
    off = [why for why in whys if why.startswith("misfit")]
    assert off
    assert all(why.endswith("> 3.00 SD") for why in off)


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [
        (0.62, 0.98, "0.62 <= 0.98"),
        (0.98, 0.98, "0.98 <= 0.98"),
        (0.9841, 0.98, "0.984 > 0.980"),
        (14.2, 0.98, "14.20 > 0.98"),
        (np.inf, 0.98, "inf > 0.98"),
    ],
)
def test_a_number_beside_its_limit_has_the_digits_that_tell_them_apart(value, limit, said):
    assert set_beside(value, limit) == said


def test_a_landmark_that_does_not_fit_is_reviewed_however_sure_the_model_is(
    gate, predicted, heads, gate_films
):
    rng = np.random.default_rng(4)
    points = heads(rng)
    points[5] += [60, 0]
    found = apply_gate(predicted(points, expected_px=0.5, spread_px=0.5), gate_films(rng), gate)
    assert found.landmarks[5].verdict == "review"
    assert found.verdict == "fit" or found.landmarks[5].why.startswith("film")
    assert any("6 (L6)" in reason for reason in found.reasons)


def test_without_scale_no_point_is_accepted_and_the_film_says_why(gate, predicted, heads, gate_films):
    rng = np.random.default_rng(5)
    found = apply_gate(predicted(heads(rng), expected_px=3.0, mm_per_px=None), gate_films(rng), gate)
    assert (found.verdict, found.reasons) == ("review", ("scale unknown: errors in mm cannot be judged",))
    assert {mark.why for mark in found.landmarks} == {"scale unknown"}


def test_a_usual_film_of_uncertain_points_says_why_none_is_accepted(gate, predicted, heads, gate_films):
    found = [
        apply_gate(predicted(heads(rng), expected_px=4.0, spread_px=1.8), gate_films(rng), gate)
        for rng in map(np.random.default_rng, range(8))
    ]
    fit = [film for film in found if film.verdict == "fit"]
    assert fit
    assert all(film.reasons == ("no point is accepted: 8 of 8 are too uncertain",) for film in fit)


def test_too_few_films_review_everything_and_say_so(learn, drawn_case, gate_films):
    small = learn(12)
    rng = np.random.default_rng(6)
    found = apply_gate(drawn_case(rng)[0], gate_films(rng), small)
    assert small.rules["0"].threshold_mm is None
    assert not small.judges_films
    assert found.verdict == "review"
    assert "12 calibration films are too few" in found.reasons[0]
    assert "no point is accepted" in found.reasons[1]
    assert {mark.verdict for mark in found.landmarks} == {"review"}
    text = " ".join(promises(small))
    assert "none is accepted" in text
    assert "54 films are needed even if none has a miss" in text
    assert "none is judged fit" in text


def test_other_landmarks_are_refused(gate, predicted, heads, head_model, gate_films):
    rng = np.random.default_rng(8)
    prediction = predicted(heads(rng))
    seen = film_signs(prediction, gate_films(rng), head=head_model)
    with pytest.raises(InputError, match="other landmarks"):
        judge(prediction.model_copy(update={"landmarks": prediction.landmarks[1:]}), seen, gate)


def site_of(gate, **about):
    """A reader of the gate's landmarks, as known as can be."""
    usual = plain_mean(gate.numbers, name="here", model="m", model_sha256="1" * 64)
    return usual.model_copy(update={"kind": "site", "truth_of": "one", "films": 10} | about)


def test_a_site_whose_films_withdrew_the_gate_has_no_accepted_point_and_says_why(
    gate, drawn_case, gate_films
):
    acceptance = {"points": 40, "wrong": 12}
    withdrawn = site_of(gate, acceptance=AcceptedOnFilms(**acceptance, withdrawn="12 of 40 were wrong"))
    kept = site_of(gate, acceptance=AcceptedOnFilms(**acceptance))
    before, after = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        prediction, film = drawn_case(rng)[0], gate_films(rng)
        before.append(apply_gate(prediction, film, gate, reader=kept))
        after.append(apply_gate(prediction, film, gate, reader=withdrawn))
    assert any(mark.verdict == "accept" for found in before for mark in found.landmarks)
    assert {mark.verdict for found in after for mark in found.landmarks} == {"review"}
    for found, other in zip(before, after, strict=True):
        assert other.verdict == found.verdict
        accepted = any(mark.verdict == "accept" for mark in found.landmarks)
        assert ("12 of 40 were wrong" in other.reasons) == accepted
        for mark, withdrawn_mark in zip(found.landmarks, other.landmarks, strict=True):
            why = "withdrawn at this site" if mark.verdict == "accept" else mark.why
            assert withdrawn_mark.why == why


def test_at_a_site_a_film_is_judged_by_the_sites_films(gate, predicted, heads, gate_films, head_model):
    """Films that are all uncertain: strange beside the calibration films, usual at their own site."""
    rng = np.random.default_rng(11)
    films = [(predicted(heads(rng), expected_px=12.0, spread_px=9.0), gate_films(rng)) for _ in range(31)]
    seen = [film_signs(prediction, film, head=head_model) for prediction, film in films]
    here = site_of(gate, film_reference=site_reference(seen[1:], gate.reference))
    prediction, film = films[0]
    assert apply_gate(prediction, film, gate).verdict != "fit"
    assert apply_gate(prediction, film, gate, reader=here).verdict == "fit"


def test_signs_are_taken_of_the_points_before_a_readers_habit_moves_them(gate, predicted, heads, gate_films):
    rng = np.random.default_rng(12)
    raw, film = predicted(heads(rng), expected_px=2.0), gate_films(rng)
    away = np.zeros((8, 2))
    away[0, 0] = 40
    moved = predicted(raw.points_px + away, expected_px=2.0)
    assert apply_gate(moved, film, gate).verdict != "fit"
    found = apply_gate(moved, film, gate, raw=raw)
    assert found.verdict == "fit"
    assert (found.points_px == moved.points_px).all()
    # What is accepted goes by the expected errors for the reader, not by those of the raw points.
    doubtful = predicted(moved.points_px, expected_px=25.0)
    assert apply_gate(doubtful, film, gate, raw=raw).reasons[0].startswith("no point is accepted: 8 of 8")


def test_a_film_that_is_not_fit_is_looked_at_again(gate, predicted, heads, gate_films):
    """No view shows a head: the reasons stay, but other views were looked at."""
    rng, looked = np.random.default_rng(3), []
    prediction, film = predicted(heads(rng)[::-1].copy(), expected_px=25.0), gate_films(rng)

    def find(views, *, are_upright):
        looked.extend(views)
        return [np.arange(16.0).reshape(8, 2) ** 2 for _ in views]

    assert apply_gate(prediction, film, gate, find=find).reasons == apply_gate(prediction, film, gate).reasons
    assert looked


def test_worst_persons_and_cases_are_told(gate):
    rules = {
        "0": gate.rules["0"].model_copy(update={"persons": 3, "worst_person": 0.123}),
        "known": gate.rules["0"].model_copy(update={"threshold_mm": None}),
    }
    text = " ".join(promises(gate.model_copy(update={"rules": rules})))
    assert "(the worst of 3 persons 12.3%)" in text
    assert "For the annotators, each: no point is accepted." in text


@pytest.fixture
def judged_at(gate, drawn_case, gate_films, head_model, monkeypatch):
    """Give the verdict on a film of certain p-values."""
    rng = np.random.default_rng(1)
    prediction, film = drawn_case(rng)[0], gate_films(rng)
    signs = film_signs(prediction, film, head=head_model)
    usual = verdict_module.out_of_distribution(signs.signs, gate.reference.known)

    def judged(p_value, p_of_head):
        found = replace(
            usual, p_value=p_value, p_of_head=p_of_head, deviations=np.zeros_like(usual.deviations)
        )
        monkeypatch.setattr(verdict_module, "out_of_distribution", lambda *_: found)
        return judge(prediction, signs, gate).verdict

    return judged


def test_a_film_just_at_a_rate_is_judged_so(gate, judged_at):
    level, unfit = gate.target.false_alarm_rate, gate.unfit_rate
    above_level, above_unfit = (np.nextafter(rate, 1) for rate in (level, unfit))
    assert judged_at(level, above_unfit) == "review"
    assert judged_at(level, unfit) == "unfit"
    assert judged_at(above_level, above_unfit) == judged_at(above_level, unfit) == "fit"
