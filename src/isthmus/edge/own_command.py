"""How this program can be called from where it runs, for lines that people paste.

Rule: `isthmus` where the shell would find it, else the way to it: a virtual environment need not be activated.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path


def own_command() -> str:
    """`isthmus`, the path of that command as short as it can be, or `python -m isthmus`; quoted for a shell."""
    if shutil.which("isthmus"):
        return "isthmus"
    beside = Path(sys.executable).with_name("isthmus")
    if not beside.is_file():
        return f"{shlex.quote(sys.executable)} -m isthmus"
    if not beside.is_relative_to(Path.cwd()):
        return shlex.quote(os.fspath(beside))
    path = os.fspath(beside.relative_to(Path.cwd()))
    return shlex.quote(
        path if os.sep in path else os.path.join(os.curdir, path)
    )  # a bare name would be looked for on PATH
