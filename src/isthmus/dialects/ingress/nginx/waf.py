"""enable-modsecurity, enable-owasp-core-rules and modsecurity-*: a web application firewall, which Envoy does not have.

Nothing is applied: asking for one closes the path, because what it was to keep out would come in.
"""

from __future__ import annotations

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.handling import Annotation, Handling

_WHY = "Envoy has no ModSecurity; put a web application firewall before or behind the gateway"


def _refused(name: str, takes: str, default: str) -> Annotation:
    return Annotation(f"nginx.ingress.kubernetes.io/{name}", takes, default, Handling.REFUSED, _WHY, restricts=True)


FEATURE = Feature(
    title="Web application firewall",
    about="ModSecurity and the OWASP core rules inspect requests inside nginx. Envoy has nothing like them, and "
    "serving without them would let in what they keep out, so the paths are closed. Switched off, they ask for "
    "nothing.",
    annotations=(
        _refused("enable-modsecurity", "boolean", "false"),
        _refused("enable-owasp-core-rules", "boolean", "false"),
        _refused("modsecurity-transaction-id", "nginx variables", "none"),
        _refused("modsecurity-snippet", "ModSecurity rules", "none"),
    ),
)
