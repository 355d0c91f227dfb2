from __future__ import annotations

import pytest

from cephsure.cephalometry.two_films_table import two_films_lines
from cephsure.uncertainty.text_lines import width_of
from two_made_films import two_films


def text(films, width=80):
    return "\n".join(line.text for line in two_films_lines(films, width))


def row(films, code, width=120):
    (line,) = (line.text for line in two_films_lines(films, width) if line.text.split()[:1] == [code])
    return line.split()


@pytest.mark.parametrize("verdicts", [("fit", "fit"), ("review", "fit"), ("unfit", None), (None, None)])
@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("scale", [(0.4, 0.4), None])
def test_no_line_is_wider_than_the_terminal(verdicts, width, scale):
    lines = two_films_lines(two_films(*verdicts, mm_per_px=scale), width)
    assert max(width_of(line.text) for line in lines) <= width


def test_a_row_has_the_way_its_interval_and_whether_it_is_one():
    films = two_films()
    me = next(point for point in films.found.points if point.code == "Me")
    assert me.displacement_mm == pytest.approx(6.0)
    low, high = me.interval_90_mm
    cells = row(films, "Me")
    assert cells[1:2] == ["Menton"]
    assert cells[-5:] == ["6.0", f"{low:.1f}", "to", f"{high:.1f}", "yes"]
    assert float(cells[3]) == pytest.approx(-me.down_mm, abs=0.05)
    assert row(films, "S")[-3:] == ["-", "laid", "on"]
    assert row(films, "Ar")[-1] == "no"
    assert "-0.0" not in text(films)


def test_a_landmark_whose_error_is_not_known_has_neither_interval_nor_judgement():
    films = two_films()
    unknown = {"interval_90_mm": None, "covariance_mm2": None, "moved": None}
    points = tuple(
        point.model_copy(update=unknown) if point.code == "Me" else point for point in films.found.points
    )
    films = films.model_copy(update={"found": films.found.model_copy(update={"points": points})})
    assert row(films, "Me")[-2:] == ["-", "-"]
    assert row(films, "Gn")[-1] == "yes"
    assert "3 of 17 landmarks moved" in films.headline()


def test_what_rests_on_a_point_for_review_is_marked_and_explained():
    films = two_films(doubtful=("Me",))
    assert (row(films, "Me")[-1], row(films, "Gn")[-1]) == ("yes?", "yes")
    assert "?: rests on a point that is to be reviewed: its own or S, N, on T1 or T2" in text(films)
    assert "?:" not in text(two_films())


def test_the_colour_of_a_row_is_its_trust():
    def styles(films):
        return {line.style for line in two_films_lines(films, 100) if line.text.startswith(("Me ", "Gn "))}

    assert styles(two_films()) == {"fit"}
    assert styles(two_films(doubtful=("Me",))) == {"fit", "review"}
    assert styles(two_films("unfit")) == {"unfit"}
    assert styles(two_films(None)) == {""}


def test_which_film_is_which_and_their_verdicts_stand_above():
    lines = text(two_films("fit", "review"), 100).splitlines()
    assert lines[0] == "T1: films/001.png"
    assert "verdict: fit: because" in lines
    assert lines.index("T2: films/002.png") > 0
    assert "verdict: review: because" in lines


def test_nothing_is_claimed_from_an_unfit_film():
    said = text(two_films("fit", "unfit"), 200)
    assert "T2 is unfit for automatic evaluation: no displacement is a result" in said
    assert "what moved is not judged" in said
    assert "moved: no displacement" not in said
    assert "90 % mm" not in said


def test_that_the_errors_count_as_independent_and_what_is_promised_is_said():
    said = text(two_films(), 300)
    assert "the errors of the two films count as independent" in said
    assert said.count("T1 and T2: ") == 1


def test_without_a_scale_the_way_is_in_percent_of_the_reference():
    said = text(two_films(mm_per_px=None), 200)
    assert "way %\n" in said
    assert "way in % of S-N" in said
    assert "forward" not in said
    assert "no intervals: no scale" in said
    assert "nothing is in mm" in said


def test_a_persons_points_are_named_and_not_judged():
    said = text(two_films(None, "fit"), 200)
    assert "T1: points: a person's points: p.csv" in said
    assert "no verdict: a person's points are not judged" in said
    assert "T2: points: made" in said


def test_along_what_forward_is():
    assert "forward: along S-N of T1, to the face" in text(two_films())
    assert "forward: along T1's horizontal, to the face" in text(two_films(on="best"))


def test_two_films_print_themselves():
    assert str(two_films()).startswith("T1: films/001.png\n")


def test_a_name_cannot_steer_the_terminal():
    assert "\x1b" not in text(two_films(paths=("a\x1b[2J.png", "b.png")))


def test_the_notes_of_a_film_are_said_with_its_name():
    films = two_films()
    noted = films.second.film.model_copy(update={"notes": ("Me outside the film; left missing",)})
    films = films.model_copy(update={"second": films.second.model_copy(update={"film": noted})})
    assert "T2: note: Me outside the film; left missing" in text(films)
