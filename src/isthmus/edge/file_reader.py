"""The content of manifest files, decoded, and read again when they were touched.

Rule: only what was touched is read again, and only what reads differently is decoded again.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from isthmus.edge.file_scan import STDIN, Signature, scan
from isthmus.kube import codes
from isthmus.kube.decode import file_ref
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.files import File, decode_file
from isthmus.kube.refs import SourcePos

MAX_FILE = 256 * 1024 * 1024  # bytes
_STDIN_NAME = "stdin"
_SETTLED = 50_000_000  # nanoseconds; a file touched less than this ago may change again without showing it
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Read(Struct, frozen=True):
    """A file as it was read last. `settled` says whether an equal signature means an equal file."""

    file: File
    signature: Signature | None
    settled: bool


class FileReader:
    """The given paths and what was read from them. `once` is what pipes and standard input, `-`, held."""

    def __init__(self, paths: Sequence[str], once: Mapping[str, bytes]) -> None:
        self._paths = tuple(path for path in paths if path != STDIN and path not in once)
        self._read: dict[str, _Read] = {}
        named = {_STDIN_NAME if path == STDIN else path: content for path, content in once.items() if path in paths}
        self._once = {name: file_of(name, content, None) for name, content in named.items()}
        self.listing = scan(())

    @property
    def files(self) -> Mapping[str, File]:
        """All files in their order, as they were read last."""
        empty = {path: File(path, fault=_nothing_in(path)) for path in self.listing.empty}
        return {**self._once, **{path: read.file for path, read in self._read.items()}, **empty}

    def refresh(self, touched: Iterable[str] | None = None) -> Mapping[str, File]:
        """Look at the disk, or only at the paths that are known to have been touched; gives the files as they are."""
        now = time.time_ns()
        listing = self.listing.touched(touched) if touched is not None else None
        self.listing = listing if listing is not None else scan(self._paths)
        read: dict[str, _Read] = {}
        for path, signature in self.listing.files.items():
            before = self._read.get(path)
            if before is None or not before.settled or before.signature != signature:
                before = _read(path, signature, before, now)
            read[path] = before
        self._read = read
        return self.files


def _read(path: str, signature: Signature | None, before: _Read | None, now: int) -> _Read:
    settled = signature is None or now - signature.modified > _SETTLED
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        fix = "check that it exists and that this user may read it"
        return _Read(_unreadable(path, error.strerror or str(error), fix), signature, False)
    return _Read(file_of(path, content, before.file if before else None), signature, settled)


def file_of(path: str, content: bytes, before: File | None) -> File:
    """A file by its bytes, made from its earlier state where there is one."""
    if len(content) > MAX_FILE:
        return _unreadable(path, f"it is larger than {MAX_FILE >> 20} MiB", "split it up")
    try:
        text = content.decode("utf-16" if content.startswith(_UTF16) else "utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fix = "save it as UTF-8"
        return _unreadable(path, f"it is not {error.encoding} text on line {line}", fix, line)
    return decode_file(path, text, before)


def _nothing_in(folder: str) -> Diagnostic:
    return Diagnostic(codes.EMPTY_FOLDER, file_ref(folder), pos=SourcePos(folder))


def _unreadable(path: str, problem: str, fix: str, line: int = 0) -> File:
    args = ("problem", problem), ("fix", fix)
    return File(path, fault=Diagnostic(codes.UNREADABLE, file_ref(path), args=args, pos=SourcePos(path, line)))
