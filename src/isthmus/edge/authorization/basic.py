"""HTTP basic authentication (RFC 7617): what the header says, and what is answered to whoever is not let in.

May not know how passwords are judged. Rule: bytes are compared as they were sent, and whatever is no proper header
counts as none.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from isthmus.edge.authorization.verdict import UNAUTHORIZED, Denied

_LONGEST_PASSWORD = 1_024  # bytes: the time that a hash takes grows with it
_LONGEST_HEADER = 4_096


class Credentials(NamedTuple):
    """What a client says: a name, and a password in bytes."""

    user: str
    password: bytes


def credentials(header: str) -> Credentials | None:
    """What an Authorization header says; None where it says nothing that can be judged."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(header) > _LONGEST_HEADER:
        return None
    try:
        user, mark, password = base64.b64decode(value.strip(), validate=True).partition(b":")
        if not mark or not user or b"\0" in password or len(password) > _LONGEST_PASSWORD:
            return None
        return Credentials(user.decode(), password)
    except (binascii.Error, ValueError):
        return None


def challenge(realm: str) -> Denied:
    """Ask for a name and a password."""
    return Denied(UNAUTHORIZED, "authorization required", (("www-authenticate", f"Basic realm={quoted(realm)}"),))


def quoted(text: str) -> str:
    """A quoted string (RFC 9110, 5.6.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
