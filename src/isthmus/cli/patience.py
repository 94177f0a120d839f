"""A word about what takes longer than a moment, so that nobody wonders whether anything happens."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import click

_SECONDS = 1.0


@contextlib.contextmanager
def patience(what: str) -> Iterator[None]:
    """Say it on standard error if the block takes longer."""
    timer = threading.Timer(_SECONDS, click.echo, (what,), {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # processes are started by one thread alone
