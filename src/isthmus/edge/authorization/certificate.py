"""Who a client's certificate says that it is: its subject and issuer, as nginx writes them (RFC 2253).

Envoy has judged the certificate before, or was told not to; here it is only read.
"""

from __future__ import annotations

import functools
import importlib
import urllib.parse
from typing import NamedTuple

_LONGEST = 65_536


class Names(NamedTuple):
    """Distinguished names, the most specific part first: `CN=client,O=Example`."""

    subject: str
    issuer: str


@functools.lru_cache(maxsize=256)
def names(encoded: str) -> Names:
    """Of a certificate in URL-encoded PEM; empty ones where it cannot be read."""
    x509 = importlib.import_module("cryptography.x509")  # slow to load, and few routes want it
    short = {
        x509.NameOID.EMAIL_ADDRESS: "emailAddress",
        x509.NameOID.SERIAL_NUMBER: "serialNumber",
        x509.NameOID.SURNAME: "SN",
        x509.NameOID.GIVEN_NAME: "GN",
        x509.NameOID.TITLE: "title",
    }
    try:
        found = x509.load_pem_x509_certificate(urllib.parse.unquote_to_bytes(encoded[:_LONGEST]))
        return Names(found.subject.rfc4514_string(short), found.issuer.rfc4514_string(short))
    except ValueError:
        return Names("", "")
