"""A TLS pair as a value: does the key belong to the certificate, which hosts does it cover, until when.

Reads `kubernetes.io/tls` Secrets. May not know what the pair is used for; never lets key material into a message.
Rule: pem.py, which reads the PEM texts, is imported with the first Secret; its library is slow to load.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import functools
import importlib

from msgspec import Struct

from isthmus.kube.objects import Secret

CERT = "tls.crt"
KEY = "tls.key"


class Pair(Struct, frozen=True, gc=False):
    """A pair that works. `names` are the DNS and IP subjectAltNames; `issuer` and `subject` common names."""

    chain: bytes
    key: bytes
    names: tuple[str, ...]
    subject: str
    issuer: str
    not_before: datetime.datetime
    not_after: datetime.datetime

    def __repr__(self) -> str:
        return f"Pair(names={self.names!r}, key=<redacted>)"

    def covers(self, host: str) -> bool:
        """Whether clients that check names accept this certificate for the host (RFC 6125; CN does not count)."""
        parent = host.partition(".")[2]
        return any(name in (host, f"*.{parent}") for name in self.names)


class Broken(Struct, frozen=True, gc=False):
    """Why a Secret gives no usable pair; `field` is where in the Secret."""

    field: str
    reason: str


def parse_pair(secret: Secret) -> Pair | Broken:
    """Read and check the pair of a Secret."""
    chain = _value(secret, CERT)
    if isinstance(chain, Broken):
        return chain
    key = _value(secret, KEY)
    if isinstance(key, Broken):
        return key
    return _check(chain, key)


def _value(secret: Secret, name: str) -> bytes | Broken:
    plain = (secret.string_data or {}).get(name)
    if plain is not None:
        return plain.encode()
    encoded = (secret.data or {}).get(name)
    if encoded is None:
        return Broken("data", f"it has no {name}")
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return Broken("data", f"{name} is not base64")


@functools.lru_cache(maxsize=1024)
def _check(chain: bytes, key: bytes) -> Pair | Broken:
    found: Pair | Broken = importlib.import_module("isthmus.kube.pem").check(chain, key)
    return found
