"""Whether a port can be listened on, told before anything is started, and who is in the way.

May not keep the port: Envoy binds it a moment later. Rule: the problem is returned as one sentence that names the
flag to change; a holder that this user may not see is left out, not guessed.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_LISTENING = "0A"


class Port(NamedTuple):
    """An address to listen on, and the flags by which it was chosen."""

    address: str
    port: int
    flag: str = "--http-port"
    address_flag: str = "--bind"


def preflight(wanted: Port) -> str | None:
    """Why `wanted` cannot be listened on, or None where it can."""
    where = f"{wanted.address}:{wanted.port}"
    if not 0 < wanted.port < 65536:
        return f"port {wanted.port} is not between 1 and 65535; choose another with {wanted.flag}"
    try:
        found = socket.getaddrinfo(
            wanted.address, wanted.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE
        )
    except OSError:
        return f"{wanted.address!r} is not an IP address; give one with {wanted.address_flag}, such as 127.0.0.1"
    family, _, _, _, target = found[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As Envoy does: connections of an earlier run that linger in TIME_WAIT are not in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
        except OSError as error:
            return _why(error, where, wanted)
    return None


def _why(error: OSError, where: str, wanted: Port) -> str:
    if error.errno == errno.EADDRINUSE:
        by = f", by {holder}" if (holder := _holder(wanted.port)) else ""
        return f"{where} is already in use{by}; stop it or choose another port with {wanted.flag}"
    if error.errno == errno.EACCES:
        return f"{where} needs more rights (ports below 1024); choose another port with {wanted.flag}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{wanted.address} is not an address of this machine; choose another with {wanted.address_flag}"
    return f"{where} cannot be listened on: {error.strerror}; choose another port with {wanted.flag}"


def _holder(port: int) -> str:
    """`pid 4711 (nginx -g daemon off;)` of the process that listens on `port`; empty where it cannot be seen."""
    wanted = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*") if wanted else ():
        if any(link in wanted for link in _links(process / "fd")):
            return f"pid {process.name} ({_command(process)})"
    return ""


def _listening(port: int) -> Iterator[str]:
    """Inodes of the sockets that listen on `port`: columns 1, 3 and 9 of /proc/net/tcp (proc(5))."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _links(folder: Path) -> Iterator[str]:
    try:
        for each in folder.iterdir():
            yield os.readlink(each)
    except OSError:  # another user's process, or one that has just ended
        return


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "unknown"
    command = "".join(letter if letter.isprintable() else "?" for letter in " ".join(words).strip())
    return command if len(command) <= 80 else f"{command[:77]}..."
