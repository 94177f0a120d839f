"""Text that others wrote, such as the names in a server's descriptors, fit to be put into messages.

Rule: whatever a server sends, a message stays one line of bounded length and moves no cursor.
"""

from __future__ import annotations

_MOST = 300


def shown(text: object) -> str:
    """One line without control characters (they are escaped), cut after some 300 characters."""
    whole = str(text)
    line = "".join(letter if letter.isprintable() else _escaped(letter) for letter in whole[:_MOST])
    return f"{line[:_MOST]}..." if len(whole) > _MOST or len(line) > _MOST else line


def paragraph(text: str) -> str:
    """Several lines as they are, but for control characters, which are left out."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _escaped(letter: str) -> str:
    return f"\\x{ord(letter):02x}"
