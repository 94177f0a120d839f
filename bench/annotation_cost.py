"""CPU of Envoy per HTTP/1.1 request: one host for each family of annotations against a host without any.

All hosts are on one gateway and lead to one backend, so the same Envoy is measured in turn; ratios are taken round by
round. What asks another process (authorization) costs that process too; its CPU is a row of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.load import Request, Shape, rest, run
from bench.processes import PROXY_CPU, REST_CPU, Gateway, answering_envoy, cpu_seconds
from bench.proxy_cost import pinned_to
from bench.row import Row, ratios

_N = "nginx.ingress.kubernetes.io/"
_LEAN = "lean"
# Host -> annotations. Values let every request through: what is refused costs less.
FAMILIES: dict[str, dict[str, str]] = {
    _LEAN: {},
    "timeouts": {"proxy-read-timeout": "3600", "proxy-send-timeout": "3600"},
    "rewrite": {"rewrite-target": "/$1"},
    "headers": {"upstream-vhost": "inner.test", "x-forwarded-prefix": "/x", "rewrite-target": "/"},
    "custom-headers": {"custom-headers": "default/headers"},
    "cors": {"enable-cors": "true"},
    "sources": {"allowlist-source-range": "0.0.0.0/0,::/0"},
    "denied": {"denylist-source-range": "203.0.113.0/24"},
    "rate": {"limit-rps": "100000"},
    "bodies": {"proxy-body-size": "8m"},
    "session": {"affinity": "cookie"},
    "persistent": {"affinity": "cookie", "affinity-mode": "persistent"},
    "hash": {"upstream-hash-by": "$request_uri"},
    "retries": {"proxy-next-upstream": "error timeout http_502", "proxy-next-upstream-tries": "2"},
    "errors": {"custom-http-errors": "404,503", "default-backend": "echo"},
    "mirror": {"mirror-target": "http://echo.default.svc.cluster.local$request_uri"},
    "basic-auth": {"auth-type": "basic", "auth-secret": "users"},
    "external-auth": {"auth-url": "http://echo.default.svc.cluster.local/auth"},
}
_BODY = b'{"name": "world"}'
_SENT = {
    "basic-auth": ("authorization", "Basic dXNlcjpwYXNz"),  # user:pass
    "session": ("cookie", "a=b; INGRESSCOOKIE=0123456789"),  # as all but a client's first request
}
_OBJECTS = """apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: headers}
data: {X-A: one, X-B: two}
---
apiVersion: v1
kind: Secret
metadata: {name: users}
stringData: {auth: 'user:{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ='}
"""
_INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{notes}}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: {name}.test
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: echo, port: {{number: 80}}}}}}}}]}}
"""


def measure(quick: bool) -> Iterator[Row]:
    """Microseconds for the lean host, then each family's ratio to it."""
    rounds, calls = (3, 2_000) if quick else (10, 5_000)
    cost: dict[str, list[float]] = {name: [] for name in FAMILIES}
    with tempfile.TemporaryDirectory() as folder, pinned_to(REST_CPU), answering_envoy() as upstream:
        (Path(folder) / "all.yaml").write_text(manifests())
        endpoint = f"default/echo=127.0.0.1:{upstream}"
        arguments = ["-f", folder, "--endpoint", endpoint, "--concurrency", "1"]
        with Gateway(arguments, cpu=PROXY_CPU) as gateway:
            gateway.event("ready")
            for index in range(rounds + 1):
                for name, samples in cost.items():
                    spent = _cost(gateway, name, calls)
                    if index:  # the first round warms up
                        samples.append(spent)
    yield Row("HTTP/1.1, no annotation", "us/request", tuple(cost[_LEAN]))
    for name in FAMILIES:
        if name != _LEAN:
            yield Row(f"HTTP/1.1, {name}: ratio to no annotation", "x", ratios(cost[name], cost[_LEAN]))


def manifests() -> str:
    """All hosts, with what they refer to."""
    ingresses = (
        _INGRESS.format(name=name, notes=", ".join(f'{_N}{key}: "{value}"' for key, value in notes.items()))
        for name, notes in FAMILIES.items()
    )
    return _OBJECTS + "".join(ingresses)


def _cost(gateway: Gateway, name: str, calls: int) -> float:
    asked = rest("/x", _BODY)
    extra = (_SENT[name],) if name in _SENT else ()
    before = cpu_seconds(gateway.envoy)
    run(
        gateway.http_port,
        Request(asked.path, _BODY, (*asked.headers, *extra), f"{name}.test"),
        Shape(16, 1, True),
        calls,
    )
    return (cpu_seconds(gateway.envoy) - before) / calls * 1e6
