"""The private folder that the supervisor, the control plane and Envoy share: sockets, settings, bootstrap.

May not know what is written into it. Rule: a folder belongs to the process that holds the lock on it, so what a
killed process left behind is told from what is in use without trusting process numbers.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from isthmus.xds.bootstrap import Sockets

# What is in it beside sockets.
BOOTSTRAP = "bootstrap.json"  # what Envoy is started with
CATALOG = "catalog.json"  # what the explorer shows
SCHEMAS = "schemas"  # for the adapter and the explorer: DIGEST.msgpack
POLICIES = "policies"  # what the authorization helper decides by: DIGEST.json
PLANS = "plans"  # for the next control plane: what is known of schemas, a file each
SERVERS = "servers"  # for the next control plane: the bare servers that were found, a file each
LAST_GOOD = "last-good"  # for the next control plane: records of what may still be served
_SECRET = "secret"
_PREFIX = "isthmus-run-"
_LONGEST = 103 - len("/isthmus-run-12345678/authorization.sock")  # of a Unix socket's path on any system


def sockets_in(folder: Path) -> Sockets:
    """The sockets in a gateway's folder."""
    return Sockets(*(str(folder / f"{name.replace('_', '-')}.sock") for name in Sockets._fields))


def secret_in(folder: Path) -> str:
    """What only this gateway knows, the same in every control plane that it will have."""
    return (folder / _SECRET).read_text()


class RuntimeDir(NamedTuple):
    """`lock` is the open folder, locked for as long as this process lives."""

    path: Path
    lock: int

    @property
    def sockets(self) -> Sockets:
        """Where the processes of this gateway listen for each other."""
        return sockets_in(self.path)

    @property
    def bootstrap(self) -> Path:
        """What Envoy is started with."""
        return self.path / BOOTSTRAP

    @property
    def schemas(self) -> Path:
        """The schemas that are known, a file each: DIGEST.msgpack."""
        return self.path / SCHEMAS

    @property
    def policies(self) -> Path:
        """What the authorization helper decides by, a file each: DIGEST.json."""
        return self.path / POLICIES

    def remove(self) -> None:
        """Delete the folder and give up the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def make_runtime_dir() -> RuntimeDir:
    """A new folder, readable by this user only; those of processes that are gone are removed on the way."""
    parent = _parent()
    _remove_stale(parent)
    # It takes its final name once it is locked, so that nobody ever sees it without an owner.
    made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
    (made / _SECRET).write_text(secrets.token_hex(16))
    lock = os.open(made, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return RuntimeDir(made.rename(parent / made.name.removeprefix(".")), lock)


def _parent() -> Path:
    candidates = (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir())
    usable = (Path(each) for each in candidates if each and len(each) <= _LONGEST and os.access(each, os.W_OK))
    return next(usable, Path("/tmp"))


def _remove_stale(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:  # a file of that name, or another process removes it right now
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # in use
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
