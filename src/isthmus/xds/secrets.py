"""Certificates to TLS secrets, stored under the host that they are for.

Envoy asks for a secret by the SNI of a handshake and wants it back under that very name: `named` puts it in.
"""

from __future__ import annotations

from isthmus.ir.listener import Certificate
from isthmus.xds import api
from isthmus.xds.resources import SECRET, Resource, resource


def emit_secret(certificate: Certificate) -> Resource:
    """The pair of one host."""
    message = api.Secret(
        tls_certificate={
            "certificate_chain": {"inline_bytes": certificate.chain},
            "private_key": {"inline_bytes": bytes(certificate.key)},
        }
    )
    return resource(SECRET, certificate.host, message)


def named(resource: Resource, sni: str) -> Resource:
    """The same pair under the name that Envoy asked for. Field 1 is the name; fields may come in any order."""
    return Resource(SECRET, sni, api.Secret(name=sni).SerializeToString() + resource.body, resource.version)
