"""What `--without` takes is in the documentation, in the words of the command line."""

from __future__ import annotations

from pathlib import Path

from isthmus.quirks import QUIRKS

PAGE = Path(__file__).parents[2] / "docs" / "manifests.md"


def test_every_quirk_is_in_the_table() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.split("`")[1] in QUIRKS] == [
        f"| `{name}` | {text} |" for name, text in sorted(QUIRKS.items())
    ]
