"""Values of a Secret, whichever of its two forms they stand in; or the reason why there is none.

Rule: a reason names the key and never what the Secret holds.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from isthmus.kube.objects import Secret


def value(secret: Secret, key: str) -> bytes | str:
    """What stands under a key, or why nothing can be read there."""
    plain = (secret.string_data or {}).get(key)
    if plain is not None:
        return plain.encode("utf-8", "replace")
    encoded = (secret.data or {}).get(key)
    if encoded is None:
        return f"it has no {key}"
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return f"{key} is not base64"


def text(secret: Secret, key: str) -> tuple[str, str]:
    """The text that stands under a key, and why there is none; one of the two is empty."""
    found = value(secret, key)
    if isinstance(found, str):
        return "", found
    try:
        decoded = found.decode()
    except UnicodeDecodeError:
        return "", f"{key} is no UTF-8 text"
    return (decoded, "") if decoded.strip() else ("", f"{key} is empty")


def keys(secret: Secret) -> Iterator[str]:
    """All keys, in order."""
    yield from sorted({*(secret.data or {}), *(secret.string_data or {})})
