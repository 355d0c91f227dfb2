from __future__ import annotations

from tiny_training import (  # noqa: F401 - fixtures
    _one_thread,
    begin,
    csv_films,
    films,
    finished_run,
    tiny_paper,
    tiny_recipe,
)
