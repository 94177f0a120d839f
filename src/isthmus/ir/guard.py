"""What must be true of a connection before any route of its host is looked at.

A host's own TLS settings (`ir.listener.HostTls`) judge a handshake; a Guard makes sure that what was judged for one
host never counts for another, and that no route is reached without it, whatever routes the host has.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from isthmus.ir.template import Template


class ClientCertificates(enum.Enum):
    """Whether clients of a host must show a certificate, and who judges it."""

    REQUIRED = "required"  # a request without a verified one is answered 400
    OPTIONAL = "optional"  # none is fine, a bad one is not
    UNJUDGED = "unjudged"  # any is fine; the backend is told


class Guard(Struct, frozen=True, gc=False):
    """The connection must have been made under the TLS settings of `host`, else 421.

    Its client's certificate must be as `clients` says, else 400 or, with `error_page`, 302 to there.
    """

    host: str
    clients: ClientCertificates
    error_page: Template = ()
