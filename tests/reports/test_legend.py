from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cephsure.reports.legend import (
    draw_legend,
    in_font,
    lay_out_legend,
    legend_text,
    shortened,
    wrapped,
)
from cephsure.reports.painter import text_width
from cephsure.uncertainty.prediction import Region

LONG = "films/" + "a very long name " * 12 + "0001.png"


def predict(make_prediction, kind="ensemble", samples=4, **more):
    return make_prediction([(100, 100)], [5.0], kind=kind, samples=samples, **more)


def test_says_which_film_and_model_and_what_it_is_not_for(make_prediction):
    said = legend_text(predict(make_prediction), smallest_px=4.0)
    assert said.film == "001.png"
    assert said.model == "test-ensemble (ensemble, 4 members)"
    assert said.scale == "colour: spread of the samples, mm"
    assert said.disclaimer == "Research use only. Not a medical device."
    assert dict(said.keys) == {
        "region": "ellipse: 2 SD of the members' points, at least 0.8 mm",
        "samples": "points of the 4 members",
    }


def test_says_what_a_calibrated_region_promises(make_prediction):
    prediction = predict(make_prediction)
    shape = Region(level=0.95, kind="hdr", outlines_px=(), area_mm2=0.0)
    mark = prediction.landmarks[0].model_copy(update={"region": shape, "expected_error_mm": 1.2})
    said = legend_text(prediction.model_copy(update={"landmarks": (mark,)}), smallest_px=4.0)
    assert said.scale == "colour: expected error, calibrated, mm"
    assert dict(said.keys) == {
        "region": "holds the true point with 95 % probability (level set of the heat map)",
        "samples": "points of the 4 members",
    }
    whole = mark.model_copy(update={"region": Region(level=0.95, kind="disc", whole_film=True)})
    said = legend_text(prediction.model_copy(update={"landmarks": (mark, whole)}), smallest_px=4.0)
    assert dict(said.keys)["region"].endswith("; 1 without: all of the film")


def test_says_that_the_scale_is_unknown(make_prediction):
    said = legend_text(predict(make_prediction, mm_per_px=None), smallest_px=4.4)
    assert said.scale == "colour: spread of the samples, % of film height; scale unknown"
    assert dict(said.keys)["region"].endswith("at least 4 px")
    assert "mm" not in " ".join(text for _, text in said.keys)


def test_says_that_one_sample_has_no_spread(make_prediction):
    said = legend_text(predict(make_prediction, "baseline", 1), smallest_px=4.0)
    assert said.model == "test-baseline (baseline, one sample)"
    assert said.scale == "colour: expected error, mm"
    assert dict(said.keys) == {"region": "circle: expected error (one sample has no spread), at least 0.8 mm"}


def test_a_film_in_memory_has_no_name(make_prediction):
    assert legend_text(predict(make_prediction, path=None), smallest_px=4.0).film == "film without a file"


def box(line):
    right = line.x + text_width(line.text, line.size)
    return line.x, line.y - 0.6 * line.size, right, line.y + 0.6 * line.size


@pytest.mark.parametrize("width", [200, 300, 640, 900, 1935, 4000])
@pytest.mark.parametrize(("kind", "samples"), [("ensemble", 15), ("baseline", 1)])
@pytest.mark.parametrize("film", [("001.png", (0.1, 0.1)), (LONG, None)])
def test_every_line_fits_and_none_covers_another(make_prediction, width, kind, samples, film):
    path, mm_per_px = film
    prediction = predict(make_prediction, kind, samples, mm_per_px=mm_per_px, path=path)
    size = max(10, round(width * 0.015))
    legend = lay_out_legend(prediction, width=width, size=size, smallest_px=10.0)
    boxes = [box(line) for line in legend.lines] + [legend.bar]
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= legend.height
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 1e-9 or b[3] <= a[1] + 1e-9, (a, b)
    text = " ".join(line.text for line in legend.lines)
    said = legend_text(prediction, smallest_px=10.0)
    assert said.scale in text
    assert prediction.disclaimer in text
    assert all(meaning in text for _, meaning in said.keys)


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


def test_letters_that_the_font_lacks_are_replaced():
    assert in_font("Pog′ – Müller_é≥頭.png") == "Pog' - Muller_e>?.png"
    assert in_font("plain ASCII 123") == "plain ASCII 123"


def test_wrapping_keeps_every_word_in_order():
    text = "ellipse: two standard deviations of the members' points"
    lines = wrapped(text, 12, 120.0)
    assert len(lines) > 1
    assert " ".join(lines) == text
    assert all(text_width(line, 12) <= 120 for line in lines)


def test_shortening_keeps_both_ends():
    name = "a long name of a film number 0001.png"
    short = shortened(name, 12, 120.0)
    assert text_width(short, 12) <= 120
    assert short.startswith("a l")
    assert short.endswith("1.png")
    assert "…" in short
    assert shortened("short", 12, 120.0) == "short"
    assert shortened(name, 12, 1.0) == ""
