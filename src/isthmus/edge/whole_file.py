"""A private file that other processes read at any moment: it is there whole or not at all, whatever is killed.

May not know what it says. Rule: what is not whole yet has a name that no reader looks for.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, body: bytes) -> None:
    """Make or replace the file, for this user only. Raises OSError."""
    beside = path.with_name(f"{path.name}.new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
    beside.rename(path)
