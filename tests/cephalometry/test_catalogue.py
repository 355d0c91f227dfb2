from __future__ import annotations

import pytest

from cephsure.cephalometry import load_analyses, shipped_analyses
from cephsure.errors import InputError

OWN = """
[[entries]]
analysis = "steiner"
measurement = "SNA"
norms = [{ mean = 81.0, sd = 3.5, source = "ours, 2026", group = "our patients" }]

[[entries]]
analysis = "isbi"
measurement = "ANB"
classes_source = "ours, 2026"
classes = [{ name = "high", above = 4 }, { name = "low", below = 0.0 }]
"""


@pytest.fixture
def norms_file(tmp_path):
    def write(text):
        path = tmp_path / "own.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def entry(analyses, code):
    return next(entry for entry in analyses[0].entries if entry.measurement.code == code)


def test_every_norm_and_every_class_names_its_source():
    for analysis in shipped_analyses().values():
        for entry in analysis.entries:
            assert all(any(letter.isdigit() for letter in norm.source) for norm in entry.norms), entry
            derived = bool(entry.classes) and entry.classes_source is None
            assert not derived or len(entry.norms) == 1


def test_codes_are_unique_within_an_analysis():
    for analysis in shipped_analyses().values():
        codes = [entry.measurement.code for entry in analysis.entries]
        assert len(set(codes)) == len(codes)


def test_analyses_are_named_alone_together_or_all():
    assert [analysis.name for analysis in load_analyses()] == ["isbi"]
    assert [analysis.name for analysis in load_analyses("downs, isbi,downs")] == ["downs", "isbi"]
    assert [analysis.name for analysis in load_analyses("all")] == list(shipped_analyses())
    with pytest.raises(InputError, match=r"no analysis 'ricketts'.*known: isbi"):
        load_analyses("isbi,ricketts")


def test_own_norms_replace_the_shipped_ones_and_only_those(norms_file):
    file = norms_file(OWN)
    steiner = load_analyses("steiner", norms=file)
    assert entry(steiner, "SNA").norms[0].source == "ours, 2026"
    assert entry(steiner, "SNA").class_of(76.0) == "below the norm"
    assert entry(steiner, "SNB") == entry(load_analyses("steiner"), "SNB")
    anb = entry(load_analyses("isbi", norms=file), "ANB")
    assert anb.class_names == ("low", "high", "not defined there")
    assert entry(load_analyses("bjork", norms=file), "SNA").norms == ()
    assert entry(load_analyses("steiner"), "SNA").norms[0].mean == 82.0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"entries: Field required"),
        ("entries = []", r"entries: .*at least 1"),
        ("entries = [", r"is not valid TOML"),
        (
            OWN.replace('"steiner"', '"stainer"'),
            r"entries\[1\].analysis: there is no analysis 'stainer'.*known: isbi",
        ),
        (
            OWN.replace('"SNA"', '"FMA"'),
            r"entries\[1\].measurement: steiner has no measurement 'FMA'.*it has: SNA",
        ),
        (OWN.replace("sd = 3.5", "sd = -3.5"), r"entries\[1\].norms\[1\].sd: .*greater than 0"),
        (OWN.replace("sd = 3.5", 'sd = "3.5"'), r"entries\[1\].norms\[1\].sd: .*valid number"),
        (OWN.replace("sd = 3.5", "stdev = 3.5"), r"entries\[1\].norms\[1\].stdev: Extra inputs"),
        (OWN.replace("below = 0.0", "below = 5.0"), r"entries\[2\]: classes 'low' and 'high' overlap"),
        (OWN.replace('classes_source = "ours, 2026"', ""), r"entries\[2\]: classes need a classes_source"),
        (OWN + OWN, r"entries\[3\]: SNA of steiner is given twice"),
    ],
)
def test_a_wrong_file_is_named_with_the_key(norms_file, text, complaint):
    with pytest.raises(InputError, match=complaint) as error:
        load_analyses(norms=norms_file(text))
    assert str(error.value).startswith(str(error.value.where))
    assert str(error.value.where).endswith("own.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_analyses(norms=tmp_path / "absent.toml")
    odd = tmp_path / "odd.toml"
    odd.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        load_analyses(norms=odd)
