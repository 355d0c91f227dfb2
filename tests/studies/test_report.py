from __future__ import annotations

import dataclasses
import io
import itertools
import re
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from cephsure.studies.report import _inlined, picture, report_html, write_report
from cephsure.studies.result import DrawnFigure, ExperimentResult, ResultTable, templates
from cephsure.studies.study import ModelFacts
from cephsure.studies.study_record import DataFacts, StudyFacts, StudyFolder

PNG = bytes.fromhex(  # one grey pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c63680000008200817745f26a0000000049454e44ae426082"
)
EVIL = '<script>alert("1")</script>'
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Outline(HTMLParser):
    """Headings, elements and attributes of a page; fails where tags do not match."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.headings = [], [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append([int(tag[1]), ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            self.headings[-1][1] += data

    def values(self, name):
        return [value for _, found, value in self.attributes if found == name]


def result(name="accuracy", **changes):
    given = {
        "title": f"Title of {name}",
        "method": ("First this.", "Then that."),
        "tables": {
            "errors": ResultTable.from_records("Errors", (("paper", 1.234567),), columns=("who", "mre_mm"))
        },
        "figures": {"curve": DrawnFigure("A curve.", "error against angle", {"svg": b"<svg/>", "png": PNG})},
    }
    return ExperimentResult(name=name, **(given | changes))


def facts(**changes):
    model = ModelFacts(
        label="default-ensemble",
        recipe="default",
        kind="ensemble",
        truth="mean",
        samples=15,
        changes=("7 epochs", "stopped below 6 mm"),
        sha256="abcdef" * 10 + "0123",
        made="2020-02-20",
    )
    data = DataFacts(
        role="films",
        name="isbi-2015",
        films={"train": 150, "test1": 150},
        annotators=("junior", "senior"),
        sha256="1234" * 16,
        newest="2021-03-04",
        credit="Name them.",
    )
    given = {
        "models": (model,),
        "data": (data,),
        "seed": 7,
        "shift_films": 30,
        "versions": {"cephsure": "0.1.0"},
    }
    return StudyFacts(**(given | changes))


def page(*results, **studies):
    results = results or (result(),)
    return report_html(results, {one.name: studies.get(one.name, facts()) for one in results})


def test_it_needs_nothing_else():
    html = page(result(), result("distortion"))
    outline = Outline(html)
    assert not {"script", "link", "iframe", "object", "embed"} & set(outline.tags)
    assert all(source.startswith("data:") for source in outline.values("src"))
    assert all(link.startswith("#") for link in outline.values("href"))
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_links_lead_to_experiments():
    outline = Outline(page(result(), result("distortion")))
    assert outline.values("href") == ["#accuracy", "#distortion"]
    identifiers = outline.values("id")
    assert {"accuracy", "distortion"} <= set(identifiers)
    assert len(set(identifiers)) == len(identifiers)
    assert set(outline.values("aria-labelledby")) <= set(identifiers)


def test_headings_make_an_outline():
    headings = Outline(page(result(), result("distortion"))).headings
    levels = [level for level, _ in headings]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert [text for level, text in headings if level == 2][-2:] == [
        "1 Title of accuracy",
        "2 Title of distortion",
    ]


def test_what_was_studied():
    html = page()
    for words in (
        *("default-ensemble", "7 epochs, stopped below 6 mm", "abcdefabcdef<", "mean"),
        *("isbi-2015", "train 150, test1 150", "junior, senior", "123412341234<", "Name them."),
        *("<dt>Inputs up to</dt><dd>2021-03-04</dd>", "<dt>Seed</dt><dd>7</dd>", "cephsure 0.1.0"),
    ):
        assert words in html, words


def test_an_experiment():
    html = page()
    for words in (
        *("<p>Then that.</p>", "<summary>Method</summary>", "Table 1.1. Errors"),
        *("1.23", "accuracy/errors.csv", "Figure 1.1", "A curve.", "How far are the points from the truth"),
    ):
        assert words in html, words
    assert "1.234567" not in html
    # The question stands in the contents too.
    assert html.count("How far are the points from the truth") == 2


def test_not_a_medical_device_at_both_ends():
    body = re.sub(r"<[^>]*>", " ", page().partition("<body>")[2]).split()
    words = ["Research", "use", "only.", "Not", "a", "medical", "device."]
    assert body[: len(words)] == body[-len(words) :] == words


def test_everything_is_escaped():
    table = ResultTable.from_records(EVIL, ((EVIL, 1),), columns=(EVIL, "n"), note=EVIL)
    figure = DrawnFigure(EVIL, EVIL, {"svg": b"<svg/>", "png": PNG})
    model = dataclasses.replace(facts().models[0], label=EVIL, truth=EVIL, changes=(EVIL,), kind=EVIL)
    data = (
        facts()
        .data[0]
        .model_copy(update={"name": EVIL, "credit": EVIL, "annotators": (EVIL,), "films": {EVIL: 1}})
    )
    html = page(
        result(title=EVIL, method=(EVIL,), tables={EVIL: table}, figures={EVIL: figure}),
        accuracy=facts(models=(model,), data=(data,), versions={"cephsure": EVIL}),
    )
    assert "script" not in Outline(html).tags
    assert EVIL not in html
    assert html.count("&lt;script&gt;") > 15


def test_no_time_of_day():
    assert page() == page()


def test_results_made_alike_say_so_once_others_each():
    assert "Made with" not in page(result(), result("distortion"))
    other = facts(models=(dataclasses.replace(facts().models[0], label="mine"),), seed=8)
    html = page(result(), result("distortion"), distortion=other)
    assert html.count("Made with") == 2
    assert "Made with mine (abcdefabcdef); seed 8; 30 films shifted; cephsure 0.1.0." in html
    assert "<dt>Seed</dt><dd>7, 8</dd>" in html
    assert html.count('<th scope="row" class="short">') >= 2


def test_what_is_not_there_has_no_heading():
    html = page(result(method=(), tables={}, figures={}))
    assert "<summary>" not in html
    assert "<h3>" not in html
    Outline(html)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'


def png(width=40, height=20, *, grain=False):
    rng = np.random.default_rng(0)
    pixels = (
        rng.integers(0, 256, (height, width, 3), np.uint8)
        if grain
        else np.zeros((height, width, 3), np.uint8)
    )
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", dpi=(130, 130))
    return stream.getvalue()


def made_figure(svg=SVG, png_file=None, **words):
    given = {"caption": "A < B", "alt": "error against angle"} | words
    return DrawnFigure(given["caption"], given["alt"], {"svg": svg, "png": png_file or png()})


def figure_html(figure, *, title):
    template = '{% from "report_parts.html.j2" import picture %}{{ picture(figure) }}'
    page = templates().overlay(autoescape=True).from_string(template)
    return page.render(figure=picture(figure, title=title))


def test_curves_stay_curves():
    assert _inlined(made_figure()) == ("image/svg+xml", SVG)


@pytest.mark.parametrize("svg", [SVG[:-6] + b"<image/></svg>", SVG + b" " * 400_001])
def test_pixels_and_large_drawings_are_pictures(svg):
    kind, content = _inlined(made_figure(svg))
    assert kind == "image/png"
    assert content == png()


def test_a_large_film_picture_is_a_jpeg():
    large = png(400, 400, grain=True)
    kind, content = _inlined(made_figure(SVG + b"<image/>", large))
    assert kind == "image/jpeg"
    assert len(content) < len(large)
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (400, 400)
    # A drawing without pixels keeps its edges.
    assert _inlined(made_figure(SVG + b" " * 400_001, large))[0] == "image/png"


def test_html():
    html = figure_html(made_figure(), title="Figure 2.1")
    before, _, rest = html.partition('src="data:image/svg+xml;base64,')
    assert b64decode(rest.partition('"')[0]) == SVG
    assert 'class=""' in before
    assert 'alt="Figure 2.1: error against angle"' in html
    assert "<figcaption><b>Figure 2.1.</b> A &lt; B</figcaption>" in html
    # 40 x 20 px at 130 px an inch, in CSS pixels of 96 an inch.
    assert 'width="30" height="15" style="--wide: 30px"' in html


def test_what_is_said_is_escaped():
    html = figure_html(made_figure(caption='"><script>', alt='" onload="x'), title="F")
    assert "<script>" not in html
    assert 'onload="x' not in html


def test_a_wide_figure_scrolls_on_a_small_screen():
    assert '<figure class="wide">' in figure_html(made_figure(png_file=png(1300, 20)), title="F")


def no_damage(error):
    raise AssertionError(error)


def test_the_report_has_the_experiments_of_earlier_calls_too(study, counting):
    StudyFolder(study).make("mine", counting("mine"))
    StudyFolder(study).make("distortion", counting("distortion"))
    StudyFolder(study).make("accuracy", counting("accuracy"))
    html = write_report(study.out, on_damage=no_damage).read_text("utf-8")
    places = [html.index(f'id="{name}"') for name in ("accuracy", "distortion", "mine")]
    assert places == sorted(places)
    assert write_report(study.out, on_damage=no_damage).read_text("utf-8") == html


def test_a_damaged_result_is_left_out_and_said(study, counting):
    for name in ("accuracy", "distortion"):
        StudyFolder(study).make(name, counting(name))
    (study.out / "distortion" / "distortion.json").write_text("{")
    said = []
    html = write_report(study.out, on_damage=said.append).read_text("utf-8")
    assert 'id="accuracy"' in html
    assert 'id="distortion"' not in html
    assert "distortion.json: not an experiment's result" in str(said[0])


def test_all_models_in_one_table(study):
    def experiment(study):
        columns = (
            *("model", "own_measure", "films", "landmarks", "pearson", "pearson_low", "pearson_high"),
            *("measure", "spearman", "within_spearman", "auc_4mm"),
        )
        row = ("rule", True, "official", "all", 0.4321, 0.3, 0.5, "spread", None, None, None)
        tables = {"error_correlation": ResultTable.from_records("Errors", (row,), columns=columns)}
        return ExperimentResult("error-correlation", "Errors", (), tables)

    StudyFolder(study).make("error-correlation", experiment)
    html = write_report(study.out, on_damage=no_damage).read_text("utf-8")
    table = (study.out / "overview.csv").read_text("utf-8").splitlines()
    assert table[:2] == ["model,error_pearson,error_pearson_low,error_pearson_high", "rule,0.4321,0.3,0.5"]
    assert html.index("At a glance") < html.index("0.432 [0.300, 0.500]") < html.index("Contents")


def test_nothing_to_report(tmp_path):
    assert write_report(tmp_path, on_damage=no_damage) is None
    assert list(tmp_path.iterdir()) == []
