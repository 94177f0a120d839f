"""A small certificate authority for demos and tests: keys and certificates as PEM bytes.

Never for production: keys are not encrypted. The rule: only subjectAltNames name a
server; the common name is for people.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
from collections.abc import Sequence

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

_CA_DAYS = 3650
_SKEW = datetime.timedelta(hours=1)  # clients whose clock is behind


class Authority(Struct, frozen=True):
    """Signs certificates. `chain_pem` is what servers send after theirs: empty for a root."""

    cert_pem: bytes
    key_pem: bytes
    chain_pem: bytes = b""

    def __repr__(self) -> str:
        return "Authority(key=<redacted>)"


class Pair(Struct, frozen=True):
    """What a server needs: its certificate followed by the intermediate ones, and its key."""

    cert_pem: bytes
    key_pem: bytes

    def __repr__(self) -> str:
        return "Pair(key=<redacted>)"


def authority(common_name: str, issuer: Authority | None = None) -> Authority:
    """A root, or an intermediate authority when there is an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(common_name, key.public_key(), _CA_DAYS, issuer)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    cert_pem = _sign(builder, key, issuer)
    return Authority(cert_pem, _key_pem(key), cert_pem + issuer.chain_pem if issuer else b"")


def leaf(
    issuer: Authority, hosts: Sequence[str], *, days: float = 90, with_san: bool = True, common_name: str | None = None
) -> Pair:
    """A server certificate for DNS names (`*.` allowed) and IP addresses, valid from now on for `days`.

    With 0 or less it has expired; without `with_san` only the common name says what it is for.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(hosts[0] if common_name is None else common_name, key.public_key(), days, issuer)
    builder = _end_entity(builder, ExtendedKeyUsageOID.SERVER_AUTH)
    if with_san:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return Pair(_sign(builder, key, issuer) + issuer.chain_pem, _key_pem(key))


def client(issuer: Authority, common_name: str, *, days: float = 90) -> Pair:
    """A certificate that a client shows of itself; with `days` of 0 or less it has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _end_entity(_builder(common_name, key.public_key(), days, issuer), ExtendedKeyUsageOID.CLIENT_AUTH)
    return Pair(_sign(builder, key, issuer) + issuer.chain_pem, _key_pem(key))


def revocation_list(issuer: Authority, revoked: Sequence[Pair]) -> bytes:
    """The certificates of an authority that no longer count, as a signed PEM list."""
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=x509.load_pem_x509_certificate(issuer.cert_pem).subject,
        last_update=now - _SKEW,
        next_update=now + datetime.timedelta(days=30),
    )
    for pair in revoked:
        serial = x509.load_pem_x509_certificate(pair.cert_pem).serial_number
        entry = x509.RevokedCertificateBuilder(serial, now - _SKEW)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(_load_key(issuer), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def secret_manifest(namespace: str, name: str, pair: Pair) -> str:
    """The Secret of type kubernetes.io/tls, as YAML."""
    data = {"tls.crt": pair.cert_pem, "tls.key": pair.key_pem}
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name},
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(pem).decode() for key, pem in data.items()},
    }
    return yaml.safe_dump(document, sort_keys=False)


def _builder(
    common_name: str, key: ec.EllipticCurvePublicKey, days: float, issuer: Authority | None
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    end = now + datetime.timedelta(days=days)
    subject = _name(common_name)
    signer_key = _load_key(issuer).public_key() if issuer else key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.load_pem_x509_certificate(issuer.cert_pem).subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, end) - _SKEW)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer_key), critical=False)
    )


def _end_entity(builder: x509.CertificateBuilder, purpose: x509.ObjectIdentifier) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    return builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, issuer: Authority | None) -> bytes:
    signed = builder.sign(_load_key(issuer) if issuer else key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _load_key(issuer: Authority) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(issuer.key_pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
