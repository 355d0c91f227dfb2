from __future__ import annotations

import re

from cephsure.cephalometry import load_analyses
from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.reports.film_report.summary_page import SummaryFilm, summary_html
from report_films import SET, prediction


def film(found=None, *, name="a.png", analysis="isbi", reviewed=""):
    found = found or prediction()
    measured = ReviewedFilm.of(found, SET).analysis(load_analyses(analysis))
    return SummaryFilm(name, found.verdict, found.why, reviewed, (3, 19), measured)


def test_a_row_a_film():
    page = summary_html(
        [film(name="a<b>\x1b.png", reviewed="anna"), film(prediction("unfit")), film(prediction(None))]
    )
    assert '<th scope="row">a&lt;b&gt;%1B.png</th><td class="fit">fit</td>' in page
    assert '<td class="unfit">unfit</td><td class="words">this is no head</td><td>–</td>' in page
    assert '<td class="none">–</td>' in page
    assert '<td>anna</td><td class="figure">3 of 19</td>' in page
    assert "3 films. " in page
    assert "Research use only" in page
    assert "default-src 'none'" in page


def test_measurements_have_errors_and_classes():
    page = summary_html([film(), film(prediction("review", mm_per_px=None))])
    first = re.search(
        r"<td(?: class=\"doubtful\")?><span class=\"value\">−?[\d.]+° <small>± [\d.]+</small></span>", page
    )
    assert first is not None
    assert '<td class="missing">–</td>' in page  # a distance without a scale
    assert '<td class="doubtful"><span class="value">' in page
    assert "1 film. " in summary_html([film()])


def test_several_analyses_have_their_names_before_the_codes():
    page = summary_html([film(analysis="isbi,downs"), film()])
    assert '<th scope="col">downs FMA</th>' in page
    assert page.count('<td class="missing">') == 6
