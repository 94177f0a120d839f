"""One host's Ingress objects, translated together into what the HTTP and the HTTPS listener serve for it.

Rules kept from ingress-nginx: the oldest Ingress wins a duplicate path; a host with TLS redirects cleartext with
308; the default backend takes what no other path of the host takes. One bad path spoils only itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.dialects.dialect import Claim, Claims, Options, Translation
from isthmus.dialects.ingress import claims as whose
from isthmus.dialects.ingress import controller_settings
from isthmus.dialects.ingress.hosts.one_host import translate_host
from isthmus.dialects.ingress.hosts.rules import Scene
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import Base, ConfigMap, Ingress
from isthmus.kube.store import Lookup


class IngressDialect:
    """networking.k8s.io/v1 Ingress, and the ConfigMaps of the controllers that they come from."""

    kinds: tuple[str, ...] = ("Ingress", "ConfigMap")

    def claims(self, obj: Base, look: Lookup, options: Options) -> Claims:
        """Which hosts an Ingress claims, and which keys of a ConfigMap nobody reads."""
        if isinstance(obj, ConfigMap):
            return Claims(diagnostics=controller_settings.judge(obj, options))
        return whose.claims(obj, look, options) if isinstance(obj, Ingress) else Claims()

    def translate(self, host: str, claims: Sequence[Claim], look: Lookup, options: Options) -> Translation:
        """All Ingress objects of one host; those of another one where it is only another name of that."""
        return translate_host(claims, Scene(host, look, options, Report()))
