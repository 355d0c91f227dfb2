from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_page_of_codes_is_what_the_program_writes():
    script = runpy.run_path(str(ROOT / "scripts" / "write_dicom_codes.py"))
    page = (ROOT / "docs" / "dicom-codes.md").read_text("utf-8")
    assert page == script["page"](), "run python scripts/write_dicom_codes.py"
