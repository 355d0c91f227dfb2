"""Label files as tools write them: one film, three points of the tests' small landmark set."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

SIZE = (70, 100)
POINTS = [[20.5, 30.25], [60.0, 25.0], [50.125, 80.75]]  # S, N, Pog'
CODES = ("S", "N", "Pog'")


def write_film(path, size=SIZE, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(1, 255, size[::-1], np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def _marks(shift=0.0):
    return [(code, x + shift, y + shift) for code, (x, y) in zip(CODES, POINTS, strict=True)]


def cvat(skeleton=False):
    shapes = [
        f'<points label="{code}" outside="0" occluded="0" points="{x},{y}"/>' for code, x, y in _marks(0.5)
    ]
    if skeleton:
        shapes = [
            '<skeleton label="head" z_order="0">',
            *shapes,
            '<points label="A" outside="1" points="1,1"/></skeleton>',
            '<box label="film" xtl="0" ytl="0" xbr="9" ybr="9"/>',
        ]
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task/></meta>'
        f'<image id="0" name="a.png" width="70" height="100">{"".join(shapes)}</image></annotations>'
    )


def label_studio(minimal=False):
    results = [
        {
            "id": code,
            "type": "keypointlabels",
            "original_width": 70,
            "original_height": 100,
            "image_rotation": 0,
            "value": {"x": x / 70 * 100, "y": y, "width": 0.4, "keypointlabels": [code]},
        }
        for code, x, y in _marks(0.5)
    ]
    image = "/data/upload/3/0f1e2d3c-a.png"
    if minimal:
        found = [{**one["value"], "original_width": 70, "original_height": 100} for one in results]
        return json.dumps([{"image": image, "kp": found, "id": 1, "annotator": 1, "annotation_id": 2}])
    box = {"id": "b", "type": "rectanglelabels", "value": {"x": 1, "rectanglelabels": ["film"]}}
    annotation = {"id": 1, "completed_by": 1, "was_cancelled": False, "result": [*results, box]}
    return json.dumps([{"id": 5, "data": {"image": image}, "annotations": [annotation], "predictions": []}])


def _via(project):
    regions = [
        {"shape_attributes": {"name": "point", "cx": x, "cy": y}, "region_attributes": {"landmark": code}}
        for code, x, y in _marks(0.5)
    ]
    regions.append({"shape_attributes": {"name": "rect", "x": 1}, "region_attributes": {}})
    films = {"a.png123": {"filename": "a.png", "size": 123, "regions": regions, "file_attributes": {}}}
    return json.dumps({"_via_settings": {}, "_via_img_metadata": films} if project else films)


def _via_csv():
    rows = [
        f'a.png,123,"{{}}",3,{k},"{{""name"":""point"",""cx"":{x},""cy"":{y}}}","{{""label"":""{code}""}}"'
        for k, (code, x, y) in enumerate(_marks(0.5))
    ]
    head = (
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    )
    return "\n".join([head, *rows, 'b.png,1,"{}",0,0,"{}","{}"'])


def _fcsv(system):
    sign = -1 if system in ("RAS", "0") else 1
    rows = [f"{k},{sign * x},{sign * y},0,0,0,0,1,1,1,0,{code},," for k, (code, x, y) in enumerate(_marks())]
    head = f"# Markups fiducial file version = 4.11\n# CoordinateSystem = {system}\n"
    return (
        head + "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n" + "\n".join(rows)
    )


def deeplabcut(index):
    empty = "," * (index - 1)
    film = {1: "labeled-data/v/a.png", 3: "labeled-data,v,a.png"}[index]
    lines = [
        f"scorer{empty},{','.join(['anna'] * 6)}",
        f"bodyparts{empty},{','.join(code for code in CODES for _ in 'xy')}",
        f"coords{empty},{','.join(['x', 'y'] * 3)}",
        f"{film},{','.join(f'{v}' for _, x, y in _marks() for v in (x, y))}",
    ]
    return "\n".join(lines) + "\n"


def sleap():
    head = ",".join(f"{code}.x,{code}.y,{code}.score" for code in CODES)
    values = ",".join(f"{x},{y},0.9" for _, x, y in _marks())
    return f"track,frame_idx,instance.score,{head}\n,0,0.9,{values}\n"


def _tps():
    lines = [f"{x} {99 - y}" for _, x, y in _marks()]
    return "\r\n".join(
        ["LM=3", *lines, "CURVES=1", "POINTS=1", "7 7", "IMAGE=a.png", "ID=0", "SCALE=0.05", ""]
    )


FILES = {
    "cvat": ("annotations.xml", cvat(), "cvat"),
    "cvat skeletons": ("annotations.xml", cvat(skeleton=True), "cvat"),
    "label studio": ("export.json", label_studio(), "label-studio"),
    "label studio, JSON-MIN": ("export.json", label_studio(minimal=True), "label-studio"),
    "via project": ("via.json", _via(project=True), "via"),
    "via export": ("via.json", _via(project=False), "via"),
    "via csv": ("via.csv", _via_csv(), "via"),
    "slicer fcsv in LPS": ("a.fcsv", _fcsv("LPS"), "slicer"),
    "slicer fcsv in RAS": ("a.fcsv", _fcsv("0"), "slicer"),
    "deeplabcut": ("labeled-data/v/CollectedData_anna.csv", deeplabcut(1), "deeplabcut"),
    "deeplabcut, index of three": ("labeled-data/v/CollectedData_anna.csv", deeplabcut(3), "deeplabcut"),
    "sleap": ("analysis.csv", sleap(), "sleap"),
    "tps": ("anna.tps", _tps(), "tps"),
    "text": ("a.txt", "\n".join(f"{x},{y}" for x, y in POINTS) + "\n1\n2\n", "text"),
}
