"""Reads PEM: does a key belong to its certificate, which names does it cover, until when; who are the authorities.

Imported by certificates.py and authorities.py with the first Secret, because the library costs as much to load as
everything else of a gateway that serves cleartext. Rule: no exception and no message ever shows key material.
"""

from __future__ import annotations

import ipaddress
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from isthmus.kube.authorities import CA, CRL, Authorities
from isthmus.kube.certificates import CERT, KEY, Broken, Pair

_CURVES = ("secp256r1", "secp384r1", "secp521r1")


def check(chain: bytes, key: bytes) -> Pair | Broken:
    """The pair, or why it is none."""
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
    if not _strong(private):
        return Broken("data", f"{KEY} is of a kind that Envoy refuses; use RSA of 2048 bits or more, or ECDSA P-256")
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


_LIST = re.compile(rb"-----BEGIN X509 CRL-----[^-]{1,50000000}-----END X509 CRL-----")


def check_authorities(certificates: bytes, revoked: bytes) -> Authorities | str:
    """The authorities and their revocation lists, written anew; or why they are none."""
    try:
        found = x509.load_pem_x509_certificates(certificates)
        lists = [x509.load_pem_x509_crl(each) for each in _LIST.findall(revoked)]
        for each in found:
            each.public_key(), each.extensions  # raises where Envoy would refuse it
        for crl in lists:
            crl.extensions, len(crl)
    except Exception as error:  # noqa: BLE001 - cryptography raises many kinds for many kinds of junk
        return f"{CA} or {CRL} is not PEM that can be read ({type(error).__name__})"
    if revoked.strip() and not lists:
        return f"{CRL} holds no revocation list"
    if not any(_is_authority(each) for each in found):
        return f"{CA} holds no certificate of an authority"
    unique = {each.fingerprint(hashes.SHA256()): each for each in found}
    pem = serialization.Encoding.PEM
    return Authorities(
        b"".join(each.public_bytes(pem) for each in unique.values()), b"".join(each.public_bytes(pem) for each in lists)
    )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.subject == certificate.issuer  # of old


def _strong(private: object) -> bool:
    if isinstance(private, rsa.RSAPrivateKey):
        return private.key_size >= 2048
    return isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES


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
