"""The command in lines to paste works in the shell of whoever reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isthmus.edge.own_command import own_command

BIN = Path(sys.executable).parent


@pytest.mark.parametrize("place", [BIN, BIN.parent.parent, Path("/")], ids=["beside", "above", "elsewhere"])
@pytest.mark.parametrize("path", [os.defpath, f"{BIN}:{os.defpath}"], ids=["not on PATH", "on PATH"])
def test_it_can_be_run_from_there(path: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", path)
    monkeypatch.chdir(place)
    ran = subprocess.run(["sh", "-c", f"{own_command()} --version"], capture_output=True, text=True, check=False)
    assert (ran.returncode, "isthmus" in ran.stdout.lower()) == (0, True), ran.stderr
    assert (own_command() == "isthmus") is (str(BIN) in path)
