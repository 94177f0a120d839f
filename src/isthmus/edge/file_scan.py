"""Which manifest files there are, in what state, and which folders would show a change of them.

Follows links, so that mounted ConfigMaps and linked folders work, and counts each file once. Skips hidden names:
among them are editors' temporary files and a ConfigMap's `..data`. Rule: reads no content.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence

from msgspec import Struct

STDIN = "-"
_MANIFESTS = (".yaml", ".yml", ".json")
Identity = tuple[int, int]


class Signature(Struct, frozen=True, gc=False):
    """Equal for two looks at a file that was not touched between them."""

    modified: int  # nanoseconds
    changed: int  # nanoseconds
    size: int
    identity: Identity


class Listing(Struct, frozen=True):
    """The files by the path to show, in their order; None marks pipes and the like, which can be read only once.

    `folders` are the folders to watch, by resolved path; `spots` are paths outside of the scanned folders that
    matter: the given paths themselves and the links on the way. `missing` are given paths that do not exist, `empty`
    given folders without any manifest.
    `plain` are the files that stand where they seem to, without links: resolved path to path to show.
    """

    files: dict[str, Signature | None]
    plain: dict[str, str]
    folders: dict[str, Identity]
    scanned: frozenset[str]
    spots: frozenset[str]
    missing: tuple[str, ...]
    empty: tuple[str, ...] = ()

    def concerns(self, path: str) -> bool:
        """Whether an event on a path can matter."""
        if path in self.plain or path in self.spots or path in self.scanned:
            return True
        folder, name = os.path.split(path)
        if folder not in self.scanned or (name.startswith(".") and not name.startswith("..")):
            return False
        return name.endswith(_MANIFESTS) or name.startswith("..") or os.path.isdir(path)

    def touched(self, paths: Iterable[str]) -> Listing | None:
        """The listing after events on plain files, which stay what they are; None where only a scan can tell."""
        files = dict(self.files)
        for path in paths:
            shown = self.plain.get(path)
            if shown is None or path in self.spots:
                return None
            try:
                status = os.lstat(path)
            except OSError:
                return None
            if not stat.S_ISREG(status.st_mode):
                return None
            files[shown] = _signature(status)
        return Listing(files, self.plain, self.folders, self.scanned, self.spots, self.missing, self.empty)


def scan(paths: Sequence[str]) -> Listing:
    """Look at all given files and folders."""
    looking = _Looking()
    for path in paths:
        if path != STDIN:
            looking.at(path)
    return Listing(
        looking.files,
        looking.plain,
        looking.folders,
        frozenset(looking.scanned),
        frozenset(looking.spots),
        tuple(looking.missing),
        tuple(looking.empty),
    )


class _Looking:
    def __init__(self) -> None:
        self.files: dict[str, Signature | None] = {}
        self.plain: dict[str, str] = {}
        self.folders: dict[str, Identity] = {}
        self.scanned: set[str] = set()
        self.spots: set[str] = set()
        self.missing: list[str] = []
        self.empty: list[str] = []
        self._met = 0  # manifests, those counted that were reached before
        self._seen: set[Identity] = set()
        self._walked: set[str] = set()

    def at(self, path: str) -> None:
        """Look at a path that was asked for."""
        self._links(path)
        try:
            status = os.stat(path)
        except OSError:
            self.missing.append(path)
            return
        if stat.S_ISDIR(status.st_mode):
            before, is_new = self._met, _identity(status) not in self._seen
            self._folder(path, status)
            if is_new and self._met == before:
                self.empty.append(path)
        else:
            self._file(path, status)

    def _folder(self, path: str, status: os.stat_result) -> None:
        if not self._is_new(status):
            return
        real = os.path.realpath(path)
        self.folders[real] = _identity(status)
        self.scanned.add(real)
        try:
            with os.scandir(path) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            listed = []  # gone since, or not ours to read
        for entry in listed:
            if not entry.name.startswith("."):
                self._entry(f"{path}{os.sep}{entry.name}", real, entry)

    def _entry(self, path: str, folder: str, entry: os.DirEntry[str]) -> None:
        linked = entry.is_symlink()
        if linked:
            self._links(path)
        self._met += entry.name.endswith(_MANIFESTS)
        try:
            status = entry.stat()
        except OSError:
            if entry.name.endswith(_MANIFESTS):
                self.files[path] = Signature(0, 0, 0, (0, 0))  # a link to nothing; reading says so
            return
        if stat.S_ISDIR(status.st_mode):
            self._folder(path, status)
        elif stat.S_ISREG(status.st_mode) and entry.name.endswith(_MANIFESTS):
            self._file(path, status)
            if not linked and path in self.files:
                self.plain[f"{folder}{os.sep}{entry.name}"] = path

    def _file(self, path: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            self.files[path] = None
        elif self._is_new(status):
            self.files[path] = _signature(status)

    def _is_new(self, status: os.stat_result) -> bool:
        identity = _identity(status)
        if identity in self._seen:
            return False
        self._seen.add(identity)
        return True

    def _links(self, path: str) -> None:
        """Watch where a path stands, and where each link on its way leads."""
        path = os.path.abspath(path)
        if path in self._walked:
            return
        self._walked.add(path)
        parent, name = os.path.split(path)
        real = os.path.realpath(parent)
        self.spots.add(os.path.join(real, name))
        try:
            self.folders.setdefault(real, _identity(os.stat(real)))
        except OSError:
            return
        if parent != real:
            self._links(parent)
        if os.path.islink(path):
            self._links(os.path.join(parent, os.readlink(path)))


def _signature(status: os.stat_result) -> Signature:
    return Signature(status.st_mtime_ns, status.st_ctime_ns, status.st_size, _identity(status))


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino
