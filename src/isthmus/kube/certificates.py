"""A TLS pair as a value: does the key belong to the certificate, which hosts does it cover, until when.

Reads `kubernetes.io/tls` Secrets. May not know what the pair is used for; never lets key material into a message.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import functools
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID
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
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError:
        return Broken("data", f"{CERT} is not a PEM certificate chain")
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except TypeError:
        return Broken("data", f"{KEY} is encrypted; Envoy needs it without a passphrase")
    except Exception as error:  # noqa: BLE001 - cryptography raises many kinds for many kinds of junk
        return Broken("data", f"{KEY} is not a PEM private key ({type(error).__name__})")
    leaf = certificates[0]
    if _spki(leaf.public_key()) != _spki(private.public_key()):
        return Broken("data", f"{KEY} does not belong to the first certificate of {CERT}")
    return Pair(
        chain=chain,
        key=key,
        names=_names(leaf),
        subject=_common_name(leaf.subject),
        issuer=_common_name(leaf.issuer),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
    )


def _spki(key: object) -> bytes:
    encode = key.public_bytes  # type: ignore[attr-defined]
    der: bytes = encode(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return der


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    names = extension.value.get_values_for_type(x509.DNSName)
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Network | ipaddress.IPv6Network]
    addresses = list(extension.value.get_values_for_type(x509.IPAddress))
    return tuple(name.lower() for name in names) + tuple(str(address) for address in addresses)


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""
