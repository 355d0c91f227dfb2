"""What a prediction does not promise, and why: nobody must take silence for certainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cephsure.uncertainty.prediction import Withheld

if TYPE_CHECKING:
    from cephsure.uncertainty.prediction import Prediction

NO_SCALE = "the film's scale is unknown"
NO_GATE = "the model has no gate"


def without_promise(prediction: Prediction, why: str) -> Prediction:
    """The prediction with what calibration promises withheld: the numbers stay, apart and marked as such."""
    nothing: dict[str, Any] = dict.fromkeys(Withheld.model_fields)
    marks = []
    for mark in prediction.landmarks:
        numbers = {key: getattr(mark, key) for key in nothing}
        withheld = None if numbers == nothing else Withheld(**numbers)
        marks.append(mark.model_copy(update={**nothing, "note": None, "withheld": withheld}))
    return prediction.model_copy(update={"landmarks": tuple(marks), "no_promise": why})


def say_what_is_missing(
    prediction: Prediction, *, calibrated_for: int | None, judged_for: int | None
) -> Prediction:
    """A prediction that says why it has no expected errors and regions, or no verdict, where it has none.

    Args:
        prediction: as the model made it.
        calibrated_for: samples that the model is calibrated for; None without a calibration.
        judged_for: samples that its gate was learned with; None without a gate.
    """
    model, said = prediction.model, {}
    uncalibrated = f"{model.name} is not calibrated (see: cephsure calibrate)"
    if prediction.level is None and prediction.no_promise is None:
        said["no_promise"] = uncalibrated
        if calibrated_for is not None:
            said["no_promise"] = _other_samples(model.samples, calibrated_for, "calibrated") or NO_SCALE
    if prediction.verdict is None:
        why = uncalibrated if calibrated_for is None else NO_GATE
        if judged_for is not None:
            why = _other_samples(model.samples, judged_for, "judged") or why
        said["why"] = f"no verdict: {why}"
    return prediction.model_copy(update=said) if said else prediction


def _other_samples(drawn: int, fitted: int, what: str) -> str | None:
    """Why a calibration or gate does not hold for so many samples."""
    if drawn == fitted:
        return None
    return f"{drawn} sample{'' if drawn == 1 else 's'} drawn, films are {what} with {fitted}"
