"""What one Ingress asks of its hosts' TLS: the part of a Draft that is about hosts and not about paths.

Several Ingresses may speak for a host; host_tls.py settles what counts.
"""

from __future__ import annotations

from msgspec import Struct

from isthmus.ir.listener import ClientCertificates
from isthmus.ir.template import Template


class ClientAsk(Struct, frozen=True, gc=False):
    """Certificates of clients. `key` is the annotation that asks, `authorities` are empty where it cannot be honoured.

    Without `mode` no certificate is asked for. `subject` is an RE2 expression, searched for in the certificate's
    subject.
    """

    key: str
    authorities: bytes = b""
    revoked: bytes = b""
    mode: ClientCertificates | None = ClientCertificates.REQUIRED
    depth: int = 1
    subject: str = ""
    error_page: Template = ()
    pass_certificate: bool = False


class TlsAsk(Struct, frozen=True, gc=False):
    """Everything. `ciphers` are names that Envoy knows, empty for its own choice; `ciphers_key` asks for them."""

    clients: ClientAsk | None = None
    ciphers: tuple[str, ...] = ()
    ciphers_key: str = ""
    client_order: bool = False
    passthrough: bool = False


NOTHING_ASKED = TlsAsk()
