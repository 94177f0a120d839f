"""keepalive, max-conns, max-fails, fail-timeout, use-cluster-ip, upstream-zone-size, upstream-vhost and
proxy-http-version: what is asked of endpoints, and how they are spoken to.

Defaults of the controller: an endpoint that failed once gets nothing for 10 seconds. Source: NGINX Ingress
Controller's annotations; nginx, ngx_http_upstream_module, server.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.upstream_host import upstream_host
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org.variables import constants
from isthmus.dialects.ingress.view import View
from isthmus.ir.backend import Ejection, Protocol

KEEPALIVE = "nginx.org/keepalive"
MAX_CONNS = "nginx.org/max-conns"
MAX_FAILS = "nginx.org/max-fails"
FAIL_TIMEOUT = "nginx.org/fail-timeout"
CLUSTER_IP = "nginx.org/use-cluster-ip"
ZONE = "nginx.org/upstream-zone-size"
HOST = "nginx.org/upstream-vhost"
VERSION = "nginx.org/proxy-http-version"

_MOST = 1_000_000


def _apply(view: View, draft: Draft) -> Draft:
    fails = view.integer(MAX_FAILS, 1, 0, _MOST)
    seconds = max(1, round(view.duration(FAIL_TIMEOUT, 10_000, low_ms=0) / 1000))
    if view.word(VERSION, ("1.0", "1.1", "2"), "") == "2":
        draft = replace(draft, protocol=Protocol.HTTP2)
    text = view.text(HOST)
    host = upstream_host(text, constants(view, draft)) if text else draft.host
    if isinstance(host, str):
        view.invalid(HOST, (text or "")[:200], f"a host name, or text with nginx's variables ({host})")
        host = draft.host
    return replace(
        draft,
        host=host,
        max_connections=view.integer(MAX_CONNS, 0, 0, _MOST),
        ejection=Ejection(fails, seconds) if fails else None,
        cluster_ip=view.boolean(CLUSTER_IP, False),
    )


FEATURE = Feature(
    title="Endpoints",
    about="How many connections an endpoint gets and when it is left alone. Failures are those to connect, broken "
    "connections and timeouts, as nginx counts them by default.",
    annotations=(
        Annotation(
            KEEPALIVE,
            "a number",
            "",
            Handling.NO_EFFECT,
            "Envoy keeps connections to endpoints open, as many as were needed",
            setting="keepalive",
        ),
        Annotation(
            MAX_CONNS,
            "a number; 0 is no limit",
            "0",
            Handling.DIFFERS,
            "requests that find no free connection get a 503 at once; HTTP/2 puts many requests on a connection",
        ),
        Annotation(
            MAX_FAILS,
            "a number; 0 never leaves an endpoint alone",
            "1",
            Handling.DIFFERS,
            "failures in a row count, not failures within fail-timeout",
            setting="max-fails",
        ),
        Annotation(FAIL_TIMEOUT, "nginx time", "10s", Handling.DIFFERS, "whole seconds", setting="fail-timeout"),
        Annotation(CLUSTER_IP, "boolean", "false"),
        Annotation(HOST, "host name, with variables", "the client's"),
        Annotation(
            VERSION,
            "1.0, 1.1 or 2",
            "2 where the Service's appProtocol says so, else 1.1",
            Handling.DIFFERS,
            "1.0 is spoken as 1.1",
            met_by="1[.]0",
        ),
        Annotation(
            ZONE,
            "nginx size",
            "256k",
            Handling.NO_EFFECT,
            "Envoy's workers share no memory zone for upstreams",
            setting="upstream-zone-size",
        ),
    ),
    apply=_apply,
    always=True,
)
