from __future__ import annotations

import pytest

pytest.importorskip("matplotlib", reason="figures need matplotlib")

from cephsure.studies.plotting import label, new_figure
from cephsure.studies.result import DrawnFigure, drawn, in_words


def figure(points=3):
    made, axes = new_figure(1, 1, caption="A line.")
    axes[0, 0].plot(range(points), range(points), label="ours")
    axes[0, 0].fill_between(range(points), 0, 1, hatch="/")
    axes[0, 0].legend()
    label(axes[0, 0], x="angle (°)", y="spread (mm)")
    return made


def test_both_kinds_of_file():
    found = drawn(figure())
    assert found.files["png"].startswith(b"\x89PNG")
    assert b"<svg" in found.files["svg"]
    assert (found.caption, found.alt) == ("A line.", "spread (mm) against angle (°)")


def test_the_same_figure_is_the_same_bytes():
    one, two, other = drawn(figure()), drawn(figure()), drawn(figure(4))
    assert one == two
    assert one.files["svg"] != other.files["svg"]
    assert b"<dc:date>" not in one.files["svg"]


def test_a_drawn_figure_stays_as_it_is():
    found = DrawnFigure("c", "a", {"png": b"", "svg": b""})
    assert drawn(found) is found


def test_panels_in_words():
    made, axes = new_figure(2, 2, caption="")
    label(axes[0, 0], x="angle (°)", y="spread (mm)", title="ensemble")
    label(axes[0, 1], x="angle (°)", y="spread (mm)", title="ensemble")
    axes[1, 0].set_title("15°\nturned")
    axes[1, 1].set_visible(False)
    assert in_words(made) == "3 panels: ensemble (spread (mm) against angle (°)); 15° turned"
