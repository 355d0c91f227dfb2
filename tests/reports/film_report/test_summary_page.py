from __future__ import annotations

from cephsure.reports.film_report.summary_page import summary_html


def test_rows_are_films():
    page = summary_html(
        ("film", "verdict", "ANB °"), [("a<b>.png", "unfit", None), ("c\x1b.png", "fit", 2.5)]
    )
    assert '<th scope="row">a&lt;b&gt;.png</th><td class="unfit">unfit</td><td class="figure"></td>' in page
    assert '<th scope="row">c%1B.png</th><td class="fit">fit</td><td class="figure">2.5</td>' in page
    assert "<p>2 films. Research use only. Not a medical device.</p>" in page
    assert "default-src 'none'" in page


def test_one_film():
    assert "<p>1 film. " in summary_html(("film", "verdict"), [("a", "fit")])
