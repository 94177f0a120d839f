"""Certificate authorities of a Secret, and who they have revoked, as PEM that holds nothing else.

Rule: what is let through can be loaded by every TLS library; a reason names the key and never what the Secret holds.
pem.py, which reads the texts, is imported with the first Secret; its library is slow to load.
"""

from __future__ import annotations

import functools
import importlib
from typing import NamedTuple

from isthmus.kube.objects import Secret
from isthmus.kube.secret_values import keys, value

CA = "ca.crt"
CRL = "ca.crl"


class Authorities(NamedTuple):
    """PEM of at least one certificate; `revoked` is PEM of revocation lists, or empty."""

    certificates: bytes
    revoked: bytes = b""


def parse_authorities(secret: Secret) -> Authorities | str:
    """The authorities of a Secret, or why there are none."""
    certificates = value(secret, CA)
    if isinstance(certificates, str):
        return certificates
    revoked: bytes | str = value(secret, CRL) if CRL in keys(secret) else b""
    if isinstance(revoked, str):
        return revoked
    return _check(certificates, revoked)


@functools.lru_cache(maxsize=1024)
def _check(certificates: bytes, revoked: bytes) -> Authorities | str:
    found: Authorities | str = importlib.import_module("isthmus.kube.pem").check_authorities(certificates, revoked)
    return found
