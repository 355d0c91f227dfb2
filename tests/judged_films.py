"""Predictions with verdicts, as a gate gives them, of any landmark set: for tests of what is shown."""

from __future__ import annotations

from cephsure.uncertainty.prediction import (
    FilmInfo,
    LandmarkPrediction,
    Measures,
    ModelInfo,
    Prediction,
    ReaderInfo,
    Region,
)

ISBI = {
    "S": "Sella",
    "Pog'": "Soft tissue pogonion",
    "PNS": "Posterior nasal spine",
    "ANS": "Anterior nasal spine",
}
LONG = {
    "RIGHT-CONDYLION-SUPERIUS": "Most superior point of the right mandibular condyle beside the midline",
    "L": "Temporomandibulargelenkspaltmittelpunkt links",
    "头颅": "蝶鞍点 正中",
    "x": "Mesiobuccal cusp tip of the upper first molar",
}
UNLIKE = (
    "unlike the films this model was calibrated on (another scanner? correct ten films and run cephsure site)"
)
REASONS = {
    "fit": (),
    "review": (UNLIKE, "the model's samples disagree"),
    "unfit": (UNLIKE, "the landmarks together make an unusual head"),
}


def film_info(**changed):
    """A film of 0.1 mm a pixel, of which what matters to a test is changed."""
    usual = {
        "path": "films/001.png",
        "width_px": 1935,
        "height_px": 2400,
        "mm_per_px": (0.1, 0.1),
        "spacing_source": "user",
        "facing": "right",
        "facing_source": "found",
        "polarity": "positive",
        "polarity_source": "found",
    }
    return FilmInfo(**usual | changed)


def model_info(**changed):
    """An ensemble of fifteen."""
    usual = {"name": "fake", "kind": "ensemble", "recipe": "default", "samples": 15, "seed": 0}
    return ModelInfo(**{**usual, "sha256": "0" * 64} | changed)


def reader_info(**changed):
    """A reader of whom nothing is known."""
    usual = {"name": "definition", "kind": "definition", "films": 0, "truth_of": "one"}
    return ReaderInfo(**{**usual, "for_whom": "a reader not met before"} | changed)


def judged_film(
    verdict="fit",
    *,
    path="films/001.png",
    names=None,
    mm_per_px=(0.1, 0.1),
    far=1.0,
    errors=(0.5, 1.25, 12.34),
    reasons=None,
    notes=(),
):
    """A film of so many landmarks as ``names`` has; ``verdict`` None is a film of an uncalibrated model.

    Positions are ``far`` times those of a usual film; expected errors are taken in turn.
    """
    names = ISBI if names is None else names
    promised = verdict in {"fit", "review"} and mm_per_px is not None
    marks = tuple(
        _mark(
            (number, code, name),
            verdict,
            errors[(number - 1) % len(errors)],
            far=far,
            promised=promised,
            mm_per_px=mm_per_px,
        )
        for number, (code, name) in enumerate(names.items(), start=1)
    )
    count = sum(mark.verdict == "accept" for mark in marks)
    reasons = REASONS.get(verdict, ()) if reasons is None else reasons
    why = "; ".join(reasons) or f"{count} of {len(marks)} points accepted (expected error up to 1.08 mm)"
    no_promise = None if promised else "the film's scale is unknown"
    if verdict == "unfit":
        no_promise = "the film is unfit for automatic evaluation"
    if verdict is None:
        no_promise = "fake is not calibrated (see: cephsure calibrate)"
        why = f"no verdict: {no_promise}"
    film = film_info(
        path=path,
        mm_per_px=mm_per_px,
        spacing_source="none" if mm_per_px is None else "user",
        facing="left",
        polarity_source="given",
        notes=notes,
    )
    return Prediction(
        film=film,
        model=model_info(),
        landmarks=marks,
        reader=None if verdict is None else reader_info(),
        verdict=verdict,
        reasons=reasons,
        why=why,
        no_promise=no_promise,
    )


def _mark(who, verdict, error_mm, *, far, promised, mm_per_px):
    number, code, name = who
    x, y = 100.25 * number * far, 200.5 * number * far
    taken = verdict == "fit" and error_mm <= 1.08
    why = {
        "fit": f"expected {error_mm:.2f} {'<=' if taken else '>'} 1.08 mm",
        "review": "film for review" if mm_per_px else "scale unknown",
        "unfit": "film unfit",
    }
    mm = None if mm_per_px is None else mm_per_px[0]
    region = Region(level=0.9, kind="disc", centre_px=(x, y), half_axes_px=((9, 0), (0, 9)), area_mm2=12.34)
    return LandmarkPrediction(
        number=number,
        code=code,
        name=name,
        x_px=x,
        y_px=y,
        x_mm=None if mm is None else x * mm,
        y_mm=None if mm is None else y * mm,
        measures=Measures(
            activation=0.5,
            spread_px=3.0,
            spread_mm=None if mm is None else 0.3,
            raw_expected_error_px=77.7,
            raw_expected_error_mm=None if mm is None else 7.77,
            entropy=2.0,
        ),
        samples_px=((x, y),) * 15,
        expected_error_mm=error_mm if promised else None,
        region=region if promised else None,
        verdict=None if verdict is None else "accept" if taken else "review",
        why=why.get(verdict),
        note="outside its own 90 % region" if promised and number == 2 else None,
    )
