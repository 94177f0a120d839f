"""What Envoy made of a wildcard host, as it is remembered beyond the control plane's own end.

Values alone: wildcards.py decides, last_good.py writes them down. Rule: everything in them can be read back.
"""

from __future__ import annotations

from msgspec import Struct

from isthmus.ir.backend import ServicePortRef
from isthmus.ir.host import HostConfig
from isthmus.ir.transcoding import Transcoding
from isthmus.kube.refs import ObjectRef


class Version(Struct, frozen=True, gc=False):
    """A host as it was translated, and the schemas that were known of its APIs."""

    config: HostConfig
    planned: tuple[tuple[ServicePortRef, Transcoding], ...] = ()


class Standing(Struct, frozen=True):
    """The last version of a host that Envoy accepted, and one that it refused, and why."""

    listener: str
    host: str
    good: Version | None = None
    bad: Version | None = None
    message: str = ""

    @property
    def behind(self) -> tuple[ObjectRef, ...]:
        """The objects that the refused version was made from."""
        return tuple(sorted({route.origin.ref for route in self.bad.config.routes})) if self.bad is not None else ()
