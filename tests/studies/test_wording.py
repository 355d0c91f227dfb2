from __future__ import annotations

import jinja2
import pytest

from cephsure.studies import wording
from cephsure.studies.wording import UNKNOWN, ends, listed, method_text, with_ends, with_interval


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (1.005, (1.0, 1.25), "1.00 [1.00, 1.25]"),
        (-0.5, (-0.625, 0.0), "−0.50 [−0.62, 0.00]"),
        (2.0, None, "2.00"),
        (2.0, (float("nan"), 1.0), "2.00"),
        (None, (0.0, 1.0), UNKNOWN),
        (float("nan"), None, UNKNOWN),
    ],
)
def test_value_with_interval(value, interval, text):
    assert with_interval(value, interval) == text


def test_lists_and_ends():
    assert [listed(["a", "b", "c"]), listed(["a"]), listed([])] == ["a, b and c", "a", ""]
    assert ends(None) == (None, None)
    assert ends((1.0, 2.0)) == (1.0, 2.0)
    assert with_ends("r", 0.5, None) == {"r": 0.5, "r_low": None, "r_high": None}


@pytest.fixture
def _template(monkeypatch):
    text = "{{ count }} films\nof {{ names | listed }}.\n{% if more %}\n\nAnd < more.\n{% endif %}\n"
    environment = wording.templates().overlay(loader=jinja2.DictLoader({"made.md.j2": text}))
    monkeypatch.setattr(wording, "templates", lambda: environment)


@pytest.mark.usefixtures("_template")
def test_a_method_is_its_templates_paragraphs_filled_in():
    facts = {"count": 3, "names": ["a", "b"]}
    assert method_text("made", **facts, more=False) == ("3 films of a and b.",)
    assert method_text("made", **facts, more=True) == ("3 films of a and b.", "And < more.")
    with pytest.raises(jinja2.UndefinedError, match="more"):
        method_text("made", **facts)


def test_only_pages_are_escaped():
    assert wording.templates().get_template("report.html.j2").environment.autoescape("report.html.j2")
    assert not wording.templates().autoescape("accuracy.md.j2")
