"""Which landmark a label means, and which labels are not guessed."""

from __future__ import annotations

import pytest

from cephsure.errors import InputError
from cephsure.landmarks import LandmarkSet, load_landmark_set, match_labels, shipped_landmark_sets

ISBI = load_landmark_set("isbi-19")


def one(label, *others, how="auto", of=ISBI):
    """The code that a label means beside others; None where it is unknown."""
    row = match_labels(of, [label, *others], how)[label]
    return None if row is None else of.codes[row]


@pytest.mark.parametrize(
    ("code", "labels"),
    [
        (
            "S",
            ["S", "s", "Sella", "SELLA", "sella turcica", "Sella-Turcica", "1", "01", "l1 (S)", "Sella (S)"],
        ),
        (
            "A",
            [
                "A",
                "A-point",
                "a point",
                "Point A",
                "A_Point",
                "A.",
                "subspinale",
                "Subspinale",
                "5",
                "A point (A)",
            ],
        ),
        ("Or", ["Or", "OR", "orbitale", "Orbitale (Or)", "3", "03_Orbitale"]),
        (
            "UIT",
            ["UIT", "U1", "Is", "U1 tip", "upper incisor", "Incision superius", "upper-incisor tip", "12"],
        ),
        ("LIT", ["LIT", "Ii", "L1 tip", "lower incisor", "11", "lm11", "p11", "Landmark 11", "point11"]),
        (
            "Pog'",
            ["Pog'", "Pog’", "pog′", "Pog`", "Pog´", "POG '", "soft tissue pogonion", "Soft-Tissue Pogonion"],
        ),
        ("Pog", ["Pog", "Pg", "pogonion", "7", "l7", "L07"]),
        ("UL", ["UL", "upper lip", "Labrale superius", "Ls"]),
        ("LL", ["LL", "Li", "labrale inferius"]),
    ],
)
def test_what_people_call_a_landmark(code, labels):
    for label in labels:
        assert one(label, "Me", "Gn") == code, label


@pytest.mark.parametrize(
    "label", ["x", "", "20", "l20", "N'", "Or'", "incisor", "9" * 5000, "Sella (N)", "²0"]
)
def test_what_is_no_landmark_is_unknown(label):
    assert one(label, "S", "N", "Me") is None


def test_a_prime_is_never_dropped():
    """The skin over a point is another point than the bone."""
    assert one("Pog'", "Pog") == "Pog'"
    assert one("Me'", "Me", "Gn") is None


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        (["L1", "U1"], "LIT"),
        (["L1", "S"], "LIT"),
        (["l1", "l2", "l3"], "S"),
        (["L1", "L11"], "S"),
        ([f"l{k}" for k in range(1, 20)], "S"),
    ],
)
def test_other_labels_say_what_l1_is(labels, code):
    assert one(labels[0], *labels[1:]) == code


@pytest.mark.parametrize("labels", [["L1"], ["l1"], ["L1", "L2", "S"]])
def test_where_they_do_not_both_readings_are_shown(labels):
    words = (
        r"label '[Ll]1' could be 11 LIT \(Lower incisal tip\) or 1 S \(Sella\) \(say which: --labels names or"
    )
    with pytest.raises(InputError, match=words):
        match_labels(ISBI, labels)
    assert one(labels[0], *labels[1:], how="names") == "LIT"
    assert one(labels[0], *labels[1:], how="numbers") == "S"


def test_a_name_of_two_landmarks_shows_both():
    with pytest.raises(
        InputError, match=r"anna's label 'P' could be 4 Po .* or 7 Pog .*write the code: Po or Pog"
    ):
        match_labels(ISBI, ["P", "S"], whose="anna")


def test_case_tells_where_nothing_else_does():
    assert (one("LI", "Li", "Is"), one("Li", "LI", "Is")) == ("LIT", "LL")
    for label in ("LI", "li"):
        with pytest.raises(InputError, match=r"11 LIT .* or 14 LL"):
            match_labels(ISBI, [label, label.replace("l", "u").replace("L", "U")])


def test_numbers_from_0_are_refused():
    with pytest.raises(InputError, match=r"labels count from 0 \('0'\)"):
        match_labels(ISBI, ["0", "1", "2"])


def test_where_most_labels_are_unknown_some_are_named():
    with pytest.raises(InputError, match=r"3 of 5 anna's labels are no landmarks of isbi-19: 'x', 'y', 'z'"):
        match_labels(ISBI, ["S", "N", "x", "y", "z"], whose="anna")
    assert one("x", "S") is None
    assert match_labels(ISBI, []) == {}


def test_a_set_that_a_model_brought_along_gets_todays_aliases():
    form = ISBI.to_dict()
    for landmark in form["landmarks"]:
        landmark["aliases"] = []
    assert one("U1", "Me", of=LandmarkSet.from_dict(form)) == "UIT"
    form["name"] = "mine"
    assert one("U1", "Me", of=LandmarkSet.from_dict(form)) is None


@pytest.mark.parametrize("name", shipped_landmark_sets())
def test_codes_names_and_numbers_of_shipped_sets_mean_their_landmark(name):
    chosen = load_landmark_set(name)
    for texts in (chosen.codes, [mark.name for mark in chosen.landmarks], range(1, len(chosen) + 1)):
        assert list(match_labels(chosen, list(texts), "names").values()) == list(range(len(chosen)))
    assert list(match_labels(chosen, [f"l{k + 1}" for k in range(len(chosen))]).values()) == list(
        range(len(chosen))
    )


def test_sets_share_what_is_defined_alike():
    aariz, cl = (load_landmark_set(name) for name in ("aariz-29", "cl-detection-38"))
    assert (len(aariz), len(cl)) == (29, 38)
    assert cl.rows_of(ISBI) == {row: row for row in range(19)}
    shared = {aariz.codes[row]: ISBI.codes[other] for row, other in aariz.rows_of(ISBI).items()}
    assert set(shared) == {
        "A",
        "ANS",
        "B",
        "Me",
        "N",
        "Or",
        "Pog",
        "PNS",
        "S",
        "Gn",
        "Go",
        "Po",
        "LIT",
        "UIT",
        "Sn",
    }
    assert all(code == other for code, other in shared.items())
    assert ISBI.rows_of(aariz) == {other: row for row, other in aariz.rows_of(ISBI).items()}
    assert cl.codes[cl.rows_of(ISBI)[0]] == "S"
    for chosen in (aariz, cl, ISBI):
        for landmark in chosen.landmarks:
            for same in landmark.same_as:
                name, _, code = same.rpartition(" ")
                assert code in load_landmark_set(name).codes


def test_the_order_of_the_public_lists():
    aariz = "A ANS B Me N Or Pog PNS Pn R S Ar Co Gn Go Po LPM LIT LMT UPM UIA UIT UMT LIA Li Ls N' Pog' Sn"
    assert " ".join(load_landmark_set("aariz-29").codes) == aariz
    beyond = "D UIA LIA Cm Ptm Co Prn Ba PT Bo UL' LL' Gn' Me' G N' C U6 L6"
    assert " ".join(load_landmark_set("cl-detection-38").codes[19:]) == beyond


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("1.0", "S"),
        ("10.00", "Go"),
        ("l7.0", "Pog"),
        ("1.1", None),
        ("1,5", None),
        ("1 2", None),
        ("2-1", None),
        ("1_0", None),
    ],
)
def test_numbers_as_tables_and_dentists_write_them(label, code):
    """1.1 is a tooth (the upper right incisor), not landmark 11."""
    isbi = load_landmark_set("isbi-19")
    row = match_labels(isbi, [label, "Menton"])[label]
    assert (None if row is None else isbi.codes[row]) == code


def test_infradentale_is_no_incisor():
    """Id is the point of the jaw's bone between the lower incisors, some 8 mm below their edge."""
    for name in ("isbi-19", "cl-detection-38", "aariz-29"):
        assert match_labels(load_landmark_set(name), ["Id", "S"])["Id"] is None


def test_names_in_other_alphabets_of_a_set_of_ones_own():
    form = load_landmark_set("isbi-19").to_dict() | {"name": "own"}
    form["landmarks"] = [
        entry | {"code": code, "name": name, "aliases": [alias], "extreme": "", "number": number}
        for number, (entry, code, name, alias) in enumerate(
            zip(
                form["landmarks"],
                ("S", "N", "\u0410"),
                ("\u8776\u978d\u70b9", "\u9f3b\u6839\u70b9", "\u0422\u043e\u0447\u043a\u0430 \u0410"),
                ("\u8776\u978d\u9ede", "\u041d\u0430\u0437\u0438\u043e\u043d", "\u3042"),
                strict=False,
            ),
            start=1,
        )
    ]
    own = LandmarkSet.from_dict(form)
    labels = [
        "\u8776\u978d\u9ede",
        "\u043d\u0430\u0437\u0438\u043e\u043d",
        "\u0442\u043e\u0447\u043a\u0430-\u0430",
    ]
    assert list(match_labels(own, labels).values()) == [0, 1, 2]
    # A Latin A looks the same and is another letter.
    assert match_labels(own, ["A", "S"])["A"] is None
