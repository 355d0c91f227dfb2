"""How long a report takes once the film is read and predicted, its size, and whether its bytes are the same.

    python benchmarks/report.py [FILM] [--mm-per-px S]

Each figure is the median of some runs after a first one that is shown apart: it loads library and fonts.
Computing time is the processor's: on a machine that does other work too it says more than the clock.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from cephsure import films
from cephsure.cephalometry import load_analyses
from cephsure.cephalometry.reviewed_film import ReviewedFilm
from cephsure.model import load_model
from cephsure.sample_films import sample_film
from cephsure.workflows.report import REPORT_FORMATS, report_document

RUNS = 9


def main() -> None:
    sample = sample_film("vhm_lateral_0deg")
    parser = argparse.ArgumentParser(description="How long a report takes.")
    parser.add_argument("film", type=Path, nargs="?", default=sample.path)
    parser.add_argument("--mm-per-px", type=float, default=sample.mm_per_px)
    asked = parser.parse_args()
    model = load_model()
    film = films.read(asked.film, mm_per_px=asked.mm_per_px)
    prediction = model.predict(film)
    print(
        f"film of {film.width_px} x {film.height_px} px; must: a PDF in 0.5 s at most, the same bytes twice"
    )
    for fmt in REPORT_FORMATS:
        for analysis in ("isbi", "all"):
            definitions, documents = load_analyses(analysis), set()
            seconds, computing = [], []
            for _ in range(RUNS + 1):
                reviewed = ReviewedFilm.of(prediction, model.landmark_set)  # measures anew
                start, begin = time.perf_counter(), time.process_time()
                document = report_document(film, reviewed, definitions, fmt)
                seconds.append(time.perf_counter() - start)
                computing.append(time.process_time() - begin)
                documents.add(document)
            same = "same bytes" if len(documents) == 1 else f"{len(documents)} DIFFERENT DOCUMENTS"
            usual, spent = statistics.median(seconds[1:]), statistics.median(computing[1:])
            took = f"{usual:.2f} s, computing {spent:.2f} s (first {seconds[0]:.2f} s)"
            print(f"{fmt} {analysis}: {took}, {len(document) // 1024} KiB, {same}")


if __name__ == "__main__":
    main()
