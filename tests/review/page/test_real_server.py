"""The page before the real server: correct a film, calibrate on it, apply that, superimpose two films."""

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


@pytest.fixture
def project(tmp_path):
    return tmp_path / "project"


@pytest.fixture
def server(tmp_path, project):
    """The command, as a user starts it, on the two sample films."""
    folder = tmp_path / "films"
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
