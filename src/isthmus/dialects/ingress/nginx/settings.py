"""Keys of ingress-nginx's ConfigMap that no annotation has for its default: those that are read, and those that
change nothing here, with the reason. Every other key is a finding."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from isthmus.dialects.ingress.nginx import hsts, shared_headers
from isthmus.kube.objects import ConfigMap

CONFIG_MAP = "ingress-nginx/ingress-nginx-controller"
REDIRECT_CODE = "http-redirect-code"
IN_CLEAR = "no-tls-redirect-locations"
NO_AUTH = "no-auth-locations"

_REDIRECT_CODES = {"301": 301, "302": 302, "307": 307, "308": 308}
_CHALLENGES = "/.well-known/acme-challenge"

READ = (
    hsts.SETTINGS
    | frozenset({REDIRECT_CODE, IN_CLEAR, NO_AUTH})
    | frozenset({shared_headers.ADD, shared_headers.SET, shared_headers.HIDE})
    | frozenset(
        {
            "allow-snippet-annotations",
            "block-cidrs",
            "global-allowed-response-headers",
            "global-auth-always-set-cookie",
            "global-auth-cache-duration",
            "global-auth-cache-key",
            "global-auth-method",
            "global-auth-request-redirect",
            "global-auth-response-headers",
            "global-auth-signin",
            "global-auth-signin-redirect-param",
            "global-auth-snippet",
            "global-auth-url",
            "limit-conn-status-code",
            "limit-req-status-code",
            "location-snippet",
            "server-snippet",
        }
    )
)

_ENVOY = "Envoy manages it by itself"
_NGINX = "it tunes nginx's processes, which do not run here"
_CLIENT = "which proxies in front are believed is said to the gateway: isthmus run --trusted-hops N"
_RISK = "risks of annotations come from text that nginx runs; nothing of an annotation is run here"
IDLE: Mapping[str, str] = MappingProxyType(
    {
        "allow-cross-namespace-resources": "objects of other namespaces are not used, whatever the value",
        "annotations-risk-level": _RISK,
        "strict-validate-path-type": "paths that their type does not allow are reported here",
        "use-gzip": "answers go to clients as the backend encoded them",
        "enable-brotli": "answers go to clients as the backend encoded them",
        "use-http2": "HTTP/2 is always offered over TLS",
        "server-tokens": "no version of the gateway is told to clients",
        "worker-processes": _NGINX,
        "worker-shutdown-timeout": _NGINX,
        "worker-cpu-affinity": _NGINX,
        "max-worker-connections": _NGINX,
        "max-worker-open-files": _NGINX,
        "reuse-port": _NGINX,
        "enable-multi-accept": _NGINX,
        "variables-hash-bucket-size": _NGINX,
        "variables-hash-max-size": _NGINX,
        "server-name-hash-bucket-size": _NGINX,
        "server-name-hash-max-size": _NGINX,
        "map-hash-bucket-size": _NGINX,
        "proxy-headers-hash-bucket-size": _NGINX,
        "proxy-headers-hash-max-size": _NGINX,
        "client-header-buffer-size": _ENVOY,
        "client-header-timeout": _ENVOY,
        "client-body-timeout": _ENVOY,
        "large-client-header-buffers": _ENVOY,
        "keep-alive": _ENVOY,
        "keep-alive-requests": _ENVOY,
        "upstream-keepalive-connections": _ENVOY,
        "upstream-keepalive-requests": _ENVOY,
        "upstream-keepalive-time": _ENVOY,
        "upstream-keepalive-timeout": _ENVOY,
        "ssl-session-cache": _ENVOY,
        "ssl-session-cache-size": _ENVOY,
        "ssl-session-tickets": _ENVOY,
        "ssl-session-timeout": _ENVOY,
        "ssl-buffer-size": _ENVOY,
        "use-forwarded-headers": _CLIENT,
        "compute-full-forwarded-for": _CLIENT,
        "enable-real-ip": _CLIENT,
        "forwarded-for-header": _CLIENT,
        "proxy-real-ip-cidr": _CLIENT,
    }
)


def redirect_status(found: ConfigMap | None) -> int:
    """The status of redirects to HTTPS and to or from www."""
    return _REDIRECT_CODES.get(_text(found, REDIRECT_CODE), 308)


def in_clear(found: ConfigMap | None) -> tuple[str, ...]:
    """Beginnings of paths that are never redirected to HTTPS: by default that of ACME's challenges."""
    return _parts(_text(found, IN_CLEAR) or _CHALLENGES)


def without_auth(found: ConfigMap | None) -> tuple[str, ...]:
    """Beginnings of paths that ask for no password and no authorization server: by default that of ACME's challenges,
    with an empty list none."""
    given = found is not None and NO_AUTH in (found.data or {})
    return _parts(_text(found, NO_AUTH) if given else _CHALLENGES)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def problem(key: str, value: str) -> str:
    """What was expected of a value that cannot be used; empty where all is well."""
    if key == REDIRECT_CODE and value.strip() not in _REDIRECT_CODES:
        return "301, 302, 307 or 308"
    if key == "hsts-max-age" and not hsts.is_age(value.strip()):
        return "a whole number of seconds"
    return ""


def _text(found: ConfigMap | None, key: str) -> str:
    return ((found.data or {}).get(key, "") if found is not None else "")[:65_536].strip()
