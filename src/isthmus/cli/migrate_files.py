"""Rewritten manifests as files, named as the ones that they were made of.

Rule: everything is checked and written beside its place before the first file gets its name, and no file that exists
is overwritten unless asked for. Line ends, byte order marks and permissions are those of the originals.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from isthmus.kube.documents import normal

_MARK = b"\xef\xbb\xbf"
_STDIN, _STDIN_FILE = "stdin", "stdin.yaml"


class OutputError(Exception):
    """The files cannot be written; the message says which and why."""


def write(
    texts: Mapping[str, str], paths: Sequence[str], stdin: bytes | None, folder: str, force: bool
) -> tuple[Path, ...]:
    """Write every text into the folder; what was written. `paths` are those that -f named. Raises OutputError."""
    targets = _targets(texts, paths, Path(folder))
    existing = [str(each) for each in targets.values() if os.path.lexists(each)]
    if existing and not force:
        raise OutputError(f"{', '.join(existing[:3])} exists; --force overwrites" + _more(len(existing) - 3))
    written: dict[Path, str] = {}
    try:
        for name, target in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            written[target] = _beside(target, _content(name, texts[name], stdin), name)
        for target, temporary in written.items():
            os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"{error.filename or folder}: {error.strerror}") from None
    finally:
        for temporary in written.values():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
    return tuple(targets.values())


def _more(number: int) -> str:
    return f" (and {number} more)" if number > 0 else ""


def _targets(names: Mapping[str, str], paths: Sequence[str], folder: Path) -> dict[str, Path]:
    targets: dict[str, Path] = {}
    owners: dict[Path, str] = {}
    for name in names:
        target = folder / _relative(name, paths)
        if target in owners:
            raise OutputError(f"{owners[target]} and {name} would both be {target}; write them one after the other")
        owners[target] = name
        targets[name] = target
    return targets


def _relative(name: str, paths: Sequence[str]) -> str:
    """The path below the folder that -f named; of a file that it named, the last part."""
    if name == _STDIN and "-" in paths:
        return _STDIN_FILE
    if name in paths:
        return os.path.basename(name)
    folders = [path for path in paths if Path(name).is_relative_to(path)]
    return os.path.relpath(name, max(folders, key=len)) if folders else os.path.basename(name)


def _content(name: str, text: str, stdin: bytes | None) -> bytes:
    """The bytes: those of the original, where nothing changed."""
    original = stdin if name == _STDIN and stdin is not None else Path(name).read_bytes()
    try:
        before = original.decode()
    except UnicodeDecodeError:
        return text.encode()  # UTF-16 becomes UTF-8
    if normal(before) == text:
        return original
    if "\r\n" in before and before.count("\n") == before.count("\r\n"):
        text = text.replace("\n", "\r\n")
    return (_MARK if original.startswith(_MARK) else b"") + text.encode()


def _beside(target: Path, content: bytes, name: str) -> str:
    """A new file in the folder of the target, with the permissions of the original."""
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            with contextlib.suppress(FileNotFoundError):  # standard input has none, and may hold secrets
                os.fchmod(file.fileno(), os.stat(name).st_mode & 0o777)
    except OSError:
        os.unlink(temporary)
        raise
    return temporary
