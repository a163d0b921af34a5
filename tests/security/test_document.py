"""docs/security.md names tests and places in the code: all of them are there."""

from __future__ import annotations

import re

from tests.stack.running import ROOT

DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_that_the_document_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", DOCUMENT))
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    assert len(named) > 40
    assert sorted(named - written) == []


def test_every_file_that_the_document_names_exists() -> None:
    paths = set(re.findall(r"`([\w/.-]+\.(?:py|ts|md))`", DOCUMENT)) | set(
        re.findall(r"\]\(([^)#]+)\)", DOCUMENT)
    )
    assert paths
    missing = [path for path in paths if not ((ROOT / path).exists() or (ROOT / "docs" / path).exists())]
    assert missing == []


def test_each_row_of_the_threats_and_notes_names_a_test() -> None:
    rows = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and "---" not in line]
    without = [row for row in rows if "`test_" not in row and not row.startswith(("| who |", "| note |"))]
    assert without == []
    notes = DOCUMENT.partition("## The eight notes")[2].partition("## ")[0]
    assert notes.count("`test_") >= 8
    assert len([line for line in notes.splitlines() if line.startswith("| ") and "---" not in line]) == 9
