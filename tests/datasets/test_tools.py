"""Label files as tools write them: each format gives the same points of the same films."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest

from cephsure.datasets import film_of, open_dataset, read_marked_points
from cephsure.datasets.open import FORMATS
from cephsure.errors import AnnotationError, InputError
from cephsure.landmarks import load_landmark_set
from label_files import FILES, POINTS, SIZE, cvat, deeplabcut, label_studio, sleap, write_film


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("films", ["beside", "elsewhere"])
def test_each_format_gives_the_same_points(tmp_path, three, kind, films):
    name, text, layout = FILES[kind]
    file = tmp_path / "labels" / name
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    film = write_film(file.parent / "a.png" if films == "beside" else tmp_path / "films" / "2024" / "a.png")
    images = None if films == "beside" else film.parent.parent
    if kind == "sleap" and images is not None:
        images = film.parent
    scale = 1.0 if layout == "slicer" else None
    dataset = open_dataset(file, landmark_set=three, images=images, mm_per_px=scale)
    assert [found.path for found in dataset.films] == [film]
    (points,) = dataset.films[0].annotations.values()
    np.testing.assert_allclose(points, POINTS, atol=1e-9)
    assert film_of(dataset.films[0]).width_px == 70
    assert open_dataset(file, format=layout, landmark_set=three, images=images, mm_per_px=scale).films


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind not in ("tps", "sleap")])
def test_points_are_read_without_their_film(tmp_path, three, kind):
    name, text, _ = FILES[kind]
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    (film,) = [one for one in read_marked_points(file, landmark_set=three, mm_per_px=1.0) if one.name == "a"]
    np.testing.assert_allclose(film.points_px(), POINTS, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.xml", "<annotations><image", r"a\.xml:1: is not valid XML"),
        ("a.xml", '<!DOCTYPE x [<!ENTITY e "1">]><annotations/>', "document type or entities"),
        ("a.xml", "<annotations><track/></annotations>", "tracks of a video"),
        ("a.xml", "<annotations/>", "holds no annotated film"),
        ("a.xml", "<annotations>" + "<a>" * 100 + "</a>" * 100 + "</annotations>", "inside each other"),
        ("a.tps", "LM=2\n1 2\n3 4\nIMAGE=a.png\n", "has 2 landmarks, three has 3"),
        ("a.tps", "LM=3\n1 2\n3 4\nIMAGE=a.png\n", "LM=3, but 2 positions follow"),
        ("a.tps", "LM3=1\n1 2 3\n", "three-dimensional"),
        ("a.tps", "LM=3\n1 2\n3 4\n5 6\nIMAGE=b.png\n", r"b\.png is not there"),
        ("a.fcsv", "# columns = id\n", "names no columns x, y and label"),
        ("a.csv", deeplabcut(1).replace("coords", "xy"), "needs the lines scorer, bodyparts and coords"),
        ("a.csv", sleap() + sleap().split("\n")[1].replace(",0,", ",5,", 1), "there are not 2 films"),
        (
            "a.json",
            label_studio().replace('"image_rotation": 0', '"image_rotation": 90'),
            "turned by 90 degrees",
        ),
        ("a.json", label_studio().replace('"original_width": 70, ', ""), "must be a positive whole number"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, three, name, text, words):
    write_film(tmp_path / "a.png")
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        open_dataset(tmp_path / name, landmark_set=three)
    assert "\n" not in str(caught.value)


def test_a_film_turned_after_it_was_marked_is_left_out_and_named(tmp_path, three):
    write_film(tmp_path / "a.png", SIZE[::-1])
    (tmp_path / "annotations.xml").write_text(cvat(), encoding="utf-8")
    with pytest.raises(InputError, match=r"70 x 100 pixels, the film has 100 x 70 \(was it turned\?\)"):
        open_dataset(tmp_path / "annotations.xml", landmark_set=three)


def test_a_film_that_misfits_is_left_out_beside_others(tmp_path, three):
    for name, size in (("a", SIZE), ("b", (35, 50)), ("c", (35, 50))):
        write_film(tmp_path / f"{name}.png", size)
    rows = [f"{name}.png," + ",".join(f"{v}" for at in POINTS for v in at) for name in "abc"]
    (tmp_path / "t.csv").write_text("\n".join(["image,x1,y1,x2,y2,x3,y3", *rows]), encoding="utf-8")
    dataset = open_dataset(tmp_path / "t.csv", landmark_set=three)
    assert [film.film_id for film in dataset.films] == ["a"]
    assert [line for line in dataset.problems if line.startswith("film b")] == [
        "film b: 2 of t's points lie outside it, one at (60, 25): the film has 35 x 50 pixels; left out"
    ]


def test_a_point_outside_the_film_is_missing_and_named(tmp_path):
    write_film(tmp_path / "a.png", SIZE)
    # The far edge and half a pixel before the first one are the film's.
    inside = {"S": (10, 11), "Or": SIZE, "Po": (-0.5, 30)}
    marks = [(who, code, at) for who in ("ann", "bob") for code, at in inside.items()]
    rows = ["image,landmark,annotator,x,y", *(f"a.png,{code},{who},{x},{y}" for who, code, (x, y) in marks)]
    rows.append(f"a.png,N,ann,{SIZE[0] + 40},12")
    (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    dataset = open_dataset(tmp_path / "t.csv")
    known = {who: np.isfinite(at).all(axis=1) for who, at in dataset.films[0].annotations.items()}
    assert {who: list(np.flatnonzero(rows)) for who, rows in known.items()} == {
        "ann": [0, 2, 3],
        "bob": [0, 2, 3],
    }
    said = [line for line in dataset.problems if "outside" in line]
    assert said == ["film a: ann's N outside the film; left missing"]


def test_more_than_a_quarter_of_the_points_outside_is_another_film(tmp_path, three):
    write_film(tmp_path / "a.png", SIZE)
    (tmp_path / "t.csv").write_text("image,x1,y1,x2,y2,x3,y3\na.png,1,2,3,4,5,101\n", encoding="utf-8")
    with pytest.raises(InputError, match="1 of t's points lie outside it"):
        open_dataset(tmp_path / "t.csv", landmark_set=three)


def test_several_annotators_of_label_studio_are_kept_apart(tmp_path, three):
    write_film(tmp_path / "a.png")
    tasks = json.loads(label_studio())
    other = json.loads(label_studio())[0]["annotations"][0] | {"completed_by": {"email": "ben@x.org"}}
    tasks[0]["annotations"].append(other)
    (tmp_path / "e.json").write_text(json.dumps(tasks), encoding="utf-8")
    (film,) = open_dataset(tmp_path / "e.json", landmark_set=three).films
    assert list(film.annotations) == ["annotator 1", "ben@x.org"]


def _aariz(root, split="train", name="ck1"):
    write_film(root / split / "Cephalograms" / f"{name}.png")
    for place, (reader, shift) in enumerate((("Junior", 1), ("Senior", 0))):
        marks = [
            {
                "landmark_id": code,
                "symbol": code,
                "title": code,
                "value": {"x": 20 + k + shift, "y": 30 + 2 * k},
            }
            for k, code in enumerate(["A", "ANS", "N", "S", "Li", "N`", "Pog`", "UIT"])
        ]
        folder = root / split / "Annotations" / "Cephalometric Landmarks" / f"{reader} Orthodontists"
        folder.mkdir(parents=True, exist_ok=True)
        document = {"ceph_id": name, "landmarks": marks[place:]}
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    table = "cephalogram_id,machine,pixel_size,image_format,mode\n"
    (root / "cephalogram_machine_mappings.csv").write_text(
        f"{table}{name},m,0.125,png,Train\n", encoding="utf-8"
    )


def test_aariz_keeps_its_readers_apart_and_knows_scale_and_split(tmp_path):
    _aariz(tmp_path)
    dataset = open_dataset(tmp_path, landmark_set="aariz-29")
    (film,) = dataset.films
    assert (film.film_id, film.split, film.spacing.x_mm_per_px) == ("ck1", "train", 0.125)
    assert list(film.annotations) == ["junior", "senior"]
    codes = dataset.landmark_set.codes
    assert film.annotations["junior"][codes.index("A")].tolist() == [21, 30]
    assert np.isnan(film.annotations["senior"][codes.index("A")]).all()
    assert film.annotations["senior"][codes.index("Pog'")].tolist() == [26, 42]
    assert np.isnan(film.annotations["senior"][codes.index("Pog")]).all()


def test_a_model_of_isbi_gets_what_aariz_defines_alike(tmp_path):
    _aariz(tmp_path)
    dataset = open_dataset(tmp_path)
    points = dataset.films[0].annotations["senior"]
    isbi = load_landmark_set("isbi-19")
    marked = [code for code, at in zip(isbi.codes, points, strict=True) if np.isfinite(at).all()]
    assert marked == ["S", "N", "UIT", "ANS"]
    line = "14 of the 29 landmarks of aariz-29 are not defined alike in isbi-19; left out"
    assert dataset.problems.count(line) == 1


def _stack(path, films, *, compressed):
    height, width = 100, 90
    content = np.zeros((len(films), height, width, 3), np.uint8)
    for place, film in enumerate(films):
        content[place, : film.shape[0], : film.shape[1]] = film[..., None]
    data = content.tobytes()
    data = zlib.compress(data) if compressed else data
    head = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        f"CompressedData = {compressed}",
        f"DimSize = {width} {height} {len(films)}",
        "ElementNumberOfChannels = 3",
        "ElementType = MET_UCHAR",
        "ElementDataFile = LOCAL",
    ]
    path.write_bytes("\n".join([*head, ""]).encode() + data)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", [int, str])
def test_cl_detection_reads_films_of_other_sizes_out_of_one_stack(tmp_path, name, compressed):
    rng = np.random.default_rng(1)
    films = [rng.integers(1, 255, size, np.uint8) for size in ((100, 70), (80, 90), (90, 90))]
    _stack(tmp_path / "train_stack.mha", films, compressed=compressed)
    points = [
        {"name": name(k), "point": [20 + k, 30, film], "scale": "0.125"}
        for film in (1, 2, 3)
        for k in (1, 12, 38)
    ]
    (tmp_path / "train-gt.json").write_text(json.dumps({"name": "Orthodontic landmarks", "points": points}))
    dataset = open_dataset(tmp_path, landmark_set="cl-detection-38")
    assert [film.film_id for film in dataset.films] == ["1", "2", "3"]
    for annotated, pixels in reversed(list(zip(dataset.films, films, strict=True))):
        film = film_of(annotated)
        np.testing.assert_allclose(film.pixels, pixels / np.float32(255), atol=1e-6)
        assert film.spacing.x_mm_per_px == 0.125
    assert dataset.films[0].annotations["cl-detection"][37].tolist() == [58, 30]
    only = open_dataset(tmp_path).films[0].annotations["cl-detection"]
    assert only[0].tolist() == [21, 30]
    assert only.shape == (19, 2)


def test_a_stack_of_fewer_films_than_are_marked_is_named(tmp_path):
    _stack(tmp_path / "s.mha", [np.full((90, 90), 7, np.uint8)], compressed=False)
    points = [{"name": 1, "point": [20, 30, film]} for film in (1, 1, 2)]
    (tmp_path / "gt.json").write_text(json.dumps({"points": points}))
    dataset = open_dataset(tmp_path, landmark_set="cl-detection-38")
    assert any("is film 2; the stack s.mha has 1" in problem for problem in dataset.problems)


@pytest.mark.parametrize("cut", [40, 2000])
def test_a_stack_that_is_cut_off_is_named(tmp_path, cut):
    _stack(tmp_path / "s.mha", [np.full((90, 90), 7, np.uint8)], compressed=False)
    (tmp_path / "s.mha").write_bytes((tmp_path / "s.mha").read_bytes()[:cut])
    (tmp_path / "gt.json").write_text(json.dumps({"points": [{"name": 1, "point": [20, 30, 1]}]}))
    with pytest.raises(InputError, match=r"s\.mha: (is no MetaImage|the stack is cut off)"):
        film_of(open_dataset(tmp_path, landmark_set="cl-detection-38").films[0])


def test_every_format_says_which_exporter_writes_it():
    from cephsure.exports import EXPORTERS

    assert {one.writes for one in FORMATS.values() if one.writes} <= set(EXPORTERS)


def test_names_and_numbers_of_labels_can_be_said(tmp_path):
    write_film(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text("image,landmark,x,y\na.png,L1,20,30\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"'L1' could be 11 LIT .* or 1 S .*--labels names or --labels numbers"
    ):
        open_dataset(tmp_path / "t.csv")
    for how, row in (("names", 10), ("numbers", 0)):
        points = open_dataset(tmp_path / "t.csv", labels=how).films[0].annotations["t"]
        assert np.flatnonzero(np.isfinite(points[:, 0])).tolist() == [row]


def test_a_folder_of_notes_beside_the_label_files(tmp_path, three):
    write_film(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text("image,x1,y1,x2,y2\na.png,1,2,3,4\n", encoding="utf-8")
    (tmp_path / "report.json").write_text("{}", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("Mrs. A, 3 films", encoding="utf-8")
    (tmp_path / "devices.csv").write_text("film,device\na,x\n", encoding="utf-8")
    dataset = open_dataset(tmp_path, landmark_set=three)
    assert len(dataset.films) == 1
    assert "devices.csv: no CSV file or spreadsheet; passed over" in dataset.problems


def test_a_malformed_reader_raises_annotation_errors_only(tmp_path, three):
    (tmp_path / "a.xml").write_text("<annotations><image/></annotations>", encoding="utf-8")
    with pytest.raises(AnnotationError, match="name is missing"):
        open_dataset(tmp_path / "a.xml", landmark_set=three)
