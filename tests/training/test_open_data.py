from __future__ import annotations

import csv

import pytest

from cephsure.errors import InputError
from cephsure.training.open_data import chosen_films, usual_split


def choose(data, **options):
    given = {
        "data_format": "auto",
        "split": "all",
        "which_truth": "mean",
        "mm_per_px": None,
        "landmark_set": None,
    }
    return chosen_films(str(data), **(given | options))


def test_the_usual_split_is_train_where_there_are_splits(films, csv_films):
    assert usual_split(str(films), data_format="auto", landmark_set=None) == "train"
    assert usual_split(str(csv_films), data_format="csv", landmark_set=None) == "all"


def test_only_the_split_is_taken(films):
    assert [film.film_id for film in choose(films, split="train")] == [f"{k:03d}" for k in range(1, 9)]
    assert len(choose(films)) == 12


def test_the_users_scale_is_taken(csv_films):
    assert choose(csv_films)[0].spacing is None
    assert choose(csv_films, mm_per_px=0.3)[0].spacing.x_mm_per_px == 0.3


def write(folder, csv_films, keep):
    """The table with only those rows that ``keep`` says yes to."""
    for image in csv_films.parent.glob("*.png"):
        (folder / image.name).write_bytes(image.read_bytes())
    with csv_films.open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    with (folder / "points.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *filter(keep, rows)])
    return folder / "points.csv"


def test_films_with_one_point_are_left_out(tmp_path, csv_films):
    data = write(tmp_path, csv_films, lambda row: row[0] != "film2.png" or row[2] == "7")
    assert [film.film_id for film in choose(data)] == ["film0", "film1", "film3", "film4"]


def test_too_few_films_are_refused(tmp_path, csv_films):
    data = write(tmp_path, csv_films, lambda row: row[0] in {"film0.png", "film1.png", "film4.png"})
    with pytest.raises(InputError, match=r"3 films with at least 2 landmarks in split 'all'.*4 or more"):
        choose(data)


def test_an_unknown_annotator_and_split_are_refused(films):
    with pytest.raises(InputError, match="no annotator 'professor'"):
        choose(films, which_truth="professor")
    with pytest.raises(InputError, match="no split 'test2'"):
        choose(films, split="test2")
