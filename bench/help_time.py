"""`isthmus --help` from start to exit."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row


def measure(quick: bool) -> Iterator[Row]:
    """Wall time of a whole process."""
    program = str(Path(sys.executable).with_name("isthmus"))
    samples = []
    for _ in range(10 if quick else 30):
        started = time.perf_counter()
        subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)
        samples.append((time.perf_counter() - started) * 1000)
    yield Row("isthmus --help, wall", "ms", tuple(samples[1:]), goal=150)
