from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cephsure.reports.legend import draw_legend, lay_out_legend, legend_text
from cephsure.reports.painter import text_width
from cephsure.uncertainty.prediction import Region

LONG = "films/" + "a very long name " * 12 + "0001.png"


def predict(make_prediction, kind="ensemble", samples=4, **more):
    return make_prediction([(100, 100)], [5.0], kind=kind, samples=samples, **more)


def everything(said):
    return " ".join(
        [said.film, said.model, said.scale or "", *(text for _, text in (*said.points, *said.around))]
    )


def test_says_which_film_and_model_and_what_it_is_not_for(make_prediction):
    said = legend_text(predict(make_prediction), smallest_px=4.0)
    assert said.film == "001.png"
    assert said.model == "test-ensemble (ensemble, 4 members)"
    assert said.scale == "colour: spread of the samples (raw, not calibrated), mm"
    assert said.disclaimer == "Research use only. Not a medical device."
    assert dict(said.points) == {"unjudged": "not judged (1 of 1)"}
    assert dict(said.around) == {
        "ellipse": "ellipse: 2 SD of the 4 members' points, at least 0.8 mm (raw, not calibrated)",
        "samples": "points of the 4 members",
    }


def test_says_what_a_region_promises_and_for_whom(make_prediction, judged):
    prediction = judged(predict(make_prediction), "fit", ["accept"], level=0.95)
    said = legend_text(prediction, smallest_px=4.0)
    assert said.scale == "colour: expected error, calibrated, mm"
    assert dict(said.points) == {"accept": "accepted (1 of 1)"}
    assert dict(said.around) == {
        "region": "95 % region (ellipse), for a reader not met before",
        "samples": "points of the 4 members",
    }


def test_counts_the_points_of_each_verdict(make_prediction, judged):
    three = make_prediction([(10, 10)] * 3, [5.0] * 3)
    said = legend_text(judged(three, "fit", ["review", "accept", "review"], level=0.9), smallest_px=4.0)
    assert said.points == (("accept", "accepted (1 of 3)"), ("review", "to be reviewed (2 of 3)"))


def test_names_the_points_whose_region_is_all_of_the_film(make_prediction, judged):
    prediction = judged(make_prediction([(10, 10)] * 2, [5.0] * 2), "fit", ["review"] * 2, level=0.95)
    whole = Region(level=0.95, kind="ellipse", whole_film=True)
    last = prediction.landmarks[1].model_copy(update={"region": whole})
    some = prediction.model_copy(update={"landmarks": (prediction.landmarks[0], last)})
    said = dict(legend_text(some, smallest_px=4.0).around)
    assert said["region"].startswith("95 % region")
    assert said["whole"].endswith("is all of the film: P2")
    every = prediction.model_copy(
        update={"landmarks": tuple(m.model_copy(update={"region": whole}) for m in prediction.landmarks)}
    )
    said = dict(legend_text(every, smallest_px=4.0).around)
    assert "region" not in said
    assert (
        said["whole"] == "in a square: 95 % region, for a reader not met before, is all of the film: P1, P2"
    )


def test_names_the_points_of_which_more_must_be_said(make_prediction, judged):
    prediction = judged(make_prediction([(10, 10)] * 3, [5.0] * 3), "fit", ["review"] * 3, level=0.9)
    marks = [
        mark.model_copy(update={"note": "outside its own 90 % region" if mark.number > 1 else None})
        for mark in prediction.landmarks
    ]
    said = legend_text(prediction.model_copy(update={"landmarks": tuple(marks)}), smallest_px=4.0)
    assert dict(said.points)["noted"] == "outside its own 90 % region: P2, P3"


@pytest.mark.parametrize("verdict", ["unfit", "review", None])
def test_where_nothing_is_promised_nothing_sounds_like_it(make_prediction, judged, verdict):
    for kind, samples in (("ensemble", 4), ("baseline", 1)):
        prediction = judged(predict(make_prediction, kind, samples, mm_per_px=None), verdict, [None])
        said = everything(legend_text(prediction, smallest_px=4.4))
        assert "%" not in said.replace("% of film height", "")
        assert "expected" not in said
        assert "mm" not in said
        assert "raw, not calibrated" in said
        assert "scale unknown" in said


def test_says_that_points_of_an_unfit_film_are_no_results(make_prediction, judged):
    said = legend_text(judged(predict(make_prediction), "unfit", ["review"]), smallest_px=4.0)
    assert said.scale is None
    assert said.points == (("unfit", "film unfit, no result (1 of 1)"),)


def test_says_that_one_sample_has_no_spread(make_prediction):
    said = legend_text(predict(make_prediction, "baseline", 1), smallest_px=4.0)
    assert said.model == "test-baseline (baseline, one sample)"
    assert said.scale is None
    assert dict(said.around) == {
        "ellipse": "circle: mean distance in the heat map, at least 0.8 mm (raw, not calibrated)"
    }


def test_a_film_in_memory_has_no_name(make_prediction):
    assert legend_text(predict(make_prediction, path=None), smallest_px=4.0).film == "film without a file"


def box(line):
    right = line.x + text_width(line.text, line.size)
    return line.x, line.y - 0.6 * line.size, right, line.y + 0.6 * line.size


@pytest.mark.parametrize("width", [200, 300, 640, 900, 1935, 4000])
@pytest.mark.parametrize("model", [("ensemble", 15, None), ("ensemble", 15, 0.9), ("baseline", 1, None)])
@pytest.mark.parametrize("film", [("001.png", (0.1, 0.1)), (LONG, None), ("患" * 90 + ".png", None)])
def test_every_line_fits_none_covers_another_and_nothing_is_cut(make_prediction, judged, width, model, film):
    (path, mm_per_px), (kind, samples, level) = film, model
    prediction = predict(make_prediction, kind, samples, mm_per_px=mm_per_px, path=path)
    prediction = judged(prediction, "review", ["review"], level=level)
    size = max(10, round(width * 0.015))
    legend = lay_out_legend(prediction, width=width, size=size, smallest_px=10.0)
    boxes = [box(line) for line in legend.lines] + ([] if legend.bar is None else [legend.bar])
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= legend.height
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 1e-9 or b[3] <= a[1] + 1e-9, (a, b)
    text = "".join("".join(line.text.split()) for line in legend.lines)
    said = legend_text(prediction, smallest_px=10.0)
    for part in (
        said.film,
        said.model,
        said.scale or "",
        said.disclaimer,
        *dict((*said.points, *said.around)).values(),
    ):
        assert "".join(part.split()) in text


def test_ticks_and_colours_of_the_bar_agree(make_prediction):
    legend = lay_out_legend(predict(make_prediction), width=900, size=13, smallest_px=4.0)
    left, top, right, bottom = legend.bar
    assert legend.ticks == pytest.approx([left + (right - left) * part for part in (0, 1 / 3, 2 / 3, 1)])
    assert {"0", "1", "2", "3+"} <= {line.text for line in legend.lines}
    pixels = np.asarray(draw_legend(legend)).astype(int)
    row = round((top + bottom) / 2)
    for value in (0.5, 1.5, 2.5):
        column = round(left + (right - left) * value / 3)
        np.testing.assert_allclose(pixels[row, column], legend.scale.colour(value), atol=4)


def test_drawn_as_large_as_laid_out(make_prediction):
    legend = lay_out_legend(predict(make_prediction), width=640, size=10, smallest_px=4.0)
    assert draw_legend(legend).size == (640, legend.height)
