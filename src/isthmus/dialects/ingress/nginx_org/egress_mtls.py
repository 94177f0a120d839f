"""The egressMTLS Policy: the certificate that the gateway shows to a backend, and how it judges the backend's.

Counts where the Service is spoken to with TLS. Rule: what is to be verified is, for a name that is given; nginx's own
default for that name is one that no certificate has.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar import openssl_ciphers
from isthmus.dialects.ingress.nginx_org.attached import Attached, Broken, Changed, Refused, secret_of
from isthmus.dialects.ingress.view import View
from isthmus.ir.backend import Trust
from isthmus.ir.private import PrivateBytes
from isthmus.kube import certificates
from isthmus.kube.authorities import parse_authorities
from isthmus.kube.policy_spec import EgressMtls

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_VERSIONS = {"TLSv1": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2", "TLSv1.3": "1.3"}
_DEPTHS = range(1, 101)


def apply(view: View, attached: Attached, draft: Draft) -> Changed:
    """Show and judge certificates as the Policy says."""
    asked = attached.policy.spec.egress_mtls
    assert asked is not None
    settled = _settled(asked)
    if not isinstance(settled, Trust):
        return settled
    trust = _judging(view, attached, asked, settled)
    if isinstance(trust, Trust) and asked.tls_secret:
        trust = _showing(view, attached, asked.tls_secret, trust)
    if isinstance(trust, Broken):
        return trust
    if not draft.tls:
        view.differs(attached.key, "egressMTLS counts where nginx.org/ssl-services names the Service, as in nginx")
    return replace(draft, trust=trust)


def _settled(asked: EgressMtls) -> Trust | Broken | Refused:
    """What needs no Secret."""
    names = asked.protocols.split()
    versions = [_VERSIONS.get(name, "") for name in names]
    depth = 1 if asked.verify_depth is None else asked.verify_depth
    if not all(versions) or depth not in _DEPTHS:
        return Broken("egressMTLS.protocols or verifyDepth cannot be read")
    if asked.ssl_name and not _NAME.fullmatch(asked.ssl_name):
        return Refused(f"sslName {asked.ssl_name[:60]!r} is no plain name", "write the name of the certificate")
    if asked.verify_server and not asked.ssl_name:
        return Refused("verifyServer without sslName compares with a name of nginx's own", "add sslName")
    ciphers = () if asked.ciphers in ("", "DEFAULT") else openssl_ciphers.parse(asked.ciphers).names
    if not ciphers and asked.ciphers not in ("", "DEFAULT"):
        return Broken(f"egressMTLS.ciphers is {asked.ciphers[:60]!r}, and Envoy has none of them")
    ends = (min(versions), max(versions)) if versions else ()
    name = asked.ssl_name if asked.verify_server or asked.server_name else ""
    return Trust(name=name, depth=depth if asked.verify_server else 0, ciphers=ciphers, versions=ends)


def _judging(view: View, attached: Attached, asked: EgressMtls, trust: Trust) -> Trust | Broken:
    if not asked.verify_server:
        return trust
    secret = secret_of(view, attached, asked.trusted_cert_secret)
    if isinstance(secret, Broken):
        return secret
    found = parse_authorities(secret)
    if isinstance(found, str) or found.revoked:
        reason = found if isinstance(found, str) else "a list of those who were revoked cannot be had for backends"
        return Broken(f"Secret {secret.metadata.name}: {reason}")
    return replace(trust, ca_pem=found.certificates)


def _showing(view: View, attached: Attached, name: str, trust: Trust) -> Trust | Broken:
    secret = secret_of(view, attached, name)
    if isinstance(secret, Broken):
        return secret
    pair = certificates.parse_pair(secret)
    if isinstance(pair, certificates.Broken):
        return Broken(f"Secret {name}: {pair.reason}")
    return replace(trust, chain_pem=pair.chain, key_pem=PrivateBytes(pair.key))
