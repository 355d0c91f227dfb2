"""Fill the numbers and tables of scripts/findings.md.j2, which a person wrote, into docs/findings.md.

    python scripts/write_findings.py --study DIR --paper-study DIR   # keep what the page tells, then write it
    python scripts/write_findings.py                                 # write it from results/ alone

A study is made by ``cephsure experiment``, one of the recipe ``default`` on two head CTs and one of models of
the reference's recipe, all trained on the training films alone. What the page tells of them is kept in
results/findings.json and findings_paper.json. No number stands in the page's own text, and the script writes
no sentence.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import pandas as pd

from cephsure.studies.registry import EXPERIMENTS
from cephsure.studies.report_tables import text_table
from cephsure.studies.result import ResultTable, read_result
from cephsure.studies.summaries import BEST, summaries_of

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "findings.md"
RESULTS = ROOT / "results"
KEPT = {"ours": RESULTS / "findings.json", "paper": RESULTS / "findings_paper.json"}
PREDICTIONS = RESULTS / "predictions"

Tables = dict[str, ResultTable]


def keep(study: Path, kept: Path) -> None:
    """Keep a study's tables that the page tells of, and the predictions of models that are not shipped."""
    results = [read_result(study / name, name) for name in EXPERIMENTS if (study / name).is_dir()]
    found = {name: table for result in results for name, table in result.tables.items()}
    tables = summaries_of(results) | {
        name: make(found) for name, (needed, make) in KEPT_TABLES.items() if needed <= found.keys()
    }
    document = {name: table.document() for name, table in tables.items()}
    kept.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for folder in sorted((study / "predictions").iterdir()):
        facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if not facts["label"].startswith("default-"):
            shutil.copytree(folder, PREDICTIONS / folder.name, dirs_exist_ok=True)


def with_ends(*names: str) -> list[str]:
    """Columns with the ends of their intervals."""
    return [f"{name}{end}" for name in names for end in ("", "_low", "_high")]


def mm_with_ends(name: str) -> list[str]:
    """The same of a column in mm."""
    return [f"{name}{end}_mm" for end in ("", "_low", "_high")]


def accuracy_table(found: Tables) -> ResultTable:
    """Models and annotators, each against its own truth."""
    frame = found["accuracy"].frame
    columns = ["who", "truth", *mm_with_ends("mre"), "sdr_2mm_percent", "sdr_2.5mm_percent", "mre_clean_mm"]
    return ResultTable("Accuracy on Test1", frame.loc[frame["mre_low_mm"].notna(), columns])


def truths_table(found: Tables) -> ResultTable:
    """The same predictions against every truth."""
    frame = found["accuracy_long"].frame
    chosen = frame["trained_on"].notna() & (frame["films"] == "official") & (frame["landmarks"] == "all")
    columns = ["who", "truth", "mre_mm"]
    return ResultTable("Each model against every truth", frame.loc[chosen, columns])


def error_table(found: Tables) -> ResultTable:
    """Each model's own measure and the error."""
    frame = found["error_correlation"].frame
    chosen = frame["own_measure"] & (frame["films"] == "official") & (frame["landmarks"] == "all")
    columns = ["model", "measure", *with_ends("pearson", "spearman", "within_spearman")]
    return ResultTable(
        "Each model's own measure and the radial error, point by point", frame.loc[chosen, columns]
    )


def distortion_table(found: Tables) -> ResultTable:
    """Mean errors of the plain and of the most distorted films."""
    frame = found["distortion-by-magnitude"].frame
    ends = frame.sort_values("magnitude").groupby("model", sort=False)["error_mm"].agg(["first", "last"])
    ends.columns = ["error_plain_mm", "error_most_mm"]
    return ResultTable("Mean error as films are distorted", ends.reset_index())


def turned_table(found: Tables) -> ResultTable:
    """Mean errors of a head held straight and turned, and how well the model's own measure goes with them."""
    frame = found["rotation"].frame
    own = frame.loc[frame["published_pearson"].notna()]  # not tilt and nod
    own = own[["head", "series", "model", *with_ends("error_spearman")]]
    angles = found["rotation-by-angle"].frame
    keys = ["head", "series", "model"]
    straight = angles[angles["angle_deg"] == 0].set_index(keys)["error_mm"].rename("error_straight_mm")
    most = angles.groupby(keys)["error_mm"].max().rename("error_most_mm")
    return ResultTable("Mean error as a head is turned", own.join(straight, on=keys).join(most, on=keys))


def heads_table(found: Tables) -> ResultTable:
    """Of every head and series of turns the coefficients of the models' own measures, a column a model."""
    frame = found["rotation"].frame
    own = frame[frame["published_pearson"].notna()]
    cells = [
        f"{row.angle_pearson:.2f} [{row.angle_pearson_low:.2f}, {row.angle_pearson_high:.2f}]"
        for row in own.itertuples()
    ]
    own = own.assign(text=[cell.replace("-", "−") for cell in cells])
    return ResultTable(
        "Size of the angle and mean measure, Pearson's r",
        by_model(own, ["head", "series"]),
        "Each model by its own measure: activation for a Baseline, spread for the others. Intervals: 95 %, "
        "over moving blocks of angles of the one head.",
    )


def by_model(frame: pd.DataFrame, keys: list[str], across: str = "model") -> pd.DataFrame:
    """The column ``text`` with a column a model, or another cell, in the order they come."""
    wide = frame.pivot_table(index=keys, columns=across, values="text", aggfunc="first", sort=False)
    return wide[list(dict.fromkeys(frame[across]))].reset_index().rename_axis(columns=None)


STEADY = (
    *("maximum heat-map activation", "entropy of the heat map"),
    *("spread of the samples", "expected radial error"),
)


def pooled_table(found: Tables) -> ResultTable:
    """Coefficients and areas over the films of all heads together, of the measures that the page tells of."""
    table = found["rotation-all-heads"]
    columns = ["series", "model", "measure", "angle_pearson", "angle_pearson_worst_head"]
    rows = table.frame["measure"].isin(STEADY)
    return ResultTable(table.title, table.frame.loc[rows, [*columns, "auc", "auc_worst_pair"]], table.note)


def together_table(pooled: ResultTable, title: str, value: str, worst: str) -> ResultTable:
    """A figure over the films of all heads, its worst in brackets, with a column a series."""
    frame = pooled.frame
    cells = zip(frame[value], frame[worst], strict=True)
    frame = frame.assign(text=[f"{_number(cell, 2)} ({_number(least, 2)})" for cell, least in cells])
    frame = frame.sort_values("measure", key=lambda names: names.map(STEADY.index), kind="stable")
    return ResultTable(title, by_model(frame, ["measure", "model"], "series"))


def posture_table(found: Tables) -> ResultTable:
    """How the heads lay in their scans."""
    return found["rotation-heads"].select("head", "levelled_by_nod_deg", "nod_from")


def site_table(found: Tables) -> ResultTable:
    """Accuracy here and at the other site."""
    frame = found["other_site_accuracy"].frame
    columns = [
        *("model", "site", "truth", "n_films", *mm_with_ends("mre")),
        *("mre_without_offsets_mm", "annotators_apart_mm"),
    ]
    return ResultTable("Films of another site", frame[columns])


def noticed_table(found: Tables) -> ResultTable:
    """Which measure notices the other site; lengths in mm."""
    frame = found["other_site_noticed"].frame
    in_mm = ~frame["key"].str.endswith("_px")
    return ResultTable(
        "Areas for telling another site's films", frame.loc[in_mm, ["model", "measure", *with_ends("auc")]]
    )


def observers_table(found: Tables) -> ResultTable:
    """Measures and the disagreement of observers, their systematic displacements taken off."""
    frame = found["observers"].frame
    columns = ["model", "observers", "measure", *with_ends("spearman", "within_spearman")]
    return ResultTable(
        "Measures and the observers' disagreement", frame.loc[frame["offsets_removed"].astype(bool), columns]
    )


def distances_table(found: Tables) -> ResultTable:
    """How near models and observers come to the others' mean."""
    frame = found["observers_distances"].frame
    is_model = frame["is_model"].astype(bool)
    observers = frame.loc[~is_model, "all_mm"]
    models = frame.loc[is_model, ["who", "all_mm"]].rename(columns={"who": "model", "all_mm": "model_mm"})
    models["nearest_observer_mm"], models["farthest_observer_mm"] = observers.min(), observers.max()
    models["observers_nearer"] = [int((observers < distance).sum()) for distance in models["model_mm"]]
    return ResultTable("Distance to the mean of the observers", models)


def spoiled_table(found: Tables) -> ResultTable:
    """The shifted films with a mean error over 4 mm, and those that raise an alarm."""
    frame = found["detection_spoiled"].frame
    columns = ["model", "score", "n_spoiled", "share_found"]
    return ResultTable("Alarms on films with large errors", frame.loc[frame["score"] == "all_max", columns])


def referral_table(found: Tables) -> ResultTable:
    """What the most uncertain fifth holds, by which measure it is chosen."""
    frame = found["referral"].frame
    frame = frame[frame["films"] == "official"]
    points = frame["referred"] == "points"
    as_is = frame["scaled"] == "as it is"
    chosen = {
        "own measure": frame[points & as_is & frame["own_measure"].astype(bool)],
        "best measure": _best(frame[points & as_is]),
        "best within landmarks": _best(frame[points & ~as_is]),
        "whole films, best": _best(frame[~points]),
    }
    columns = [
        *("model", "n_over_4mm", "mre_mm", *with_ends("caught_20"), "caught_20_oracle"),
        *(*with_ends("mre_kept_mm_20"), "mre_kept_mm_20_oracle"),
    ]
    parts = [part[["title", *columns]].assign(by=by) for by, part in chosen.items()]
    rows = pd.concat(parts).rename(columns={"title": "measure"})
    return ResultTable("What the most uncertain fifth holds", rows[["by", "measure", *columns]])


def _best(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.loc[frame.groupby("model", sort=False)["caught_20"].idxmax()]


def samples_table(found: Tables) -> ResultTable:
    """Error and cost by the number of samples."""
    frame = found["samples"].frame
    columns = ["model", "drawn", "samples", *with_ends("mre_mm"), "ms_per_film"]
    return ResultTable("Error and cost by the number of samples", frame[columns])


KEPT_TABLES: dict[str, tuple[set[str], Callable[[Tables], ResultTable]]] = {
    "accuracy": ({"accuracy"}, accuracy_table),
    "truths": ({"accuracy_long"}, truths_table),
    "error": ({"error_correlation"}, error_table),
    "distortion": ({"distortion-by-magnitude"}, distortion_table),
    "turned": ({"rotation", "rotation-by-angle"}, turned_table),
    "heads": ({"rotation"}, heads_table),
    "pooled": ({"rotation-all-heads"}, pooled_table),
    "posture": ({"rotation-heads"}, posture_table),
    "site": ({"other_site_accuracy"}, site_table),
    "noticed": ({"other_site_noticed"}, noticed_table),
    "observers": ({"observers"}, observers_table),
    "distances": ({"observers_distances"}, distances_table),
    "spoiled": ({"detection_spoiled"}, spoiled_table),
    "referral": ({"referral"}, referral_table),
    "samples": ({"samples"}, samples_table),
}
"""What is kept besides the tables that head a report: by name, the tables it is made from, and how."""


def best_table(table: ResultTable) -> ResultTable:
    """The best measures with a line a task and a column a model."""
    frame = table.frame.copy()
    frame["task"] += " (" + frame["figure"] + ")"
    frame["text"] = [
        f"{row.measure} {row.value:.2f}"
        + (f"; {row.combination} {row.combination_value:.2f}" if pd.notna(row.combination_value) else "")
        for row in frame.itertuples()
    ]
    note = f"Single measure, then combination of several where it was made. {table.note}"
    return ResultTable(table.title, by_model(frame, ["task"]), note)


class Kept:
    """The tables of one study, as the page asks for them."""

    def __init__(self, path: Path) -> None:
        documents = json.loads(path.read_text(encoding="utf-8"))
        self._tables = {name: ResultTable.from_document(data) for name, data in documents.items()}
        self._tables["best"] = best_table(self._tables[BEST])
        pooled = self._tables.get("pooled")
        if pooled is not None:
            title = (
                "Size of the angle and mean measure, Pearson's r over the films of both heads (worst head)"
            )
            figures = ("angle_pearson", "angle_pearson_worst_head")
            self._tables["follows"] = together_table(pooled, title, *figures)
            title = "Turned films of both heads told from straight ones of both, area (worst pair of heads)"
            self._tables["told"] = together_table(pooled, title, "auc", "auc_worst_pair")

    def table(self, name: str, *columns: str, **where: str) -> str:
        """A table in Markdown, rounded for reading, intervals beside their values; its note below."""
        table = self._tables[name]
        table = ResultTable(table.title, self._chosen(name, where), table.note)
        markdown = text_table(table.select(*columns) if columns else table, digits=2).markdown()
        return "\n\n".join(part for part in (f"**{table.title}.**", markdown.strip(), table.note) if part)

    def value(self, name: str, column: str, digits: int = 2, **where: object) -> str:
        """One number, with its interval where it has one; times in ms are whole.

        Raises:
            ValueError: there is not exactly one such row.
        """
        rows = self._chosen(name, where)
        if len(rows) != 1:
            raise ValueError(f"{len(rows)} rows of {name} are {where}")
        stem, _, unit = column.rpartition("_")
        ends = [f"{stem}_{end}_{unit}" for end in ("low", "high")]
        if not set(ends) <= set(rows):
            ends = [f"{column}_{end}" for end in ("low", "high")]
        shown = [rows[name].iloc[0] for name in (column, *ends) if name in rows]
        if column.startswith("ms_"):
            digits = 0
        value, *interval = (_number(cell, digits) for cell in shown if pd.notna(cell))
        return f"{value} [{', '.join(interval)}]" if interval else value

    def span(self, name: str, column: str, digits: int = 2, **where: object) -> str:
        """The least and the largest of several numbers: "0.96 to 1.05"; one where they read the same."""
        cells = self._chosen(name, where)[column]
        least, most = _number(cells.min(), digits), _number(cells.max(), digits)
        return least if least == most else f"{least} to {most}"

    def _chosen(self, name: str, where: dict[str, object]) -> pd.DataFrame:
        frame = self._tables[name].frame
        for column, wanted in where.items():
            frame = frame[frame[column].isin(wanted if isinstance(wanted, list) else [wanted])]
        return frame


def _number(cell: float, digits: int) -> str:
    return f"{cell:.{digits}f}".replace("-", "−")


def page() -> str:
    """The page with all that results/ holds filled in."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the page is Markdown
    )
    template = environment.get_template("findings.md.j2")
    return template.render({name: Kept(path) for name, path in KEPT.items()})


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--study", type=Path, metavar="DIR", help="a finished study of the shipped models")
    parser.add_argument("--paper-study", type=Path, metavar="DIR", help="one of the reference's recipe")
    arguments = parser.parse_args()
    for study, kept in zip((arguments.study, arguments.paper_study), KEPT.values(), strict=True):
        if study:
            keep(study, kept)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
