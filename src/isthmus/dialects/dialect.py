"""What a dialect is: it says which hosts an object claims, and translates all claims of one host together.

Both are pure and read the store only through the Lookup they are given, so that a change of any object dirties
exactly the units that read it. Problems are returned in the Translation, never raised.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from isthmus.ir.backend import ServicePortRef
from isthmus.ir.host import HostConfig
from isthmus.ir.listener import Certificate, HostTls
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.objects import Base
from isthmus.kube.store import Lookup


class Options(Struct, frozen=True):
    """What the operator decides, the same for all objects.

    `classes` are the IngressClass names that are served; the ports are what clients connect to; `now` judges
    certificates. `controller_config` is the `namespace/name` of the ConfigMap of the controller that the objects come
    from; empty is that controller's usual one. `without` are names of quirks that are left out.
    """

    now: datetime.datetime
    classes: tuple[str, ...] = ("nginx",)
    http_port: int = 80
    https_port: int = 443
    allow_external_name: bool = False
    controller_config: str = ""
    without: frozenset[str] = frozenset()


class Parts(Struct, frozen=True, gc=False):
    """Which parts of an object are about one host, by index: so that 10,000 hosts in one object cost 10,000 steps.

    With `of` they are those of another host, of which this one is another name or, with `redirects`, one that
    redirects there.
    """

    rules: tuple[int, ...] = ()
    tls: tuple[int, ...] = ()
    of: str = ""
    redirects: bool = False


class Claims(Struct, frozen=True):
    """The hosts that one object claims, and what is wrong with the object as a whole."""

    hosts: Mapping[str, Parts] = {}
    diagnostics: tuple[Diagnostic, ...] = ()


class Claim(Struct, frozen=True):
    """One object's claim of one host. `other` is set for claims of the hosts that this one is another name of."""

    obj: Base
    parts: Parts
    other: str = ""


class Translation(Struct, frozen=True):
    """One host, translated: a HostConfig for each listener that serves it.

    `tls` is there for hosts whose TLS is not as everybody's. `certificate_lost` says that a certificate was asked for
    and the Secret gives none: the last good one stays.
    """

    hosts: tuple[HostConfig, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    certificate_lost: bool = False
    tls: tuple[HostTls, ...] = ()
    services: tuple[ServicePortRef, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


class Dialect(Protocol):
    """A language that manifests are written in."""

    kinds: tuple[str, ...]

    def claims(self, obj: Base, look: Lookup, options: Options) -> Claims:
        """Which hosts the object claims; `*` is every host."""
        ...

    def translate(self, host: str, claims: Sequence[Claim], look: Lookup, options: Options) -> Translation:
        """All claims of one host, translated together."""
        ...
