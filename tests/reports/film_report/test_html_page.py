from __future__ import annotations

import re

import pytest

from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.reports.film_report import Patient
from cephsure.reports.film_report.html_page import report_html
from report_films import SET, made_report, prediction, reviewed


def test_page_says_what_the_report_says():
    report = made_report(review=reviewed(prediction(doubtful=("Po",)), N="edited"), name="a<b>.png")
    page = report_html(report)
    for text in (report.verdict_words, report.why, report.review, report.disclaimer, "0" * 64):
        assert text in page
    for row in report.tables[0].rows:
        assert f">{row.value}<" in page
        assert f">{row.error}<" in page
    assert '<span class="doubtful">To be looked at' in page
    assert "a&lt;b&gt;.png" in page
    assert "<b>.png" not in page
    assert "Their colour, expected error, calibrated: 0<svg" in page


def test_page_needs_nothing_else_and_may_not_ask_for_it():
    page = report_html(made_report())
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert not re.search(r"https?://|<script|@import|url\(", page)
    assert report_html(made_report()) == page


def test_patient_of_any_alphabet_is_text():
    page = report_html(made_report(patient=Patient(name="Yamada · 山田 太郎 <x>")))
    assert "<dt>Patient</dt><dd>Yamada · 山田 太郎 &lt;x&gt;</dd>" in page
    assert "<dt>Patient</dt>" not in report_html(made_report())


@pytest.mark.parametrize("verdict", ["review", "unfit", None])
def test_other_verdicts(verdict):
    page = report_html(made_report(review=ReviewedFilm.of(prediction(verdict), SET)))
    assert f'class="verdict {verdict or "none"}"' in page
    if verdict != "review":
        assert "Their colour" not in page


def test_both_norms_and_all_analyses():
    page = report_html(made_report(analysis="steiner,mcnamara"))
    assert page.count('scope="colgroup"') == 2
    assert "66.7 ± 4.1 <small>women</small><br>74.6 ± 5 <small>men</small>" in page


def contrast(first, second):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_letters_have_contrast_in_light_and_dark():
    page = report_html(made_report())
    themes = re.findall(r":root \{ color-scheme: [a-z ]+;(.*?)\}|:root \{ (--ink.*?)\}", page)
    assert len(themes) == 3
    for theme in themes:
        colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", "".join(theme)))
        for name in ("ink", "quiet", "accent", "doubt", "fit", "review", "unfit", "none"):
            assert contrast(colours[name], colours["paper"]) >= 4.5, name
