"""Key material, kept out of everything that is printed."""

from __future__ import annotations


class PrivateBytes(bytes):
    """Key material: its printed forms never show it."""

    def __repr__(self) -> str:
        return f"<{len(self)} private bytes>"

    __str__ = __repr__


class PrivateText(str):
    """A password's hash: its printed form never shows it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} private characters>"
