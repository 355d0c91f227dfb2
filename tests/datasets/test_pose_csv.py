"""DeepLabCut's individuals, delimiters and likelihoods; the order of films that SLEAP does not name."""

from __future__ import annotations

import numpy as np
import pytest

from cephsure.datasets import open_dataset
from cephsure.errors import InputError
from label_files import deeplabcut, sleap, write_film

TWO = (
    "scorer,,,ann,ann,ann,ann,ann,ann\nindividuals,,,m1,m1,m2,m2,single,single\n"
    "bodyparts,,,S,S,S,S,N,N\ncoords,,,x,y,x,y,x,y\n"
)


def _read(tmp_path, three, text, name="c.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return open_dataset(tmp_path / name, landmark_set=three)


def test_of_several_individuals_one_is_marked_on_a_film(tmp_path, three):
    write_film(tmp_path / "a.png")
    write_film(tmp_path / "b.png")
    rows = "labeled-data,v,a.png,10,20,,,11,21\nlabeled-data,v,b.png,10,20,30,20,11,21\n"
    dataset = _read(tmp_path, three, TWO + rows)
    (film,) = dataset.films
    np.testing.assert_allclose(film.annotations["ann"][:2], [[10, 20], [11, 21]])
    assert any("c.csv:6: marks several individuals" in line for line in dataset.problems)
    with pytest.raises(InputError, match="has landmark 'S' twice in its heading"):
        _read(tmp_path, three, TWO.replace("m2,m2", "m1,m1") + rows)


def test_semicolons_and_likelihoods(tmp_path, three):
    write_film(tmp_path / "a.png")
    text = deeplabcut(1).replace("labeled-data/v/", "").replace(",", ";").replace(".5", ",5")
    assert _read(tmp_path, three, text).films[0].annotations["anna"][0].tolist() == [20.5, 30.25]
    text = "scorer,net,net,net\nbodyparts,S,S,S\ncoords,x,y,likelihood\na.png,10,20,0.01\n"
    problems = _read(tmp_path, three, text).problems
    assert "c.csv: has likelihoods: its points are a network's, whatever likelihood they have" in problems


def test_films_whose_order_is_unclear_are_not_guessed(tmp_path, three):
    head, row = sleap().splitlines()
    text = "\n".join([head, *(row.replace(",0,", f",{k},", 1) for k in range(3))])
    for name in ("1.png", "2.png", "10.png"):
        write_film(tmp_path / name)
    with pytest.raises(InputError, match=r"whether 10\.png is the second is unclear \(fill up the numbers"):
        _read(tmp_path, three, text)
    (tmp_path / "10.png").rename(tmp_path / "3.png")
    assert [film.film_id for film in _read(tmp_path, three, text).films] == ["1", "2", "3"]
