"""The ingressMTLS Policy: clients of the host must show a certificate that an authority in a Secret has signed.

It is for a whole host, as in the controller, and needs TLS there. Rule: without authorities that can be read nobody
gets in.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.nginx_org.attached import Attached, Broken, Changed, Refused, secret_of
from isthmus.dialects.ingress.tls_asks import ClientAsk
from isthmus.dialects.ingress.view import View
from isthmus.ir.listener import ClientCertificates
from isthmus.kube.authorities import parse_authorities

CA_TYPE = "nginx.org/ca"
_MODES = {
    "": ClientCertificates.REQUIRED,
    "on": ClientCertificates.REQUIRED,
    "optional": ClientCertificates.OPTIONAL,
    "optional_no_ca": ClientCertificates.UNJUDGED,
    "off": None,
}
_LONGEST_CHAIN = 100


def apply(view: View, attached: Attached, draft: Draft) -> Changed:
    """Ask clients for certificates as the Policy says."""
    asked = attached.policy.spec.ingress_mtls
    assert asked is not None
    if asked.crl_file_name:
        return Refused("crlFileName is a file of the controller's own", "put ca.crl into the Secret")
    depth = 1 if asked.verify_depth is None else asked.verify_depth
    if asked.verify_client not in _MODES or not 0 < depth <= _LONGEST_CHAIN:
        return Broken("ingressMTLS.verifyClient or verifyDepth cannot be read")
    secret = secret_of(view, attached, asked.client_cert_secret)
    if isinstance(secret, Broken):
        return secret
    if secret.type != CA_TYPE:
        return Broken(f"Secret {secret.metadata.name}: its type is {secret.type}, expected {CA_TYPE}")
    found = parse_authorities(secret)
    if isinstance(found, str):
        return Broken(f"Secret {secret.metadata.name}: {found}")
    mode = _MODES[asked.verify_client]
    asks = ClientAsk(attached.key, found.certificates, found.revoked, mode, depth)
    return replace(draft, host_tls=replace(draft.host_tls, clients=asks))
