from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image

from cephsure.errors import InputError
from cephsure.workflows.batch import AnnotatedData
from cephsure.workflows.check_lines import conclusion
from cephsure.workflows.data_check import PAGE, check_data


@pytest.fixture(scope="module")
def clean(phantom_isbi):
    """Films that two people marked; the pixels of 194 x 240 are a millimetre large."""
    return phantom_isbi(24, 0, width_px=194, height_px=240, noise_px=0.4)


@pytest.fixture
def root(clean, tmp_path):
    return shutil.copytree(clean, tmp_path / "data")


def checked(root, **options):
    return check_data(AnnotatedData(root, mm_per_px=1.0), **options)


def marks(root, film, annotator):
    return root / "AnnotationsByMD" / f"400_{annotator}" / f"{film}.txt"


def kinds(found, *, serious=True):
    return [(one.kind, one.film) for one in found.check.findings if one.serious is serious]


def test_a_clean_data_set_needs_no_look(clean):
    steps = []
    found = checked(clean, on_progress=steps.append)
    assert kinds(found) == []
    assert not found.serious
    assert found.marked("senior")[0] == 24
    assert [step.done for step in steps if step.what == "films"] == list(range(1, 25))
    assert max(step.done for step in steps if step.what == "labels") == 48


def test_faults_are_found_shown_and_written(root, tmp_path):
    lines = marks(root, "003", "senior").read_text().splitlines()
    lines[0], lines[9] = lines[9], lines[0]  # S and Go
    marks(root, "003", "senior").write_text("\n".join(lines))
    images = root / "RawImage" / "TrainingData"
    shutil.copy(images / "005.png", images / "008.png")
    (images / "011.png").write_bytes(b"no picture")
    found = checked(root, out=tmp_path / "out", json_file=tmp_path / "found.json")
    assert ("unreadable", "011") in kinds(found)
    assert ("swapped", "003") in kinds(found)
    assert ("copy", "005") in kinds(found)
    page = (tmp_path / "out" / PAGE).read_text("utf-8")
    assert page.count("<svg viewBox") >= 3  # the swapped film, and both of the pair
    document = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert (document["schema"], document["look"]) == ("cephsure.check/1", True)
    (swapped,) = (one for one in document["findings"] if one["kind"] == "swapped")
    assert (swapped["film"], swapped["annotator"], set(swapped["landmarks"])) == (
        "003",
        "senior",
        {"S", "Go"},
    )
    assert {point["role"] for point in swapped["points"]} == {"marked"}
    assert [film["read"] for film in document["films"]].count(False) == 1
    assert document["distances"][0]["annotators"] == ["junior", "senior"]


def test_what_the_reader_left_out_is_said_once(root, tmp_path):
    """A landmark that was left missing for a reason is not told again as missing."""
    folder = tmp_path / "labelme_ann"
    folder.mkdir()
    shutil.copytree(root / "RawImage" / "TrainingData", folder / "films")
    for number in range(1, 4):
        points = [
            tuple(map(float, line.split(","))) for line in marks(root, f"{number:03d}", "senior").open()
        ]
        shapes = [
            {"label": str(place), "points": [point], "shape_type": "point"}
            for place, point in enumerate(points, start=1)
        ]
        if number == 2:
            shapes += [{"label": "4", "points": [[50.0, 50.0]], "shape_type": "point"}]
        document = {
            "imagePath": f"films/{number:03d}.png",
            "shapes": shapes,
            "imageWidth": 194,
            "imageHeight": 240,
        }
        (folder / f"{number:03d}.json").write_text(json.dumps(document))
    found = check_data(AnnotatedData(tmp_path, "labelme", mm_per_px=1.0))
    assert kinds(found) == [("left out", "002")]
    assert "Po" in found.check.findings[0].said


def test_what_the_reader_found_must_be_looked_at(clean, tmp_path):
    """A film of another size, a point outside and an unknown label, each once and with its film."""
    films = shutil.copytree(clean / "RawImage" / "TrainingData", tmp_path / "elsewhere")
    with Image.open(films / "002.png") as film:
        film.resize((97, 120)).save(films / "002.png")
    labels = tmp_path / "labels"
    labels.mkdir()
    for number in range(1, 21):
        lines = marks(clean, f"{number:03d}", "senior").read_text().splitlines()
        places = {str(place): line.split(",") for place, line in enumerate(lines, start=1)}
        places |= {"3": ("300", "20")} if number == 4 else {"99": ("50", "50")} if number == 5 else {}
        table = [f"{number:03d}.png,{label},{x},{y}" for label, (x, y) in places.items()]
        (labels / f"{number:03d}.csv").write_text("\n".join(["image,landmark,x,y", *table]))
    found = check_data(AnnotatedData(labels, images=films, mm_per_px=1.0))
    told = {(one.kind, one.film) for one in found.check.findings if one.serious}
    assert {("left out", "002"), ("outside", "004"), ("left out", "")} <= told
    assert not any(kind == "missing" for kind, _ in told)
    said = " ".join(one.said for one in found.check.findings)
    assert "Or outside the film; left missing" in said
    assert "label '99' (1 times) is not in landmark set" in said
    assert "on 2 of 20 films" in conclusion(found)


def test_a_split_may_be_looked_at_alone(clean):
    assert len(check_data(AnnotatedData(clean, split="train", mm_per_px=1.0)).films.film_ids) == 24
    with pytest.raises(InputError, match="no split 'test1'"):
        check_data(AnnotatedData(clean, split="test1", mm_per_px=1.0))


def test_films_none_of_which_can_be_read_are_bad_input(root):
    for image in (root / "RawImage" / "TrainingData").iterdir():
        image.write_bytes(b"no picture")
    with pytest.raises(InputError, match="none of 24 films can be read: film 001"):
        checked(root)


def test_a_place_that_cannot_be_written_is_said_before_the_work(clean, tmp_path):
    steps = []
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        checked(clean, out=tmp_path / "file", on_progress=steps.append)
    with pytest.raises(InputError, match="is a folder"):
        checked(clean, json_file=tmp_path, on_progress=steps.append)
    assert steps == []
