"""The page before the real server: correct a film, calibrate on it, apply that, superimpose two; two tabs.

One server for all tests of this file: what one did to a film the next finds there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi", reason="the review page needs the extra 'review'")

from cephsure.projects import Project
from cephsure.sample_films import sample_films

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return tmp_path_factory.mktemp("review") / "project"


@pytest.fixture(scope="module")
def server(project):
    """The command, as a user starts it, on the two sample films."""
    folder = project.parent / "films"
    folder.mkdir()
    for sample in sample_films():
        shutil.copy(sample.path, folder)
    asked = [str(folder), "--project", str(project), "--model", "default-baseline", "--as", "anna"]
    scale = ["--mm-per-px", str(sample_films()[0].mm_per_px)]
    command = [sys.executable, "-m", "cephsure", "review", *asked, *scale, "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        try:
            yield SimpleNamespace(url=running.stdout.readline().strip())
        finally:
            running.terminate()
            running.wait(30)


def view(tab, name):
    tab.page.locator("#views").get_by_role("button", name=name).click()


def test_corrections_are_stored_and_taught_and_films_superimposed(tab, project):
    tab.page.get_by_role("button", name="Not now").click()
    tab.open("vhm_lateral_0deg")
    assert "National Library of Medicine" in tab.page.locator("footer").inner_text()
    at = tab.point("N")
    start = tab.at(at["x"], at["y"])
    tab.drag(start, (start[0] + 6, start[1] + 4))
    tab.page.get_by_role("button", name="Accept remaining").click()
    tab.saved()
    tab.page.locator("#stage").focus()
    tab.page.keyboard.press("Enter")
    tab.until(lambda: tab.page.locator("#queue .film.reviewed").count() == 1)
    tab.saved()
    tab.picture("real_reviewed")

    view(tab, "Learning")
    tab.page.get_by_role("button", name="Calibrate on my films").click()
    tab.page.get_by_role("button", name="Apply to the queue").click()
    tab.until(lambda: "rest on one of your films" in tab.page.locator("#learning").inner_text())
    tab.picture("real_learning")

    view(tab, "Compare")
    tab.page.locator("#compare tbody tr").first.wait_for()
    assert tab.page.locator("#compare tbody tr").count() == 19
    tab.picture("real_compare")

    with Project.open(project, read_only=True) as stored:
        (film,) = [film for film in stored.annotations("anna") if film.marks_px]
        assert len(film.marks_px) == 19
        assert stored.settings["applied"]["films"] == 1


def nudge(tab, code, key):
    """Move a point by one px; where it then is, px."""
    before = tab.point(code)["x"]
    tab.choose(code)
    tab.page.keyboard.press(key)
    return before + {"ArrowRight": 1, "ArrowLeft": -1}[key]


def test_two_browsers_on_one_film_merge_and_a_clash_is_chosen_by_a_person(tabs, project):
    first, second = tabs(is_deaf=True), tabs(is_deaf=True)
    for tab in (first, second):
        if tab.page.evaluate("cephsure.state.project.profile.needed"):
            tab.page.get_by_role("button", name="Not now").click()
        tab.open("vhm_lateral_30deg")
    nudge(first, "Pog", "ArrowRight")
    first.saved()
    nudge(second, "Sn", "ArrowRight")  # another point of the film as it was: both are kept
    second.saved()
    second.until(lambda: second.page.locator(".point.edited").count() == 2)

    theirs = nudge(first, "Pog", "ArrowRight")
    first.saved()
    mine = nudge(second, "Pog", "ArrowLeft")
    second.page.locator("dialog.conflict .crop").wait_for()
    assert second.page.locator("dialog.conflict .number").count() == 2
    assert stored_x(project, 7) == pytest.approx(theirs, abs=0.001)  # nothing was overwritten
    second.picture("real_conflict")
    second.page.get_by_role("button", name="Use mine").click()
    second.saved()
    assert stored_x(project, 7) == pytest.approx(mine, abs=0.001)


def stored_x(project, number):
    """Where a point of the second film is stored, px."""
    with Project.open(project, read_only=True) as stored:
        film = next(film for film in stored.films() if "30deg" in film.name)
        return next(
            point for point in stored.film(film.film_id).points if point.landmark == number
        ).value.x_px
