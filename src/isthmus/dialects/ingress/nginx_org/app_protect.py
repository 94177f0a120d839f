"""app-protect-*: F5's web application firewall and its protection against floods, which only run inside NGINX Plus."""

from __future__ import annotations

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.handling import Annotation, Handling

_WAF = "F5 WAF for NGINX is a module of NGINX Plus; put a firewall of your own before the gateway"
_DOS = "F5 DoS for NGINX is a module of NGINX Plus; rate limits and Envoy's overload manager are what there is here"
_LOG = "it is about the firewall, which app-protect-enable asks for and which is refused"


def _waf(name: str, takes: str, note: str = _LOG, handling: Handling = Handling.NO_EFFECT) -> Annotation:
    refused = handling is Handling.REFUSED
    return Annotation(f"appprotect.f5.com/{name}", takes, "", handling, note, restricts=refused)


FEATURE = Feature(
    title="App Protect",
    about="F5's web application firewall and its protection against floods run inside NGINX Plus only. A path that "
    "asks for them is closed, because it would be open to what they keep out.",
    annotations=(
        _waf("app-protect-enable", "boolean", _WAF, Handling.REFUSED),
        _waf("app-protect-policy", "name of an APPolicy"),
        _waf("app-protect-security-log-enable", "boolean"),
        _waf("app-protect-security-log", "names of APLogConfs"),
        _waf("app-protect-security-log-destination", "syslog addresses"),
        Annotation(
            "appprotectdos.f5.com/app-protect-dos-resource",
            "name of a DosProtectedResource",
            "",
            Handling.REFUSED,
            _DOS,
            restricts=True,
        ),
    ),
)
